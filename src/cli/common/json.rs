//! JSON for scripts: fills the wire types from what the library reports.

use std::borrow::Cow;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use aofkit::aof::{Aof, Layout, Leftover, LeftoverKind, Role};
use aofkit::check::{
    CheckAof, Loads, Problem, RdbFacts, Report, SegmentFormat, SegmentReport, Unknown, Verdict,
};
use aofkit::error::{Error, ErrorKind};
use aofkit::format::rdb::Checksum;
use aofkit::growth::Trigger;
use aofkit::rules::{By, Needed};
use aofkit::stats::{CommandRow, DatabaseRow, Totals};
use aofkit::text::is_obeyed;
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::stats::key_space_json::key_space;
use crate::cli::common::wire::{CheckAofJson, CheckJson, CommandJson, DatabaseJson, Each, ErrorBody, ErrorJson, GrowthJson, Head, InspectJson, LeftoverJson, LostJson, ModuleJson, NeededJson, ProblemJson, RdbJson, SegmentJson, Several, Source, SourceOfSeveral, Total, TotalsJson, TriggerJson, UnknownJson, Writer};
use crate::cli::common::output::Paper;
use crate::cli::inspect::Inspected;

/// Bytes that are text when they can be, and base64 beside `null` when not.
pub struct Text {
    pub plain: Option<String>,
    pub b64: Option<String>,
}

pub fn text(bytes: &[u8]) -> Text {
    match std::str::from_utf8(bytes) {
        Ok(plain) => Text { plain: Some(plain.to_owned()), b64: None },
        Err(_) => Text { plain: None, b64: Some(BASE64_STANDARD.encode(bytes)) },
    }
}

pub fn path_text(path: &Path) -> Text {
    text(path.as_os_str().as_bytes())
}

const CHECK: &str = "aofkit.check/1";
const INSPECT: &str = "aofkit.inspect/1";
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn pretty(value: &impl Serialize) -> String {
    // Plain data with string keys: this cannot fail.
    pure(serde_json::to_string_pretty(value).unwrap_or_default()).into_owned() + "\n"
}

/// JSON in which no character is left that a terminal would obey. Outside of strings there is none but line ends,
/// and inside of them serde_json has escaped the first 32.
pub fn pure<'j>(json: impl Into<Cow<'j, str>>) -> Cow<'j, str> {
    let json = json.into();
    let is_bad = |c: char| c > '~' && is_obeyed(c);
    if json.is_ascii() || !json.contains(is_bad) {
        return json;
    }
    let mut text = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_bad(c) { text += &format!("\\u{:04x}", u32::from(c)) } else { text.push(c) }
    }
    Cow::Owned(text)
}

/// `check` of one set.
pub fn check(paper: &mut Paper<'_>, aof: &Aof, report: &Report) -> io::Result<()> {
    paper.json(&check_json(aof, report))
}

/// `check` of several sets.
pub fn checks(paper: &mut Paper<'_>, path: &Path, checked: &[(Aof, Report)]) -> io::Result<()> {
    let sets = checked.iter().map(|(aof, report)| check_json(aof, report)).collect();
    paper.json(&several(CHECK, path, sets, checked.iter().map(|(_, report)| report)))
}

/// `inspect` of one set.
pub fn inspect(paper: &mut Paper<'_>, one: &Inspected) -> io::Result<()> {
    paper.json(&inspect_json(one))
}

/// `inspect` of several sets.
pub fn inspects(paper: &mut Paper<'_>, path: &Path, all: &[Inspected]) -> io::Result<()> {
    let sets = all.iter().map(inspect_json).collect();
    paper.json(&several(INSPECT, path, sets, all.iter().map(|one| &one.report)))
}

