//! A place where bytes are not what a format says.
//!
//! Every format room has its own list of reasons; the pair of place and reason is shared. A fault is a
//! fact about bytes, never a failed operation: those are [`crate::error::Error`].

use std::fmt;

/// Bytes at `at` do not follow the format, for `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault<R> {
    /// Byte offset of the token that is wrong, in the file (decompressed bytes where it was compressed).
    pub at: u64,
    /// What is wrong with it.
    pub reason: R,
}

impl<R> Fault<R> {
    /// A fault at byte offset `at`.
    pub const fn new(at: u64, reason: R) -> Self {
        Self { at, reason }
    }
}

impl<R: fmt::Display> fmt::Display for Fault<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} ({:#x}): {}", self.at, self.at, self.reason)
    }
}
