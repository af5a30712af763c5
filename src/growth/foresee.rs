//! Draws the outlook of a set from what was seen of it.

use super::advice::Advice;
use super::advise::advise;
use super::forecast::{Ahead, Forecast, Measured, RateSource};
use super::hold::{Hold, holds};
use super::load::Load;
use super::observe::GrowthReport;
use super::outlook::{Outlook, Rewrite, Surroundings};
use super::recorder::Rate;
use super::simulate::simulate;
use super::trigger::{Since, Trigger};
use crate::aof::{Aof, Layout, Role};
use crate::growth::running;
use std::time::{SystemTime, UNIX_EPOCH};

impl Outlook {
    /// From what was seen of a set.
    pub fn new(aof: &Aof, report: &GrowthReport, around: &Surroundings) -> Self {
        let (base_bytes, increment_bytes) = sizes(aof, report);
        let settings = around.settings(&aof.settings);
        let server = around.server.as_ref();
        let restarted = Trigger::new(base_bytes, increment_bytes, &settings);
        let counted = running::counted(&restarted, server);
        let trigger = counted.unwrap_or(restarted);
        let rate = rate(aof, report, increment_bytes);
        let recent_rate = report.rate.and_then(changed);
        let average = rate.map_or(0.0, |rate| rate.bytes_per_second);
        let per_second = recent_rate.map_or(average, |(rate, _)| rate);
        let rewrite = rewrite(settings.use_rdb_preamble, report, &trigger, per_second);
        let live = rewrite.size.estimated_bytes;
        let holds = holds(aof, &trigger, around.now, server);
        let is_loaded = is_loaded(report, &holds);
        let is_written_to = if trigger.is_due() || !is_loaded { is_written_to(aof) } else { None };
        let ahead = Ahead {
            now: around.now,
            bytes_per_second: per_second,
            until_rewrite: trigger.remaining_bytes(),
            until_full: around.disk.map(|disk| disk.free),
            is_in_use: is_loaded || is_written_to == Some(true),
        };
        let rules = std::iter::once((trigger.percentage, trigger.min_size_bytes));
        let rules = rules.chain(around.rules.iter().copied());
        let play = |(percentage, min_size_bytes)| {
            let rule = trigger.under(percentage, min_size_bytes);
            live.map(|live| simulate(&report.timeline, &rule, base_bytes, live))
        };
        let mut outlook = Self {
            trigger,
            others: match counted {
                Some(_) => vec![restarted],
                None => others(aof, report, &trigger),
            },
            base_bytes,
            increment_bytes,
            rate,
            recent_rate,
            forecast: Forecast::new(rate.as_ref(), &ahead),
            rewrite,
            disk: around.disk,
            leftover_bytes: aof.leftovers.iter().map(|leftover| leftover.len).sum(),
            holds,
            simulations: rules.filter_map(play).collect(),
            write_amplification: live.and_then(|live| amplification(&trigger, live)),
            load: Load::estimated(report, around.server.as_ref()),
            advice: Advice::Nothing(String::new()),
            is_its_log: server.and_then(|server| running::is_its_log(aof, server)),
            differences: server.map_or_else(Vec::new, |server| {
                running::differences(aof, server, restarted.current_bytes)
            }),
            is_written_to,
            has_times_of_a_copy: has_times_of_a_copy(aof, report),
        };
        outlook.advice = advise(&outlook);
        outlook
    }
}

/// Bytes of base and increments. A single file is all base to a server that starts with it.
fn sizes(aof: &Aof, report: &GrowthReport) -> (u64, u64) {
    if aof.layout != Layout::MultiPart {
        return (report.base_bytes + report.appended_bytes, 0);
    }
    let sum = |role| {
        let of_role = aof.live().filter(|(_, segment)| segment.role == role);
        of_role.filter_map(|(_, segment)| segment.len()).sum()
    };
    (sum(Role::Base), sum(Role::Increment))
}

fn seconds(time: SystemTime) -> Option<f64> {
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64())
}

/// How much another rate is another, not the same one with its ups and downs.
const CHANGED: f64 = 1.25;

/// A recent rate is one over this many seconds at least.
const SHORTEST_RECENT: i64 = 60;

/// The rate at the end where it is another than the average.
fn changed(rate: Rate) -> Option<(f64, i64)> {
    let times = |(recent, _): &(f64, i64)| recent / rate.average;
    rate.recent.filter(|(_, seconds)| *seconds >= SHORTEST_RECENT).filter(|recent| {
        times(recent) > CHANGED || (times(recent) < 1.0 / CHANGED && recent.0 > 0.0)
    })
}