/// An error, on one line.
pub fn error(error: &Error) -> String {
    let path = path_text(error.path());
    let body = ErrorBody {
        kind: match error.kind() {
            ErrorKind::NotFound => "not-found",
            ErrorKind::Shrank { .. } => "shrank",
            ErrorKind::KeepsChanging => "keeps-changing",
            ErrorKind::LeavesSet => "leaves-set",
            ErrorKind::Conf(_) => "configuration",
            ErrorKind::Compressed => "compressed",
            ErrorKind::TooLarge { .. } => "too-large",
            ErrorKind::Stale(_) => "stale",
            ErrorKind::InUse(_) => "in-use",
            ErrorKind::Refused(_) => "refused",
            ErrorKind::NotTried(_) => "not-tried",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::NoRoom { .. } => "no-room",
            ErrorKind::BadBackup(_) => "bad-backup",
            _ => "io",
        },
        path: path.plain,
        path_b64: path.b64,
        offset: error.offset(),
        message: error.to_string(),
    };
    pure(serde_json::to_string(&ErrorJson { error: body }).unwrap_or_default()).into_owned()
}

/// Arguments that make no sense, on one line.
pub fn usage(why: &str) -> String {
    pathless("usage", why)
}

/// A result that cannot be written, on one line.
pub fn unwritten(why: &str) -> String {
    pathless("io", why)
}

fn pathless(kind: &'static str, why: &str) -> String {
    let message = why.to_owned();
    let body = ErrorBody { kind, path: None, path_b64: None, offset: None, message };
    pure(serde_json::to_string(&ErrorJson { error: body }).unwrap_or_default()).into_owned()
}

fn several<'a, T>(
    schema: &'static str,
    path: &Path,
    sets: Vec<T>,
    reports: impl Iterator<Item = &'a Report> + Clone,
) -> Several<T> {
    let path = path_text(path);
    let source =
        SourceOfSeveral { path: path.plain, path_b64: path.b64, layout: "several", manifest: None };
    let commands = |r: &Report| -> u64 {
        r.segments.iter().filter_map(|s| s.facts.as_ref()).map(|f| f.commands).sum()
    };
    let total = Total {
        sets: sets.len(),
        healthy: reports.clone().filter(|r| r.verdict == Verdict::Healthy).count(),
        verdict: verdict(worst(reports.clone())),
        size_bytes: reports.clone().map(|r| r.size_bytes).sum(),
        ok_bytes: reports.clone().map(|r| r.ok_bytes).sum(),
        commands: reports.clone().map(commands).sum(),
        problems: reports.map(|r| r.problems.len()).sum(),
    };
    Several { schema, tool_version: VERSION, source, sets, total }
}

fn worst<'a>(reports: impl Iterator<Item = &'a Report>) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Healthy => 0,
        Verdict::Unsupported => 1,
        Verdict::TailDamage => 2,
        Verdict::InnerDamage => 3,
        Verdict::SetInconsistent => 4,
    };
    reports.map(|r| r.verdict).max_by_key(rank).unwrap_or(Verdict::Healthy)
}

fn check_json<'a>(aof: &Aof, report: &'a Report) -> CheckJson<'a> {
    CheckJson { head: head(CHECK, aof, report), problems: problems(report) }
}

fn inspect_json(one: &Inspected) -> InspectJson<'_> {
    let totals = &one.mix.totals;
    InspectJson {
        head: head(INSPECT, &one.aof, &one.report),
        growth: one.growth.as_ref().map(|growth| growth_json(growth, one.aof.configured)),
        key_space: one.has_base_keys().then(|| key_space(&one.key_space, one.redact)),
        totals: totals_json(totals),
        commands: one.mix.commands.iter().map(|row| command(row, totals)).collect(),
        databases: one.mix.databases.iter().map(database).collect(),
        prefixes: crate::cli::stats::json::prefixes(&one.keys),
        keys: crate::cli::stats::json::keys(&one.keys),
        deletes: crate::cli::stats::deletes_json::deletes(&one.deletes, &one.aof),
        leftovers: one.aof.leftovers.iter().map(leftover).collect(),
        leftover_bytes: one.aof.leftovers.iter().map(|l| l.len).sum(),
        problems: problems(&one.report),
    }
}

