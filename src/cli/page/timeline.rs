//! Growth over time, stacked by the families of keys that it comes from.

use std::fmt::Write;

use aofkit::growth::{Axis, FamilyLine, Timeline};
use aofkit::text::{count, escape, name, size, thousands};

use super::parts::{Cell, Picture, Section, Shape, Table, WIDE, clipped};
use super::seen::Seen;
use crate::cli::common::units::{duration, time};
use crate::cli::growth::text::peak_line;

const TOP: f64 = 26.0;
const HIGH: f64 = 220.0;
const LEFT: f64 = 84.0;

/// Steps of the picture at most.
const STEPS: usize = 120;

/// Events that are named at most.
const EVENTS: usize = 12;

pub fn growth(seen: &Seen) -> Section {
    let mut section = Section::new("Growth: when it was written, and by which keys");
    let timeline = &seen.growth.timeline;
    if timeline.buckets.is_empty() || timeline.buckets.iter().all(|bucket| bucket.bytes == 0) {
        section.lead.push("Nothing was appended to the log yet.".to_owned());
        return section;
    }
    if timeline.axis == Axis::Offset {
        let why = "There are too few timestamps in the log for an axis of time (aof-timestamp-enabled yes writes them): \
                   the picture goes along the log, from its first byte to its last.";
        section.lead.push(why.to_owned());
    }
    section.pictures.push(picture(seen));
    for (peak, number) in seen.growth.peaks.iter().zip(1..) {
        section.lead.push(clipped(&capital(&peak_line(number, peak, timeline.axis)), 300));
    }
    let events = events(seen);
    if !events.is_empty() {
        let rows = events.iter().take(EVENTS).map(|event| event.row()).collect();
        let head = [("What", false), ("When", false), ("Where", false)];
        let table = Table::new("Events", &head, rows);
        section.tables.push(table.with_more(events.len().saturating_sub(EVENTS)));
    }
    section.tables.push(families(seen));
    section
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Something that happened at one time.
struct Event {
    what: String,
    mark: &'static str,
    class: &'static str,
    at: Option<i64>,
    place: String,
}

impl Event {
    fn row(&self) -> Vec<Cell> {
        let when = self.at.map_or_else(|| "not known".to_owned(), time);
        vec![Cell::text(&*self.what), Cell::text(when), Cell::text(&*self.place)]
    }
}

fn events(seen: &Seen) -> Vec<Event> {
    let place = |segment: usize, at: u64| {
        let file = seen.aof.segments.get(segment).map(|one| clipped(&name(&one.name), 80));
        format!("{} byte {}", file.unwrap_or_default(), thousands(at))
    };
    let mut all = Vec::new();
    if let Some(at) = seen.report.moments.and_then(|moments| moments.base_saved) {
        let what = "the base was written (rewrite)".to_owned();
        all.push(Event {
            what,
            mark: "rewrite",
            class: "saved",
            at: Some(at),
            place: String::new(),
        });
    }
    for flush in &seen.deletes.last_flushes {
        let what = match flush.db {
            Some(db) => format!("FLUSHDB of database {db}"),
            None => "FLUSHALL".to_owned(),
        };
        let place = place(flush.segment, flush.at);
        all.push(Event { what, mark: "flush", class: "event", at: flush.time, place });
    }
    for storm in &seen.deletes.storms {
        let what = format!(
            "storm of deletions: {} in {}",
            count(storm.keys, "key"),
            count(storm.records, "command")
        );
        let place = place(storm.segment, storm.start);
        all.push(Event { what, mark: "storm", class: "event", at: storm.time, place });
    }
    all
}

/// Where things are in the picture.
struct Scale {
    start: i64,
    span: f64,
    highest: u64,
}

impl Scale {
    fn x(&self, at: i64) -> f64 {
        LEFT + (at.saturating_sub(self.start)) as f64 / self.span * (WIDE - LEFT - 4.0)
    }

    fn y(&self, bytes: u64) -> f64 {
        TOP + HIGH - bytes as f64 / self.highest.max(1) as f64 * HIGH
    }
}

fn picture(seen: &Seen) -> Picture {
    let timeline = &seen.growth.timeline.coarse(STEPS);
    let end = timeline.begins_at(timeline.buckets.len());
    let highest = timeline.buckets.iter().map(|bucket| bucket.bytes).max().unwrap_or(0);
    let span = end.saturating_sub(timeline.start).max(1) as f64;
    let scale = Scale { start: timeline.start, span, highest };
    let mut shapes = grid(timeline, &scale);
    let mut legend = Vec::new();
    let lines = seen.growth.families.as_deref().unwrap_or_default();
    if lines.is_empty() {
        let all: Vec<u64> = timeline.buckets.iter().map(|bucket| bucket.bytes).collect();
        shapes.push(area(timeline, &scale, (&vec![0; all.len()], &all), "c0", "all commands"));
    } else {
        layers(seen, timeline, &scale, &mut shapes, &mut legend);
    }
    for (peak, number) in seen.growth.peaks.iter().zip(1..) {
        let (from, to) = (scale.x(peak.from), scale.x(peak.to).min(WIDE - 4.0));
        shapes.push(Shape::rect(
            (from, TOP, (to - from).max(2.0), HIGH),
            "peak",
            format!("peak {number}"),
        ));
        shapes.push(Shape::text((from + to) / 2.0, TOP - 8.0, "mid", format!("peak {number}")));
    }
    if timeline.axis == Axis::Time {
        marks(seen, &scale, end, &mut shapes);
    }
    let what = if timeline.axis == Axis::Time { "over time" } else { "along the log" };
    let title = format!(
        "Bytes appended {what}: {} in {}",
        size(timeline.buckets.iter().map(|bucket| bucket.bytes).sum()),
        count(timeline.buckets.len() as u64, "interval")
    );
    Picture { title, height: TOP + HIGH + 46.0, shapes, legend }
}

/// One layer on the other.
fn layers(
    seen: &Seen,
    timeline: &Timeline,
    scale: &Scale,
    shapes: &mut Vec<Shape>,
    legend: &mut Vec<(String, String)>,
) {
    let lines = seen.growth.families.as_deref().unwrap_or_default();
    let mut below = vec![0_u64; timeline.buckets.len()];
    for (line, at) in lines.iter().zip(0..) {
        let class = if line.prefix == b"*" { "c8".to_owned() } else { format!("c{}", at % 8) };
        let shown = match &line.prefix[..] {
            b"" => "commands without a key".to_owned(),
            b"*" => "all others".to_owned(),
            prefix => clipped(&escape(prefix), 48),
        };
        let own = taken_together(line, &seen.growth.timeline, timeline);
        let upper: Vec<u64> = below.iter().zip(own).map(|(below, own)| below + own).collect();
        let title = format!("{shown}: {}", size(line.bytes));
        shapes.push(area(timeline, scale, (&below, &upper), &class, &title));
        legend.push((class, title));
        below = upper;
    }
}

/// A stepped area between two heights, in whole units: nobody sees less.
fn area(
    timeline: &Timeline,
    scale: &Scale,
    (lower, upper): (&[u64], &[u64]),
    class: &str,
    title: &str,
) -> Shape {
    let y = |bytes: u64| scale.y(bytes).round();
    let x = |at: usize| scale.x(timeline.begins_at(at)).round();
    let first = lower.first().map_or(TOP + HIGH, |bytes| y(*bytes));
    let mut path = format!("M{} {first}", x(0));
    for (at, bytes) in upper.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(path, "V{}H{}", y(*bytes), x(at + 1));
    }
    for (at, bytes) in lower.iter().enumerate().rev() {
        let _ = write!(path, "V{}H{}", y(*bytes), x(at));
    }
    path.push('Z');
    Shape::Area { path, class: class.to_owned(), title: title.to_owned() }
}