/// Bytes a second: by annotations, else from when the base was done to when the last increment was written to.
fn rate(aof: &Aof, report: &GrowthReport, increment_bytes: u64) -> Option<Measured> {
    let clock = &report.clock;
    if let (Some(rate), Some(seconds), Some(until)) = (report.rate, clock.span(), clock.latest) {
        let (bytes_per_second, source) = (rate.average, RateSource::Annotations);
        return Some(Measured { bytes_per_second, source, seconds, until });
    }
    let time = |role| {
        let of_role = aof.live().filter(move |(_, segment)| segment.role == role);
        of_role.filter_map(|(_, segment)| seconds(segment.file()?.modified()?)).last()
    };
    let (from, to) = (time(Role::Base)?, time(Role::Increment)?);
    let span = Some(to - from).filter(|span| *span >= 1.0)?;
    if has_times_of_a_copy(aof, report) {
        return None;
    }
    let bytes_per_second = increment_bytes as f64 / span;
    let (seconds, until) = (span as i64, to as i64);
    Some(Measured { bytes_per_second, source: RateSource::FileTimes, seconds, until })
}

/// Bytes a second that a copy writes at least: what is written more slowly was appended.
const COPY_SPEED: f64 = 20.0 * 1024.0 * 1024.0;

/// Seconds that a save and its rename may take beyond that, and two clocks may be apart.
const SLACK: f64 = 60.0;

/// Whether somebody has copied the files: all of them were written within the time that a copy takes, long after the base
/// was begun or the last time that the log tells.
fn has_times_of_a_copy(aof: &Aof, report: &GrowthReport) -> bool {
    let files = || aof.live().filter_map(|(_, segment)| segment.file());
    let times: Vec<_> = files().filter_map(|file| seconds(file.modified()?)).collect();
    let Some(first) = times.iter().copied().reduce(f64::min) else { return false };
    let last = times.iter().copied().fold(first, f64::max);
    let copied = files().map(|file| file.len()).sum::<u64>() as f64 / COPY_SPEED;
    let told = report.clock.latest.or(report.began_at);
    let after = told.map(|told| first - told as f64);
    last - first <= copied + 2.0 && after.is_some_and(|after| after > copied + SLACK)
}

/// Whether a server could start with the set, as far as it was looked at here.
fn is_loaded(report: &GrowthReport, holds: &[Hold]) -> bool {
    !report.is_damaged_inside && !holds.iter().any(|hold| matches!(hold, Hold::Missing { .. }))
}

/// Whether a process has the last increment open for writing.
fn is_written_to(aof: &Aof) -> Option<bool> {
    let increments = aof.live().filter(|(_, segment)| segment.role != Role::Base);
    let file = increments.last()?.1.file()?;
    aof.processes().held_for_writing(file.identity())
}

/// The same files in the eyes of other servers, where that makes a difference.
fn others(aof: &Aof, report: &GrowthReport, trigger: &Trigger) -> Vec<Trigger> {
    let mut others = Vec::new();
    let base = aof.live().map(|(_, segment)| segment).find(|segment| segment.role == Role::Base);
    let Some(base) = base.filter(|_| aof.layout == Layout::MultiPart) else { return others };
    // The base it made itself has no keys; any other was written by a rewrite.
    if base.seq == Some(1) && report.rdb_keys == 0 && report.base_bytes == report.rdb_bytes {
        others.push(trigger.fresh());
    } else if let Some(done) = base.file().and_then(|file| seconds(file.modified()?)) {
        // A base that was written to after all annotations is a copy, and its time tells nothing.
        let by_then = report.told.iter().find(|(at, _)| *at as f64 > done);
        if let Some(appended) = by_then.map(|(_, bytes)| *bytes).filter(|bytes| *bytes > 0) {
            others.push(trigger.since_rewrite(appended));
        }
    }
    others.retain(|other| other.since != Since::Restart);
    others
}

fn rewrite(
    use_rdb: Option<bool>,
    report: &GrowthReport,
    trigger: &Trigger,
    per_second: f64,
) -> Rewrite {
    let is_rdb = match use_rdb {
        Some(is_rdb) => is_rdb,
        None => report.rdb_bytes > 0 || report.base_bytes == 0,
    };
    let live = &report.live;
    let size = if is_rdb { live.rdb } else { live.resp };
    let current = trigger.current_bytes;
    let then = trigger.files_at_rewrite_bytes().unwrap_or(current).max(current);
    let peak = |estimated: u64| {
        let meanwhile = per_second * estimated as f64 / REWRITE_SPEED as f64;
        then.saturating_add(estimated).saturating_add(meanwhile as u64)
    };
    Rewrite {
        is_rdb,
        size,
        reclaimable_bytes: size.estimated_bytes.map(|bytes| current.saturating_sub(bytes)),
        peak_disk_bytes: size.estimated_bytes.map(peak),
    }
}

/// Bytes written for each byte appended: a rewrite writes what is alive, and lets the set grow to the next one.
fn amplification(trigger: &Trigger, live: u64) -> Option<f64> {
    let after = Trigger { base_bytes: live, current_bytes: live, ..*trigger };
    let appended = after.remaining_bytes()?.max(1);
    Some((appended + live) as f64 / appended as f64)
}

/// Bytes a second that a rewrite is taken to write, to know what is appended meanwhile.
pub const REWRITE_SPEED: u64 = 64 << 20;
