//! When the log is rewritten, held against how it was seen to grow.

use super::written::{configured, on_path};
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::Seen;
use crate::audit::subject::{SetSeen, Subject};
use crate::check::Severity::{self, Error, Warning};
use crate::growth::{Hold, Trigger};
use crate::text::{count, size, thousands};

const fn of(severity: Severity) -> (Group, Severity) {
    (Group::Rewrite, severity)
}

static REWRITE_OFF: Rule = Rule::new(
    "AOF-020",
    "rewrite-off",
    of(Warning),
    "The server never rewrites its log by itself.",
    "The log grows until somebody asks for a rewrite or the disk is full, and loads longer every day.",
);
static NEVER_FIRES: Rule = Rule::new(
    "AOF-021",
    "rewrite-never-fires",
    of(Error),
    "The disk is full before a rewrite starts.",
    "A server that cannot write to its log refuses all writes, or ends.",
);
static WAITS_FOR_MINIMUM: Rule = Rule::new(
    "AOF-022",
    "rewrite-waits-for-minimum",
    of(Warning),
    "The log has grown enough for a rewrite, and only auto-aof-rewrite-min-size holds it back.",
    "Most of the log is dead weight that takes disk and time to load.",
);
static FIRES_ALL_THE_TIME: Rule = Rule::new(
    "AOF-023",
    "rewrite-fires-all-the-time",
    of(Warning),
    "At the rate that was measured, rewrites follow each other within minutes.",
    "Each one forks, takes memory for what changes meanwhile, and writes all data anew.",
);
static TINY_MINIMUM: Rule = Rule::new(
    "AOF-024",
    "rewrite-minimum-tiny",
    of(Warning),
    "auto-aof-rewrite-min-size is so small that a young log is rewritten again and again.",
    "While a log is small, a few writes double it, and every doubling is a fork.",
);
static LARGE_PERCENTAGE: Rule = Rule::new(
    "AOF-025",
    "rewrite-percentage-large",
    of(Warning),
    "The log may grow to more than ten times its base before it is rewritten.",
    "Loading takes as many times as long, and so does the disk that has to be kept free.",
);
static REWRITES_FAIL: Rule = Rule::new(
    "AOF-026",
    "rewrites-fail",
    of(Error),
    "Rewrites of the log fail.",
    "Each one that fails leaves one increment more, and nothing is ever given back.",
);
static PEAK: Rule = Rule::new(
    "AOF-027",
    "rewrite-peak-exceeds-room",
    of(Error),
    "The next rewrite needs more room than the file system has left.",
    "The old files stay until the new base is complete; a rewrite that fills the disk fails, and writes of clients with it.",
);

pub(super) static RULES: [&Rule; 8] = [
    &REWRITE_OFF,
    &NEVER_FIRES,
    &WAITS_FOR_MINIMUM,
    &FIRES_ALL_THE_TIME,
    &TINY_MINIMUM,
    &LARGE_PERCENTAGE,
    &REWRITES_FAIL,
    &PEAK,
];

const PERCENTAGE: &str = "auto-aof-rewrite-percentage";
const MINIMUM: &str = "auto-aof-rewrite-min-size";

/// The minimum that servers have by default.
const USUAL_MINIMUM: u64 = 64 << 20;

/// A minimum below this is rewritten to in moments.
const TINY: u64 = 1 << 20;

/// More growth than this many percent is no economy any more.
const LARGE: i64 = 1000;

/// Seconds that lie at least between two rewrites.
const APART: f64 = 600.0;

/// A part of the set that is worth giving back, and bytes of it that are.
const WORTH: f64 = 0.5;
const WORTH_BYTES: u64 = 64 << 20;

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    settings(subject, findings);
    for set in &subject.sets {
        findings.extend(fails(set));
        findings.extend(peak(set));
        if !is_rule_known(set) {
            continue;
        }
        let place = |name| subject.setting(name).map(|seen: Seen| seen.place);
        let found =
            never_fires(set).or_else(|| waits_for_minimum(set)).or_else(|| fires_all_the_time(set));
        if let Some((rule, setting, seen, fix)) = found {
            let place = place(setting).unwrap_or_else(|| Place::Path(set.aof.path.clone()));
            findings.push(Finding::new(rule, place, seen).with(fix));
        }
    }
}

/// Whether anybody has told how the set's own server is configured.
fn is_rule_known(set: &SetSeen) -> bool {
    set.aof.configured || set.outlook.is_its_log == Some(true)
}

fn settings(subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some(seen) = subject.setting(PERCENTAGE) {
        let line = Fix::line(format!("{PERCENTAGE} 100"));
        let found = |rule| Finding::new(rule, seen.place.clone(), seen.shown()).with(line);
        match seen.number() {
            Some(0) => findings.push(found(&REWRITE_OFF)),
            Some(percent) if percent > LARGE => findings.push(found(&LARGE_PERCENTAGE)),
            _ => {}
        }
    }
    if let Some(seen) = subject.setting(MINIMUM).filter(|s| s.bytes().is_some_and(|b| b < TINY)) {
        let finding = Finding::new(&TINY_MINIMUM, seen.place.clone(), seen.shown());
        findings.push(finding.with(set_minimum(USUAL_MINIMUM)));
    }
}

/// What is broken, the setting that is to blame, what was seen, and what to do.
type Broken = (&'static Rule, &'static str, String, Fix);

fn set_minimum(bytes: u64) -> Fix {
    Fix::line(format!("{MINIMUM} {}", configured(bytes)))
}

fn trigger(set: &SetSeen) -> &Trigger {
    &set.outlook.trigger
}

