//! How the log is written and read again.

use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::Seen;
use crate::audit::subject::{SetSeen, Subject};
use crate::check::Severity::{self, Error, Info, Warning};
use crate::check::Verdict;
use crate::rules::Need;
use crate::text;

const fn of(severity: Severity) -> (Group, Severity) {
    (Group::Persistence, severity)
}

static APPENDONLY_OFF: Rule = Rule::new(
    "AOF-001",
    "appendonly-off",
    of(Error),
    "The server keeps no append-only file.",
    "After a crash, all writes since the last snapshot are lost.",
);
static NO_PERSISTENCE: Rule = Rule::new(
    "AOF-002",
    "no-persistence",
    of(Error),
    "The server keeps neither an append-only file nor snapshots.",
    "A restart loses everything.",
);
static APPENDFSYNC: Rule = Rule::new(
    "AOF-003",
    "appendfsync",
    of(Error),
    "The log is not synced once a second.",
    "With `no` the kernel decides when bytes reach the disk, often after 30 seconds; with `always` every write waits for the disk.",
);
static NO_FSYNC_ON_REWRITE: Rule = Rule::new(
    "AOF-004",
    "no-fsync-on-rewrite",
    of(Warning),
    "The log is not synced while a child process writes.",
    "A power failure during a rewrite or a snapshot loses all writes since it began, not one second of them.",
);
static NAMES: Rule = Rule::new(
    "AOF-005",
    "log-names",
    of(Warning),
    "The name of the log's files or directory invites mistakes.",
    "Names with blanks, quotes or a leading dot break scripts, and what begins with `temp-` is taken for a leftover.",
);
static DUMP_NAMED_AS_LOG: Rule = Rule::new(
    "AOF-006",
    "dump-named-as-log",
    of(Error),
    "The snapshot has the same name as the log.",
    "A server that finds no manifest takes the snapshot for a log of an old version, and moves it into the set.",
);
static SAVE_TOO_OFTEN: Rule = Rule::new(
    "AOF-007",
    "save-too-often",
    of(Warning),
    "Snapshots are taken more than once a minute.",
    "Each one forks, doubles memory that changes, writes everything, and keeps rewrites of the log waiting.",
);
static LOAD_TRUNCATED_OFF: Rule = Rule::new(
    "AOF-008",
    "load-truncated-off",
    of(Info),
    "The server does not start with a log that is torn at its end.",
    "After a power failure somebody has to repair the log by hand; on the other hand nothing is cut unseen.",
);
static CORRUPT_TAIL: Rule = Rule::new(
    "AOF-009",
    "corrupt-tail-limit",
    of(Warning),
    "The server may cut away all that follows the first bad byte of the log.",
    "One flipped bit can cost sound records behind it, a transaction can be left open so that later writes are lost, and a set without increments can be emptied.",
);
static RESP_BASE: Rule = Rule::new(
    "AOF-010",
    "base-without-rdb",
    of(Warning),
    "Bases of the log are written as commands, not as RDB.",
    "They are larger, take several times as long to load, and carry no checksum.",
);
static RESP_BASE_WITH_MODULES: Rule = Rule::new(
    "AOF-011",
    "base-without-rdb-with-modules",
    of(Error),
    "Bases are written as commands, and there are values of modules or vector sets.",
    "A rewrite crashes or fails at such a value if its module cannot write it as commands: then the log is never rewritten, and grows until the disk is full.",
);
static TIMESTAMPS_OFF: Rule = Rule::new(
    "AOF-012",
    "timestamps-off",
    of(Info),
    "The log has no times.",
    "With them `aofkit rewind --until TIME` can go back to a second, and growth is measured exactly; they cost 16 bytes a second.",
);
static CHECKSUM_OFF: Rule = Rule::new(
    "AOF-013",
    "rdbchecksum-off",
    of(Warning),
    "Bases and snapshots have no checksum.",
    "A byte of a value that the disk has changed is loaded, rewritten and backed up without anybody noticing.",
);
static AUTO_GC_OFF: Rule = Rule::new(
    "AOF-014",
    "history-kept",
    of(Warning),
    "Files that a rewrite has replaced are not deleted.",
    "The directory grows by a whole log with each rewrite, until the disk is full.",
);
static INCREMENTAL_FSYNC_OFF: Rule = Rule::new(
    "AOF-015",
    "rewrite-synced-at-once",
    of(Warning),
    "A rewrite syncs its file only at its end.",
    "All of a large base goes to the disk at once, and writes of clients wait for it.",
);
static SET_UNSOUND: Rule = Rule::new(
    "AOF-016",
    "set-unsound",
    of(Error),
    "The set is not sound.",
    "A server does not load it, or loads less than was written.",
);

