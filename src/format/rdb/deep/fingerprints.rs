//! Sets of fingerprints: has this been seen before, in bounded memory.
//!
//! A fingerprint has 128 bits, so that two different things with one fingerprint do not happen by
//! chance in any file: the odds for a thousand million keys are below one in 10^20.

/// Slots of a small set: what is kept between values.
const SMALL: usize = 1 << 6;

/// FNV-1a, 128 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fnv(u128);

impl Fnv {
    pub(super) const fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            let mixed = self.0 ^ u128::from(*byte);
            self.0 = mixed.wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
        self
    }

    pub(super) const fn value(self) -> u128 {
        self.0
    }
}

/// What became of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    New,
    Again,
    /// No room, and not there.
    Full,
}

/// An open-addressing table of fingerprints, at most three quarters full.
#[derive(Clone, Debug, Default)]
pub(super) struct Fingerprints {
    slots: Vec<u128>,
    len: usize,
    most: usize,
}

impl Fingerprints {
    /// A set that grows up to so many slots of 16 bytes, a power of two. While it grows, an eighth of
    /// that comes on top.
    pub(super) const fn new(most: usize) -> Self {
        Self { slots: Vec::new(), len: 0, most }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn contains(&self, print: u128) -> bool {
        !self.slots.is_empty() && self.slots[self.place(print.max(1))] != 0
    }

    pub(super) fn add(&mut self, print: u128) -> Added {
        // Zero marks an empty slot.
        let print = print.max(1);
        if self.slots.is_empty() {
            self.slots = vec![0; SMALL.min(self.most)];
        }
        let place = self.place(print);
        if self.slots[place] != 0 {
            return Added::Again;
        }
        if self.len + 1 > self.slots.len() / 4 * 3 {
            if self.slots.len() >= self.most {
                return Added::Full;
            }
            self.grow();
            return self.add(print);
        }
        self.slots[place] = print;
        self.len += 1;
        Added::New
    }

    /// Where the fingerprint is, or would be.
    fn place(&self, print: u128) -> usize {
        let mask = self.slots.len() - 1;
        let mixed = ((print >> 64) as u64 ^ print as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = (mixed >> 24) as usize & mask;
        while self.slots[at] != 0 && self.slots[at] != print {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 8).min(self.most);
        let old = std::mem::replace(&mut self.slots, vec![0; size]);
        for print in old.into_iter().filter(|print| *print != 0) {
            let place = self.place(print);
            self.slots[place] = print;
        }
    }

    /// Keeps only those that `keep` accepts.
    pub(super) fn retain(&mut self, keep: impl Fn(u128) -> bool) {
        self.slots.retain(|print| *print != 0 && keep(*print));
        let mut kept = std::mem::take(&mut self.slots);
        // The old table goes before the new one comes: only what is kept stands beside it.
        kept.shrink_to_fit();
        let mut fresh = Self::new(self.most);
        for print in &kept {
            fresh.add(*print);
        }
        *self = fresh;
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
        if self.slots.len() > 8 * SMALL {
            self.slots = Vec::new();
        } else {
            self.slots.fill(0);
        }
    }
}
