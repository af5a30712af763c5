//! One pass over an RDB: structure and checksum together.
//!
//! | the caller shows | the pass answers |
//! |---|---|
//! | a window that starts at [`Pass::offset`] | bytes taken; the next window starts behind them |
//! | fewer bytes than asked for | nothing taken; show more, or call [`Pass::torn`] at the end |
//! | anything behind the end | nothing taken from there |
//!
//! Pure. Bytes are walked and summed in pieces that stay in a cache. Skipped bytes must be shown as well.

use super::checksum::{Checksum, Crc64};
use super::entry::Sink;
use super::outcome::Outcome;
use super::place::Place;
use super::reason::Reason;
use super::walk::{Next, Step, Walker};
use crate::format::fault::Fault;

/// Bytes walked before they are summed: less than a second-level cache.
const PIECE: usize = 256 * 1024;

/// What became of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are taken; the next window must have at least `need`.
    More {
        /// Bytes taken from the window.
        taken: usize,
        /// Bytes the next window must have, from its start.
        need: usize,
    },
    /// The RDB ends after so many bytes of the window.
    Done {
        /// Bytes taken from the window.
        taken: usize,
    },
}

/// A walker with the checksum of all it passes.
#[derive(Clone, Debug)]
pub struct Pass {
    walker: Walker,
    crc: Crc64,
    /// Up to here.
    summed: u64,
    /// Bytes without structure that were not shown yet.
    skip: u64,
    computed: u64,
}

impl Pass {
    /// A pass with this walker, which must not have stepped.
    pub fn new(walker: Walker) -> Self {
        let summed = walker.offset();
        Self { walker, crc: Crc64::new(), summed, skip: 0, computed: 0 }
    }

    /// File offset of the next byte to show.
    pub const fn offset(&self) -> u64 {
        self.walker.offset().saturating_sub(self.skip)
    }

    /// Takes what can be taken from `window`.
    pub fn push(&mut self, window: &[u8]) -> Result<Progress, Fault<Reason>> {
        self.push_with(window, &mut ())
    }

    /// As [`Self::push`], and tells `sink` what is seen. One pass has one sink.
    pub fn push_with<S: Sink>(
        &mut self,
        window: &[u8],
        sink: &mut S,
    ) -> Result<Progress, Fault<Reason>> {
        let mut taken = 0;
        loop {
            taken += self.pass_skip(window.get(taken..).unwrap_or_default(), sink);
            if self.skip > 0 {
                return Ok(Progress::More { taken, need: 1 });
            }
            let rest = window.get(taken..).unwrap_or_default();
            let piece = &rest[..rest.len().min(PIECE)];
            let Step { consumed, next } = self.walker.step_with(piece, sink)?;
            let explained = &piece[..consumed];
            match next {
                Next::Done => {
                    self.finish(explained);
                    return Ok(Progress::Done { taken: taken + consumed });
                }
                Next::Skip(n) => self.skip = n,
                Next::Need(need) if rest.len() - consumed < need => {
                    self.sum(explained);
                    return Ok(Progress::More { taken: taken + consumed, need });
                }
                Next::Need(_) => {}
            }
            self.sum(explained);
            taken += consumed;
        }
    }

    fn sum(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.summed = self.summed.saturating_add(bytes.len() as u64);
    }

    /// Sums the bytes of `rest` that carry no structure.
    fn pass_skip<S: Sink>(&mut self, rest: &[u8], sink: &mut S) -> usize {
        let n = usize::try_from(self.skip).map_or(rest.len(), |skip| skip.min(rest.len()));
        self.sum(&rest[..n]);
        self.skip -= n as u64;
        if S::TOKENS && n > 0 {
            sink.more(&rest[..n]);
        }
        n
    }

    /// The last bytes, of which the checksum does not cover the trailer. The walker reads that as one
    /// token, so it is never split between two windows.
    fn finish(&mut self, explained: &[u8]) {
        let trailer = self.walker.header().map_or(0, |header| header.trailer_len());
        let covered = explained.len().saturating_sub(trailer);
        self.sum(&explained[..covered]);
        self.computed = self.crc.value();
    }

    /// The data end at file offset `end`, before the pass got what it asked for: the fault that is.
    pub fn torn(&mut self, end: u64) -> Fault<Reason> {
        self.walker.torn(end)
    }

    /// The walker: for its place, its fields and its remarks.
    pub const fn walker(&self) -> &Walker {
        &self.walker
    }

    /// The checksum of all bytes up to an offset, and that offset: the trailer once the pass is done; when it
    /// failed, nowhere behind what the last window shows.
    pub const fn checksum_so_far(&self) -> (&Crc64, u64) {
        (&self.crc, self.summed)
    }

    /// What was found, once the pass is done.
    pub fn outcome(&self) -> Option<Walked> {
        let outcome = self.walker.outcome()?;
        let checksum = Checksum::judge(outcome.stored_checksum, self.computed);
        Some(Walked { outcome, checksum })
    }
}

/// A whole RDB, walked and summed.
#[derive(Clone, Debug)]
pub struct Walked {
    /// What the walk found.
    pub outcome: Outcome,
    /// What the trailer says about the bytes.
    pub checksum: Checksum,
}

/// A walk that stopped.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Why, and at which token.
    pub fault: Fault<Reason>,
    /// Among which keys.
    pub place: Box<Place>,
}

/// Walks the RDB at the start of `bytes`, which are all there are; their first is at file offset `base`.
pub fn walk_slice(bytes: &[u8], base: u64) -> Result<Walked, Failure> {
    walk_slice_with(bytes, base, &mut ())
}

/// As [`walk_slice`], and tells `sink` what is seen.
pub fn walk_slice_with<S: Sink>(bytes: &[u8], base: u64, sink: &mut S) -> Result<Walked, Failure> {
    let end = base.saturating_add(bytes.len() as u64);
    let mut pass = Pass::new(Walker::new(base).with_end(end));
    let fault = match pass.push_with(bytes, sink) {
        Ok(_) => match pass.outcome() {
            Some(walked) => return Ok(walked),
            None => pass.torn(end),
        },
        Err(fault) => fault,
    };
    Err(Failure { fault, place: Box::new(pass.walker.place()) })
}
