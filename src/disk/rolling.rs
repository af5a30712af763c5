//! The bytes around a reading position: what is held of something that is only read forwards.

use crate::limits;

/// Bytes held at most: what is kept behind the reading position, and as much again before it.
const HELD: usize = 2 * limits::STREAM_BACK;

/// A stretch of bytes that grows at its end and is forgotten at its beginning.
#[derive(Debug, Default)]
pub struct Rolling {
    buffer: Vec<u8>,
    /// Offset of `buffer[0]`.
    start: u64,
}

impl Rolling {
    /// Nothing yet, with room for what is held and `more` bytes read at a time.
    pub fn with_room(more: usize) -> Self {
        Self { buffer: Vec::with_capacity(HELD + more), start: 0 }
    }

    /// Offset of the first byte that is held.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Offset behind the last byte that is held.
    pub fn end(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    /// Holds nothing any more, and goes on at `offset`.
    pub fn begin_at(&mut self, offset: u64) {
        self.start = offset;
        self.buffer.clear();
    }

    /// All that is held from `at` on, which is not before [`Self::start`].
    pub fn from(&self, at: u64) -> &[u8] {
        let from = at.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        from.and_then(|from| self.buffer.get(from..)).unwrap_or_default()
    }

    /// What [`Self::forget`] would forget.
    pub fn forgettable(&self, at: u64) -> &[u8] {
        if self.buffer.len() < HELD {
            return &[];
        }
        let keep_from = at.min(self.end()).saturating_sub(limits::STREAM_BACK as u64);
        let drop = usize::try_from(keep_from.saturating_sub(self.start)).unwrap_or(usize::MAX);
        &self.buffer[..drop.min(self.buffer.len())]
    }

    /// Forgets what lies more than [`limits::STREAM_BACK`] bytes behind `at`, once enough is held.
    pub fn forget(&mut self, at: u64) {
        let drop = self.forgettable(at).len();
        self.buffer.drain(..drop);
        self.start += drop as u64;
    }

    /// Adds what `read` fills of `room` bytes; answers how many these are, and its error.
    ///
    /// # Errors
    /// That of `read`.
    pub fn fill(
        &mut self,
        room: usize,
        read: impl FnOnce(&mut [u8]) -> std::io::Result<usize>,
    ) -> std::io::Result<usize> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + room, 0);
        let outcome = read(&mut self.buffer[filled..]);
        self.buffer.truncate(filled + *outcome.as_ref().unwrap_or(&0));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_within_its_bounds_and_is_what_was_read() {
        let mut rolling = Rolling::default();
        let step = limits::STREAM_BACK / 2;
        for round in 0..20_u8 {
            rolling.forget(rolling.end());
            let n = rolling.fill(step, |room| {
                room.fill(round);
                Ok(step - 1)
            });
            assert_eq!(n.unwrap(), step - 1);
            assert!(rolling.from(rolling.start()).len() <= HELD + step);
        }
        assert_eq!(rolling.end(), 20 * (step as u64 - 1));
        let last = rolling.from(rolling.end() - 1);
        assert_eq!(last, [19]);
        assert!(rolling.end() - rolling.start() >= limits::STREAM_BACK as u64);
        assert_eq!(rolling.from(0), b"", "that is forgotten");
        rolling.begin_at(7);
        assert_eq!((rolling.start(), rolling.end()), (7, 7));
    }
}
