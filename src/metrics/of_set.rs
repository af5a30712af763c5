//! The figures of one set.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::list::{
    CHECK_DURATION, CHECK_ERROR, CHECK_PROBLEMS, CHECK_READ, CHECK_SUCCESS, CHECK_TIMESTAMP,
    CHECK_VERDICT, CHECK_WHOLE_TIMESTAMP, COMMANDS, DISK_FREE, DISK_SIZE, FILES, GROWTH,
    LAST_WRITE_TIMESTAMP, LEFTOVER, LEFTOVER_FILES, REWRITE_AT, SIZE,
};
use super::samples::Samples;
use crate::aof::{Aof, Layout, LeftoverKind, Role};
use crate::check::{Kind, Problem, Report, Severity, Verdict};
use crate::disk::{self, Room};
use crate::growth::Trigger;

/// Files of a set as they lie there, which takes no reading.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// Number and bytes by role.
    roles: BTreeMap<&'static str, (u64, u64)>,
    /// Number and bytes of what lies beside, by kind.
    beside: BTreeMap<&'static str, (u64, u64)>,
    written_at: Option<f64>,
    trigger: Option<Trigger>,
    room: Option<Room>,
}

impl Files {
    pub(super) fn of(aof: &Aof) -> Self {
        let mut roles = BTreeMap::new();
        for segment in aof.segments.iter().filter(|segment| !segment.is_missing()) {
            let (files, bytes): &mut (u64, u64) = roles.entry(segment.role.as_str()).or_default();
            *files += 1;
            *bytes += segment.len().unwrap_or(0);
        }
        let mut beside = BTreeMap::new();
        for left in &aof.leftovers {
            let (files, bytes): &mut (u64, u64) = beside.entry(left.kind.as_str()).or_default();
            *files += 1;
            *bytes += left.len;
        }
        let written = aof.live().filter_map(|(_, segment)| segment.file()?.modified()).max();
        let bytes = |role: Role| roles.get(role.as_str()).map_or(0, |(_, bytes)| *bytes);
        // A file by itself has no base to grow from.
        let is_set = aof.layout == Layout::MultiPart;
        let trigger =
            is_set.then(|| Trigger::new(bytes(Role::Base), bytes(Role::Increment), &aof.settings));
        Self {
            written_at: written.and_then(seconds),
            trigger,
            room: disk::room(&aof.dir()).ok(),
            roles,
            beside,
        }
    }

    fn tell(&self, samples: &mut Samples, set: &str) {
        for (role, (files, bytes)) in &self.roles {
            if *role != Role::History.as_str() {
                samples.add(&SIZE, &[set, role], *bytes);
            }
            samples.add(&FILES, &[set, role], *files);
        }
        samples.add_known(&LAST_WRITE_TIMESTAMP, &[set], self.written_at);
        if let Some(trigger) = &self.trigger {
            let percent = trigger.growth_percent();
            samples.add_known(&GROWTH, &[set], percent.map(|percent| percent as f64 / 100.0));
            samples.add_known(&REWRITE_AT, &[set], trigger.files_at_rewrite_bytes());
        }
        // aofkit's own directory of what it keeps is there on purpose.
        let left = self.beside.iter().filter(|(kind, _)| **kind != LeftoverKind::Kept.as_str());
        samples.add(&LEFTOVER, &[set], left.map(|(_, (_, bytes))| *bytes).sum::<u64>());
        for (kind, (files, _)) in &self.beside {
            samples.add(&LEFTOVER_FILES, &[set, kind], *files);
        }
        samples.add_known(&DISK_FREE, &[set], self.room.map(|room| room.free));
        samples.add_known(&DISK_SIZE, &[set], self.room.map(|room| room.total));
    }
}

/// A judgement on a set, and when it was made.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) report: Report,
    /// Unix milliseconds.
    pub(super) at_ms: i64,
    /// When all of it was read, Unix milliseconds.
    pub(super) whole_at_ms: i64,
}

/// What is known of a set.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) files: Option<Files>,
    pub(super) judged: Option<Judged>,
    /// Why the last look failed, by the kind of error.
    pub(super) failed: Option<&'static str>,
    pub(super) seconds: f64,
    pub(super) read_bytes: u64,
}

impl Figures {
    /// The set and its files are well, as far as is known.
    fn is_well(&self) -> bool {
        let is_closed = |p: &Problem| p.kind == Kind::NotReadable && p.severity == Severity::Error;
        let is_well = |report: &Report| {
            report.verdict == Verdict::Healthy && !report.problems.iter().any(is_closed)
        };
        self.failed.is_none() && self.judged.as_ref().is_some_and(|judged| is_well(&judged.report))
    }

    pub(super) fn tell(&self, samples: &mut Samples, set: &str) {
        samples.add(&CHECK_SUCCESS, &[set], self.is_well());
        samples.add_known(
            &CHECK_ERROR,
            &[set, self.failed.unwrap_or("")],
            self.failed.map(|_| true),
        );
        samples.add(&CHECK_DURATION, &[set], self.seconds);
        samples.add(&CHECK_READ, &[set], self.read_bytes);
        if let Some(judged) = &self.judged {
            tell_judged(samples, set, judged);
        }
        // Of files that are not there any more nothing is told.
        if let Some(files) = self.files.as_ref().filter(|_| self.failed.is_none()) {
            files.tell(samples, set);
        }
    }
}

fn tell_judged(samples: &mut Samples, set: &str, judged: &Judged) {
    let report = &judged.report;
    samples.add(&CHECK_VERDICT, &[set, report.verdict.as_str()], true);
    let mut problems: BTreeMap<(Severity, Kind), u64> = BTreeMap::new();
    for problem in &report.problems {
        *problems.entry((problem.severity, problem.kind)).or_default() += 1;
    }
    for ((severity, kind), count) in problems {
        samples.add(&CHECK_PROBLEMS, &[set, severity.as_str(), kind.as_str()], count);
    }
    let facts = report.segments.iter().filter_map(|segment| segment.facts.as_ref());
    samples.add(&COMMANDS, &[set], facts.map(|facts| facts.commands).sum::<u64>());
    samples.add(&CHECK_TIMESTAMP, &[set], from_ms(judged.at_ms));
    samples.add(&CHECK_WHOLE_TIMESTAMP, &[set], from_ms(judged.whole_at_ms));
}

/// Milliseconds as seconds.
pub(super) fn from_ms(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

fn seconds(at: SystemTime) -> Option<f64> {
    Some(at.duration_since(UNIX_EPOCH).ok()?.as_millis() as f64 / 1000.0)
}