/// The disk is full before it grows to where a rewrite starts.
fn never_fires(set: &SetSeen) -> Option<Broken> {
    let left = trigger(set).remaining_bytes()?;
    let free = set.outlook.disk?.free;
    if left <= free {
        return None;
    }
    let seen = format!(
        "a rewrite starts after {} more, and the file system has {} left",
        size(left),
        size(free)
    );
    let usual = trigger(set).under(trigger(set).percentage, USUAL_MINIMUM);
    let is_minimum = usual.remaining_bytes().is_some_and(|left| left <= free)
        && trigger(set).min_size_bytes > USUAL_MINIMUM;
    Some(match is_minimum {
        true => (&NEVER_FIRES, MINIMUM, seen, set_minimum(USUAL_MINIMUM)),
        false => {
            let fix = match trigger(set).percentage > 100 {
                true => Fix::line(format!("{PERCENTAGE} 100")),
                false => Fix::text("Make room: the file system is too small for this log."),
            };
            (&NEVER_FIRES, PERCENTAGE, seen, fix)
        }
    })
}

/// It would have been rewritten if the minimum were the usual one, and much would be given back.
fn waits_for_minimum(set: &SetSeen) -> Option<Broken> {
    let trigger = trigger(set);
    let back = set.outlook.rewrite.reclaimable_bytes?;
    let is_much = back >= WORTH_BYTES
        && back as f64 >= set.outlook.current_bytes() as f64 * WORTH
        && trigger.min_size_bytes > USUAL_MINIMUM;
    if !trigger.waits_for_minimum() || !is_much {
        return None;
    }
    let seen = format!(
        "the log has grown by {} %, {} of its {} would be given back, and the minimum is {}",
        thousands(trigger.percent()),
        size(back),
        size(set.outlook.current_bytes()),
        size(trigger.min_size_bytes)
    );
    Some((&WAITS_FOR_MINIMUM, MINIMUM, seen, set_minimum(USUAL_MINIMUM)))
}

/// Rewrites are closer together than they should be, at the rate that was measured.
fn fires_all_the_time(set: &SetSeen) -> Option<Broken> {
    let outlook = &set.outlook;
    let alive = outlook.rewrite.size.estimated_bytes?;
    let rate = outlook.usual_rate()?;
    let after = Trigger { base_bytes: alive, current_bytes: alive, ..*trigger(set) };
    let seconds = |rule: &Trigger| rule.remaining_bytes().map(|left| left as f64 / rate);
    let between = seconds(&after).filter(|between| *between < APART)?;
    let seen = format!(
        "{} a second are appended, {} are alive: a rewrite about every {} s",
        size(rate as u64),
        size(alive),
        thousands(between.max(1.0) as u64)
    );
    let usual = after.under(after.percentage, USUAL_MINIMUM);
    if after.min_size_bytes < USUAL_MINIMUM && seconds(&usual).is_some_and(|s| s > 2.0 * between) {
        return Some((&FIRES_ALL_THE_TIME, MINIMUM, seen, set_minimum(USUAL_MINIMUM)));
    }
    // So little is rewritten in no time.
    if alive < USUAL_MINIMUM && after.min_size_bytes >= USUAL_MINIMUM {
        return None;
    }
    // What is written until the next rewrite may come.
    let apart = (rate * APART) as u64 + alive;
    let minimum = apart.div_ceil(USUAL_MINIMUM) * USUAL_MINIMUM;
    let room =
        outlook.disk.map_or(u64::MAX, |disk| disk.free.saturating_add(outlook.current_bytes()));
    let fix = match minimum.saturating_add(alive) < room {
        true => set_minimum(minimum),
        false => {
            Fix::text("Give the log a larger file system: there is no room for rarer rewrites.")
        }
    };
    Some((&FIRES_ALL_THE_TIME, MINIMUM, seen, fix))
}

fn fails(set: &SetSeen) -> Option<Finding> {
    let failing = set.outlook.holds.iter().find_map(|hold| match hold {
        Hold::Failing { increments } => Some(format!(
            "the set has {}, and each rewrite that ends well leaves one",
            count(*increments as u64, "increment")
        )),
        Hold::Failed { in_a_row } => Some(match in_a_row.filter(|row| *row > 1) {
            Some(row) => format!("the server says that its last {row} rewrites failed"),
            None => "the server says that its last rewrite failed".to_owned(),
        }),
        _ => None,
    })?;
    let finding = Finding::new(&REWRITES_FAIL, Place::Path(set.aof.path.clone()), failing);
    Some(
        finding
            .with(Fix::text(
                "The server's log says why: no memory to fork (vm.overcommit_memory), no room, no right to write to dir \
                 or the append directory, or a value that cannot be written as commands.",
            ))
            .with(Fix::command("BGREWRITEAOF")),
    )
}

/// Whether the disk has no room for the next rewrite, or is full before it.
pub(super) fn lacks_room(set: &SetSeen) -> bool {
    never_fires(set).is_some() || peak(set).is_some()
}

fn peak(set: &SetSeen) -> Option<Finding> {
    let peak = set.outlook.rewrite.peak_disk_bytes?;
    let needed = peak.saturating_sub(set.outlook.current_bytes());
    let free = set.outlook.disk?.free;
    // Where it is full before that, that is told.
    let left = trigger(set).remaining_bytes()?;
    if needed <= free || left > free {
        return None;
    }
    let seen = format!(
        "at its peak the rewrite takes {} more, and the file system has {} left",
        size(needed),
        size(free)
    );
    Some(
        Finding::new(&PEAK, Place::Path(set.aof.path.clone()), seen)
            .with(on_path("aofkit clean", &set.aof.path))
            .with(Fix::text("Make room, or move the log to a larger file system.")),
    )
}
