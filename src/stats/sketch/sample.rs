//! How often things come again, from a sample of them.
//!
//! Of all different hashes those are kept that end with enough zero bits, and counted exactly: a fair
//! sample of the different things, however often each comes. When there are too many, one zero bit more is
//! asked for, so between half the limit and the limit are kept. Which ones depends on the hashes alone:
//! split the work anywhere, and the merged sample is the same.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Things kept at most.
const LIMIT: usize = 1 << 14;

/// A sample of different things with their counts.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Bits that have to be zero.
    mask: u64,
    times: HashMap<u64, u64, FixedState>,
}

impl Sample {
    /// Counts one thing by its hash, all bits of which must be good.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        if hash & self.mask == 0 {
            self.count(hash, 1);
        }
    }

    #[inline(never)]
    fn count(&mut self, hash: u64, times: u64) {
        *self.times.entry(hash).or_default() += times;
        while self.times.len() > LIMIT {
            self.mask = self.mask << 1 | 1;
            let mask = self.mask;
            self.times.retain(|hash, _| hash & mask == 0);
        }
    }

    /// Takes over what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        self.mask |= other.mask;
        let mask = self.mask;
        self.times.retain(|hash, _| hash & mask == 0);
        for (&hash, &times) in &other.times {
            if hash & self.mask == 0 {
                self.count(hash, times);
            }
        }
    }

    /// Whether nothing was left out.
    pub fn is_whole(&self) -> bool {
        self.mask == 0
    }

    /// How many are in it.
    pub fn size(&self) -> usize {
        self.times.len()
    }

    /// How many of these came so often.
    pub fn between(&self, times: std::ops::Range<u64>) -> usize {
        self.times.values().filter(|count| times.contains(count)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u64) -> u64 {
        let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn a_sample_is_fair_and_the_same_however_the_work_was_split() {
        let (mut whole, mut parts) = (Sample::default(), vec![Sample::default(); 3]);
        for n in 0..300_000 {
            // Every third comes three times.
            for _ in 0..if n % 3 == 0 { 3 } else { 1 } {
                whole.add(hash(n));
            }
            for part in parts.iter_mut().take(if n % 3 == 0 { 3 } else { 1 }) {
                part.add(hash(n));
            }
        }
        let mut merged = parts.remove(0);
        parts.iter().for_each(|part| merged.merge(part));
        assert_eq!((merged.mask, &merged.times), (whole.mask, &whole.times));
        assert!((LIMIT / 2..=LIMIT).contains(&whole.size()) && !whole.is_whole());
        let once = whole.between(1..2) as f64 / whole.size() as f64;
        // Four standard errors at least.
        assert!((once - 2.0 / 3.0).abs() < 0.021, "{once}");
    }

    #[test]
    fn few_things_are_all_kept() {
        let mut sample = Sample::default();
        (0..1000).chain(500..600).for_each(|n| sample.add(hash(n)));
        assert!(sample.is_whole());
        assert_eq!((sample.size(), sample.between(1..2), sample.between(2..3)), (1000, 900, 100));
    }
}
