//! A window of bytes with a position: reads whole tokens or says how many bytes a token needs.
//!
//! Knows nothing of records. A token that stops halfway is put back by whoever marked its start.

use super::length;
use super::reason::{Halt, Reason};
use super::string::Head;

/// Why the walk over a window stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The token at the mark needs so many bytes from the mark.
    Need(usize),
    /// The token is whole; so many bytes behind the window carry no structure.
    Skip(u64),
    /// The token at the mark is wrong.
    Bad(Reason),
    /// The RDB ends here.
    Done,
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Bad(reason)
    }
}

/// Bytes, and how far they were read.
pub(super) struct Window<'a> {
    bytes: &'a [u8],
    pos: usize,
    mark: usize,
    base: u64,
}

impl<'a> Window<'a> {
    /// A window whose first byte is at file offset `base`.
    pub(super) const fn new(bytes: &'a [u8], base: u64) -> Self {
        Self { bytes, pos: 0, mark: 0, base }
    }

    /// Here a token starts.
    #[inline]
    pub(super) const fn mark(&mut self) {
        self.mark = self.pos;
    }

    /// Puts the token back.
    pub(super) const fn rewind(&mut self) {
        self.pos = self.mark;
    }

    /// Bytes read.
    pub(super) const fn taken(&self) -> usize {
        self.pos
    }

    /// File offset of the token.
    #[inline]
    pub(super) const fn mark_at(&self) -> u64 {
        self.base.saturating_add(self.mark as u64)
    }

    /// File offset of the next byte.
    #[inline]
    pub(super) const fn at(&self) -> u64 {
        self.base.saturating_add(self.pos as u64)
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    const fn need(&self, n: usize) -> Stop {
        Stop::Need((self.pos - self.mark).saturating_add(n))
    }

    #[cold]
    fn halt(&self, halt: Halt) -> Stop {
        match halt {
            Halt::Need(n) => self.need(n),
            Halt::Bad(reason) => Stop::Bad(reason),
        }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Stop> {
        let Some(&byte) = self.bytes.get(self.pos) else {
            return Err(self.need(1));
        };
        self.pos += 1;
        Ok(byte)
    }

    /// A number.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, Stop> {
        let (number, taken) = length::number(self.rest()).map_err(|halt| self.halt(halt))?;
        self.pos += taken;
        Ok(number)
    }

    /// The header of a string.
    #[inline]
    pub(super) fn head(&mut self) -> Result<Head, Stop> {
        let head = Head::decode(self.rest()).map_err(|halt| self.halt(halt))?;
        self.pos += head.head_len;
        // Told before any of its bytes are asked for, so that all listeners get the same answer.
        if head.body_len > (i64::MAX as u64).saturating_sub(self.at()) {
            return Err(Stop::Bad(Reason::StringImpossible));
        }
        Ok(head)
    }

    /// The next `n` bytes, not taken yet.
    #[inline]
    pub(super) fn peek(&self, n: usize) -> Result<&'a [u8], Stop> {
        self.rest().get(..n).ok_or_else(|| self.need(n))
    }

    /// The bytes of the token, as far as they were read.
    pub(super) fn marked(&self) -> &'a [u8] {
        self.bytes.get(self.mark..self.pos).unwrap_or_default()
    }

    /// All bytes that are left.
    #[inline]
    pub(super) fn peek_all(&self) -> &'a [u8] {
        self.rest()
    }

    /// Takes `n` bytes that were peeked at.
    #[inline]
    pub(super) fn advance(&mut self, n: usize) {
        self.pos = self.pos.saturating_add(n).min(self.bytes.len());
    }

    /// The next `N` bytes.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let Some(bytes) = self.rest().first_chunk::<N>() else {
            return Err(self.need(N));
        };
        self.pos += N;
        Ok(*bytes)
    }

    /// Passes over `n` bytes: within the window, or behind its end. Must come last in a token.
    #[inline]
    pub(super) fn skip(&mut self, n: u64) -> Result<(), Stop> {
        let left = (self.bytes.len() - self.pos) as u64;
        if n <= left {
            self.pos += n as usize;
            return Ok(());
        }
        self.pos = self.bytes.len();
        Err(Stop::Skip(n - left))
    }
}
