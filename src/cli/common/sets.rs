//! Several sets: a row each, and a total.

use std::io;
use std::path::Path;

use aofkit::aof::Aof;
use aofkit::check::{Report, Severity};
use aofkit::text::{count, thousands};
use comfy_table::CellAlignment::{Left, Right};

use crate::cli::check::text::check;
use crate::cli::common::layout::below;
use crate::cli::common::verdict::but;
use crate::cli::common::json::verdict;
use crate::cli::common::layout::{laid_out, table};
use crate::cli::common::units::{Style, size};
use crate::cli::common::context::Context;
use crate::cli::common::output::Paper;
use crate::cli::inspect::Inspected;

/// `check` of several sets: the troubled ones in full, then the table.
pub fn checks(
    paper: &mut Paper<'_>,
    path: &Path,
    checked: &[(Aof, Report)],
    context: &Context,
) -> io::Result<()> {
    for (aof, report) in checked {
        if context.verbose || report.problems.iter().any(|p| p.severity == Severity::Error) {
            check(paper, aof, report, context)?;
            paper.text("\n")?;
        }
    }
    let rows = checked.iter().map(|(aof, report)| Row { aof, report, growth: None });
    paper.text(&overview(path, rows, context.style))
}

/// `inspect` of several sets.
pub fn inspects(path: &Path, all: &[Inspected], context: &Context) -> String {
    let rows = all.iter().map(|one| Row {
        aof: &one.aof,
        report: &one.report,
        growth: one.growth.as_ref().map(|growth| growth.percent()),
    });
    let mut text = overview(path, rows, context.style);
    if !context.quiet {
        text += &context.style.dim("`aofkit inspect` on one of them shows all of it");
        text += "\n";
    }
    text
}

struct Row<'a> {
    aof: &'a Aof,
    report: &'a Report,
    growth: Option<u64>,
}

fn overview<'a>(path: &Path, rows: impl Iterator<Item = Row<'a>>, style: Style) -> String {
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
