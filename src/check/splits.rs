//! A record or a transaction that stands in two increments: its beginning at the end of one, its rest at the start of the next.
//!
//! A server does that to itself. A write that the system takes only in part leaves the rest in memory; where a rewrite
//! begins before it is written, the rest goes to the new increment. Both halves are damage to a loader, and together
//! they are whole: nothing is lost. Where the border lies between two records of a transaction, servers from Redis 7.0 to
//! 8.6 and Valkey 8.1 and 9.1 cut the first half off on disk and refuse to start; at the next start they carry out the second half
//! alone.

use super::facts::{Facts, SegmentFacts};
use super::finding::{Kind, Problem, Severity, bytes};
use super::scene::Scene;
use super::seen::{NonCanonical, Seen, What};
use super::split::{Crossing, Split};
use crate::aof::{Aof, Changes, Ending, Event, Role};
use crate::command::Kind as Act;
use crate::disk::Part;
use crate::error::Result;
use crate::text;

/// The records of a set that are split.
///
/// # Errors
/// When the files cannot be read again.
pub(super) fn find(aof: &Aof, facts: &Facts) -> Result<Vec<Split>> {
    let mut found = Vec::new();
    let live: Vec<_> = aof.live().map(|(position, _)| position).collect();
    for pair in facts.segments.windows(2) {
        let (first, second) = (&pair[0], &pair[1]);
        let follows = live.windows(2).any(|two| two == [first.position, second.position]);
        let is_increment = |one: &SegmentFacts| {
            let segment = &aof.segments[one.position];
            segment.role == Role::Increment && segment.is_plain()
        };
        if !follows || !is_increment(first) || !is_increment(second) {
            continue;
        }
        let record = torn_end(first).zip(damaged_start(second)).map(|(end, _)| end);
        let transaction = open_end(first).filter(|_| has_stray_exec(second));
        let halves = record.map(|end| (Crossing::Record, end));
        let Some(halves) = halves.or(transaction.map(|end| (Crossing::Transaction, end))) else {
            continue;
        };
        found.extend(joined(aof, (first, halves), second)?);
    }
    Ok(found)
}

/// The record that the file ends in.
fn torn_end(facts: &SegmentFacts) -> Option<&Seen> {
    facts.seen.iter().rev().find(|seen| {
        let is_torn = matches!(&seen.what, What::Damage(damage) if damage.ending == Ending::Torn);
        is_torn && seen.offset + seen.len == facts.len
    })
}

/// The transaction that the file ends in, where its records are whole.
fn open_end(facts: &SegmentFacts) -> Option<&Seen> {
    facts.seen.iter().rev().find(|seen| {
        matches!(seen.what, What::OpenTransaction { .. }) && seen.offset + seen.len == facts.len
    })
}

/// Whether a transaction ends in the file that did not begin there.
fn has_stray_exec(facts: &SegmentFacts) -> bool {
    let is_it = |seen: &Seen| matches!(seen.what, What::NonCanonical(NonCanonical::StrayExec));
    facts.seen.iter().any(is_it)
}

/// What the file begins with, where that is nothing whole.
fn damaged_start(facts: &SegmentFacts) -> Option<&Seen> {
    facts.seen.iter().find(|seen| seen.offset == 0 && matches!(seen.what, What::Damage(_)))
}

