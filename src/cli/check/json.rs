//! `check` for scripts, and what `inspect` shares with it.

use std::io;
use std::path::Path;

use aofkit::aof::Aof;
use aofkit::check::{CheckAof, Problem, RdbFacts, Report, SegmentReport, Unknown, Verdict};
use aofkit::fleet::{Place, outliers};
use aofkit::rules::Knowledge;

use super::report::Checked;
use super::wire::{
    CheckAofJson, CheckJson, Head, LostJson, ProblemJson, RdbJson, SegmentJson, Total, UnknownJson,
    Writer,
};
use crate::cli::common::context::Context;
use crate::cli::common::json::{self, VERSION, modules, needs_modules, source};
use crate::cli::common::loaded;
use crate::cli::common::members::{Text, text};
use crate::cli::common::output::Paper;
use crate::cli::common::running;
use crate::cli::common::sets::{Row, names};
use crate::cli::common::units::time;
use crate::cli::common::wire::{Each, OutlierJson, Several};

const CHECK: &str = "aofkit.check/1";

/// `check` of one set.
pub fn check(paper: &mut Paper<'_>, checked: &Checked, context: &Context) -> io::Result<()> {
    paper.json(&check_json(checked, context))
}

/// `check` of several sets.
pub fn checks(
    paper: &mut Paper<'_>,
    path: &Path,
    checked: &[Checked],
    context: &Context,
) -> io::Result<()> {
    let sets = checked.iter().map(|one| check_json(one, context)).collect();
    let rows: Vec<_> = checked.iter().map(Checked::row).collect();
    paper.json(&several(CHECK, path, sets, &rows))
}

/// Several sets, and what they make together.
pub fn several<T>(
    schema: &'static str,
    path: &Path,
    sets: Vec<T>,
    rows: &[Row<'_>],
) -> Several<T, Total> {
    let commands = |r: &Report| -> u64 {
        r.segments.iter().filter_map(|s| s.facts.as_ref()).map(|f| f.commands).sum()
    };
    let reports = || rows.iter().map(|row| row.report);
    let measured: Vec<_> = rows.iter().map(Row::measured).collect();
    let places: Vec<_> = rows.iter().map(|row| Place::of(row.aof)).collect();
    let names = names(places.iter().cloned(), path);
    let total = Total {
        sets: sets.len(),
        healthy: reports().filter(|r| r.verdict == Verdict::Healthy).count(),
        verdict: reports().map(|r| r.verdict).max().unwrap_or(Verdict::Healthy).as_str(),
        size_bytes: reports().map(|r| r.size_bytes).sum(),
        ok_bytes: reports().map(|r| r.ok_bytes).sum(),
        commands: Some(reports().map(commands).sum()),
        problems: reports().map(|r| r.problems.len()).sum(),
        outliers: OutlierJson::all(&outliers(&measured), &names),
    };
    json::several(schema, path, &places, sets, total)
}

fn check_json<'a>(checked: &'a Checked, context: &Context) -> CheckJson<'a> {
    let Checked { aof, report, loaded, server } = checked;
    let mut head = head(CHECK, aof, report);
    if loaded.as_ref().is_some_and(|one| one.loads.is_some() && !one.differs_from(report.loads)) {
        head.knowledge = Knowledge::Asked.as_str();
    }
    let loaded = loaded.as_ref().map(|one| loaded::json(one, report.loads, context.redact));
    let server = server.as_ref().map(running::json);
    CheckJson { head, server, loaded, problems: problems(report) }
}

pub fn head<'a>(schema: &'static str, aof: &Aof, report: &'a Report) -> Head<'a> {
    let CheckAof { valid, why, .. } = report.check_aof.clone();
    Head {
        schema,
        tool_version: VERSION,
        source: source(aof, report.is_rdb),
        target: report.target.to_string(),
        knowledge: report.target.knowledge.as_str(),
        rules: report.target.rules.name,
        writer: aof
            .writer
            .as_ref()
            .map(|writer| Writer { family: writer.family.name(), version: writer.version.clone() }),
        verdict: report.verdict.as_str(),
        loads: report.loads.as_str(),
        needs_modules: needs_modules(&report.needs_modules),
        modules: modules(&report.modules),
        unknown: report.unknown.iter().map(unknown).collect(),
        not_looked_at: &report.not_looked_at,
        check_aof: CheckAofJson { valid, why },
        size_bytes: report.size_bytes,
        ok_bytes: report.ok_bytes,
        base_saved_at: report.moments.and_then(|moments| moments.base_saved).map(time),
        increments_begin_at: report.moments.and_then(|moments| moments.increments_begin).map(time),
        segments: Each { all: &report.segments, one: segment },
    }
}

fn segment(segment: &SegmentReport) -> SegmentJson {
    let file = text(&segment.name);
    let facts = segment.facts.as_ref();
    SegmentJson {
        file: file.into(),
        role: segment.role.as_str(),
        seq: segment.seq,
        format: facts.map(|f| f.format.as_str()),
        size_bytes: segment.size_bytes,
        proven: facts.map(|f| f.proven()),
        safe_cut: facts.map(|f| f.safe_cut()),
        ok_up_to: facts.map(|f| f.ok_up_to()),
        commands: facts.map(|f| f.commands),
        transactions: facts.map(|f| f.transactions),
        annotations: facts.map(|f| f.annotations),
        unknown_annotations: facts.map(|f| f.unknown_annotations),
        first_ts: facts.and_then(|f| f.first_ts()),
        last_ts: facts.and_then(|f| f.last_ts()),
        rdb: facts.and_then(|f| f.rdb.as_ref()).map(rdb),
    }
}

fn rdb(part: &RdbFacts) -> RdbJson {
    let header = part.header();
    let fields = part.fields();
    let whole = match part {
        RdbFacts::Whole(walked) => Some(walked),
        RdbFacts::Broken(_) => None,
    };
    RdbJson {
        version: header.map(|h| h.version),
        family: header.map(|h| h.family.name()),
        keys: whole.map(|w| w.outcome.keys),
        expires: whole.map(|w| w.outcome.expires),
        checksum: whole.map(|w| w.checksum.as_str()),
        end: whole.map(|w| w.outcome.end),
        created_at: fields.created_s().map(time),
        used_memory_bytes: fields.used_memory_bytes(),
    }
}

fn unknown(row: &Unknown) -> UnknownJson {
    let (what, file) = (text(&row.what), text(&row.file));
    UnknownJson { what: what.into(), count: row.count, file: file.into(), offset: row.offset }
}

pub fn problems(report: &Report) -> Each<'_, Problem, ProblemJson> {
    Each { all: &report.problems, one: problem }
}

pub fn problem(problem: &Problem) -> ProblemJson {
    let file = problem.file.as_deref().map(text).unwrap_or(Text { plain: None, b64: None });
    ProblemJson {
        kind: problem.kind.as_str(),
        severity: problem.severity.as_str(),
        file: file.into(),
        offset: problem.offset,
        length_bytes: problem.len,
        line: problem.line,
        message: problem.message.clone(),
        next: problem.next.clone(),
        lost: problem.lost.map(|lost| LostJson {
            bytes: lost.bytes,
            commands: lost.commands,
            likely_commands: lost.likely_commands,
            if_truncated_commands: lost.if_truncated_commands,
        }),
    }
}
