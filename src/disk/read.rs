//! A source that reads windows of a file. Never surprised by a file that shrinks.

use std::os::unix::fs::FileExt;

use rustix::io::ReadWriteFlags;

use super::files::{Aside, FrozenFile};
use super::source::Source;
use crate::error::{Error, Result};
use crate::limits;

/// Positions probed to learn whether a file lies in the page cache already.
const PROBES: u64 = 16;

pub(super) struct ReadSource<'f> {
    file: &'f FrozenFile,
    buffer: Box<[u8]>,
    /// Offset of `buffer[0]`.
    start: u64,
    /// Bytes of `buffer` that are the file's.
    filled: usize,
    /// Pages that we brought into the cache are given back: `Some(offset up to which that is done)`.
    give_back: Option<u64>,
    aside: Aside,
}

impl<'f> ReadSource<'f> {
    pub(super) fn new(file: &'f FrozenFile) -> Self {
        let give_back = (!mostly_cached(file)).then_some(0);
        let buffer = vec![0; 2 * limits::WINDOW].into_boxed_slice();
        Self { file, buffer, start: 0, filled: 0, give_back, aside: Aside::default() }
    }

    fn end(&self) -> u64 {
        self.start + self.filled as u64
    }

    /// Moves the buffer so that it begins at `at`, keeping what it already holds from there on.
    fn slide(&mut self, at: u64) {
        let keep_from = usize::try_from(at.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        if keep_from < self.filled {
            self.buffer.copy_within(keep_from..self.filled, 0);
            self.filled -= keep_from;
        } else {
            self.filled = 0;
        }
        self.start = at;
    }

    fn fill(&mut self) -> Result<()> {
        let left = self.file.len().saturating_sub(self.end());
        let room = self.buffer.len() - self.filled;
        let goal = self.filled + usize::try_from(left).unwrap_or(room).min(room);
        while self.filled < goal {
            let at = self.end();
            match self.file.handle().read_at(&mut self.buffer[self.filled..goal], at) {
                Ok(0) => return Err(self.file.shrank(at)),
                Ok(n) => self.filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(self.file.path(), e).at(at)),
            }
        }
        self.return_pages();
        Ok(())
    }

    /// Tells the kernel that pages behind the window are not needed: only those that were not cached
    /// before, so that nobody else's warm file is made cold.
    fn return_pages(&mut self) {
        let Some(done) = self.give_back else { return };
        if self.start > done + limits::MAPPED_REGION {
            // Advice only: a failure changes nothing that matters.
            let len = std::num::NonZeroU64::new(self.start - done);
            let _ =
                rustix::fs::fadvise(self.file.handle(), done, len, rustix::fs::Advice::DontNeed);
            self.give_back = Some(self.start);
        }
    }
}

impl Drop for ReadSource<'_> {
    fn drop(&mut self) {
        if let Some(done) = self.give_back {
            let advice = rustix::fs::Advice::DontNeed;
            let _ = rustix::fs::fadvise(self.file.handle(), done, None, advice);
        }
    }
}

/// Looks at a few places with reads that refuse to wait for the disk.
fn mostly_cached(file: &FrozenFile) -> bool {
    let mut byte = [0_u8];
    let cached = (0..PROBES)
        .filter(|i| {
            let at = file.len() / PROBES * i;
            let mut into = [std::io::IoSliceMut::new(&mut byte)];
            match rustix::io::preadv2(file.handle(), &mut into, at, ReadWriteFlags::NOWAIT) {
                Ok(_) => true,
                // A file system without such reads tells nothing: leave its cache alone.
                Err(e) => e != rustix::io::Errno::AGAIN,
            }
        })
        .count() as u64;
    cached * 2 > PROBES
}

impl Source for ReadSource<'_> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        debug_assert!(need <= limits::WINDOW);
        let held = at >= self.start && at <= self.end();
        let enough = held && self.end() - at >= need as u64;
        if !enough && !(held && self.end() == self.file.len()) {
            self.slide(at);
            self.fill()?;
        }
        let from = usize::try_from(at.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.buffer.get(from..self.filled).unwrap_or_default())
    }

    fn peek(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        let enough = self.end().min(self.file.len()) >= at.saturating_add(need as u64);
        if at >= self.start && (enough || self.end() == self.file.len()) {
            return self.window(at, need);
        }
        self.aside.look(self.file, at, need)
    }

    fn length(&self) -> Option<u64> {
        Some(self.file.len())
    }

    fn oldest(&self) -> u64 {
        0
    }

    fn settle(&mut self) -> Result<()> {
        // Every byte handed out came from a read that succeeded.
        Ok(())
    }
}
