//! The search for keys that stand twice in a database.
//!
//! A walk remembers a fingerprint of each key. When there are too many for its table, it goes on with
//! half of them and leaves the others to another walk over the same bytes; so memory stays the same for
//! any number of keys, and only the walks become more.

use super::fingerprints::{Added, Fingerprints};

/// Slots of the table: 128 MiB, and 16 MiB more for a moment while it grows.
const SLOTS: usize = 1 << 23;

/// Most walks over one file. Each covers six million keys.
const WALKS: u32 = 256;

/// Those fingerprints whose masked low bits are these.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    mask: u64,
    bits: u64,
}

impl Share {
    fn has(self, print: u128) -> bool {
        print as u64 & self.mask == self.bits
    }
}

/// Looks for keys that stand twice.
#[derive(Clone, Debug)]
pub(super) struct KeySearch {
    /// Only these are compared; `None`: all are.
    wanted: Option<Fingerprints>,
    seen: Fingerprints,
    now: Share,
    later: Vec<Share>,
    pub(super) walks: u32,
}

impl KeySearch {
    pub(super) fn new() -> Self {
        Self::with_slots(SLOTS)
    }

    fn with_slots(slots: usize) -> Self {
        let seen = Fingerprints::new(slots);
        Self { wanted: None, seen, now: Share::default(), later: Vec::new(), walks: 1 }
    }

    /// A search for these alone.
    pub(super) fn only(prints: impl Iterator<Item = u128>) -> Self {
        let mut wanted = Fingerprints::new(SLOTS);
        prints.for_each(|print| {
            wanted.add(print);
        });
        Self { wanted: Some(wanted), ..Self::new() }
    }

    /// Whether this walk knows that the key was there before.
    pub(super) fn is_again(&mut self, print: u128) -> bool {
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(print)) {
            return false;
        }
        while self.now.has(print) {
            match self.seen.add(print) {
                Added::New => return false,
                Added::Again => return true,
                Added::Full => self.halve(),
            }
        }
        false
    }

    fn halve(&mut self) {
        let bit = self.now.mask + 1;
        let mask = self.now.mask | bit;
        self.later.push(Share { mask, bits: self.now.bits | bit });
        self.now.mask = mask;
        let now = self.now;
        self.seen.retain(|print| now.has(print));
    }

    /// Whether another walk is needed, and allowed.
    pub(super) fn next_walk(&mut self) -> bool {
        if self.walks >= WALKS {
            return false;
        }
        let Some(share) = self.later.pop() else { return false };
        self.now = share;
        self.walks += 1;
        self.seen.clear();
        true
    }

    /// Whether all keys were compared.
    pub(super) fn is_complete(&self) -> bool {
        self.later.is_empty() && self.wanted.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::rdb::deep::fingerprints::Fnv;

    #[test]
    fn keys_that_stand_twice_are_found_in_as_many_walks_as_it_takes() {
        let print = |n: u32| Fnv::new().bytes(&n.to_le_bytes()).value();
        let keys: Vec<u128> = (0..20_000).chain([7, 19_999, 12_345]).map(print).collect();
        let mut search = KeySearch::with_slots(1 << 12);
        let mut found = Vec::new();
        loop {
            found.extend(keys.iter().copied().filter(|key| search.is_again(*key)));
            if !search.next_walk() {
                break;
            }
        }
        found.sort_unstable();
        let mut wanted = [7, 19_999, 12_345].map(print);
        wanted.sort_unstable();
        assert_eq!(found, wanted);
        assert!(search.walks > 6 && search.is_complete(), "{} walks", search.walks);
    }
}
