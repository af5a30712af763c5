//! The snapshots of a repository by day, what they cover, and where gaps are.

use std::collections::BTreeMap;

use aofkit::backup::Entry;
use aofkit::text::{count, tame};

use super::parts::{Cell, Picture, Section, Shape, Table, clipped};

/// Days that are drawn, and sources, at most.
const DAYS: i64 = 56;
const SOURCES: usize = 12;

/// Snapshots and gaps that are listed at most.
const ROWS: usize = 20;

const LEFT: f64 = 200.0;
const DAY: f64 = 12.8;

/// Entries by source, each list from the oldest to the newest.
pub fn backups(sources: &BTreeMap<String, Vec<Entry>>, unreadable: usize) -> Section {
    let mut section = Section::new("Backups");
    if unreadable > 0 {
        let what = count(unreadable as u64, "snapshot");
        section.lead.push(format!("{what} cannot be read: `aofkit verify` says why."));
    }
    let last = sources.values().flatten().filter_map(|one| day(&one.taken)).max();
    let Some(last) = last else {
        section.lead.push("The repository holds no snapshots.".to_owned());
        return section;
    };
    section.pictures.push(calendar(sources, last));
    section.tables.push(newest(sources));
    let gaps: Vec<_> = sources.iter().flat_map(|(source, all)| gaps(source, all)).collect();
    if gaps.is_empty() {
        section.notes.push(
            "No gaps: between the snapshots every moment that the log tells is covered.".to_owned(),
        );
    } else {
        let more = gaps.len().saturating_sub(ROWS);
        let head = [("Source", false), ("From", false), ("To", false), ("Why", false)];
        let rows = gaps.into_iter().rev().take(ROWS).collect();
        let caption = "Gaps: no moment between these can be restored";
        section.tables.push(Table::new(caption, &head, rows).with_more(more));
    }
    section
}

/// The day of a time, from the first of 1970 on.
fn day(taken: &str) -> Option<i64> {
    let at: jiff::Timestamp = taken.parse().ok()?;
    Some(at.as_second().div_euclid(86_400))
}

fn date(day: i64) -> String {
    let at = jiff::Timestamp::from_second(day.saturating_mul(86_400));
    at.map(|at| at.to_string().chars().take(10).collect()).unwrap_or_default()
}

fn calendar(sources: &BTreeMap<String, Vec<Entry>>, last: i64) -> Picture {
    let first = last - DAYS + 1;
    let mut shapes = Vec::new();
    for ((source, entries), row) in sources.iter().take(SOURCES).zip(0..) {
        let y = f64::from(row) * 22.0 + 4.0;
        shapes.push(Shape::text(LEFT - 8.0, y + 12.0, "right", clipped(&tame(source), 26)));
        let mut by_day: BTreeMap<i64, u64> = BTreeMap::new();
        for at in entries.iter().filter_map(|one| day(&one.taken)) {
            *by_day.entry(at).or_default() += 1;
        }
        for at in first..=last {
            let taken = by_day.get(&at).copied().unwrap_or(0);
            let class = match taken {
                0 => "h0",
                1 => "h1",
                _ => "c0",
            };
            let title = format!("{}: {}", date(at), count(taken, "snapshot"));
            let x = LEFT + (at - first) as f64 * DAY;
            shapes.push(Shape::rect((x, y, DAY - 2.0, 15.0), class, title));
        }
    }
    let rows = sources.len().min(SOURCES) as f64;
    let y = rows * 22.0 + 18.0;
    shapes.push(Shape::text(LEFT, y, "dim", date(first)));
    shapes.push(Shape::text(LEFT + DAYS as f64 * DAY, y, "end", date(last)));
    let title = format!("Days with snapshots, {} to {}", date(first), date(last));
    let legend = [("h0", "none"), ("h1", "one snapshot"), ("c0", "several")];
    let legend = legend.map(|(class, name)| (class.to_owned(), name.to_owned())).to_vec();
    Picture { title, height: y + 8.0, shapes, legend }
}

fn newest(sources: &BTreeMap<String, Vec<Entry>>) -> Table {
    let row = |(source, all): (&String, &Vec<Entry>)| {
        let last = all.last()?;
        let covers =
            last.covers.last().map(|one| format!("{} to {}", tame(&one.from), tame(&one.to)));
        Some(vec![
            Cell::text(clipped(&tame(source), 60)),
            Cell::count(all.len() as u64),
            Cell::text(tame(&last.taken)),
            Cell::size(last.logical_bytes()),
            Cell::size(last.stored_bytes()),
            Cell::text(covers.unwrap_or_else(|| "no timestamps".to_owned())),
        ])
    };
    let head = [
        ("Source", false),
        ("Snapshots", true),
        ("Newest", false),
        ("Size", true),
        ("Stored", true),
        ("Newest covers", false),
    ];
    let rows = sources.iter().filter_map(row).take(ROWS).collect();
    Table::new("Sources", &head, rows).with_more(sources.len().saturating_sub(ROWS))
}

fn gaps(source: &str, entries: &[Entry]) -> Vec<Vec<Cell>> {
    let row = |gap: &aofkit::backup::Gap| {
        vec![
            Cell::text(clipped(&tame(source), 60)),
            Cell::text(tame(&gap.from)),
            Cell::text(gap.to.as_deref().map(tame).unwrap_or_default()),
            Cell::text(clipped(&tame(&gap.reason), 200)),
        ]
    };
    entries.iter().flat_map(|entry| entry.true_gaps().map(row).collect::<Vec<_>>()).collect()
}
