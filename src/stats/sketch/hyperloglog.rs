//! How many different things there were, in 16 KiB.
//!
//! HyperLogLog with 2^14 registers: the standard error is 1.04 / sqrt(2^14) = 0.81 %. Counts of a few
//! hundred are kept as a short list of the registers in use, so that thousands of small counters are
//! cheap. The estimate is Ertl's, which needs no correction for small or large counts.

use std::f64::consts::LN_2;

/// Bits of a hash that choose the register.
const PRECISION: u32 = 14;
const REGISTERS: usize = 1 << PRECISION;
/// Bits of a hash that are left.
const REST: usize = 64 - PRECISION as usize;

/// Registers listed one by one before the whole array is laid out.
const LISTED: usize = 512;

/// Counts different 64-bit hashes. Two counters merge into the one that would have seen both.
#[derive(Clone, Debug)]
pub struct HyperLogLog(Form);

#[derive(Clone, Debug)]
enum Form {
    /// `register << 8 | rank`, sorted by register.
    List(Vec<u32>),
    All(Box<[u8; REGISTERS]>),
}

impl Default for HyperLogLog {
    fn default() -> Self {
        Self(Form::List(Vec::new()))
    }
}

impl HyperLogLog {
    /// Standard error of the estimate, as a part of it.
    pub const ERROR: f64 = 0.0081;

    /// Sees one thing by its hash, all bits of which must be good.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        let register = (hash >> REST) as u32;
        // The marker bit bounds the rank where all other bits are zero.
        let rest = (hash << PRECISION) | (1 << (PRECISION - 1));
        self.raise(register, rest.leading_zeros() + 1);
    }

    #[inline]
    fn raise(&mut self, register: u32, rank: u32) {
        match &mut self.0 {
            Form::All(ranks) => {
                let mine = &mut ranks[register as usize];
                *mine = (*mine).max(rank as u8);
            }
            Form::List(list) => {
                let at = list.partition_point(|&entry| entry >> 8 < register);
                let is_listed = list.get(at).is_some_and(|entry| entry >> 8 == register);
                if is_listed {
                    list[at] = list[at].max(register << 8 | rank);
                } else if list.len() < LISTED {
                    list.insert(at, register << 8 | rank);
                } else {
                    self.lay_out();
                    self.raise(register, rank);
                }
            }
        }
    }

    #[cold]
    fn lay_out(&mut self) {
        if let Form::List(list) = &self.0 {
            let mut ranks = Box::new([0; REGISTERS]);
            for entry in list {
                ranks[(entry >> 8) as usize] = (entry & 0xff) as u8;
            }
            self.0 = Form::All(ranks);
        }
    }

    /// Takes over what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        match &other.0 {
            Form::List(list) => {
                for &entry in list {
                    self.raise(entry >> 8, entry & 0xff);
                }
            }
            Form::All(theirs) => {
                self.lay_out();
                if let Form::All(ranks) = &mut self.0 {
                    for (mine, theirs) in ranks.iter_mut().zip(theirs.iter()) {
                        *mine = (*mine).max(*theirs);
                    }
                }
            }
        }
    }

    /// How many different things it has seen.
    pub fn estimate(&self) -> u64 {
        let mut of_rank = [0_u32; REST + 2];
        match &self.0 {
            Form::All(ranks) => {
                for &rank in ranks.iter() {
                    of_rank[usize::from(rank)] += 1;
                }
            }
            Form::List(list) => {
                for entry in list {
                    of_rank[(entry & 0xff) as usize] += 1;
                }
                of_rank[0] = (REGISTERS - list.len()) as u32;
            }
        }
        let m = REGISTERS as f64;
        let mut z = m * tau(1.0 - f64::from(of_rank[REST + 1]) / m);
        for &registers in of_rank[1..=REST].iter().rev() {
            z = 0.5 * (z + f64::from(registers));
        }
        z += m * sigma(f64::from(of_rank[0]) / m);
        (m * m / (2.0 * LN_2) / z).round() as u64
    }
}

/// What registers that nothing hit yet add.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// What registers that are full add.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64: hashes without a hash function.
    fn hash(n: u64) -> u64 {
        let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of(range: std::ops::Range<u64>) -> HyperLogLog {
        let mut counter = HyperLogLog::default();
        range.for_each(|n| counter.add(hash(n)));
        counter
    }

    #[test]
    fn the_estimate_keeps_its_error_at_every_size() {
        assert_eq!(HyperLogLog::default().estimate(), 0);
        for n in [1, 2, 10, 100, 500, 513, 1000, 5000, 20_000, 100_000, 1_000_000] {
            let off = of(0..n).estimate().abs_diff(n) as f64 / n as f64;
            // Four standard errors: one seed, fixed, so this is no gamble.
            assert!(off < 4.0 * HyperLogLog::ERROR, "{n}: off by {off}");
        }
    }

    #[test]
    fn seeing_again_changes_nothing_and_merging_is_seeing_both() {
        for (a, b) in [(10, 30), (400, 700), (600, 100_000), (100_000, 100_010)] {
            let mut merged = of(0..a);
            merged.merge(&of(a / 2..b));
            merged.merge(&of(0..a));
            assert_eq!(merged.estimate(), of(0..b).estimate());
        }
        let mut extremes = HyperLogLog::default();
        extremes.add(0);
        extremes.add(u64::MAX);
        assert_eq!(extremes.estimate(), 2);
    }
}
