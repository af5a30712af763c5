//! `check` for people, and what `inspect` shares with it.

use std::io;
use std::path::Path;

use aofkit::aof::{Aof, Layout};
use aofkit::check::{Loads, Problem, Report, Severity, Verdict};
use aofkit::rules::Knowledge;
use aofkit::text::{count, escape, name, tame, thousands};

use crate::cli::common::json;
use crate::cli::common::needs;
use crate::cli::common::units::{Style, size, time};
use crate::cli::common::context::Context;
use crate::cli::common::output::Paper;

pub use crate::cli::inspect::text::inspect;
pub use crate::cli::common::sets::{checks, inspects};

/// `check` of one set.
pub fn check(
    paper: &mut Paper<'_>,
    aof: &Aof,
    report: &Report,
    context: &Context,
) -> io::Result<()> {
    let style = context.style;
    paper.text(&(headline(aof, report, style) + "\n"))?;
    for segment in &report.segments {
        paper.text(&segment_line(segment, style))?;
    }
    paper.text(&needs::needs(&report.needs_modules, &report.modules, style, "  "))?;
    paper.text("\n")?;
    let mut text = problems(report, context, Severity::Warning);
    text += &verdict_lines(report, style, "");
    for note in &report.notes {
        text += &format!("{}\n", wrap(&format!("note: {note}."), style.width, ""));
    }
    if !context.quiet {
        text += &style.dim(&wrap(
            "note: commands carry no checksum; a byte changed inside a value cannot be seen.",
            style.width,
            "",
        ));
        text += "\n";
    }
    paper.text(&text)
}

/// What it is, how large, who wrote it, and by whose rules it is judged.
pub fn headline(aof: &Aof, report: &Report, style: Style) -> String {
    let what = match aof.layout {
        Layout::MultiPart => "multi-part set",
        Layout::SingleFile if report.is_rdb => "RDB",
        Layout::SingleFile => "single file",
        Layout::Stream => "stream",
    };
    let writer = aof.writer.as_ref().map_or_else(String::new, |writer| {
        format!(", written by {} {}", writer.family.name(), tame(&writer.version))
    });
    let rules = match report.target.knowledge {
        Knowledge::Recorded | Knowledge::Asked => report.target.to_string(),
        Knowledge::Between => format!("{} (not run)", report.target),
        Knowledge::Documented => format!("{} (not run, only read about)", report.target),
        _ => format!("{} (newer than every server that aofkit knows)", report.target),
    };
    let path = name(aof.path.as_os_str().as_encoded_bytes());
    let line = format!("{what}, {}{writer}; judged as {rules}", size(report.size_bytes));
    format!("{}\n{}\n", style.bold(&path), wrap(&line, style.width, "  "))
}

