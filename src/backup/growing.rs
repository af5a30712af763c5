//! A segment on its way to the store: several threads pack its blocks, in any order.

use std::sync::{Arc, Mutex, MutexGuard};

use super::entry::{SegmentEntry, Words};
use crate::disk::FrozenFile;

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
    /// By the number of the block.
    frames: Vec<Option<Vec<u8>>>,
    end: Option<End>,
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
        let len = state.frames.len().max(number + 1);
        state.frames.resize(len, None);
        state.frames[number] = Some(frame);
        self.grown(&mut state)
    }

    /// Says where it ends, and then perhaps that it ends earlier. Answers the segment if all frames are there.
    pub(super) fn ends(self: &Arc<Self>, end: End) -> Option<Grown<'f>> {
        let mut state = self.state();
        state.end = Some(end);
        self.grown(&mut state)
    }

    fn grown(self: &Arc<Self>, state: &mut State) -> Option<Grown<'f>> {
        let wanted = state.end.as_ref()?.frames;
        if state.frames.iter().take(wanted).flatten().count() < wanted {
            return None;
        }
        let End { size, sha256, .. } = state.end.take()?;
        let frames = std::mem::take(&mut state.frames);
        let total = frames.iter().take(wanted).flatten().map(Vec::len).sum();
        // Each frame goes as it is copied: what cannot be compressed would be in memory twice.
        let mut bytes = Vec::with_capacity(total);
        for frame in frames.into_iter().take(wanted).flatten() {
            bytes.extend_from_slice(&frame);
        }
        Some(Grown { segment: Arc::clone(self), bytes, size, sha256 })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
