//! How a judgement is told to people: the head, the problems, the verdict.

use aofkit::aof::{Aof, Layout};
use aofkit::check::{Kind, Loads, Problem, Report, Severity, Verdict};
use aofkit::rules::Knowledge;
use aofkit::text::{count, escape, name, tame, thousands};

use super::layout::wrap;
use super::units::{Style, size};
use super::view::View;

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

/// The problems from this severity on (all with `-v`), each with what it costs and what to do; not those that were told
/// before anything else.
pub fn problems(report: &Report, view: &View, from: Severity) -> String {
    let from = if view.verbose { Severity::Info } else { from };
    let mut text = String::new();
    let below = |p: &&Problem| p.severity >= from && !p.comes_first();
    for problem in report.problems.iter().filter(below) {
        text += &problem_lines(problem, view.style);
        text += "\n";
    }
    let hidden = report.problems.iter().filter(|p| p.severity < from).count() as u64;
    if hidden > 0 && !view.quiet {
        let them = if hidden == 1 { "it" } else { "them" };
        let note = format!("{} not shown (-v shows {them})", count(hidden, "info"));
        text += &format!("{}\n\n", view.style.dim(&note));
    }
    text
}

/// One problem: what, where, what it costs, what to do.
pub fn problem_lines(problem: &Problem, style: Style) -> String {
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
    let kind = problem.kind.as_str();
    let columns = problem.severity.as_str().len() + kind.len() + place.chars().count() + 2;
    let mut text = match (place.is_empty(), columns <= style.width) {
        (true, _) => format!("{severity} {kind}\n"),
        (false, true) => format!("{severity} {kind} {place}\n"),
        (false, false) => format!("{severity} {kind}\n{}\n", wrap(&place, style.width, "  ")),
    };
    text += &wrap(&problem.message, style.width, "  ");
    text += "\n";
    if let Some(lost) = problem.lost {
        let likely = match lost.likely_commands.filter(|&likely| likely > lost.commands) {
            Some(likely) => format!(" (they probably held {})", about(likely)),
            None => String::new(),
        };
        let line = format!(
            "lost for certain: {}, {}{likely}; a cut here would lose {}",
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

/// Commands that were estimated: one is as good as known.
pub fn about(commands: u64) -> String {
    let about = if commands > 1 { "about " } else { "" };
    format!("{about}{}", count(commands, "command"))
}

/// The verdict, and what the target and redis-check-aof do.
pub fn verdict_lines(report: &Report, style: Style, indent: &str) -> String {
    let loads = loads(report);
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
    // Nobody should read of an empty log that all is well and no more.
    let empty = match (report.verdict, report.loads) {
        (Verdict::Healthy, Loads::StartsEmpty) => ", but EMPTY",
        _ => "",
    };
    let line = format!("{verdict}{empty}{}: {loads}; {sound}", but(report));
    let line = wrap(&line, style.width, indent);
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

/// What the target does with the set.
pub fn loads(report: &Report) -> String {
    let target = report.target;
    match report.loads {
        Loads::Yes => format!("{target} loads it"),
        Loads::StartsEmpty => format!("{target} starts EMPTY"),
        Loads::AfterTruncation => format!("{target} cuts its end and loads the rest"),
        Loads::No => format!("{target} does not load it"),
        Loads::Unknown => format!("aofkit does not know whether {target} loads it"),
    }
}

/// A base that lost all its bytes, which servers pass over.
fn is_hollow(problem: &Problem) -> bool {
    problem.kind == Kind::RdbTruncated && problem.severity == Severity::Warning
}

/// What a healthy set must not be called without.
pub fn but(report: &Report) -> String {
    match (report.verdict, report.trap()) {
        (Verdict::Healthy, Some((command, file, offset))) => {
            format!(", but the log holds {} at {}:{offset}", escape(command), name(file))
        }
        (Verdict::Healthy, None) if report.problems.iter().any(is_hollow) => {
            ", but its base has no bytes".to_owned()
        }
        _ => String::new(),
    }
}
