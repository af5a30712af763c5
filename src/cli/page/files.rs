//! The files of a set to scale, with the damage in them, and everything that was found.

use aofkit::aof::Role;
use aofkit::check::{Problem, SegmentReport, Severity};
use aofkit::text::{count, name, size, tame, thousands};

use super::bytes::around;
use super::parts::{Cell, Picture, Section, Shape, Table, Tone, Trouble, WIDE, clipped};
use super::seen::Seen;
use crate::cli::common::verdict::about;

/// Files that are drawn at most, and listed at most.
const DRAWN: usize = 24;
const LISTED: usize = 60;

/// Problems that are told at most, and of how many the bytes are shown.
const TOLD: usize = 25;
const WITH_BYTES: usize = 6;

/// Where the bars begin, and units left for sizes.
const LEFT: f64 = 250.0;
const RIGHT: f64 = 100.0;
const ROW: f64 = 26.0;

/// The map of files.
pub fn files(seen: &Seen) -> Section {
    let mut section = Section::new("Files, and what is damaged in them");
    let all: Vec<&SegmentReport> = seen.report.segments.iter().collect();
    if all.is_empty() {
        section.lead.push("The set has no files.".to_owned());
        return section;
    }
    let chosen = chosen(&all, seen);
    section.pictures.push(map(&chosen, all.len(), seen));
    section.tables.push(table(&all));
    section
}

/// The first and the last files, and those that something was found in.
fn chosen<'a>(all: &[&'a SegmentReport], seen: &Seen) -> Vec<&'a SegmentReport> {
    if all.len() <= DRAWN {
        return all.to_vec();
    }
    let is_hit =
        |one: &SegmentReport| marks(seen, one).next().is_some() || one.size_bytes.is_none();
    let wanted = |(at, one): (usize, &&'a SegmentReport)| {
        (at < 4 || at + 6 >= all.len() || is_hit(one)).then_some(*one)
    };
    all.iter().enumerate().filter_map(wanted).take(DRAWN).collect()
}

/// What was found at a place in a file.
fn marks<'a>(seen: &'a Seen, one: &'a SegmentReport) -> impl Iterator<Item = &'a Problem> {
    seen.report.problems.iter().filter(move |problem| {
        problem.severity != Severity::Info
            && problem.offset.is_some()
            && problem.file.as_deref() == Some(&*one.name)
    })
}

fn map(chosen: &[&SegmentReport], all: usize, seen: &Seen) -> Picture {
    let largest = chosen.iter().filter_map(|one| one.size_bytes).max().unwrap_or(0).max(1);
    let room = WIDE - LEFT - RIGHT;
    let mut shapes = Vec::new();
    let mut damaged = 0;
    for (one, row) in chosen.iter().zip(0..) {
        let y = f64::from(row) * ROW + 4.0;
        let label = clipped(&name(&one.name), 34);
        shapes.push(Shape::text(LEFT - 8.0, y + 13.0, "right", label));
        let Some(bytes) = one.size_bytes else {
            shapes.push(Shape::rect((LEFT, y, room, 17.0), "gone", "missing"));
            shapes.push(Shape::text(LEFT + room + 8.0, y + 13.0, "bad", "missing"));
            continue;
        };
        let wide = (bytes as f64 / largest as f64 * room).max(2.0);
        let class = if one.role == Role::Base { "base" } else { "incr" };
        let title = format!("{}: {} bytes", name(&one.name), thousands(bytes));
        shapes.push(Shape::rect((LEFT, y, wide, 17.0), class, title));
        for problem in marks(seen, one).take(12) {
            damaged += 1;
            shapes.push(hit(problem, bytes, (y, wide)));
        }
        shapes.push(Shape::text(LEFT + room + 8.0, y + 13.0, "dim", size(bytes)));
    }
    let mut title =
        format!("Files to scale: {} drawn of {}", chosen.len(), count(all as u64, "file"));
    title += &match damaged {
        0 => ", no damaged place".to_owned(),
        some => format!(", {} marked", count(some, "place")),
    };
    let mut legend =
        vec![("base".to_owned(), "base".to_owned()), ("incr".to_owned(), "increment".to_owned())];
    if damaged > 0 {
        legend.push(("hit".to_owned(), "damage or something to look at".to_owned()));
    }
    Picture { title, height: chosen.len() as f64 * ROW + 6.0, shapes, legend }
}

