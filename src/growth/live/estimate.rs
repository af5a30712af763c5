//! What is told of the size of a new base: a number with what it may be off by, a range, or nothing.

use super::cost::Cost;
use super::doubt::{Doubt, Unfollowed};
use super::memory::Memory;
use super::weighed::Weighed;

/// What the model of a value itself was off by, at most, where all keys were followed: measured against real
/// servers of all recorded versions on many kinds of data, in percent, by format.
const MODEL: Cost = Cost { resp: 1.5, rdb: 4.0, raw: 2.0 };

/// Bytes that it may be off by on top: what a base has beside its keys is not known to the byte.
const SLACK: f64 = 64.0;

/// Standard errors of a sample within which the size lies in all but a case in hundreds.
const SURE: f64 = 3.0;

/// Percent of the estimate by which the ends of a range move at most without a word of why.
const SAME: f64 = 1.0;

/// Percent by which the ends of a range may be apart from the estimate so that it is told as one number.
const SPREAD: f64 = 5.0;

/// The size that a rewrite would write, in one format. All of it is `None` where nothing can be said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// The likeliest, bytes; `None` where no upper bound is known.
    pub estimated_bytes: Option<u64>,
    /// It is at least so large.
    pub at_least_bytes: Option<u64>,
    /// It is at most so large; `None` where what is not followed may have any size.
    pub at_most_bytes: Option<u64>,
    /// What the estimate may be off by, in percent: twice the standard error of the sample, and what the model of
    /// a value was found to be off by. `None` where only a range can be told.
    pub error_percent: Option<f64>,
}

/// Whether the new base would be compressed (`rdbcompression`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Neither the configuration tells nor the base shows it: the range holds both.
    #[default]
    Unknown,
    /// Yes.
    On,
    /// No.
    Off,
}

impl From<bool> for Compression {
    fn from(is_on: bool) -> Self {
        if is_on { Self::On } else { Self::Off }
    }
}

/// The sizes of a base that a rewrite would write now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveEstimate {
    /// As commands (`aof-use-rdb-preamble no`).
    pub resp: Size,
    /// As RDB.
    pub rdb: Size,
    /// Whether that RDB would be compressed.
    pub compression: Compression,
    /// Keys that are alive, about.
    pub keys: u64,
    /// Keys that were followed.
    pub followed_keys: u64,
    /// All keys and all commands were followed, and all of the base was read.
    pub is_complete: bool,
    /// All keys were followed: none had to be left out for want of memory.
    pub has_all_keys: bool,
    /// Keys whose time had come, but that no command has deleted.
    pub expired_keys: u64,
    /// Records that changed values in ways that are not followed.
    pub unfollowed_commands: u64,
    /// Bytes of them.
    pub unfollowed_bytes: u64,
    /// The same by name, those with the most bytes first, as far as names are told apart.
    pub unfollowed: Vec<Unfollowed>,
    /// One of them may have changed any key.
    pub is_unknown: bool,
    /// The RDB of the base could not be read to its end.
    pub is_partial: bool,
    /// The base shows that its server packs values of other sizes than servers do by default, and nobody tells which:
    /// a range holds both.
    pub has_other_limits: bool,
    /// Nobody tells up to which size the server packs values, the base does not show it, and it matters: a range holds what
    /// other limits than the servers' defaults give.
    pub has_open_limits: bool,
    /// What a server's memory takes to load all of it; `None` where something is in it whose size in memory is not
    /// known: values of modules and vector sets, or what is not followed.
    pub memory: Option<Memory>,
}

/// Adds up what is alive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    told: Cost,
    low: Cost,
    high: Cost,
    variance: Cost,
    /// Formats in which something may have any size: not zero.
    open: Cost,
}

/// One format of a cost.
type Format = fn(Cost) -> f64;

/// In every format.
const ALL: Cost = Cost { resp: 1.0, rdb: 1.0, raw: 1.0 };

impl Sums {
    /// What is there in any case.
    pub fn add_fixed(&mut self, cost: Cost) {
        self.told += cost;
        self.low += cost;
        self.high += cost;
    }

    /// A key, and all that it stands for.
    pub fn add(&mut self, one: &Weighed, weight: f64) {
        self.told += one.told * weight;
        self.high += one.high * weight;
        if one.doubt == Doubt::None {
            self.low += one.low * weight;
        }
        if one.doubt == Doubt::Open {
            self.open_all();
        }
        self.open += one.open;
        let between = weight * (weight - 1.0);
        self.variance += one.told.map(|bytes| bytes * bytes) * between;
        self.variance += one.variance * weight;
    }

    /// What may be there or not.
    pub fn add_perhaps(&mut self, high: Cost, weight: f64) {
        self.high += high * weight;
    }

    /// Whether its ends are so much further apart as RDB that they are told.
    pub fn is_wider_than(&self, other: &Self) -> bool {
        let above = self.high.zip(other.high, |this, other| this - other);
        let below = other.low.zip(self.low, |other, this| other - this);
        let wider = above.zip(below, f64::max);
        wider.rdb.max(wider.raw) > SAME / 100.0 * self.told.rdb
    }

    /// Something that is not followed may have made values of any size.
    pub fn open_all(&mut self) {
        self.open += ALL;
    }

    /// Any key may be gone: what is there in any case is all that is sure.
    pub fn forget_least(&mut self, fixed: Cost) {
        self.low = fixed;
    }

    /// The two formats.
    pub fn sizes(&self, compression: Compression) -> (Size, Size) {
        let margin = self.told.zip(MODEL, |told, percent| told * percent / 100.0 + SLACK);
        let sample = self.variance.map(|variance| SURE * variance.sqrt());
        let range = |of: Format| {
            let margin = of(margin) + of(sample);
            let high = (of(self.open) == 0.0).then(|| of(self.high) + margin);
            ((of(self.low) - margin).max(0.0), high)
        };
        let error = |of: Format| {
            let percent = 100.0 / of(self.told).max(1.0);
            let sample = 2.0 * of(self.variance).sqrt() * percent;
            let spread =
                (of(self.high) - of(self.told)).max(of(self.told) - of(self.low)) * percent;
            (spread <= SPREAD && of(self.open) == 0.0).then_some(sample + spread + of(MODEL))
        };
        let size = |told: f64, (low, high): (f64, Option<f64>), error_percent| Size {
            estimated_bytes: high.map(|_| told.round() as u64),
            at_least_bytes: Some(low as u64),
            at_most_bytes: high.map(|high| high.ceil() as u64),
            error_percent,
        };
        let resp: Format = |cost| cost.resp;
        let rdb: Format = |cost| cost.rdb;
        let raw: Format = |cost| cost.raw;
        let as_rdb = match compression {
            Compression::On => size(self.told.rdb, range(rdb), error(rdb)),
            Compression::Off => size(self.told.raw, range(raw), error(raw)),
            Compression::Unknown => {
                let wide = (range(rdb).0, range(raw).1);
                let is_same = self.told.raw - self.told.rdb <= SLACK;
                size(self.told.rdb, wide, error(rdb).filter(|_| is_same))
            }
        };
        (size(self.told.resp, range(resp), error(resp)), as_rdb)
    }
}