pub(super) static RULES: [&Rule; 16] = [
    &APPENDONLY_OFF,
    &NO_PERSISTENCE,
    &APPENDFSYNC,
    &NO_FSYNC_ON_REWRITE,
    &NAMES,
    &DUMP_NAMED_AS_LOG,
    &SAVE_TOO_OFTEN,
    &LOAD_TRUNCATED_OFF,
    &CORRUPT_TAIL,
    &RESP_BASE,
    &RESP_BASE_WITH_MODULES,
    &TIMESTAMPS_OFF,
    &CHECKSUM_OFF,
    &AUTO_GC_OFF,
    &INCREMENTAL_FSYNC_OFF,
    &SET_UNSOUND,
];

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    appendonly(subject, findings);
    // Another word is refused, which is a rule of its own.
    let fsync = subject.setting("appendfsync");
    if let Some(seen) = fsync.filter(|seen| seen.is("no") || seen.is("always")) {
        let severity = if seen.is("no") { Error } else { Info };
        let finding = found(&APPENDFSYNC, &seen).as_severe_as(severity);
        findings.push(finding.with(Fix::line("appendfsync everysec")));
    }
    names(subject, findings);
    save(subject, findings);
    corrupt_tail(subject, findings);
    resp_base(subject, findings);
    for (name, wrong, rule) in SWITCHES {
        if let Some(seen) = subject.setting(name).filter(|seen| seen.is(wrong)) {
            let right = if *wrong == "no" { "yes" } else { "no" };
            findings.push(found(rule, &seen).with(Fix::line(format!("{name} {right}"))));
        }
    }
    findings.extend(subject.sets.iter().filter_map(unsound));
}

/// A finding about a setting.
fn found(rule: &'static Rule, seen: &Seen) -> Finding {
    Finding::new(rule, seen.place.clone(), seen.shown())
}

/// Settings that are right or wrong, which word is wrong, and by which rule.
static SWITCHES: &[(&str, &str, &Rule)] = &[
    ("no-appendfsync-on-rewrite", "yes", &NO_FSYNC_ON_REWRITE),
    ("aof-load-truncated", "no", &LOAD_TRUNCATED_OFF),
    ("aof-timestamp-enabled", "no", &TIMESTAMPS_OFF),
    ("rdbchecksum", "no", &CHECKSUM_OFF),
    ("aof-disable-auto-gc", "yes", &AUTO_GC_OFF),
    ("aof-rewrite-incremental-fsync", "no", &INCREMENTAL_FSYNC_OFF),
];

fn appendonly(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(seen) = subject.setting("appendonly").filter(|seen| seen.is("no")) else { return };
    let has_snapshots = points(subject).is_none_or(|(_, points)| !points.is_empty());
    let rule = if has_snapshots { &APPENDONLY_OFF } else { &NO_PERSISTENCE };
    findings.push(
        found(rule, &seen)
            .with(Fix::command("CONFIG SET appendonly yes"))
            .with(Fix::line("appendonly yes"))
            .with(Fix::text(
                "Keep this order: a server that starts with the line alone finds no log, and begins with no data.",
            )),
    );
}

/// The points of `save` in force: seconds and changes, and where the last was seen. `None` where they are not known.
fn points(subject: &Subject) -> Option<(Seen, Vec<(u64, u64)>)> {
    let lines = subject.lines("save");
    let last = lines.last().cloned();
    let words: Vec<Vec<u8>> = match &last {
        None => subject.setting("save")?.words().to_vec(),
        Some(_) => {
            // An empty one takes back those before it.
            let is_empty = |seen: &Seen| seen.words().iter().all(Vec::is_empty);
            let from = lines.iter().rposition(is_empty).map_or(0, |place| place + 1);
            lines[from..].iter().flat_map(|seen| seen.words().to_vec()).collect()
        }
    };
    // Servers from 7.0 on cut one word into several.
    let words = words.iter().filter_map(|word| std::str::from_utf8(word).ok());
    let words = words.flat_map(str::split_ascii_whitespace);
    let words: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
    let seen = last.or_else(|| subject.setting("save"))?;
    Some((seen, words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()))
}

