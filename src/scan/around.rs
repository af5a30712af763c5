//! How many records some bytes probably held that are no record any more, by the lengths of those around them.

use crate::aof::{Damage, Ending, Mended};

/// What a record still counts when one more has come: some 32 count.
const FADES: f64 = 31.0 / 32.0;

/// Records that are remembered; one before them would count less than a thousandth of the last one.
const KEPT: usize = 256;

/// The lengths of the records up to here, the nearest most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Around {
    /// Of the last ones; that of the n-th record at n modulo their number.
    lens: [u64; KEPT],
    records: u64,
}

impl Default for Around {
    fn default() -> Self {
        Self { lens: [0; KEPT], records: 0 }
    }
}

impl Around {
    /// A record of this length. Every record of a set comes here, so nothing is computed yet.
    #[inline]
    pub fn record(&mut self, len: u64) {
        self.lens[self.records as usize % KEPT] = len;
        self.records += 1;
    }

    /// The records that came behind these.
    pub fn join(&mut self, later: &Self) {
        let kept = later.records.min(KEPT as u64);
        // Where there are more than are kept, all others are forgotten.
        self.records += later.records - kept;
        later.kept().for_each(|len| self.record(len));
    }

    /// The lengths that are remembered, in order.
    fn kept(&self) -> impl Iterator<Item = u64> + '_ {
        let first = self.records.saturating_sub(KEPT as u64);
        (first..self.records).map(|number| self.lens[number as usize % KEPT])
    }

    /// How many records a stretch of so many bytes probably held; `None` where no record is known.
    pub fn likely(&self, bytes: u64) -> Option<u64> {
        let fade =
            |(sum, count): (f64, f64), len: u64| (sum * FADES + len as f64, count * FADES + 1.0);
        let (sum, count) = self.kept().fold((0.0, 0.0), fade);
        (self.records > 0).then(|| (bytes as f64 * count / sum).round() as u64)
    }

    /// How many records damage probably was: one where it is known to be, such as a torn one.
    pub fn likely_in(&self, damage: &Damage) -> Option<u64> {
        let is_one = damage.ending == Ending::Torn || damage.mended == Some(Mended::Record);
        // Behind the last record may stand a few bytes that never were one; between two records one at least is broken.
        let least = u64::from(!matches!(damage.ending, Ending::Garbage | Ending::Zeros));
        match (is_one, damage.rdb.is_some()) {
            (_, true) => Some(0),
            (true, false) => Some(1),
            (false, false) => Some(self.likely(damage.end - damage.start)?.max(least)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_held_as_many_records_as_those_around_them_are_long() {
        let mut around = Around::default();
        assert_eq!(around.likely(100), None);
        (0..100).for_each(|_| around.record(1000));
        (0..200).for_each(|_| around.record(50));
        assert_eq!((around.likely(100), around.likely(10)), (Some(2), Some(0)));
        // Of two stretches, one is joined to the other.
        let (mut first, mut second) = (Around::default(), Around::default());
        (0..100).for_each(|_| first.record(1000));
        (0..200).for_each(|_| second.record(50));
        first.join(&second);
        assert_eq!(first.likely(5000), around.likely(5000));
        // Those from before count a little still.
        assert!(matches!(around.likely(5000), Some(90..=100)), "{around:?}");
    }
}
