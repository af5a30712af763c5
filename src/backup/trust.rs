//! Which objects of the snapshot before may be taken over: those that are there, as long as they were, and not known to
//! have changed since.
//!
//! To read all of them each time would cost as much as a full backup. So an object is read and proven by its name when
//! it, or anything of it, was changed after the entry that names it was written; when its turn has come, for a disk that
//! forgets tells nobody; and all of them when that was asked for, or when one whose turn it was is not what it was.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::SystemTime;

use super::compress;
use super::entry::{Entry, FileEntry, SegmentEntry};
use super::repository::Repository;
use super::turns::Turn;
use crate::error::{ErrorKind, Result};
use crate::store::Stored;

/// What of a repository a backup believes.
pub(super) struct Trust<'r> {
    repository: &'r Repository,
    source: String,
    /// When the entry of the snapshot before was written.
    since: Option<SystemTime>,
    /// Everything is proven.
    proves_all: Cell<bool>,
    turn: Cell<Option<Turn>>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    sound: BTreeSet<String>,
    damaged: BTreeSet<String>,
}

impl<'r> Trust<'r> {
    pub(super) fn new(
        repository: &'r Repository,
        source: &str,
        parent: Option<&Entry>,
        is_paranoid: bool,
    ) -> Result<Self> {
        let mut trust = Self {
            repository,
            source: source.to_owned(),
            since: None,
            proves_all: Cell::new(is_paranoid),
            turn: Cell::new(None),
            state: RefCell::default(),
        };
        let Some(parent) = parent else { return Ok(trust) };
        let key = format!("{}.json", super::repository::key_of(&parent.source, &parent.id));
        trust.since = repository.store().head(&key)?.and_then(|entry| entry.modified);
        Ok(trust)
    }

    /// Proves those objects of these files whose turn it is, before any is taken over. Where one is not what it was, its
    /// neighbours on that disk are doubted as well.
    pub(super) fn take_turn<'f>(
        &self,
        files: impl Iterator<Item = &'f FileEntry> + Clone,
    ) -> Result<()> {
        if self.proves_all.get() {
            return Ok(());
        }
        let segments = || files.clone().flat_map(|file| &file.segments).map(AsRef::as_ref);
        if segments().next().is_none() {
            return Ok(());
        }
        let turn = Turn::of(self.repository.next_turn(&self.source)?, segments());
        self.turn.set(Some(turn));
        for segment in segments().filter(|segment| turn.is_of(segment)) {
            if self.find(segment)?.is_some() && !self.is_sound(segment)? {
                self.proves_all.set(true);
            }
        }
        Ok(())
    }

    /// Writes down that what had its turn was proven.
    pub(super) fn end_turn(&self) -> Result<()> {
        self.turn.get().map_or(Ok(()), |turn| self.repository.end_turn(&self.source, turn))
    }

    /// Whether the objects of a file of the snapshot before are all there and sound; else it is stored anew.
    pub(super) fn holds(&self, file: &FileEntry) -> Result<bool> {
        let mut holds = true;
        for segment in &file.segments {
            // Where all are proven, all that are not what they were are told.
            if holds || self.proves_all.get() {
                holds &= self.holds_segment(segment)?;
            }
        }
        Ok(holds)
    }

    fn holds_segment(&self, segment: &SegmentEntry) -> Result<bool> {
        let Some(there) = self.find(segment)? else { return Ok(false) };
        let changed = there.changed.max(there.modified);
        let is_older = self.since.is_some_and(|since| changed.is_some_and(|at| at <= since));
        match is_older && !self.proves_all.get() && !self.is_known(segment) {
            true => Ok(true),
            false => self.is_sound(segment),
        }
    }

    /// An object that is there, and as long as it was.
    fn find(&self, segment: &SegmentEntry) -> Result<Option<Stored>> {
        let there = self.repository.store().head(&segment.object)?;
        Ok(there.filter(|there| there.len == segment.stored))
    }

    /// Whether this run has read it.
    fn is_known(&self, segment: &SegmentEntry) -> bool {
        let state = self.state.borrow();
        state.sound.contains(&segment.object) || state.damaged.contains(&segment.object)
    }

    /// Whether an object is what its name says; each is read once.
    fn is_sound(&self, segment: &SegmentEntry) -> Result<bool> {
        if self.is_known(segment) {
            return Ok(self.state.borrow().sound.contains(&segment.object));
        }
        let proven = compress::prove(self.repository.store(), segment);
        let mut state = self.state.borrow_mut();
        match proven {
            Ok(()) => {
                state.sound.insert(segment.object.clone());
                Ok(true)
            }
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
                state.damaged.insert(segment.object.clone());
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }

    /// Objects that were found not to be what their names say.
    pub(super) fn damaged(self) -> Vec<String> {
        self.state.into_inner().damaged.into_iter().collect()
    }
}
