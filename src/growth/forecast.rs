//! Times to come at the rate that was measured, and why none is told.
//!
//! A rate says something about what follows only as long as it was measured long enough, not long ago, and while a server
//! goes on writing. Where one of these is not so, no time is told: a wrong one is worse than none.

use std::fmt;

use crate::text::{count, thousands};

/// Where a rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateSource {
    /// `#TS:` annotations.
    Annotations,
    /// When the base and the last increment were written to last.
    FileTimes,
}

impl RateSource {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Annotations => "annotations",
            Self::FileTimes => "file-times",
        }
    }
}

/// Seconds that a rate must have been measured over, before anything follows from it: the first writes of a start, or one
/// import, are no rate.
const SHORTEST: i64 = 60;

/// A rate is as old as the last write that it counts. It is not too old for so many seconds, or this part of the time that it
/// was measured over.
const RECENT: i64 = 3600;
const RECENT_PART: i64 = 10;

/// A time further ahead than so many times the time measured is not told.
const FURTHEST: f64 = 1000.0;

/// Bytes appended a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// On average.
    pub bytes_per_second: f64,
    /// How that is known.
    pub source: RateSource,
    /// Over how many seconds.
    pub seconds: i64,
    /// When that ended, Unix seconds.
    pub until: i64,
}

impl Measured {
    /// Whether it was measured long enough for anything to follow from it.
    pub fn is_long_enough(&self) -> bool {
        self.seconds >= SHORTEST
    }

    /// Seconds since the last write that it counts, where these are too many.
    fn too_old(&self, now: i64) -> Option<i64> {
        let age = now.saturating_sub(self.until);
        Some(age).filter(|age| *age > RECENT.max(self.seconds / RECENT_PART))
    }
}

/// Why a time to come is not told, though a rate was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unforeseen {
    /// No server loads the set, and none is known to write to it.
    NotLoaded,
    /// The rate was measured over so few seconds.
    Short {
        /// How many.
        seconds: i64,
    },
    /// The last write that it counts is so long ago.
    Old {
        /// Seconds.
        seconds: i64,
    },
    /// It would be further ahead than the time measured can tell.
    Far {
        /// Seconds that can be told.
        seconds: i64,
    },
}

impl Unforeseen {
    /// Its name for scripts.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::NotLoaded => "not-loaded",
            Self::Short { .. } => "too-short",
            Self::Old { .. } => "too-old",
            Self::Far { .. } => "too-far",
        }
    }
}

impl fmt::Display for Unforeseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotLoaded => {
                f.write_str("no server loads this set as it is, and none is known to write to it")
            }
            Self::Short { seconds } => write!(
                f,
                "the rate was measured over {} only",
                count(seconds.max(0).unsigned_abs(), "second")
            ),
            Self::Old { seconds } => {
                write!(f, "the last write was {} ago", rough(seconds))
            }
            Self::Far { seconds } => write!(
                f,
                "it is more than {} ahead, further than the time measured can tell",
                rough(seconds)
            ),
        }
    }
}

/// A span of time in one unit.
fn rough(seconds: i64) -> String {
    let seconds = seconds.max(0).unsigned_abs();
    match seconds {
        0..=7_199 => format!("{} minutes", thousands(seconds / 60)),
        7_200..=172_799 => format!("{} hours", thousands(seconds / 3600)),
        _ => format!("{} days", thousands(seconds / 86_400)),
    }
}

/// What is known beside the rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// Unix seconds.
    pub(super) now: i64,
    /// Bytes a second that are reckoned with.
    pub(super) bytes_per_second: f64,
    /// Bytes until the next rewrite, where one comes.
    pub(super) until_rewrite: Option<u64>,
    /// Bytes until the file system is full, where it is known.
    pub(super) until_full: Option<u64>,
    /// Whether a server loads the set or writes to it, as far as is known.
    pub(super) is_in_use: bool,
}

/// Times to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Unix seconds of the next rewrite.
    pub rewrite_at: Option<i64>,
    /// Unix seconds when the file system is full, if nothing is rewritten.
    pub disk_full_at: Option<i64>,
    /// Why a time is not told; `None` where all are, or no rate is known.
    pub withheld: Option<Unforeseen>,
}

impl Forecast {
    /// By this rate.
    pub(super) fn new(rate: Option<&Measured>, ahead: &Ahead) -> Self {
        let Some(rate) = rate else { return Self::default() };
        let withheld = match (ahead.is_in_use, rate.too_old(ahead.now)) {
            (false, _) => Some(Unforeseen::NotLoaded),
            (true, _) if !rate.is_long_enough() => {
                Some(Unforeseen::Short { seconds: rate.seconds })
            }
            (true, Some(seconds)) => Some(Unforeseen::Old { seconds }),
            (true, None) => None,
        };
        if withheld.is_some() {
            return Self { withheld, ..Self::default() };
        }
        let furthest = rate.seconds as f64 * FURTHEST;
        let mut is_far = false;
        let mut after = |bytes: Option<u64>| {
            let seconds = bytes? as f64 / ahead.bytes_per_second;
            let is_near = seconds <= furthest;
            is_far |= !is_near;
            is_near.then(|| ahead.now.saturating_add(seconds as i64))
        };
        let (rewrite_at, disk_full_at) = (after(ahead.until_rewrite), after(ahead.until_full));
        let withheld = is_far.then_some(Unforeseen::Far { seconds: furthest as i64 });
        Self { rewrite_at, disk_full_at, withheld }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(seconds: i64, until: i64) -> Measured {
        Measured { bytes_per_second: 10.0, source: RateSource::Annotations, seconds, until }
    }

    fn ahead(is_in_use: bool) -> Ahead {
        Ahead {
            now: 100_000,
            bytes_per_second: 10.0,
            until_rewrite: Some(1_000),
            until_full: Some(1_000_000_000),
            is_in_use,
        }
    }

    #[test]
    fn a_time_follows_from_a_rate_that_was_measured_long_enough_and_lately() {
        let told = |rate: Measured| Forecast::new(Some(&rate), &ahead(true));
        let good = told(measured(100_000, 99_990));
        assert_eq!((good.rewrite_at, good.withheld), (Some(100_100), None));
        assert_eq!(good.disk_full_at, Some(100_100_000));
        assert_eq!(told(measured(59, 99_990)).withheld, Some(Unforeseen::Short { seconds: 59 }));
        let old = told(measured(1_000, 96_399));
        assert_eq!((old.rewrite_at, old.withheld), (None, Some(Unforeseen::Old { seconds: 3601 })));
        assert_eq!(told(measured(1_000, 96_400)).rewrite_at, Some(100_100));
        // What was measured over days may be older.
        assert_eq!(told(measured(90_000, 92_000)).rewrite_at, Some(100_100));
    }

    #[test]
    fn what_lies_too_far_ahead_is_not_told_and_what_is_near_is() {
        let told = Forecast::new(Some(&measured(100, 99_990)), &ahead(true));
        assert_eq!((told.rewrite_at, told.disk_full_at), (Some(100_100), None));
        assert_eq!(told.withheld, Some(Unforeseen::Far { seconds: 100_000 }));
    }

    #[test]
    fn of_what_no_server_loads_nothing_is_told() {
        let told = Forecast::new(Some(&measured(1_000, 99_990)), &ahead(false));
        assert_eq!((told.rewrite_at, told.disk_full_at), (None, None));
        assert_eq!(told.withheld, Some(Unforeseen::NotLoaded));
        assert_eq!(Forecast::new(None, &ahead(false)), Forecast::default());
    }
}
