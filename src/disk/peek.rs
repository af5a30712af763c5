//! A few bytes of a file beside the window that is being read.

use super::frozen::FrozenFile;
use crate::error::Result;

/// A small window of its own, for looks at places far from the main one.
#[derive(Debug, Default)]
pub(super) struct PeekBuffer {
    bytes: Vec<u8>,
    start: u64,
}

impl PeekBuffer {
    /// The bytes of `file` from `at` on, at least `need` unless the file ends.
    pub(super) fn look(&mut self, file: &FrozenFile, at: u64, need: usize) -> Result<&[u8]> {
        let from = usize::try_from(at.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        if self.bytes.get(from..).is_some_and(|held| held.len() >= need) {
            return Ok(&self.bytes[from..]);
        }
        let left = file.len().saturating_sub(at).min(crate::limits::PEEK as u64) as usize;
        self.start = at;
        self.bytes.resize(left, 0);
        if let Err(e) = file.read_exact_at(&mut self.bytes, at) {
            self.bytes.clear();
            return Err(e);
        }
        Ok(&self.bytes)
    }
}
