//! By how many records one log begins later than the other.
//!
//! Two logs of one history are windows on it, so the beginning of one of them lies in the other, unless they have nothing in
//! common. The first records of each are looked for in the whole of the other, and each that is met votes for the distance at
//! which it was met. Only records that stand once among those first ones vote: a counter that goes up again and again says
//! nothing about a place. In memory are those first records and a bounded number of distances, of which the rarest go first.

use std::collections::HashMap;

use super::marks::{Mark, Marks};
use crate::aof::{Aof, Role};
use crate::error::Result;
use crate::limits;
use crate::progress::Progress;
use crate::scan::{Pace, scan_some};

/// How many records the first log has before the second begins (negative: the other way round), and the votes for that.
pub(super) type Votes = HashMap<i64, u32>;

/// Votes for distances, most first, at most [`limits::DIFF_OFFSETS`] of them.
pub(super) fn offsets(a: &Aof, b: &Aof, pace: &Pace, progress: &dyn Progress) -> Result<Vec<i64>> {
    let (first_a, first_b) = (beginning(a, pace, progress)?, beginning(b, pace, progress)?);
    let mut all = votes(a, &first_b, pace, progress)?;
    for (offset, votes) in votes(b, &first_a, pace, progress)? {
        let one = all.entry(-offset).or_default();
        *one = votes.max(*one);
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_unstable_by_key(|&(offset, votes)| (u32::MAX - votes, offset.unsigned_abs(), offset));
    all.truncate(limits::DIFF_OFFSETS);
    Ok(all.into_iter().map(|(offset, _)| offset).collect())
}

/// The first records of a log that stand once among the first, by their places.
fn beginning(
    aof: &Aof,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<HashMap<u128, Option<i64>>> {
    let mut first = HashMap::with_capacity(limits::DIFF_FIRST);
    let mut index = 0;
    let marks = Marks::new(aof, |mark| {
        if let Mark::Record(said) = mark {
            first.entry(said.hash).and_modify(|place| *place = None).or_insert(Some(index));
            index += 1;
        }
        index < limits::DIFF_FIRST as i64
    });
    scan_some(aof, |s| s.role != Role::Base, marks, pace, progress)?;
    Ok(first)
}

/// Looks in a log for the first records of another.
fn votes(
    aof: &Aof,
    first: &HashMap<u128, Option<i64>>,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<Votes> {
    let (mut all, mut index) = (Votes::new(), 0);
    let marks = Marks::new(aof, |mark| {
        if let Mark::Record(said) = mark {
            if let Some(Some(place)) = first.get(&said.hash) {
                *all.entry(index - place).or_default() += 1;
                if all.len() > limits::DIFF_DISTANCES {
                    all.retain(|_, votes| {
                        *votes -= 1;
                        *votes > 0
                    });
                }
            }
            index += 1;
        }
        true
    });
    scan_some(aof, |s| s.role != Role::Base, marks, pace, progress)?;
    Ok(all)
}
