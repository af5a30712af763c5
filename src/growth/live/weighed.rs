//! What one key and its value would take in a rewrite.

use super::cost::Cost;
use super::doubt::Doubt;

/// A key and its value, measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weighed {
    pub told: Cost,
    pub low: Cost,
    pub high: Cost,
    /// What a sample inside of the value brings.
    pub variance: Cost,
    /// Formats in which it may have any size: not zero.
    pub open: Cost,
    pub doubt: Doubt,
}

impl Weighed {
    /// Known to what the model is off by.
    pub fn exactly(told: Cost, variance: Cost) -> Self {
        Self { told, low: told, high: told, variance, ..Self::default() }
    }

    /// It may be written in this form as well.
    pub fn widen(&mut self, other: Cost) {
        self.low = self.low.zip(other, f64::min);
        self.high = self.high.zip(other, f64::max);
    }

    /// So much of it may be gone, and so much may be there on top.
    pub fn perhaps(&mut self, (less, more): (Cost, Cost)) {
        self.low = self.low.zip(less, |low, less| (low - less).max(0.0));
        self.high += more;
    }

    /// More bytes that all forms of it have.
    pub fn add(&mut self, more: Cost) {
        self.told += more;
        self.low += more;
        self.high += more;
    }
}
