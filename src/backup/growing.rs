//! A segment on its way to the store: several threads pack its blocks, in any order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::entry::{SegmentEntry, Words};
use crate::disk::FrozenFile;
use crate::limits;

/// Whose bytes they are.
#[derive(Clone)]
pub(super) struct Origin<'f> {
    /// Position of the file among those captured.
    pub(super) number: usize,
    pub(super) file: &'f FrozenFile,
    pub(super) name: Words,
}

/// A segment whose frames are not all there yet.
pub(super) struct Growing<'f> {
    pub(super) origin: Origin<'f>,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// A segment at the same place that a run that was killed had stored. Its bytes are only hashed then.
    pub(super) earlier: Option<SegmentEntry>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The first frames, one after the other. Each is copied as soon as those before it are there: what cannot be compressed
    /// would be in memory twice, for what is freed in small pieces does not go back to the system.
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// Later ones that wait for one before, by the number of the block.
    waiting: BTreeMap<usize, Vec<u8>>,
    end: Option<End>,
}

impl State {
    /// Takes in a frame; all of them become `room` bytes at most.
    fn take(&mut self, number: usize, frame: Vec<u8>, room: usize) {
        self.waiting.insert(number, frame);
        while let Some(next) = self.waiting.remove(&self.ends.len()) {
            if self.bytes.capacity() == 0 && !next.is_empty() {
                self.bytes.reserve_exact(room);
            }
            self.bytes.extend_from_slice(&next);
            self.ends.push(self.bytes.len());
        }
    }
}

/// Where a segment ends, which is known later than where it begins.
pub(super) struct End {
    /// Frames it has.
    pub(super) frames: usize,
    /// Its plain bytes.
    pub(super) size: u64,
    /// Their hash.
    pub(super) sha256: String,
}

/// A segment with all of its frames.
pub(super) struct Grown<'f> {
    pub(super) segment: Arc<Growing<'f>>,
    /// Its frames, one after the other.
    pub(super) bytes: Vec<u8>,
    pub(super) size: u64,
    pub(super) sha256: String,
}

impl<'f> Growing<'f> {
    pub(super) fn new(origin: Origin<'f>, offset: u64, earlier: Option<SegmentEntry>) -> Self {
        Self { origin, offset, earlier, state: Mutex::default() }
    }

    /// Takes in the frame of a block. Answers the segment if it was the last one that it waited for.
    pub(super) fn frame(self: &Arc<Self>, number: usize, frame: Vec<u8>) -> Option<Grown<'f>> {
        let mut state = self.state();
        state.take(number, frame, self.room());
        self.grown(&mut state)
    }

    /// Says where it ends, and then perhaps that it ends earlier. Answers the segment if all frames are there.
    pub(super) fn ends(self: &Arc<Self>, end: End) -> Option<Grown<'f>> {
        let mut state = self.state();
        state.end = Some(end);
        self.grown(&mut state)
    }

    /// Bytes that its frames take at most.
    fn room(&self) -> usize {
        let left = self.origin.file.len().saturating_sub(self.offset).min(limits::BACKUP_SEGMENT);
        zstd::zstd_safe::compress_bound(usize::try_from(left).unwrap_or(usize::MAX))
    }

    fn grown(self: &Arc<Self>, state: &mut State) -> Option<Grown<'f>> {
        let wanted = state.end.as_ref()?.frames;
        if state.ends.len() < wanted {
            return None;
        }
        let End { size, sha256, .. } = state.end.take()?;
        let mut bytes = std::mem::take(&mut state.bytes);
        bytes.truncate(wanted.checked_sub(1).map_or(0, |last| state.ends[last]));
        Some(Grown { segment: Arc::clone(self), bytes, size, sha256 })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
