//! Many sets side by side, the outliers first.

use std::fmt::Write;

use aofkit::check::Verdict;
use aofkit::fleet::Outlier;
use aofkit::text::{count, size};

use super::parts::{Cell, Fact, Picture, Section, Shape, Table, WIDE, clipped};
use super::seen::Seen;
use super::set::{tone, verdict};

/// Sets that are drawn, and listed, at most.
const DRAWN: usize = 60;
const LISTED: usize = 150;

/// Small pictures in a row, and their size.
const COLUMNS: usize = 4;
const HIGH: f64 = 112.0;

/// A section for all of them; their order is that of the page.
pub fn fleet(sets: &[(String, Seen)], outliers: &[Outlier]) -> Section {
    let mut section = Section::new("All sets side by side");
    let healthy = sets.iter().filter(|(_, one)| one.report.verdict == Verdict::Healthy).count();
    let bytes = sets.iter().map(|(_, one)| one.report.size_bytes).sum();
    let commands = sets.iter().map(|(_, one)| one.mix.totals.commands).sum();
    section.facts = vec![
        Fact::new("Sets", Cell::count(sets.len() as u64), format!("{healthy} healthy")),
        Fact::new("Size", Cell::size(bytes), ""),
        Fact::new("Commands", Cell::count(commands), ""),
    ];
    for one in outliers.iter().take(10) {
        let Some((name, _)) = sets.get(one.place) else { continue };
        let why: Vec<String> = one.why.iter().map(ToString::to_string).collect();
        section
            .lead
            .push(clipped(&format!("{} stands out: {}", clipped(name, 80), why.join("; ")), 400));
    }
    section.pictures.push(picture(sets, outliers));
    section.tables.push(table(sets));
    section
}

fn picture(sets: &[(String, Seen)], outliers: &[Outlier]) -> Picture {
    let drawn = sets.len().min(DRAWN);
    let wide = WIDE / COLUMNS as f64;
    let largest = sets.iter().map(|(_, one)| one.report.size_bytes).max().unwrap_or(0).max(1);
    let mut shapes = Vec::new();
    for (at, (name, seen)) in sets.iter().take(drawn).enumerate() {
        let corner = ((at % COLUMNS) as f64 * wide, (at / COLUMNS) as f64 * HIGH);
        let stands_out = outliers.iter().any(|one| one.place == at);
        small((name, seen), corner, (wide - 14.0, largest), stands_out, &mut shapes);
    }
    let rows = drawn.div_ceil(COLUMNS);
    let title = format!(
        "{} drawn: growth over time of each, and its size among them",
        count(drawn as u64, "set")
    );
    let legend = [
        ("f-good", "healthy"),
        ("f-warning", "warning"),
        ("f-bad", "damaged"),
        ("c0", "bytes appended"),
    ];
    let legend = legend.map(|(class, name)| (class.to_owned(), name.to_owned())).to_vec();
    Picture { title, height: rows as f64 * HIGH, shapes, legend }
}

/// One small picture: name, size among all, and what was appended when.
fn small(
    (name, seen): (&str, &Seen),
    (x, y): (f64, f64),
    (wide, largest): (f64, u64),
    stands_out: bool,
    shapes: &mut Vec<Shape>,
) {
    let class = if stands_out { "bad" } else { "head" };
    shapes.push(Shape::text(x, y + 15.0, class, clipped(name, 26)));
    let bytes = seen.report.size_bytes;
    let part = (bytes as f64 / largest as f64 * wide).max(2.0);
    let title = format!("{}: {}", clipped(name, 60), verdict(seen));
    shapes.push(Shape::rect((x, y + 22.0, part, 7.0), format!("f-{}", tone(seen).class()), title));
    shapes.push(Shape::text(
        x,
        y + 46.0,
        "dim",
        format!("{}, {} %", size(bytes), seen.outlook.trigger.percent()),
    ));
    let coarse = seen.growth.timeline.coarse(24);
    let highest = coarse.buckets.iter().map(|bucket| bucket.bytes).max().unwrap_or(0).max(1);
    let step = wide / coarse.buckets.len().max(1) as f64;
    let mut path = format!("M{} {}", x.round(), (y + 98.0).round());
    for (at, bucket) in coarse.buckets.iter().enumerate() {
        let top = (y + 98.0 - bucket.bytes as f64 / highest as f64 * 44.0).round();
        // Writing to a string cannot fail.
        let _ = write!(path, "V{top}H{}", (x + (at + 1) as f64 * step).round());
    }
    let _ = write!(path, "V{}Z", (y + 98.0).round());
    shapes.push(Shape::Area { path, class: "c0".to_owned(), title: String::new() });
    shapes.push(Shape::line((x, y + 98.5), (x + wide, y + 98.5), "axis"));
}

fn table(sets: &[(String, Seen)]) -> Table {
    let all = sets.iter().map(|(_, one)| one.report.size_bytes).sum();
    let row = |(name, one): &(String, Seen)| {
        vec![
            Cell::text(clipped(name, 80)),
            Cell::text(verdict(one)),
            Cell::size(one.report.size_bytes).of(all),
            Cell::size(one.outlook.base_bytes),
            Cell::size(one.outlook.increment_bytes),
            Cell::count(one.outlook.trigger.percent()),
            Cell::count(one.mix.totals.commands),
        ]
    };
    let head = [
        ("Set", false),
        ("Verdict", false),
        ("Size", true),
        ("Base", true),
        ("Log", true),
        ("Growth %", true),
        ("Commands", true),
    ];
    let rows = sets.iter().take(LISTED).map(row).collect();
    Table::new("Sets in numbers", &head, rows).with_more(sets.len().saturating_sub(LISTED))
}