/// Snapshots that are closer together keep a server busy with them.
const LEAST_SECONDS: u64 = 60;

fn save(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some((seen, points)) = points(subject) else { return };
    if let Some((seconds, changes)) = points.iter().find(|(seconds, _)| *seconds < LEAST_SECONDS) {
        let what = format!("save {seconds} {changes}");
        findings.push(
            Finding::new(&SAVE_TOO_OFTEN, seen.place, what)
                .with(Fix::line("save 3600 1 300 100 60 10000")),
        );
    }
}

fn names(subject: &Subject, findings: &mut Vec<Finding>) {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    for (name, usual) in [("appendfilename", "appendonly.aof"), ("appenddirname", "appendonlydir")]
    {
        let Some(seen) = subject.setting(name) else { continue };
        let [word] = seen.words() else { continue };
        let is_odd = word.starts_with(b".") || word.starts_with(b"temp-");
        if is_odd || !word.iter().all(is_plain) {
            findings.push(found(&NAMES, &seen).with(Fix::line(format!("{name} {usual}"))).with(
                Fix::text("Rename directory, files and manifest lines while the server is down."),
            ));
        }
    }
    let both = subject.setting("dbfilename").zip(subject.setting("appendfilename"));
    if let Some((dump, log)) = both.filter(|(dump, log)| dump.words() == log.words()) {
        let seen = format!("{}, {}", dump.shown(), log.shown());
        let finding = Finding::new(&DUMP_NAMED_AS_LOG, dump.place, seen);
        findings.push(finding.with(Fix::line("dbfilename dump.rdb")));
    }
}

fn corrupt_tail(subject: &Subject, findings: &mut Vec<Finding>) {
    let seen = subject.setting("aof-load-corrupt-tail-max-size");
    let Some(seen) = seen.filter(|seen| seen.number().is_some_and(|limit| limit > 0)) else {
        return;
    };
    findings.push(
        found(&CORRUPT_TAIL, &seen)
            .with(Fix::line("aof-load-corrupt-tail-max-size 0"))
            .with(Fix::text(
                "Where a server refuses its log, `aofkit check` shows what is behind the bad byte, and `aofkit repair` \
                 prints what each way to mend it would cost.",
            )),
    );
}

fn resp_base(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(seen) = subject.setting("aof-use-rdb-preamble").filter(|seen| seen.is("no")) else {
        return;
    };
    let fix = || Fix::line("aof-use-rdb-preamble yes");
    match of_modules(subject) {
        Some(what) => {
            let what = format!("{}, and {what}", seen.shown());
            findings.push(
                Finding::new(&RESP_BASE_WITH_MODULES, seen.place, what)
                    .with(Fix::command("CONFIG SET aof-use-rdb-preamble yes"))
                    .with(fix()),
            );
        }
        None => findings.push(found(&RESP_BASE, &seen).with(fix())),
    }
}

/// What shows that there are values of modules or vector sets.
fn of_modules(subject: &Subject) -> Option<String> {
    let needs = subject.sets.iter().flat_map(|set| &set.report.needs_modules);
    let mut values = needs.filter(|need| need.need != Need::Auxiliary);
    if let Some(need) = values.next() {
        return Some(format!("the set holds {}", text::name(need.name.as_bytes())));
    }
    let modules = subject.server.as_ref().and_then(|server| server.modules.as_ref());
    if let Some(module) = modules.and_then(|modules| modules.first()) {
        return Some(format!("the server has loaded {}", text::name(module.as_bytes())));
    }
    let line = subject.lines("loadmodule").pop()?;
    Some(format!("the configuration loads {}", text::name(line.words().first()?)))
}

fn unsound(set: &SetSeen) -> Option<Finding> {
    if set.report.verdict == Verdict::Healthy {
        return None;
    }
    let errors = set.report.problems.iter().filter(|problem| problem.severity == Error);
    let errors: Vec<_> = errors.collect();
    let first = errors.first().map_or_else(String::new, |problem| format!(": {}", problem.message));
    let seen = format!("{}{first}", set.report.verdict.as_str());
    let path = set.aof.path.clone();
    let fix = super::written::on_path("aofkit check", &path);
    Some(Finding::new(&SET_UNSOUND, Place::Path(path), seen).with(fix))
}
