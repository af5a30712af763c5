//! How many records some bytes probably held that are no record any more, by the lengths of those around them.

use crate::aof::{Damage, Ending, Mended};

/// What a record still counts when one more has come: some 32 count.
const FADES: f64 = 31.0 / 32.0;

/// The lengths of the records up to here, the nearest most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Around {
    bytes: f64,
    records: f64,
}

impl Around {
    /// A record of this length. Every record of a set comes here, so nothing is divided yet.
    #[inline]
    pub fn record(&mut self, len: u64) {
        self.bytes = self.bytes * FADES + len.cast_signed() as f64;
        self.records = self.records * FADES + 1.0;
    }

    /// How many records a stretch of so many bytes probably held; `None` where no record is known.
    pub fn likely(&self, bytes: u64) -> Option<u64> {
        let each = self.bytes / self.records;
        (self.records > 0.0).then(|| (bytes as f64 / each).round() as u64)
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
        // Those from before count a little still.
        assert!(matches!(around.likely(5000), Some(90..=100)), "{around:?}");
    }
}