fn segment_line(segment: &aofkit::check::SegmentReport, style: Style) -> String {
    let role = json::role(segment.role);
    let file = name(&segment.name);
    let Some(facts) = &segment.facts else {
        let what = segment
            .size_bytes
            .map_or_else(|| "not there".to_owned(), |bytes| format!("{}, not walked", size(bytes)));
        return style.dim(&format!("  {role:<7}  {file}  {what}")) + "\n";
    };
    let mut parts = vec![size(facts.len), json::format(facts.format).to_owned()];
    if let Some(aofkit::check::RdbFacts::Whole(walked)) = &facts.rdb {
        parts.push(format!("checksum {}", json::checksum(walked.checksum)));
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
    if let (Some(first), Some(last)) = (facts.first_ts, facts.last_ts) {
        parts.push(format!("{} to {}", time(first), time(last)));
    }
    if facts.broken.is_some() && facts.sound.record_end < facts.len {
        parts.push(format!("sound up to byte {}", thousands(facts.sound.record_end)));
    }
    let line = format!("{role:<7}  {file}  {}", parts.join(", "));
    wrap(&line, style.width, "  ") + "\n"
}

/// The problems from this severity on (all with `-v`), each with what it costs and what to do.
pub fn problems(report: &Report, context: &Context, from: Severity) -> String {
    let from = if context.verbose { Severity::Info } else { from };
    let mut text = String::new();
    for problem in report.problems.iter().filter(|p| p.severity >= from) {
        text += &problem_lines(problem, context.style);
        text += "\n";
    }
    let hidden = report.problems.iter().filter(|p| p.severity < from).count() as u64;
    if hidden > 0 && !context.quiet {
        let note =
            format!("{} not shown (leftovers and the like); -v shows them", count(hidden, "info"));
        text += &format!("{}\n\n", context.style.dim(&note));
    }
    text
}

fn problem_lines(problem: &Problem, style: Style) -> String {
    let severity = match problem.severity {
        Severity::Error => style.bad("error"),
        Severity::Warning => style.warn("warning"),
        Severity::Info => style.dim("info"),
    };
    let mut place = problem.file.as_deref().map(name).unwrap_or_default();
    if let Some(line) = problem.line {
        place += &format!(" line {line}");
    } else if let Some(offset) = problem.offset {
        place += &format!(" byte {offset} ({offset:#x})");
    }
    let separator = if place.is_empty() { "" } else { " " };
    let mut text = format!("{severity} {}{separator}{place}\n", problem.kind.as_str());
    text += &wrap(&problem.message, style.width, "  ");
    text += "\n";
    if let Some(lost) = problem.lost {
        let line = format!(
            "lost: {} ({}); {} if the file is cut here",
            count(lost.bytes, "byte"),
            count(lost.commands, "whole command"),
            count(lost.if_truncated_commands, "command")
        );
        text += &format!("{}\n", wrap(&line, style.width, "  "));
    }
    if let Some(next) = &problem.next {
        text += &format!("  {} {next}\n", style.bold("next:"));
    }
    text
}

/// The verdict, and what the target and redis-check-aof do.
pub fn verdict_lines(report: &Report, style: Style, indent: &str) -> String {
    let target = report.target;
    let loads = match report.loads {
        Loads::Yes => format!("{target} loads it"),
        Loads::StartsEmpty => format!("{target} starts EMPTY"),
        Loads::AfterTruncation => format!("{target} cuts its end and loads the rest"),
        Loads::No => format!("{target} does not load it"),
        Loads::Unknown => format!("aofkit does not know whether {target} loads it"),
    };
    let (verdict, painted) = match report.verdict {
        Verdict::Healthy => ("healthy", style.good("healthy")),
        Verdict::TailDamage => ("tail damage", style.warn("tail damage")),
        Verdict::InnerDamage => ("inner damage", style.bad("inner damage")),
        Verdict::SetInconsistent => ("set inconsistent", style.bad("set inconsistent")),
        Verdict::Unsupported => ("unsupported", style.bad("unsupported")),
    };
    let sound = match report.size_bytes == report.ok_bytes {
        true => format!("all {} accounted for", count(report.size_bytes, "byte")),
        false => format!(
            "{} of {} accounted for",
            thousands(report.ok_bytes),
            count(report.size_bytes, "byte")
        ),
    };
    let line = wrap(&format!("{verdict}{}: {loads}; {sound}", but(report)), style.width, indent);
    // Painted last, for colours take no columns.
    let mut text = line.replacen(verdict, &painted, 1) + "\n";
    // Of an RDB that it does not know it says nothing that would help.
    if report.check_aof.is_blind {
        return text;
    }
    let checker = match &report.check_aof.why {
        None => "redis-check-aof 8.2 says: valid".to_owned(),
        Some(why) => format!("redis-check-aof 8.2 says: not valid ({why})"),
    };
    text += &wrap(&checker, style.width, indent);
    text + "\n"
}

/// What a healthy set must not be called without.
pub fn but(report: &Report) -> String {
    match (report.verdict, report.trap()) {
        (Verdict::Healthy, Some((command, file, offset))) => {
            format!(", but the log holds {} at {}:{offset}", escape(command), name(file))
        }
        _ => String::new(),
    }
}

/// Text broken at blanks into lines of at most `width` columns, each indented.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        let fresh = line <= indent.len();
        if !fresh && line + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{}", if indent.is_empty() { "" } else { "  " }));
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The path of a set below the one that was asked for.
pub fn below(path: &Path, root: &Path) -> String {
    let short = path.strip_prefix(root).unwrap_or(path);
    name(short.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks_and_never_inside_words() {
        assert_eq!(wrap("aa bb cc", 5, ""), "aa bb\ncc");
        assert_eq!(wrap("aa bb cc", 7, "  "), "  aa bb\n    cc");
        assert_eq!(wrap("aaaaaaaaaa b", 5, ""), "aaaaaaaaaa\nb");
    }
}