/// Reads over the border of two files.
fn joined(
    aof: &Aof,
    (first, (what, end)): (&SegmentFacts, (Crossing, &Seen)),
    second: &SegmentFacts,
) -> Result<Option<Split>> {
    let from = match what {
        Crossing::Record => end.cut_before,
        Crossing::Transaction => end.offset,
    };
    let parts = vec![
        Part::Range { file: first.position, from, to: first.len },
        Part::Range { file: second.position, from: 0, to: second.len },
    ];
    let name = aof.segments[first.position].name.to_vec();
    let shown = aof.preview(&Changes { files: vec![(name, parts)], ..Changes::default() })?;
    // The increment that begins with the rest names no database of its own, unless it is asked for the first.
    let is_inside = from < end.offset || what == Crossing::Transaction;
    let mut border = Border::at(first.len - from, what, is_inside || first.max_db > 0);
    shown.walk(first.position, &mut (), &mut |event: Event<'_>| border.event(&event))?;
    Ok(border.end(second.len).map(|(rest, moves)| Split {
        what,
        first: first.position,
        second: second.position,
        start: end.offset,
        rest,
        moves,
    }))
}

/// What was read around the border of two files.
struct Border {
    /// Where it is.
    at: u64,
    what: Crossing,
    /// What follows the record has to name a database before it can be begun with.
    wants_database: bool,
    /// Where the open transaction begins.
    multi: Option<u64>,
    /// Where the record ends that crosses the border.
    crossed: Option<u64>,
    /// Something whole follows that record.
    is_proven: bool,
    /// Where the second file can begin.
    cut: Option<u64>,
    is_over: bool,
}

impl Border {
    fn at(at: u64, what: Crossing, wants_database: bool) -> Self {
        Self {
            at,
            what,
            wants_database,
            multi: None,
            crossed: None,
            is_proven: false,
            cut: None,
            is_over: false,
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        if self.is_over {
            return;
        }
        let (start, end) = event.span();
        let is_behind = self.crossed.is_some();
        // Of a transaction all records are whole, on both sides.
        let is_whole = is_behind || self.what == Crossing::Transaction;
        let act = match event {
            Event::Record(record, Some(id)) if is_behind || !record.oddities.any() => id.kind(),
            Event::Record(..) | Event::Annotation { .. } if is_whole || end <= self.at => {
                Act::Plain
            }
            _ => return self.stop(start),
        };
        self.is_proven |= is_behind;
        if !is_behind && end >= self.at {
            self.cross(act, (start, end));
        }
        match act {
            // What follows it goes to that database.
            Act::Select if self.crossed == Some(end) => self.wants_database = true,
            Act::Multi => self.multi = Some(start),
            Act::Exec => self.multi = None,
            _ => {}
        }
        self.look_for_cut(act, (start, end));
    }

    /// Something ends at the border or behind it.
    fn cross(&mut self, act: Act, (start, end): (u64, u64)) {
        match self.what {
            Crossing::Record => {
                // A record that ends with the file is not split.
                self.crossed = (start < self.at && end > self.at).then_some(end);
                self.is_over = self.crossed.is_none();
            }
            Crossing::Transaction if start >= self.at => {
                self.crossed = (act == Act::Exec).then_some(end);
                // Nobody writes a transaction inside of another.
                self.is_over = act == Act::Multi;
            }
            // The border lies between two records.
            Crossing::Transaction => self.is_over = end != self.at,
        }
    }

    fn look_for_cut(&mut self, act: Act, (start, end): (u64, u64)) {
        let Some(crossed) = self.crossed else { return };
        let own = self.multi.unwrap_or(start);
        let names_database = act == Act::Select && own >= crossed;
        if names_database {
            self.cut = Some(own);
        } else if !self.wants_database && end == crossed {
            self.cut = Some(crossed);
        }
        self.is_over = self.cut.is_some() && self.is_proven;
    }

    /// Something stands there that is nothing whole.
    fn stop(&mut self, start: u64) {
        if self.is_proven && self.multi.is_none() {
            self.cut = self.cut.or(Some(start));
        }
        self.is_over = true;
    }

    /// Bytes of the second file that belong to the record, and those that belong into the first file.
    fn end(self, len: u64) -> Option<(u64, u64)> {
        let crossed = self.crossed?;
        let is_all = crossed == self.at + len;
        let at_the_end = (!self.is_over && self.multi.is_none()).then_some(self.at + len);
        let cut = self.cut.or(at_the_end).filter(|_| self.is_proven || is_all)?;
        Some((crossed - self.at, cut - self.at))
    }
}

/// One half of such a record, as a problem; `None` where nothing that was seen there is one.
pub(super) fn problem(scene: &Scene<'_>, seen: &Seen) -> Option<Problem> {
    let own = scene.facts.position;
    let is_end = |split: &&Split| split.first == own && split.start == seen.offset;
    let is_start = |split: &&Split| {
        split.second == own
            && match split.what {
                Crossing::Record => seen.offset == 0,
                Crossing::Transaction => seen.offset + seen.len == split.rest,
            }
    };
    let name = |position: usize| text::name(&scene.aof.segments[position].name);
    let target = scene.aof.target();
    let (kind, message) = if let Some(split) = scene.splits.iter().find(is_end) {
        let (what, then) = match split.what {
            Crossing::Record => ("a record", String::new()),
            Crossing::Transaction => (
                "a transaction, between two of its records",
                format!(
                    ". Do not start {target} before: it cuts the first half off on disk and refuses to start, and a second \
                     start carries out the rest alone"
                ),
            ),
        };
        let message = format!(
            "the file ends inside {what}, and {} begins with its rest ({}), as a server leaves it whose write was \
             cut short before a rewrite began: together they are whole, and nothing is lost. {target} refuses to \
             start until the two are joined{then}",
            name(split.second),
            bytes(split.rest)
        );
        (Kind::TruncatedInnerSegment, message)
    } else {
        let split = scene.splits.iter().find(is_start)?;
        let message = format!(
            "the first {} are the rest of {} that begins at byte {} of {}",
            bytes(split.rest),
            split.what.words(),
            split.start,
            name(split.first)
        );
        if split.what == Crossing::Transaction {
            return Some(scene.problem(Kind::NonCanonical, Severity::Warning, seen, message));
        }
        (Kind::CorruptRange, message)
    };
    let problem = scene.problem(kind, Severity::Error, seen, message);
    let problem = problem.lost(scene.lost(seen, 0, 0)).next(scene.repair(""));
    Some(Problem { at_the_end: false, ..problem })
}
