//! How many keys are there, and how well that is known.

use serde::{Deserialize, Serialize};

/// A drop of so many in a hundred between two such estimates says nothing: four times the standard deviation where both
/// have the smallest sample, and not a name in common.
const ERROR_PERCENT: u64 = 12;

/// How many keys are there after a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct KeyCount {
    /// So many at most: servers do not log that a key goes with its last element.
    pub alive: u64,
    /// So many at least.
    pub at_least: u64,
    /// How both were counted.
    pub counted: Counted,
}

/// How keys were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// One by one.
    All,
    /// By a sample of their names: both numbers have an error.
    Sampled,
}

impl KeyCount {
    /// Whether it is not the number itself.
    pub fn is_estimate(&self) -> bool {
        self.counted == Counted::Sampled || self.at_least < self.alive
    }

    /// What was surely lost since there were `was`, in percent; `None` where it may be nothing.
    pub(super) fn lost_since(&self, was: &Self) -> Option<u64> {
        self.beyond_error(was, lost(was.at_least, self.alive)?)
    }

    /// What was lost since there were `was` if all of them were there, in percent.
    pub(super) fn may_be_lost_since(&self, was: &Self) -> Option<u64> {
        self.beyond_error(was, lost(was.alive, self.alive)?)
    }

    fn beyond_error(&self, other: &Self, percent: u64) -> Option<u64> {
        let is_sampled = [self.counted, other.counted].contains(&Counted::Sampled);
        (!is_sampled || percent > ERROR_PERCENT).then_some(percent)
    }
}

/// What is lost of `was`, in percent.
pub(super) fn lost(was: u64, is: u64) -> Option<u64> {
    let lost = was.checked_sub(is).filter(|lost| *lost > 0)?;
    u64::try_from(u128::from(lost) * 100 / u128::from(was)).ok()
}

/// As entries have it. Those of earlier versions have the first two members alone.
#[derive(Serialize, Deserialize)]
struct Written {
    alive: u64,
    estimated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_least: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sampled: Option<bool>,
}

impl From<Written> for KeyCount {
    fn from(written: Written) -> Self {
        let Written { alive, estimated, at_least, sampled } = written;
        // Where only that it is an estimate is known, it may be any number, counted in any way.
        let unknown = if estimated { 0 } else { alive };
        let counted = if sampled.unwrap_or(estimated) { Counted::Sampled } else { Counted::All };
        Self { alive, at_least: at_least.unwrap_or(unknown).min(alive), counted }
    }
}

impl From<KeyCount> for Written {
    fn from(count: KeyCount) -> Self {
        let is_estimate = count.is_estimate();
        Self {
            alive: count.alive,
            estimated: is_estimate,
            at_least: is_estimate.then_some(count.at_least),
            sampled: is_estimate.then_some(count.counted == Counted::Sampled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_as_it_was_written_and_those_of_earlier_versions_promise_nothing() {
        let of = |alive, at_least, counted| KeyCount { alive, at_least, counted };
        for count in
            [of(7, 7, Counted::All), of(7, 3, Counted::All), of(9000, 9000, Counted::Sampled)]
        {
            let text = serde_json::to_string(&count).unwrap();
            assert_eq!(serde_json::from_str::<KeyCount>(&text).unwrap(), count, "{text}");
        }
        let exact = serde_json::to_string(&of(7, 7, Counted::All)).unwrap();
        assert_eq!(exact, r#"{"alive":7,"estimated":false}"#);
        let read = |text| serde_json::from_str::<KeyCount>(text).unwrap();
        assert_eq!(read(&exact), of(7, 7, Counted::All));
        assert_eq!(read(r#"{"alive":7,"estimated":true}"#), of(7, 0, Counted::Sampled));
    }
}
