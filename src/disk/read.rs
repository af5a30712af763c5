//! A source that reads windows of a file. Never surprised by a file that shrinks.

use super::peek::PeekBuffer;
use std::os::unix::fs::FileExt;

use super::cache::Courtesy;
use super::frozen::FrozenFile;
use super::shelf::Hand;
use super::source::Source;
use crate::error::{Error, Result};
use crate::limits;

pub(super) struct ReadSource<'f> {
    file: &'f FrozenFile,
    hand: Option<Hand<'f>>,
    buffer: Box<[u8]>,
    /// Offset of `buffer[0]`.
    start: u64,
    /// Bytes of `buffer` that are the file's.
    filled: usize,
    courtesy: Courtesy<'f>,
    aside: PeekBuffer,
}

impl<'f> ReadSource<'f> {
    pub(super) fn new(file: &'f FrozenFile) -> Self {
        Self::with(file, Courtesy::new(file))
    }

    /// Leaves in the page cache what it reads.
    pub(super) fn keeping(file: &'f FrozenFile) -> Self {
        Self::with(file, Courtesy::none(file))
    }

    fn with(file: &'f FrozenFile, courtesy: Courtesy<'f>) -> Self {
        let buffer = vec![0; 2 * limits::WINDOW].into_boxed_slice();
        Self {
            file,
            hand: None,
            buffer,
            start: 0,
            filled: 0,
            courtesy,
            aside: PeekBuffer::default(),
        }
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

    /// Reads on: a step where that is enough for `need`, or all there is room for.
    fn fill(&mut self, need: usize) -> Result<()> {
        let left = self.file.len().saturating_sub(self.end());
        let wanted = if need <= limits::READ_STEP { limits::READ_STEP } else { self.buffer.len() };
        let room = wanted.saturating_sub(self.filled);
        let goal = self.filled + usize::try_from(left).unwrap_or(room).min(room);
        if self.hand.is_none() {
            self.hand = Some(self.file.hand()?);
        }
        while let Some(hand) = self.hand.as_ref().filter(|_| self.filled < goal) {
            let at = self.start + self.filled as u64;
            match hand.read_at(&mut self.buffer[self.filled..goal], at) {
                Ok(0) => return Err(self.file.shrank(at)),
                Ok(n) => self.filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io(&self.file.path(), e).at(at)),
            }
        }
        self.courtesy.passed(self.start);
        Ok(())
    }
}

impl Source for ReadSource<'_> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        debug_assert!(need <= limits::WINDOW);
        let held = at >= self.start && at <= self.end();
        let enough = held && (self.end() - at >= need as u64 || self.end() == self.file.len());
        if !enough {
            self.slide(at);
            self.fill(need)?;
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
