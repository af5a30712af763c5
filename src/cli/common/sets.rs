//! Several sets: a row each, and a total.

use std::path::Path;

use aofkit::aof::Aof;
use aofkit::check::Report;
use aofkit::text::{count, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::json::verdict;
use super::layout::{below, laid_out, table};
use super::units::{Style, size};
use super::verdict::but;

pub struct Row<'a> {
    pub aof: &'a Aof,
    pub report: &'a Report,
    pub growth: Option<u64>,
}

pub fn overview<'a>(path: &Path, rows: impl Iterator<Item = Row<'a>>, style: Style) -> String {
    let head = [
        ("SET", Left),
        ("FILES", Right),
        ("SIZE", Right),
        ("COMMANDS", Right),
        ("GROWTH", Right),
        ("HEALTH", Left),
    ];
    let mut table = table(style, &head);
    let (mut sets, mut bytes, mut commands, mut sound) = (0, 0, 0, 0);
    for row in rows {
        let of_set: u64 =
            row.report.segments.iter().filter_map(|s| s.facts.as_ref()).map(|f| f.commands).sum();
        table.add_row([
            below(&row.aof.path, path),
            row.report.segments.len().to_string(),
            size(row.report.size_bytes),
            thousands(of_set),
            row.growth
                .map_or_else(|| "-".to_owned(), |percent| format!("{} %", thousands(percent))),
            verdict(row.report.verdict).to_owned() + &but(row.report),
        ]);
        sets += 1;
        bytes += row.report.size_bytes;
        commands += of_set;
        let healthy = row.report.verdict == aofkit::check::Verdict::Healthy;
        sound += u64::from(healthy && row.report.trap().is_none());
    }
    let title = style.bold(&aofkit::text::name(path.as_os_str().as_encoded_bytes()));
    let total = format!(
        "{}, {} healthy: {}, {}",
        count(sets, "set"),
        thousands(sound),
        size(bytes),
        count(commands, "command")
    );
    format!("{title}\n\n{}\n{}\n", laid_out(&table), style.bold(&total))
}
