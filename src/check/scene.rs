//! The segment something was seen in, and the sentences that several problems share.

use super::facts::SegmentFacts;
use super::finding::{Kind, Lost, Problem, Severity, bytes};
use super::seen::Seen;
use super::{advice, corrupt_tail};
use crate::aof::{Aof, Damage, Excerpt, Segment};
use crate::format::rdb;
use crate::redact::hidden;
use crate::rules::Target;
use crate::text::escape;

/// What the judgement of what was seen in a segment needs to know.
pub(super) struct Scene<'a> {
    pub(super) aof: &'a Aof,
    pub(super) facts: &'a SegmentFacts,
    pub(super) is_last: bool,
    /// The end was only a write under way.
    pub(super) in_flight: bool,
    /// What the files before it mean for whether the target comes here at all.
    pub(super) before: Before,
    pub(super) wording: Wording,
    /// Another server, which knows all of the set.
    pub(super) fit: Option<Target>,
    /// The plan that leaves out all commands that the target refuses, where that helps.
    pub(super) drops: Option<&'a str>,
}

/// Whether the target comes as far as some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing stops it before.
    Nothing,
    /// Something stands before of which nobody knows whether the target takes it.
    Doubt,
    /// It stops before.
    Stop,
}

impl Before {
    /// The same for what comes after this segment.
    pub(super) fn and(self, facts: &SegmentFacts) -> Self {
        self.at(facts, u64::MAX)
    }

    fn at(self, facts: &SegmentFacts, offset: u64) -> Self {
        let is_before = |at: u64| at < offset;
        if self == Self::Stop || facts.halt.is_some_and(|halt| is_before(halt.at)) {
            Self::Stop
        } else if self == Self::Doubt || facts.doubt.is_some_and(is_before) {
            Self::Doubt
        } else {
            Self::Nothing
        }
    }
}

impl Scene<'_> {
    /// Whether the target comes as far as this.
    pub(super) fn before(&self, seen: &Seen) -> Before {
        self.before.at(self.facts, seen.offset)
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.aof.segments[self.facts.position]
    }

    pub(super) fn problem(
        &self,
        kind: Kind,
        severity: Severity,
        seen: &Seen,
        message: String,
    ) -> Problem {
        let file = &self.segment().name;
        let at_the_end =
            self.is_last && seen.count == 1 && seen.offset + seen.len == self.facts.len;
        let problem = Problem::of_file(kind, severity, file, message).at(seen.offset, seen.len);
        Problem { at_the_end, ..problem }
    }

    pub(super) fn lost(&self, seen: &Seen, lost_bytes: u64, lost_commands: u64) -> Lost {
        // Of what stands before all records those behind it tell.
        let behind = || self.mean_record().map(|mean| (seen.len / mean.max(1)).max(1));
        let broken = seen.likely.or_else(behind);
        let likely_commands =
            if lost_bytes == 0 { Some(0) } else { broken.map(|broken| lost_commands + broken) };
        Lost {
            bytes: lost_bytes,
            commands: lost_commands,
            likely_commands,
            if_truncated_commands: self.facts.commands - seen.commands_before,
        }
    }

    /// Bytes of a record of the file on average.
    fn mean_record(&self) -> Option<u64> {
        let sound = self.facts.len.saturating_sub(self.facts.damaged_bytes);
        sound.checked_div(self.facts.commands)
    }

    /// A few bytes around a fault.
    pub(super) fn near(&self, context: &Excerpt) -> String {
        match context.bytes.is_empty() || self.wording.redact {
            true => String::new(),
            false => format!(", near \"{}\"", escape(&context.bytes)),
        }
    }

    /// A key, or what stands for it.
    pub(super) fn key(&self, key: &rdb::Key) -> String {
        match self.wording.redact {
            true => format!("key {}", hidden(&key.start)),
            false => format!("key \"{}\"", escape(&key.start)),
        }
    }

    pub(super) fn fault(&self, damage: &Damage) -> String {
        format!("byte {}: {}{}", damage.fault.at, damage.fault.reason, self.near(&damage.context))
    }

    /// How the file is repaired, by a word where it takes one.
    pub(super) fn repair(&self, by: &str) -> Option<String> {
        self.segment().is_plain().then(|| advice::repair(self.aof, by)).flatten()
    }
}

/// For damage inside: what lies behind it is kept.
pub(super) const SALVAGE: &str = " --salvage";

/// What the target does at its start, for a file it would cut.
pub(super) fn at_start(scene: &Scene<'_>, seen: &Seen, by_cutting: bool) -> String {
    let target = scene.aof.target();
    match scene.before(seen) {
        Before::Nothing => {}
        Before::Doubt => return format!("whether {target} comes as far as this is not known"),
        Before::Stop => return format!("{target} stops before it"),
    }
    if !by_cutting {
        return match corrupt_tail::is_cut(scene.aof, scene.facts) {
            true if scene.is_last => format!(
                "{target} cuts the file to {} when it starts (aof-load-corrupt-tail-max-size {})",
                bytes(scene.facts.own_cut.unwrap_or(seen.cut_before)),
                scene.aof.settings.load_corrupt_tail_max_bytes()
            ),
            _ => format!("{target} refuses to start"),
        };
    }
    if !scene.is_last {
        return format!("{target} refuses to start, for this is not the last file");
    }
    match scene.aof.settings.load_truncated() {
        true => format!("{target} cuts them off when it starts (aof-load-truncated yes)"),
        false => format!("{target} refuses to start (aof-load-truncated no)"),
    }
}

pub(super) fn in_flight(scene: &Scene<'_>, seen: &Seen, kind: Kind) -> Problem {
    let message = format!(
        "{} at the end were still being written when the file was opened; they are whole by now and \
         belong to the next look",
        bytes(scene.facts.len - seen.cut_before)
    );
    scene.problem(kind, Severity::Info, seen, message)
}

pub(super) fn times(seen: &Seen) -> String {
    match seen.count {
        1 => String::new(),
        n => format!(" ({} times, first at byte {})", crate::text::thousands(n), seen.offset),
    }
}

/// How problems are worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// Show no bytes of values, and hashes in the place of keys.
    pub redact: bool,
}
