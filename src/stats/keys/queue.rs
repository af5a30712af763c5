//! Records that wait to be counted together.

use crate::format::resp::Arg;
use crate::limits;

/// Records counted at a time.
pub(super) const QUEUE: usize = 64;

/// Keys up to this length lie beside what else is known of their record.
const SHORT: usize = 32;

/// A record that waits to be counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) hash: u64,
    pub(super) bytes: u64,
    /// The length of the whole key, of which a long one's beginning is kept.
    pub(super) key_len: u64,
    pub(super) db: u32,
    /// Where a key that is not short is kept.
    long_at: u32,
    short: [u8; SHORT],
}

/// The queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    waiting: Vec<Waiting>,
    /// Keys that are not short, one after the other.
    long: Vec<u8>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { waiting: Vec::with_capacity(QUEUE), long: Vec::new() }
    }
}

/// What is seen of a key: its beginning, of a long one.
#[inline]
pub(super) fn seen<'a>(key: &Arg<'a>) -> &'a [u8] {
    &key.head[..key.head.len().min(limits::OUTLINE_HEAD)]
}

impl Queue {
    /// Adds a record; answers whether the queue is full then.
    #[inline]
    pub(super) fn push(&mut self, hash: u64, bytes: u64, db: u32, key: &Arg<'_>) -> bool {
        let (head, long_at) = (seen(key), self.long.len() as u32);
        let short = [0; SHORT];
        self.waiting.push(Waiting { hash, bytes, key_len: key.len, db, long_at, short });
        match self.waiting.last_mut() {
            // Written where it stays: to be read again at once would be slow.
            Some(last) if head.len() <= SHORT => copy_short(head, &mut last.short),
            _ => self.long.extend_from_slice(head),
        }
        self.waiting.len() == QUEUE
    }

    pub(super) fn get(&self, place: usize) -> Option<&Waiting> {
        self.waiting.get(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }

    /// What was seen of the key of one that waits.
    #[inline]
    pub(super) fn key<'q>(&'q self, one: &'q Waiting) -> &'q [u8] {
        let len = one.key_len.min(limits::OUTLINE_HEAD as u64) as usize;
        let from = one.long_at as usize;
        let short = one.short.get(..len);
        short.unwrap_or_else(|| self.long.get(from..from + len).unwrap_or_default())
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.long.clear();
    }
}

/// Copies a short slice in at most two steps, which overlap in the middle.
#[inline]
fn copy_short(from: &[u8], to: &mut [u8; SHORT]) {
    let len = from.len();
    match (from.first_chunk::<16>(), from.last_chunk::<16>()) {
        (Some(first), Some(last)) => {
            to[..16].copy_from_slice(first);
            to[len - 16..len].copy_from_slice(last);
        }
        _ => match (from.first_chunk::<8>(), from.last_chunk::<8>()) {
            (Some(first), Some(last)) => {
                to[..8].copy_from_slice(first);
                to[len - 8..len].copy_from_slice(last);
            }
            _ => to[..len].copy_from_slice(from),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_out_as_they_went_in() {
        let bytes: Vec<u8> = (0..2000).map(|i| i as u8).collect();
        let mut queue = Queue::default();
        let lengths = [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 1024, 1025, 2000];
        for len in lengths {
            let key = Arg { len: len as u64, head: &bytes[..len] };
            assert!(!queue.push(1, 2, 3, &key));
        }
        for (one, len) in queue.iter().zip(lengths) {
            assert_eq!(queue.key(one), &bytes[..len.min(1024)], "{len}");
        }
    }
}
