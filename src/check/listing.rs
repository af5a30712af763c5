//! The list of what is wrong or odd in a file: bounded, each sort with room of its own, alike things counted once.

use std::collections::HashMap;

use super::opinions::Opinions;
use super::seen::{NonCanonical, Seen, What};
use crate::command::{self, CommandId};
use crate::limits;

/// Things that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Alike {
    /// Calls of which servers hold the same opinions, by name.
    Call(Opinions, Vec<u8>),
    /// Calls of a trap, by name.
    Trap(Vec<u8>),
    /// Uses of a database.
    Database(u64),
    /// One way of writing.
    NonCanonical(NonCanonical),
    /// Annotations that a server refuses.
    Annotation,
    /// Annotations with a time that is none.
    BadTimestamp,
    /// Headers that announce no arguments.
    Hollow,
}

/// Sorts of things, each with room of its own: none is crowded out by the others.
const SORTS: usize = 3;

/// What was seen of the file that is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    seen: Vec<Seen>,
    /// Things for which there was no room.
    unlisted: u64,
    /// How many of each sort are listed.
    listed: [usize; SORTS],
    /// How many the files before have.
    before: usize,
    /// Where alike things are counted.
    alike: HashMap<Alike, usize>,
    /// By place in the command table: the last opinions of it, and where they are counted. A log may be full of such
    /// calls.
    calls: Vec<Option<(Opinions, usize)>>,
}

impl Listing {
    /// Begins with the next file.
    pub(super) fn begin(&mut self) {
        *self = Self { before: self.before, ..Self::default() };
    }

    /// One for a piece of the same file.
    pub(super) fn fork(&self) -> Self {
        Self { before: self.before, ..Self::default() }
    }

    /// Whether all that was seen stands in it.
    pub(super) fn is_complete(&self) -> bool {
        self.unlisted == 0
    }

    /// Takes over the complete list of a piece that stands behind so many records.
    pub(super) fn join(&mut self, later: Self, commands: u64) {
        let mut alike: Vec<_> = later.seen.iter().map(|_| None).collect();
        for (key, place) in later.alike {
            alike[place] = Some(key);
        }
        for (mut seen, key) in later.seen.into_iter().zip(alike) {
            seen.commands_before += commands;
            let listed = key.as_ref().and_then(|key| self.alike.get(key));
            if let Some(&place) = listed {
                self.seen[place].count += seen.count;
                self.seen[place].bytes += seen.bytes;
                continue;
            }
            let others = seen.count - 1;
            match (self.add(seen), key) {
                (Some(place), Some(key)) => drop(self.alike.insert(key, place)),
                (Some(_), None) => {}
                (None, _) => self.unlisted += others,
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// All that was listed so far.
    pub(super) fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// Its place, where there was still room for it.
    pub(super) fn add(&mut self, seen: Seen) -> Option<usize> {
        let listed = &mut self.listed[sort(&seen.what)];
        let is_full = self.before >= limits::SET_SEEN;
        if *listed >= if is_full { 1 } else { limits::PROBLEMS } {
            self.unlisted += 1;
            return None;
        }
        *listed += 1;
        self.seen.push(seen);
        Some(self.seen.len() - 1)
    }

    /// The place where it is counted together with those that are alike.
    pub(super) fn add_alike(&mut self, alike: Alike, seen: Seen) -> Option<usize> {
        if let Some(&place) = self.alike.get(&alike) {
            self.again(place, seen.len);
            return Some(place);
        }
        let place = self.add(seen)?;
        self.alike.insert(alike, place);
        Some(place)
    }

    /// One more of what is counted there, of so many bytes.
    fn again(&mut self, place: usize, bytes: u64) {
        self.seen[place].count += 1;
        self.seen[place].bytes += bytes;
    }

    /// Counts a call with the last ones of that command, where the same was thought of them. Whether it did.
    pub(super) fn is_call_again(&mut self, id: CommandId, opinions: Opinions, bytes: u64) -> bool {
        match self.calls.get(id.index()) {
            Some(&Some((last, place))) if last == opinions => {
                self.again(place, bytes);
                true
            }
            _ => false,
        }
    }

    /// Calls of that command of which this is thought are counted there.
    pub(super) fn call_is_at(&mut self, id: CommandId, opinions: Opinions, place: usize) {
        self.calls.resize(command::all().len(), None);
        self.calls[id.index()] = Some((opinions, place));
    }

    /// These servers die of what is listed there.
    pub(super) fn mark_fatal(&mut self, place: usize, whom: u64) {
        if let What::Raw(raw) = &mut self.seen[place].what {
            raw.mark_fatal(whom);
        }
    }

    /// So many more were seen, but are not known one by one.
    pub(super) fn leave_out(&mut self, count: u64) {
        self.unlisted += count;
    }

    /// The end of the file: what was listed, by offset, and how much was not.
    pub(super) fn take(&mut self) -> (Vec<Seen>, u64) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.sort_by_key(|seen| seen.offset);
        seen.shrink_to_fit();
        self.before += seen.len();
        (seen, std::mem::take(&mut self.unlisted))
    }
}

/// Which sort it is: a trap, something broken, or something that a target may not take or a reader may stumble over.
fn sort(what: &What) -> usize {
    match what {
        What::Raw(raw) if raw.is_trap() => 0,
        What::Damage(_)
        | What::Hollow
        | What::OpenTransaction { .. }
        | What::DiscardInTransaction
        | What::OpenAnnotation
        | What::RdbChecksum { .. } => 1,
        _ => 2,
    }
}
