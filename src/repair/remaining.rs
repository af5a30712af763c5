//! What is wrong with a set that no repair puts right by itself: what it is, what can be done, and by whom.

use crate::aof::Aof;
use crate::check::{Kind, Problem, Report, Severity, Verdict};
use crate::text;

/// Problems that are told; `check` tells all.
const TOLD: usize = 5;

/// A line for each, where nothing is to be done to a set that is not healthy.
pub(super) fn told(aof: &Aof, report: &Report) -> Vec<String> {
    if report.verdict == Verdict::Healthy {
        return Vec::new();
    }
    let is_meant = |problem: &&Problem| {
        let kinds = [Kind::NeighbourData, Kind::UnknownCommand, Kind::WrongArity];
        problem.kind == kinds[0]
            || problem.severity == Severity::Error && !kinds.contains(&problem.kind)
    };
    let mut lines: Vec<_> = report.problems.iter().filter(is_meant).map(line).collect();
    let more = lines.len().saturating_sub(TOLD);
    lines.truncate(TOLD);
    if more > 0 {
        let path = text::path(&aof.path);
        lines.push(format!(
            "and {}: see `aofkit check {path}`",
            text::count(more as u64, "more problem")
        ));
    }
    lines
}

fn line(problem: &Problem) -> String {
    let file = problem.file.as_deref().map(text::name).unwrap_or_default();
    let what = match problem.kind {
        Kind::SegmentMissing => {
            return format!(
                "{file} is not there, and nothing in the set can make it again: bring it back from a backup \
                 (`aofkit restore`) or a copy, or take the data from a replica"
            );
        }
        Kind::NeighbourData => format!("{file} beside the set holds what the set lacks"),
        Kind::StartedEmpty => format!("{file} and what belongs to it hold more than the set"),
        Kind::DeletedButOpen => "files are gone, and their server still runs".to_owned(),
        kind => format!("{} {file}: {}", kind.as_str(), problem.message),
    };
    match &problem.next {
        Some(next) if !next.starts_with("aofkit repair ") || next.contains(" --") => {
            format!("{what}: {next}")
        }
        _ => format!("{what}; `aofkit check` tells what to do"),
    }
}
