//! One command taken out, and what came after it kept.
//!
//! The result is defined by names of keys. A key that a record behind the command names keeps the value that it has today:
//! for it the command stays in force. All other keys that the command changed are again what they were before it. Since no
//! later record names those, and every later record finds the keys that it names as it found them when it was logged, the
//! rest of the log does to the result what it did to the set.

mod later;
mod merge;
mod touched;
mod unit;

use std::collections::BTreeSet;

pub use self::later::{Conflict, Hindrance};
pub use self::merge::{Dependent, Dependents};
use self::unit::{Becomes, Unit};
use super::{Answer, Rewind, reach, refuse_behind_damage, unreachable};
use crate::aof::{Aof, Segment};
use crate::change::{Draft, Looking, Loss, Piece, Proposal, Verb};
use crate::check::{Check, judge};
use crate::error::Result;
use crate::moment::{Boundary, Cutter, Moment};
use crate::neighbours::keys_alive;
use crate::scan::{Position, scan, scan_some};

/// How the records behind a command are kept that is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// Keys that they name keep the value of today; the others that the command changed return.
    Keeps,
    /// They are replayed on what was there before the command.
    Merges,
}

/// A command, or the transaction that it is a part of, that is taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omitted {
    /// Where it begins: the segment's position in the set, and the offset in bytes.
    pub place: Position,
    /// The offset after its last byte.
    pub end: u64,
    /// The name of the command that was asked for, as the log has it.
    pub command: Vec<u8>,
    /// Records of it that go: the command, and the others of its transaction.
    pub commands: u64,
    /// Whether it is a transaction.
    pub is_transaction: bool,
    /// Keys that it changed, or may have changed, and that keep the value of today; `None` where later records are merged.
    pub keeping: Option<u64>,
    /// Keys that are again what they were before it.
    pub returning: Returning,
    /// Records behind it whose effect depends on what was there, where they are merged.
    pub dependents: Option<Dependents>,
}

/// How many keys are again what they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returning {
    /// So many at most are there again: servers do not log that a key goes with its last element.
    Back(u64),
    /// So many at most have an older value again, or are gone again.
    Older(u64),
    /// It is not known.
    Unknown,
}

/// Looks for the command at `moment`, and plans to take it out. `now_ms`, Unix milliseconds, decides which keys have expired.
///
/// # Errors
/// When the set cannot be read.
pub fn omit(
    aof: &Aof,
    moment: &Moment,
    later: Later,
    now_ms: i64,
    looking: &Looking<'_>,
) -> Result<Rewind> {
    let observers = (Cutter::new(moment.clone()), Check::new(aof));
    let (found, facts) = scan(aof, observers, &looking.pace, looking.progress)?;
    let report = judge(aof, facts, &looking.wording)?;
    let reach = reach(aof, &report);
    let report = report.without_files();
    let answered = |answer| Rewind { found, reach, report, answer, omitted: None };
    let boundary = match (unreachable(aof, moment, &found, reach), found.boundary) {
        (Some(why), _) => return Ok(answered(Answer::No(why))),
        (None, None) => return Ok(answered(Answer::No(super::Why::NoSuchCommand))),
        (None, Some(boundary)) => boundary,
    };
    let (proposal, omitted) = match plan(aof, boundary, later, now_ms, looking)? {
        Ok(planned) => planned,
        Err(conflict) => return Ok(answered(Answer::Hindered(conflict))),
    };
    let answer = Answer::Plan(Box::new(proposal));
    Ok(Rewind { omitted: Some(omitted), ..answered(answer) })
}

type Planned = std::result::Result<(Proposal, Omitted), Conflict>;

fn plan(
    aof: &Aof,
    boundary: Boundary,
    later: Later,
    now_ms: i64,
    looking: &Looking<'_>,
) -> Result<Planned> {
    let first = boundary.place.0;
    let is_behind = |segment: &Segment| {
        aof.live().any(|(position, known)| position >= first && std::ptr::eq(known, segment))
    };
    let observer = later::Reader::new(boundary, later);
    let read = scan_some(aof, is_behind, observer, &looking.pace, looking.progress)?;
    let later::Read { unit, mut touched, dependents } = match read {
        Ok(read) => read,
        Err(conflict) => return Ok(Err(conflict)),
    };
    touched.close_over(&unit);
    let outcome = unit.without(&touched, later == Later::Merges, &aof.names);
    if !outcome.is_changed {
        let hindrance = Hindrance::AllNamedLater;
        return Ok(Err(Conflict { place: boundary.place, hindrance }));
    }
    let draft = drafted(aof, &unit, &outcome)?;
    let mut proposal = Proposal::new(draft.finish()?);
    refuse_behind_damage(aof, &mut proposal, looking)?;
    let keeping = (later == Later::Keeps).then_some(outcome.keeping.len() as u64);
    let omitted = Omitted {
        place: (first, unit.start),
        end: unit.end,
        command: unit.asked.clone(),
        commands: outcome.gone.len() as u64,
        is_transaction: unit.is_transaction(),
        keeping,
        returning: returning(aof, &proposal, &unit, &outcome, now_ms, looking)?,
        dependents,
    };
    Ok(Ok((proposal, omitted)))
}

/// The segment of the unit as it will be.
fn drafted<'a>(aof: &'a Aof, unit: &Unit, outcome: &Becomes) -> Result<Draft<'a>> {
    let mut draft = Draft::new(Verb::Rewind, aof);
    let file = unit.segment;
    let len = aof.segments[file].len().unwrap_or(0);
    let mut pieces = vec![Piece::Keep { file, from: 0, to: unit.start }];
    pieces.extend(outcome.pieces.iter().cloned());
    pieces.push(Piece::Keep { file, from: unit.end, to: len });
    draft.rewrite(file, pieces);
    let gone = outcome.gone.iter().filter_map(|place| unit.records.get(*place));
    let ranges: Vec<_> = gone.map(|record| (record.start, record.end)).collect();
    draft.lose(Loss::of(aof, file, &ranges)?);
    Ok(draft)
}

/// How many keys return: a command that removes keys is measured by the keys that are there with it and without it.
fn returning(
    aof: &Aof,
    proposal: &Proposal,
    unit: &Unit,
    outcome: &Becomes,
    now_ms: i64,
    looking: &Looking<'_>,
) -> Result<Returning> {
    if !unit.only_removes() {
        let gone = outcome.gone.iter().filter_map(|place| unit.records.get(*place));
        let names: BTreeSet<_> = gone.flat_map(|record| &record.keys).collect();
        return Ok(Returning::Older(names.len() as u64));
    }
    let can_be_read = aof.live().all(|(_, segment)| segment.is_plain());
    if proposal.refusal().is_some() || !can_be_read {
        return Ok(Returning::Unknown);
    }
    let Looking { pace, progress, .. } = looking;
    let after = keys_alive(&proposal.preview(aof)?, now_ms, pace, *progress)?;
    let before = keys_alive(aof, now_ms, pace, *progress)?;
    Ok(Returning::Back(after.saturating_sub(before)))
}
