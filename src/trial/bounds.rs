//! What a program on trial may take: room, time until it is ready, memory, and words.

use std::time::{Duration, Instant};

use crate::text::{count, size, thousands};

use super::walls::Memory;

/// What a file may grow beyond what is there.
const GROWTH: u64 = 64 << 20;

/// How long a load may take, however small it is: a machine may be busy with other things.
const LEAST_SECONDS: u64 = 600;

/// Bytes a second that the slowest load makes that is not given up. A server takes a hundred times as many in where
/// nothing is odd, and a tenth of that with slow commands on a slow machine.
const SLOWEST: u64 = 1 << 20;

/// One part in so many of a machine's memory is left to all others.
const SPARED: u64 = 32;

/// Bytes that a server may say before it is ready, and as many more for each byte of the log: of a command that it
/// answers with an error it says a line or two.
const WORDS: u64 = 64 << 20;
const WORDS_FOR_A_BYTE: u64 = 16;

/// The bounds of one run of a program. What exceeds one of them is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// As large as a file may become.
    pub file_bytes: u64,
    /// Until it is ready.
    pub seconds: u64,
    /// Bytes of the machine's memory that must stay free.
    pub spare: u64,
}

impl Bounds {
    /// For a load of so many bytes.
    pub fn of_load(bytes: u64) -> Self {
        Self {
            file_bytes: bytes.saturating_add(GROWTH),
            seconds: LEAST_SECONDS.saturating_add(bytes / SLOWEST),
            spare: Memory::here().now().map_or(0, |amount| amount.total / SPARED),
        }
    }

    /// Why a load that takes at least so much memory is not begun; `None` when it may fit.
    pub fn forbid(&self, least_bytes: u64) -> Option<String> {
        self.forbid_of(least_bytes, Memory::here().now()?.free)
    }

    fn forbid_of(&self, least_bytes: u64, free: u64) -> Option<String> {
        let needed = least_bytes.saturating_add(self.spare);
        (least_bytes > 0 && needed > free).then(|| {
            format!(
                "not loaded: its base takes {} of memory at least, and {} are free here, of which {} are left to others",
                size(least_bytes),
                size(free),
                size(self.spare)
            )
        })
    }
}

/// Watches that a program stays within its bounds.
pub struct Watch {
    bounds: Bounds,
    started: Instant,
    memory: Memory,
    is_ready: bool,
}

impl Watch {
    /// From now on.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, started: Instant::now(), memory: Memory::here(), is_ready: false }
    }

    /// From here on it is asked things, and time is the matter of who asks.
    pub fn is_ready(&mut self) {
        self.is_ready = true;
    }

    /// What it exceeds, if anything.
    pub fn exceeded(&self) -> Option<String> {
        let seconds = self.bounds.seconds;
        if !self.is_ready && self.started.elapsed() > Duration::from_secs(seconds) {
            return Some(format!("it was not ready after {} s", thousands(seconds)));
        }
        let free = self.memory.now()?.free;
        (free < self.bounds.spare).then(|| {
            let (free, spare) = (size(free), size(self.bounds.spare));
            format!("only {free} of memory were free here, and {spare} are left to others")
        })
    }
}

/// Bytes that a server may say until it is ready with a load of so many bytes.
pub fn most_words(bytes: u64) -> u64 {
    bytes.saturating_mul(WORDS_FOR_A_BYTE).saturating_add(WORDS)
}

/// What a line is counted for at least, bytes: looking at it takes as long.
const LINE: u64 = 64;

/// What is told of one that has said more, if it has.
pub fn too_much_said(lines: u64, bytes: u64, most_bytes: u64) -> Option<String> {
    let counted = bytes.max(lines.saturating_mul(LINE));
    (counted > most_bytes).then(|| {
        let (lines, bytes) = (count(lines, "line"), count(bytes, "byte"));
        format!("it has said {lines} of {bytes} and was not ready")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_words_grow_with_what_is_to_be_loaded() {
        let (small, large) = (Bounds::of_load(1), Bounds::of_load(100 << 30));
        assert_eq!((small.seconds, large.seconds), (600, 600 + 100 * 1024));
        assert!(small.file_bytes < large.file_bytes && most_words(1) < most_words(100 << 30));
        assert_eq!(most_words(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_base_that_is_larger_than_what_is_free_is_not_begun() {
        let bounds = Bounds { spare: 100, ..Bounds::of_load(1) };
        assert_eq!(bounds.forbid_of(900, 1000), None);
        assert_eq!(bounds.forbid_of(0, 0), None, "where the base tells nothing, nothing is known");
        let why = bounds.forbid_of(901, 1000).unwrap();
        assert!(why.contains("901 B") && why.contains("1000 B"), "{why}");
    }
}
