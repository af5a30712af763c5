//! Families of keys: log beside base, by bytes and by how often keys are written again.

use aofkit::stats::{PrefixRow, RewriteRow};
use aofkit::text::{count, escape, size, thousands};

use super::parts::{Cell, Picture, Section, Shape, Table, WIDE, clipped};
use super::seen::Seen;
use super::treemap::{Area, squarified};

/// Families in the table.
const ROWS: usize = 20;

const TOP: f64 = 22.0;
const HIGH: f64 = 280.0;

/// Commands a key up to which a step of colour goes.
const STEPS: [(u64, &str); 5] = [
    (2, "under 2"),
    (10, "2 to 9"),
    (100, "10 to 99"),
    (1000, "100 to 999"),
    (u64::MAX, "1,000 and more"),
];

pub fn prefixes(seen: &Seen) -> Section {
    let mut section = Section::new("What fills it: prefixes of keys");
    let rows = seen.keys.prefixes.as_deref().unwrap_or_default();
    if rows.is_empty() {
        section.lead.push("No keys were written or stored.".to_owned());
        return section;
    }
    section.pictures.push(picture(rows));
    if seen.mix.totals.base_resp_bytes > 0 {
        let why = "The base of this set is made of commands, too: they count on both sides.";
        section.notes.push(why.to_owned());
    }
    section.tables.push(table(rows, seen));
    let written: Vec<&RewriteRow> = seen.keys.rewrites.iter().filter(|row| row.keys > 0).collect();
    if !written.is_empty() {
        section.tables.push(rewrites(&written));
    }
    section
}

fn picture(rows: &[PrefixRow]) -> Picture {
    let half = WIDE / 2.0 - 6.0;
    let mut shapes = Vec::new();
    let log: u64 = rows.iter().map(|row| row.bytes).sum();
    let base: u64 = rows.iter().map(|row| row.base_bytes).sum();
    let sides = [("Commands", log, 0.0), ("Base", base, half + 12.0)];
    for (what, bytes, x) in sides {
        let note = if bytes == 0 {
            format!("{what}: no keys")
        } else {
            format!("{what}: {}", size(bytes))
        };
        shapes.push(Shape::text(x, 14.0, "head", note));
        let weigh = |row: &PrefixRow| if what == "Commands" { row.bytes } else { row.base_bytes };
        let mut sorted: Vec<&PrefixRow> = rows.iter().filter(|row| weigh(row) > 0).collect();
        sorted.sort_by_key(|row| std::cmp::Reverse(weigh(row)));
        let weights: Vec<u64> = sorted.iter().map(|row| weigh(row)).collect();
        let places = squarified(&weights, (x, TOP, half, HIGH));
        for ((row, place), weight) in sorted.iter().zip(places).zip(&weights) {
            cell(row, place, *weight, &mut shapes);
        }
        shapes.push(Shape::rect((x, TOP, half, HIGH), "frame", ""));
    }
    let legend = (0..)
        .zip(STEPS)
        .map(|(at, (_, name))| (format!("h{at}"), format!("{name} commands a key")));
    let title = format!("Prefixes by bytes: {} of commands, {} in the base", size(log), size(base));
    Picture { title, height: TOP + HIGH + 2.0, shapes, legend: legend.collect() }
}

fn cell(row: &PrefixRow, (x, y, w, h): Area, bytes: u64, shapes: &mut Vec<Shape>) {
    let shown = escape(&row.prefix);
    let title =
        format!("{}: {}, {}", clipped(&shown, 80), size(bytes), count(row.commands, "command"));
    shapes.push(Shape::rect((x, y, w, h), format!("cell h{}", step(row)), title));
    // A sign is about 8 units wide.
    let room = ((w - 12.0) / 7.8).max(0.0) as usize;
    if room >= 4 && h >= 20.0 {
        shapes.push(Shape::text(x + 6.0, y + 16.0, "", clipped(&shown, room)));
    }
    if room >= 9 && h >= 38.0 {
        shapes.push(Shape::text(x + 6.0, y + 32.0, "dim", size(bytes)));
    }
}

/// The step of colour for commands a key.
fn step(row: &PrefixRow) -> usize {
    let each = row.commands / row.keys_estimate.max(1);
    STEPS.iter().position(|(end, _)| each < *end).unwrap_or(STEPS.len() - 1)
}

fn table(rows: &[PrefixRow], seen: &Seen) -> Table {
    let of = seen.mix.totals.command_bytes;
    let row = |row: &PrefixRow| {
        vec![
            Cell::text(clipped(&escape(&row.prefix), 80)),
            Cell::size(row.bytes).of(of),
            Cell::count(row.commands),
            Cell::count(row.keys_estimate),
            Cell::size(row.base_bytes),
            Cell::count(row.base_keys),
        ]
    };
    let head = [
        ("Prefix", false),
        ("Bytes of commands", true),
        ("Commands", true),
        ("Keys, about", true),
        ("Bytes in the base", true),
        ("Keys in the base", true),
    ];
    let rows = rows.iter().take(ROWS).map(row).collect();
    Table::new("Prefixes, the heaviest first (* stands for what differs)", &head, rows)
}

fn rewrites(rows: &[&RewriteRow]) -> Table {
    let of = rows.iter().map(|row| row.keys).sum();
    let row = |row: &&RewriteRow| {
        let times = match row.times_to {
            Some(to) if to == row.times_from => thousands(to),
            Some(to) => format!("{} to {}", thousands(row.times_from), thousands(to)),
            None => format!("{} and more", thousands(row.times_from)),
        };
        vec![Cell::text(times), Cell::count(row.keys).of(of)]
    };
    let head = [("Written so many times", false), ("Keys", true)];
    Table::new("How often keys were written", &head, rows.iter().map(row).collect()).folded()
}