fn head<'a>(schema: &'static str, aof: &Aof, report: &'a Report) -> Head<'a> {
    let path = path_text(&aof.path);
    let manifest = aof.manifest.as_ref().map(|m| path_text(&m.path));
    let (manifest, manifest_b64) = manifest.map_or((None, None), |m| (m.plain, m.b64));
    let layout = match aof.layout {
        Layout::MultiPart => "multi-part",
        Layout::SingleFile if report.is_rdb => "rdb",
        Layout::SingleFile => "single-file",
        Layout::Stream => "stream",
    };
    let CheckAof { valid, why, .. } = report.check_aof.clone();
    Head {
        schema,
        tool_version: VERSION,
        source: Source { path: path.plain, path_b64: path.b64, layout, manifest, manifest_b64 },
        target: report.target.to_string(),
        knowledge: report.target.knowledge.as_str(),
        rules: report.target.rules.name,
        writer: aof
            .writer
            .as_ref()
            .map(|writer| Writer { family: writer.family.name(), version: writer.version.clone() }),
        verdict: verdict(report.verdict),
        loads: loads(report.loads),
        needs_modules: needs_modules(&report.needs_modules),
        modules: modules(&report.modules),
        unknown: report.unknown.iter().map(unknown).collect(),
        check_aof: CheckAofJson { valid, why },
        size_bytes: report.size_bytes,
        ok_bytes: report.ok_bytes,
        segments: Each { all: &report.segments, one: segment },
    }
}

/// What a set needs of modules.
pub fn needs_modules(needs: &[Needed]) -> Vec<NeededJson> {
    let row = |row: &Needed| NeededJson {
        name: row.name.clone(),
        need: row.need.as_str(),
        count: row.count,
    };
    needs.iter().map(row).collect()
}

/// The modules that are there, and who says it.
pub fn modules(modules: &[(String, By)]) -> Vec<ModuleJson> {
    let row = |(name, by): &(String, By)| ModuleJson { name: name.clone(), by: by.as_str() };
    modules.iter().map(row).collect()
}

/// A verdict's name.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "healthy",
        Verdict::TailDamage => "tail-damage",
        Verdict::InnerDamage => "inner-damage",
        Verdict::SetInconsistent => "set-inconsistent",
        Verdict::Unsupported => "unsupported",
    }
}

/// What the target does with a set; null in JSON where that was not learnt.
pub fn loads(loads: Loads) -> Option<&'static str> {
    Some(match loads {
        Loads::Yes => "yes",
        Loads::StartsEmpty => "starts-empty",
        Loads::AfterTruncation => "after-truncation",
        Loads::No => "no",
        Loads::Unknown => return None,
    })
}

/// A role's name.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Base => "base",
        Role::Increment => "incr",
        Role::History => "history",
        Role::Single => "single",
        Role::Stream => "stream",
    }
}

/// A segment format's name.
pub fn format(format: SegmentFormat) -> &'static str {
    match format {
        SegmentFormat::Rdb => "rdb",
        SegmentFormat::Resp => "resp",
        SegmentFormat::RdbResp => "rdb+resp",
        SegmentFormat::Empty => "empty",
        SegmentFormat::Unknown => "unknown",
    }
}

fn segment(segment: &SegmentReport) -> SegmentJson {
    let file = text(&segment.name);
    let facts = segment.facts.as_ref();
    SegmentJson {
        file: file.plain,
        file_b64: file.b64,
        role: role(segment.role),
        seq: segment.seq,
        format: facts.map(|f| format(f.format)),
        size_bytes: segment.size_bytes,
        proven: facts.map(|f| f.proven),
        safe_cut: facts.map(|f| f.safe_cut),
        ok_up_to: facts.map(|f| f.ok_up_to),
        commands: facts.map(|f| f.commands),
        transactions: facts.map(|f| f.transactions),
        annotations: facts.map(|f| f.annotations),
        unknown_annotations: facts.map(|f| f.unknown_annotations),
        first_ts: facts.and_then(|f| f.first_ts),
        last_ts: facts.and_then(|f| f.last_ts),
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
        checksum: whole.map(|w| checksum(w.checksum)),
        end: whole.map(|w| w.outcome.end),
        created_at: fields.created_s().map(crate::cli::common::units::time),
        used_memory_bytes: fields.used_memory_bytes(),
    }
}