/// The bytes of a family in the buckets of a coarser timeline.
fn taken_together(line: &FamilyLine, fine: &Timeline, coarse: &Timeline) -> Vec<u64> {
    let mut sums = vec![0; coarse.buckets.len()];
    for (at, bytes) in line.buckets.iter().enumerate() {
        let place = (fine.begins_at(at) - coarse.start) / coarse.width.max(1);
        if let Some(sum) = usize::try_from(place).ok().and_then(|place| sums.get_mut(place)) {
            *sum += bytes;
        }
    }
    sums
}

fn grid(timeline: &Timeline, scale: &Scale) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for part in 0..=2 {
        let bytes = scale.highest / 2 * part;
        let y = scale.y(bytes);
        shapes.push(Shape::line((LEFT, y), (WIDE - 4.0, y), "axis"));
        shapes.push(Shape::text(LEFT - 8.0, y + 4.0, "end", size(bytes)));
    }
    let end = timeline.begins_at(timeline.buckets.len());
    let middle = timeline.start + (end - timeline.start) / 2;
    let label = |at: i64| match timeline.axis {
        Axis::Time => time(at).replace('T', " ").trim_end_matches('Z').to_owned(),
        Axis::Offset => size(at.unsigned_abs()),
    };
    let y = TOP + HIGH + 20.0;
    shapes.push(Shape::text(LEFT, y, "dim", label(timeline.start)));
    shapes.push(Shape::text((LEFT + WIDE) / 2.0, y, "dim mid", label(middle)));
    shapes.push(Shape::text(WIDE - 4.0, y, "end", label(end)));
    let per = match timeline.axis {
        Axis::Time => format!("bytes in each interval of {}", duration(timeline.width)),
        Axis::Offset => {
            format!("bytes in each interval of {} of the log", size(timeline.width.unsigned_abs()))
        }
    };
    shapes.push(Shape::text(LEFT, y + 20.0, "dim", per));
    shapes
}

fn marks(seen: &Seen, scale: &Scale, end: i64, shapes: &mut Vec<Shape>) {
    let mut before = f64::MIN;
    let mut dated: Vec<_> =
        events(seen).into_iter().filter_map(|one| Some((one.at?, one))).collect();
    dated.sort_by_key(|(at, _)| *at);
    for (at, event) in dated.iter().filter(|(at, _)| (scale.start..=end).contains(at)) {
        let x = scale.x(*at);
        shapes.push(Shape::line((x, TOP), (x, TOP + HIGH), event.class));
        // Names that would lie on each other are in the table alone.
        if x - before > 60.0 {
            shapes.push(Shape::text(x.min(WIDE - 52.0) + 4.0, TOP + 12.0, "dim", event.mark));
            before = x;
        }
    }
}

fn families(seen: &Seen) -> Table {
    let lines = seen.growth.families.as_deref().unwrap_or_default();
    let of = lines.iter().map(|line| line.bytes).sum();
    let row = |line: &FamilyLine| {
        let shown =
            if line.prefix.is_empty() { "(no key)".to_owned() } else { escape(&line.prefix) };
        let moment = |at: Option<i64>| at.map_or_else(|| "–".to_owned(), time);
        vec![
            Cell::text(clipped(&shown, 80)),
            Cell::size(line.bytes).of(of),
            Cell::count(line.commands),
            Cell::text(moment(line.written.first())),
            Cell::text(moment(line.written.last())),
        ]
    };
    let head = [
        ("Prefix", false),
        ("Bytes", true),
        ("Commands", true),
        ("First write", false),
        ("Last write", false),
    ];
    Table::new("The picture in numbers, by prefix", &head, lines.iter().map(row).collect()).folded()
}
