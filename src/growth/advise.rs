//! Finds the most pressing thing to do about the growth of a set.

use super::advice::Advice;
use super::hold::Hold;
use super::outlook::Outlook;
use super::trigger::Since;
use crate::text::thousands;

/// A part of the set from which on it is worth giving back.
pub(super) const WORTH: f64 = 0.3;

/// Bytes from which on it is worth giving back.
pub(super) const LARGE: u64 = 64 << 20;

/// Rewrites closer together than this many seconds keep a server busy with them.
pub(super) const TOO_OFTEN: f64 = 600.0;

/// Seconds that should lie between two rewrites.
pub(super) const APART: f64 = 3600.0;

/// No set should grow to more than this many percent over its base just to be rewritten less often.
pub(super) const HIGHEST: u32 = 1000;

/// What to do in this situation: the most pressing thing.
pub(super) fn advise(outlook: &Outlook) -> Advice {
    let (rewrite, trigger) = (&outlook.rewrite, &outlook.trigger);
    let current = outlook.current_bytes();
    let has = |which: fn(&Hold) -> bool| outlook.holds.iter().any(which);
    if let Some(missing) = outlook.holds.iter().find(|hold| matches!(hold, Hold::Missing { .. })) {
        let why = format!("{missing}. `aofkit check` says what can be done");
        return Advice::Mend(why);
    }
    if has(|hold| matches!(hold, Hold::Unwritable)) {
        let why = "the server cannot write to its log: its own log says why (disk, permissions)";
        return Advice::FindFault(why.to_owned());
    }
    if has(|hold| matches!(hold, Hold::Failing { .. } | Hold::Failed { .. })) {
        let why =
            "rewrites seem to fail: the server's log says why (memory to fork, disk, permissions)";
        return Advice::FindFault(why.to_owned());
    }
    let needed = rewrite.peak_disk_bytes.map(|peak| peak.saturating_sub(current));
    if outlook.disk.zip(needed).is_some_and(|(disk, needed)| needed > disk.free) {
        let why = "the next rewrite needs more room than the file system has left";
        return Advice::MakeRoom(why.to_owned());
    }
    if let Some(percentage) = outlook.usual_rate().and_then(|rate| calmer(outlook, rate)) {
        let why =
            "at this rate rewrites follow each other within minutes; this makes it about an hour";
        return Advice::Percentage(percentage, why.to_owned());
    }
    if has(|hold| matches!(hold, Hold::NoLog)) {
        return Advice::Nothing("the server keeps no log".to_owned());
    }
    if has(|hold| matches!(hold, Hold::Running { .. } | Hold::Child { .. })) {
        return Advice::Nothing("a rewrite is running".to_owned());
    }
    if trigger.is_due() {
        return Advice::Overdue(overdue(outlook).to_owned());
    }
    let Some(reclaimable) = rewrite.reclaimable_bytes else {
        return Advice::Nothing(
            "what a rewrite would give back is not known: not all commands are followed".to_owned(),
        );
    };
    if rewrite.size.error_percent.is_none() {
        return within(outlook);
    }
    let part = reclaimable as f64 / current.max(1) as f64;
    let percent = thousands((part * 100.0).round() as u64);
    let is_worth_it = part >= WORTH && reclaimable >= LARGE;
    if is_worth_it && trigger.percentage == 0 {
        return Advice::Rewrite(format!(
            "{percent} % of the set would be given back, and with percentage 0 nothing else will"
        ));
    }
    if is_worth_it {
        return Advice::Rewrite(format!("{percent} % of the set would be given back"));
    }
    let small = if part >= WORTH { ", which is little in bytes" } else { "" };
    Advice::Nothing(format!("a rewrite would give back {percent} % of the set{small}"))
}

/// The same where only a range is known: worth it is what is worth it in any case.
fn within(outlook: &Outlook) -> Advice {
    let (size, current) = (outlook.rewrite.size, outlook.current_bytes());
    let given_back = |bytes: Option<u64>| current.saturating_sub(bytes.unwrap_or(current));
    let (least, most) = (given_back(size.at_most_bytes), given_back(size.at_least_bytes));
    let part = |bytes: u64| bytes as f64 / current.max(1) as f64;
    let percent = |bytes: u64| thousands((part(bytes) * 100.0).round() as u64);
    let range = format!("{} to {} % of the set", percent(least), percent(most));
    if part(least) >= WORTH && least >= LARGE {
        let alone = if outlook.trigger.percentage == 0 {
            ", and with percentage 0 nothing else will"
        } else {
            ""
        };
        return Advice::Rewrite(format!("{range} would be given back{alone}"));
    }
    let small =
        if part(least) >= WORTH && most < LARGE { ", which is little in bytes" } else { "" };
    Advice::Nothing(format!("a rewrite would give back {range}{small}"))
}

/// Why a rewrite that should have begun has not.
fn overdue(outlook: &Outlook) -> &'static str {
    if outlook.trigger.since == Since::Running {
        return "by its own count the server starts one now; if this is still so in a minute, they fail or are put off: its \
                log says why";
    }
    match outlook.is_written_to {
        Some(false) => {
            "no process on this machine has the last increment open, so no server works on this set, and nothing rewrites it. \
             One that starts with it and these settings begins at once"
        }
        Some(true) => {
            "a server with these settings starts one at once, and a process has the last increment open: it has other \
             settings (give --conf or --server), or its rewrites fail (its log says why)"
        }
        None => {
            "a server with these settings starts one at once. Either none works on this set, or it has other settings (give \
             --conf or --server), or its rewrites fail (its log says why)"
        }
    }
}

/// The percentage at which rewrites are an hour apart, when they are far closer now.
pub(super) fn calmer(outlook: &Outlook, rate: f64) -> Option<u32> {
    let alive = outlook.rewrite.size.estimated_bytes?;
    let live = alive.max(1) as f64;
    let trigger = outlook.trigger;
    let after = super::Trigger { base_bytes: alive, current_bytes: alive, ..trigger };
    let between = after.remaining_bytes()? as f64 / rate;
    // Small sets are rewritten in no time.
    if between >= TOO_OFTEN || alive < LARGE {
        return None;
    }
    let percentage = (rate * APART / live * 100.0 / 50.0).ceil() * 50.0;
    let percentage = percentage as u32;
    let peak = live * (2.0 + f64::from(percentage) / 100.0);
    let room = outlook
        .disk
        .map_or(f64::MAX, |disk| disk.free.saturating_add(outlook.current_bytes()) as f64);
    let is_sensible = percentage > trigger.percentage && percentage <= HIGHEST;
    (is_sensible && peak < room).then_some(percentage)
}
