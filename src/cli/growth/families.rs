//! Which family of keys grew when.

use aofkit::growth::{Axis, FamilyLine, GrowthReport};
use aofkit::text::escape;
use comfy_table::CellAlignment::{Left, Right};

use super::chart::sparkline;
use super::lines::{heading, line};
use super::wire::FamilyJson;
use crate::cli::common::layout::{laid_out, table};
use crate::cli::common::members::text as bytes_text;
use crate::cli::common::units::{Style, share, size, time};
use crate::cli::stats::columns::shortened;
use crate::cli::stats::json::written;

/// Columns of a family's name, and of what it has beside its chart.
const NAME: usize = 30;
const BESIDE: usize = NAME + 8 + 12 + 8;

/// One line for each family, with its bytes over the same time as the chart above.
pub fn families(report: &GrowthReport, style: Style) -> String {
    let Some(lines) = report.families.as_ref().filter(|lines| !lines.is_empty()) else {
        return String::new();
    };
    let of = lines.iter().map(|line| line.bytes).sum();
    let room = style.width.saturating_sub(BESIDE).max(10);
    let (start, end) = (&report.timeline, report.timeline.buckets.len());
    let what = match report.timeline.axis {
        Axis::Time => "families of keys over time",
        Axis::Offset => {
            "families of keys along the log (too few #TS annotations for an axis of time)"
        }
    };
    let mut text = heading(what, style);
    let mut rows =
        table(style, &[("PREFIX", Left), ("SHARE", Right), ("BYTES", Right), ("WHEN", Left)]);
    for line in lines {
        let chart = sparkline(&line.buckets, room);
        rows.add_row([
            shortened(&line.prefix, NAME),
            share(line.bytes, of),
            size(line.bytes),
            chart,
        ]);
    }
    text += &laid_out(&mut rows);
    if start.axis == Axis::Time {
        let span = format!(
            "from {} to {}, each family by its own highest mark; * is all else",
            time(start.begins_at(0)),
            time(start.begins_at(end))
        );
        text += &line(&span, style);
        for family in lines.iter().filter(|family| family.written.last().is_some()) {
            text += &line(&when(family), style);
        }
    }
    text
}

fn when(family: &FamilyLine) -> String {
    let told = |moment: Option<i64>| moment.map_or_else(|| "?".to_owned(), time);
    format!(
        "{}: first write {}, last {}",
        escape(&family.prefix),
        told(family.written.first()),
        told(family.written.last())
    )
}

/// The same for scripts.
pub fn json(report: &GrowthReport) -> Option<Vec<FamilyJson>> {
    let family = |line: &FamilyLine| FamilyJson {
        prefix: bytes_text(&line.prefix).into(),
        commands: line.commands,
        bytes: line.bytes,
        written: written(line.written),
        timeline: line.buckets.clone(),
    };
    Some(report.families.as_ref()?.iter().map(family).collect())
}
