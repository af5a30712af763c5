//! `check` for people, and what `inspect` shares with it.

use std::io;
use std::path::Path;

use aofkit::check::{Moments, Report, SegmentReport, Severity};
use aofkit::text::{count, name, thousands};

use super::report::Checked;
use crate::cli::common::beside::first_of;
use crate::cli::common::layout::{FILES, MORE, wrap};
use crate::cli::common::output::Paper;
use crate::cli::common::sets::overview;
use crate::cli::common::units::{Style, size, time};
use crate::cli::common::verdict::{headline, problems, verdict_lines};
use crate::cli::common::view::View;
use crate::cli::common::{loaded, needs};

/// `check` of one set.
pub fn check(paper: &mut Paper<'_>, checked: &Checked, view: &View) -> io::Result<()> {
    let (style, Checked { aof, report, loaded }) = (view.style, checked);
    paper.text(&first_of(report, view))?;
    paper.text(&(headline(aof, report, style) + "\n"))?;
    for row in listed(&report.segments, view.verbose) {
        paper.text(&match row {
            Listed::File(segment) => segment_line(segment, style),
            Listed::More { files, bytes } => {
                let line = format!("  {MORE} {files} more files, {} (-v lists them)", size(bytes));
                style.dim(&line) + "\n"
            }
        })?;
    }
    if let Some(moments) = report.moments {
        paper.text(&moments_line(moments, style))?;
    }
    paper.text(&needs::needs(&report.needs_modules, &report.modules, style, "  "))?;
    paper.text("\n")?;
    let mut text = problems(report, view, Severity::Warning);
    text += &verdict_lines(report, style, "");
    if let Some(loaded) = loaded {
        text += &loaded::lines(loaded, report, style, view.redact);
    }
    text += &not_looked_at(report, style);
    for note in &report.notes {
        text += &format!("{}\n", wrap(&format!("note: {note}."), style.width, ""));
    }
    if !view.quiet {
        text += &style.dim(&wrap(
            "note: commands carry no checksum; a byte changed inside a value cannot be seen.",
            style.width,
            "",
        ));
        text += "\n";
    }
    paper.text(&text)
}

/// A line of the list of files.
enum Listed<'a> {
    File(&'a SegmentReport),
    /// So many are passed over.
    More {
        files: usize,
        bytes: u64,
    },
}

/// Of very many files the first, the last, and some of those that are not there or not whole.
fn listed(all: &[SegmentReport], every: bool) -> Vec<Listed<'_>> {
    let first = FILES / 2;
    let last = all.len().saturating_sub(FILES - first);
    let every = every || all.len() <= FILES;
    let is_wrong = |segment: &SegmentReport| {
        segment.size_bytes.is_none() || segment.facts.as_ref().is_some_and(|f| !f.is_whole())
    };
    let mut wrong = 0;
    let mut rows = Vec::new();
    for (place, segment) in all.iter().enumerate() {
        let is_between = !every && (first..last).contains(&place);
        wrong += usize::from(is_between && is_wrong(segment));
        if !is_between || is_wrong(segment) && wrong <= FILES {
            rows.push(Listed::File(segment));
            continue;
        }
        let more = segment.size_bytes.unwrap_or(0);
        match rows.last_mut() {
            Some(Listed::More { files, bytes }) => (*files, *bytes) = (*files + 1, *bytes + more),
            _ => rows.push(Listed::More { files: 1, bytes: more }),
        }
    }
    rows
}

/// What was not looked at, in words.
fn not_looked_at(report: &Report, style: Style) -> String {
    let words = |name: &&'static str| match *name {
        "values" => "values of the RDB",
        "duplicate-keys" => "whether keys of the RDB stand twice",
        "large-values" => "values too large to be opened",
        "slots-of-long-keys" => "slots of very long keys",
        "restore-payloads" => "payloads of RESTORE that the stream has passed",
        "restore-values" => "values in payloads of RESTORE",
        "directory" => "what lies beside the set (a directory cannot be listed)",
        other => other,
    };
    let all: Vec<_> = report.not_looked_at.iter().map(words).collect();
    if all.is_empty() {
        return String::new();
    }
    let is_thorough = ["values", "restore-values"].iter().any(|n| report.not_looked_at.contains(n));
    let how = if is_thorough { " (check --thorough does)" } else { "" };
    let text = format!("not looked at: {}{how}", all.join(", "));
    wrap(&text, style.width, "") + "\n"
}

/// Whether base and increments are of one moment is for people to see, too.
fn moments_line(moments: Moments, style: Style) -> String {
    let told = |at: Option<i64>| at.map_or_else(|| "unknown".to_owned(), time);
    let (base, increments) = (told(moments.base_saved), told(moments.increments_begin));
    let line = format!("base saved at {base}; increments begin at {increments}");
    style.dim(&wrap(&line, style.width, "  ")) + "\n"
}

fn segment_line(segment: &SegmentReport, style: Style) -> String {
    let role = segment.role.as_str();
    let file = name(&segment.name);
    let Some(facts) = &segment.facts else {
        let what = segment
            .size_bytes
            .map_or_else(|| "not there".to_owned(), |bytes| format!("{}, not walked", size(bytes)));
        return style.dim(&format!("  {role:<7}  {file}  {what}")) + "\n";
    };
    let mut parts = vec![size(facts.len), facts.format.as_str().to_owned()];
    if let Some(aofkit::check::RdbFacts::Whole(walked)) = &facts.rdb {
        parts.push(format!("checksum {}", walked.checksum.as_str()));
        parts.push(count(walked.outcome.keys, "key"));
    }
    if facts.commands > 0 {
        parts.push(count(facts.commands, "command"));
    }
    if facts.transactions > 0 {
        parts.push(count(facts.transactions, "transaction"));
    }
    if facts.unknown_annotations > 0 {
        parts.push(count(facts.unknown_annotations, "unknown annotation"));
    }
    if let (Some(first), Some(last)) = (facts.first_ts(), facts.last_ts()) {
        parts.push(format!("{} to {}", time(first), time(last)));
    }
    if facts.broken.is_some() && facts.sound().record_end < facts.len {
        parts.push(match facts.sound().record_end {
            0 => "damaged from its first byte on".to_owned(),
            end => format!("sound up to byte {}", thousands(end)),
        });
    }
    let line = format!("{role:<7}  {file}  {}", parts.join(", "));
    wrap(&line, style.width, "  ") + "\n"
}

/// `check` of several sets: the troubled ones in full, then the table.
pub fn checks(
    paper: &mut Paper<'_>,
    path: &Path,
    checked: &[Checked],
    view: &View,
) -> io::Result<()> {
    for one in checked {
        let is_wrong = one.report.problems.iter().any(|p| p.severity == Severity::Error);
        if view.verbose || is_wrong || one.loaded.is_some() {
            check(paper, one, view)?;
            paper.text("\n")?;
        }
    }
    paper.text(&overview(path, checked.iter().map(Checked::row), view))
}
