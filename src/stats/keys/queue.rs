//! Records that wait to be counted together.

use crate::format::resp::Arg;
use crate::limits;

/// Records counted at a time.
pub(super) const QUEUE: usize = 64;

/// Keys up to this length lie beside what else is known of their record.
const SHORT: usize = 32;

/// A record that waits to be counted.
#[derive(Clone, Copy, Debug, Default)]
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
    len: usize,
    /// Keys that are not short, one after the other.
    long: Vec<u8>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { waiting: vec![Waiting::default(); QUEUE], ..Self::NONE }
    }
}

/// What is seen of a key: its beginning, of a long one.
#[inline]
pub(super) fn seen<'a>(key: &Arg<'a>) -> &'a [u8] {
    &key.head[..key.head.len().min(limits::OUTLINE_HEAD)]
}

impl Queue {
    /// One that has no room: it stands in for another for a while.
    pub(super) const NONE: Self = Self { waiting: Vec::new(), len: 0, long: Vec::new() };

    /// Adds a record to a queue that is not full; answers whether it is full then.
    #[inline(always)]
    pub(super) fn push(&mut self, hash: u64, bytes: u64, db: u32, key: &Arg<'_>) -> bool {
        let (head, long_at, at) = (seen(key), self.long.len() as u32, self.len % QUEUE);
        // Written where it stays: to be copied there at once would be slow.
        let one = &mut self.waiting[at];
        (one.hash, one.bytes, one.key_len) = (hash, bytes, key.len);
        (one.db, one.long_at) = (db, long_at);
        if head.len() <= SHORT {
            copy_short(head, &mut one.short);
        } else {
            self.long.extend_from_slice(head);
        }
        self.len = at + 1;
        self.len == QUEUE
    }

    pub(super) fn get(&self, at: usize) -> Option<&Waiting> {
        self.waiting.get(at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().take(self.len)
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
        self.len = 0;
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
