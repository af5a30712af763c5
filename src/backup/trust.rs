//! Which objects of the snapshot before may be taken over: those that are there, as long as they were, and not known to
//! have changed since.
//!
//! To read all of them each time would cost as much as a full backup. So an object is read and proven by its name when
//! it, or anything of it, was changed after the entry that names it was written; all of them when that was asked for;
//! and some each time, by chance, for a disk that forgets tells nobody.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use super::entry::{Entry, FileEntry, SegmentEntry};
use super::pack;
use super::repository::Repository;
use crate::error::{ErrorKind, Result};
use crate::limits;

/// What of a repository a backup believes.
pub(super) struct Trust<'r> {
    repository: &'r Repository,
    /// When the entry of the snapshot before was written.
    since: Option<SystemTime>,
    /// Everything is proven.
    is_paranoid: bool,
    by_chance: BTreeSet<String>,
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
        parent: Option<&Entry>,
        is_paranoid: bool,
    ) -> Result<Self> {
        let mut trust = Self {
            repository,
            since: None,
            is_paranoid,
            by_chance: BTreeSet::new(),
            state: RefCell::default(),
        };
        let Some(parent) = parent else { return Ok(trust) };
        let key = format!("{}.json", super::repository::key_of(&parent.source, &parent.id));
        trust.since = repository.store().head(&key)?.and_then(|entry| entry.modified);
        trust.by_chance = chosen(parent);
        Ok(trust)
    }

    /// Whether the objects of a file of the snapshot before are all there and sound; else it is stored anew.
    pub(super) fn holds(&self, file: &FileEntry) -> Result<bool> {
        for segment in &file.segments {
            if !self.holds_segment(segment)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn holds_segment(&self, segment: &SegmentEntry) -> Result<bool> {
        let key = &segment.object;
        if self.state.borrow().sound.contains(key) {
            return Ok(true);
        }
        let store = self.repository.store();
        let Some(there) = store.head(key)?.filter(|there| there.len == segment.stored) else {
            return Ok(false);
        };
        let changed = there.changed.max(there.modified);
        let is_older = self.since.is_some_and(|since| changed.is_some_and(|at| at <= since));
        if is_older && !self.is_paranoid && !self.by_chance.contains(key) {
            return Ok(true);
        }
        match pack::prove(store, segment) {
            Ok(()) => {
                self.state.borrow_mut().sound.insert(key.clone());
                Ok(true)
            }
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
                self.state.borrow_mut().damaged.insert(key.clone());
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

/// Objects from some place on, so many that they are read in no time.
fn chosen(parent: &Entry) -> BTreeSet<String> {
    let all: Vec<_> = parent.segments().collect();
    let from = RandomState::new().hash_one(SystemTime::now()) as usize;
    let mut left = limits::BACKUP_PROVEN;
    let mut chosen = BTreeSet::new();
    for at in 0..all.len() {
        let one = all[from.wrapping_add(at) % all.len()];
        if left == 0 || !chosen.is_empty() && one.stored > left {
            break;
        }
        left = left.saturating_sub(one.stored);
        chosen.insert(one.object.clone());
    }
    chosen
}
