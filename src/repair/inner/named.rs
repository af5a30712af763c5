//! Drops records that were named, and nothing else: what is damaged stays as it is.

use super::counted::Edited;
use super::refusal::Refusal;
use super::sorted::{Cause, Faults};
use crate::aof::{Aof, Event};
use crate::change::{Draft, Piece};
use crate::check::{Certainty, Loader, Opinion};
use crate::error::{Error, Result};
use crate::format::resp::Record;
use crate::limits;
use crate::repair::drops::{Count, Drops, InFile};
use crate::scan::Context;
use crate::text;

/// Looks through segments for what was named.
pub(super) struct Named<'a> {
    aof: &'a Aof,
    drops: &'a Drops,
    loader: Loader,
    certainty: Certainty,
    pub(super) count: Count<'a>,
}

impl<'a> Named<'a> {
    pub(super) fn new(aof: &'a Aof, drops: &'a Drops, certainty: Certainty) -> Self {
        let loader = Loader::new(aof);
        Self { aof, drops, loader, certainty, count: drops.count() }
    }

    /// Drops what is named in a segment, and from `end` on everything, for that reason; `None` where it stays as it
    /// is.
    pub(super) fn edit(
        &mut self,
        position: usize,
        len: u64,
        end: Option<(u64, String)>,
        draft: &mut Draft<'_>,
    ) -> Result<Option<Edited>> {
        let to = end.as_ref().map_or(len, |(to, _)| *to);
        let (mut gaps, mut faults) = (Vec::new(), Faults::default());
        if !self.drops.is_empty() {
            self.look(position, to, &mut gaps, &mut faults)?;
        }
        if let Some((to, why)) = end {
            if to < len {
                gaps.push((to, len));
            }
            faults.push(to, len, Cause::Tail(why));
        }
        if gaps.is_empty() {
            return Ok(None);
        }
        draft.rewrite(position, pieces(&gaps, position, len));
        let databases = Vec::new();
        Ok(Some(Edited { position, gaps, databases, faults, lost_keys: Vec::new(), len }))
    }

    fn look(
        &mut self,
        position: usize,
        to: u64,
        gaps: &mut Vec<(u64, u64)>,
        faults: &mut Faults,
    ) -> Result<()> {
        let segment = &self.aof.segments[position];
        let (file, certainty) = (&segment.name, self.certainty);
        let mut named = InFile { file, count: &mut self.count, certainty };
        let mut at = Context { segment: position, ..Context::default() };
        let mut is_noise = false;
        self.aof.walk(position, &mut (), &mut |event: Event<'_>| {
            if let Event::Record(record, id) = &event
                && record.end() <= to
            {
                let opinion = self.loader.opinion(record, *id);
                if named.takes(record, *id, opinion, at.transaction.is_some()) {
                    let (from, to) = (record.start, record.end());
                    is_noise |= gaps.len() >= limits::RANGES;
                    if is_noise {
                        return;
                    }
                    match gaps.last_mut() {
                        Some((_, last)) if *last == from => *last = to,
                        _ => gaps.push((from, to)),
                    }
                    faults.push(from, to, Cause::Named(why(record, opinion)));
                }
            }
            at.follow(&event);
        })?;
        match is_noise {
            true => Err(Error::refused(Refusal::TooManyPlaces(None), &segment.path())),
            false => Ok(()),
        }
    }
}

/// Why a record goes that was named.
pub(super) fn why(record: &Record<'_>, opinion: Opinion) -> String {
    let shown = text::escape(&record.name[..record.name.len().min(32)]);
    match opinion {
        Opinion::WrongArity => format!(
            "named: {shown} with a wrong number of arguments, {}",
            record.argc.saturating_sub(1)
        ),
        _ => format!("named: {shown}, which the target is not known to take"),
    }
}

/// What stays of a segment.
fn pieces(gaps: &[(u64, u64)], file: usize, len: u64) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(gaps.len() + 1);
    let mut at = 0;
    for &(from, to) in gaps.iter().chain([&(len, len)]) {
        if from > at {
            pieces.push(Piece::Keep { file, from: at, to: from });
        }
        at = to;
    }
    pieces
}