/// What a checksum says, in a word.
pub fn checksum(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::Match(_) => "ok",
        Checksum::Disabled => "disabled",
        Checksum::Mismatch { .. } => "mismatch",
        Checksum::Absent => "absent",
    }
}

fn unknown(row: &Unknown) -> UnknownJson {
    let (what, file) = (text(&row.what), text(&row.file));
    UnknownJson {
        what: what.plain,
        what_b64: what.b64,
        count: row.count,
        file: file.plain,
        file_b64: file.b64,
        offset: row.offset,
    }
}

fn problems(report: &Report) -> Each<'_, Problem, ProblemJson> {
    Each { all: &report.problems, one: problem }
}

fn problem(problem: &Problem) -> ProblemJson {
    let file = problem.file.as_deref().map(text).unwrap_or(Text { plain: None, b64: None });
    ProblemJson {
        kind: problem.kind.as_str(),
        severity: problem.severity.as_str(),
        file: file.plain,
        file_b64: file.b64,
        offset: problem.offset,
        length_bytes: problem.len,
        line: problem.line,
        message: problem.message.clone(),
        next: problem.next.clone(),
        lost: problem.lost.map(|lost| LostJson {
            bytes: lost.bytes,
            commands: lost.commands,
            if_truncated_commands: lost.if_truncated_commands,
        }),
    }
}

fn growth_json(growth: &Trigger, configured: bool) -> GrowthJson {
    GrowthJson {
        base_bytes: growth.base_bytes,
        increment_bytes: growth.current_bytes - growth.base_bytes,
        current_bytes: growth.current_bytes,
        growth_percent: growth.percent(),
        trigger: TriggerJson {
            percentage: growth.percentage,
            min_size_bytes: growth.min_size_bytes,
            rewrite_at_bytes: growth.rewrite_at_bytes(),
            remaining_bytes: growth.remaining_bytes(),
            due: growth.is_due(),
            source: if configured { "conf" } else { "default" },
        },
    }
}

pub fn totals_json(totals: &Totals) -> TotalsJson {
    TotalsJson {
        commands: totals.commands,
        transactions: totals.transactions,
        annotations: totals.annotations,
        resp_bytes: totals.resp_bytes,
        command_bytes: totals.command_bytes,
        annotation_bytes: totals.annotation_bytes,
        unparsed_bytes: totals.unparsed_bytes,
        rdb_bytes: totals.rdb_bytes,
    }
}

pub fn command(row: &CommandRow, totals: &Totals) -> CommandJson {
    let name = text(&row.name);
    CommandJson {
        name: name.plain,
        name_b64: name.b64,
        group: row.group,
        count: row.count,
        bytes: row.bytes,
        share: crate::cli::common::units::ratio(row.bytes, totals.command_bytes),
        mean_bytes: row.mean_bytes(),
        largest_bytes: row.largest_bytes,
    }
}

fn database(row: &DatabaseRow) -> DatabaseJson {
    DatabaseJson { db: row.db, commands: row.commands, bytes: row.bytes }
}

fn leftover(leftover: &Leftover) -> LeftoverJson {
    let path = path_text(&leftover.path);
    LeftoverJson {
        path: path.plain,
        path_b64: path.b64,
        kind: match leftover.kind {
            LeftoverKind::Orphan | LeftoverKind::OldSingleFile => "orphan-segment",
            LeftoverKind::History => "history-file",
            LeftoverKind::Temporary => "temp-file",
            LeftoverKind::Kept => "kept",
        },
        size_bytes: leftover.len,
        modified_at: leftover.modified.and_then(modified),
    }
}

pub fn modified(at: SystemTime) -> Option<String> {
    let exact = Timestamp::try_from(at).ok()?;
    Some(crate::cli::common::units::time(exact.as_second()))
}