/// A damaged range, never too narrow to be seen.
fn hit(problem: &Problem, bytes: u64, (y, wide): (f64, f64)) -> Shape {
    let place = |at: u64| at as f64 / bytes.max(1) as f64 * wide;
    let offset = problem.offset.unwrap_or(0).min(bytes);
    let w = place(problem.len.unwrap_or(0).min(bytes - offset)).max(4.0).min(wide.max(4.0));
    let x = LEFT + place(offset).min((wide - w).max(0.0));
    let title = format!("{} at byte {}", problem.kind.as_str(), thousands(offset));
    Shape::rect((x, y - 3.0, w, 23.0), "hit", title)
}

fn table(all: &[&SegmentReport]) -> Table {
    let head = [
        ("File", false),
        ("Role", false),
        ("Bytes", true),
        ("Sound up to", true),
        ("Commands", true),
        ("Transactions", true),
    ];
    let row = |one: &&SegmentReport| {
        let facts = one.facts.as_ref();
        let number = |n: Option<u64>| n.map_or_else(|| Cell::text("–"), Cell::count);
        vec![
            Cell::text(clipped(&name(&one.name), 80)),
            Cell::text(one.role.as_str()),
            one.size_bytes.map_or_else(|| Cell::text("missing"), Cell::count),
            number(facts.map(|facts| facts.proven())),
            number(facts.map(|facts| facts.commands)),
            number(facts.map(|facts| facts.transactions)),
        ]
    };
    let rows = all.iter().take(LISTED).map(row).collect();
    Table::new("Files in numbers", &head, rows).with_more(all.len().saturating_sub(LISTED)).folded()
}

/// Everything that was found.
pub fn problems(seen: &Seen) -> Option<Section> {
    let mut all: Vec<&Problem> = seen.report.problems.iter().collect();
    if all.is_empty() {
        return None;
    }
    all.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    let mut section = Section::new("What was found");
    let mut left = WITH_BYTES;
    for problem in all.iter().take(TOLD) {
        let mut trouble = trouble(problem);
        let shows = !seen.is_redacted && left > 0 && problem.severity != Severity::Info;
        if let (true, Some(file), Some(offset)) = (shows, &problem.file, problem.offset) {
            trouble.bytes = around(&seen.aof, file, offset);
            left -= usize::from(!trouble.bytes.is_empty());
        }
        section.troubles.push(trouble);
    }
    if all.len() > TOLD {
        let more = count((all.len() - TOLD) as u64, "more problem");
        section.notes.push(format!("{more}: `aofkit check` lists all."));
    }
    Some(section)
}

fn trouble(problem: &Problem) -> Trouble {
    let mut place = problem.file.as_deref().map(name).unwrap_or_default();
    if let Some(line) = problem.line {
        place += &format!(" line {line}");
    } else if let Some(offset) = problem.offset {
        place += &format!(" byte {}", thousands(offset));
    }
    let lost = problem.lost.map(|lost| {
        let likely = lost.likely_commands.filter(|likely| *likely > lost.commands);
        let likely = likely.map(|likely| format!(" (they probably held {})", about(likely)));
        format!(
            "Lost for certain: {}, {}{}. A cut here would lose {}.",
            count(lost.bytes, "byte"),
            count(lost.commands, "whole command"),
            likely.unwrap_or_default(),
            count(lost.if_truncated_commands, "command")
        )
    });
    Trouble {
        tone: match problem.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Warning,
            Severity::Info => Tone::Plain,
        },
        severity: problem.severity.as_str(),
        kind: problem.kind.as_str().to_owned(),
        place: clipped(&place, 160),
        message: clipped(&tame(&problem.message), 900),
        lost: lost.unwrap_or_default(),
        next: clipped(&tame(problem.next.as_deref().unwrap_or_default()), 600),
        bytes: Vec::new(),
    }
}
