//! Where most was deleted at a time.

use crate::format::resp::Record;
use crate::scan::Context;

/// Bytes of log that are taken together where no annotation tells the time.
pub const STRETCH: u64 = 1 << 20;

/// Deletions in one second, or in one stretch of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storm {
    /// Position of the segment in the set.
    pub segment: usize,
    /// Unix seconds; `None` where no annotation stands before.
    pub time: Option<i64>,
    /// Offset of the first DEL or UNLINK.
    pub start: u64,
    /// Offset after the last.
    pub end: u64,
    /// Records.
    pub records: u64,
    /// Keys they name.
    pub keys: u64,
}

impl Storm {
    /// Whether both are of the same second, or the same stretch.
    fn is_same_time(&self, other: &Self) -> bool {
        let stretch = |storm: &Self| storm.time.is_none().then_some(storm.start / STRETCH);
        (self.segment, self.time, stretch(self)) == (other.segment, other.time, stretch(other))
    }

    fn join(&mut self, next: &Self) {
        self.end = next.end;
        self.records += next.records;
        self.keys += next.keys;
    }

    /// Most keys first; of two that are alike, the earlier.
    fn order(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.keys), self.segment, self.start)
    }
}

/// The strongest storms. The first and the last may go on beyond what was seen, so they are held back:
/// work that was split anywhere tells the same.
#[derive(Clone, Debug)]
pub(super) struct Storms {
    first: Option<Storm>,
    last: Option<Storm>,
    most: usize,
    strongest: Vec<Storm>,
}

impl Storms {
    pub(super) fn new(most: usize) -> Self {
        Self { first: None, last: None, most, strongest: Vec::new() }
    }

    pub(super) fn add(&mut self, at: &Context, record: &Record<'_>, keys: u64) {
        let (segment, time) = (at.segment, at.time);
        let (start, end) = (record.start, record.end());
        self.next(Storm { segment, time, start, end, records: 1, keys });
    }

    fn next(&mut self, next: Storm) {
        let current = if self.last.is_some() { &mut self.last } else { &mut self.first };
        match current {
            Some(storm) if storm.is_same_time(&next) => storm.join(&next),
            None => *current = Some(next),
            Some(_) => {
                if let Some(over) = self.last.replace(next) {
                    self.keep(over);
                }
            }
        }
    }

    fn keep(&mut self, storm: Storm) {
        if self.strongest.len() == self.most
            && self.strongest.last().is_none_or(|weakest| storm.order() > weakest.order())
        {
            return;
        }
        let at = self.strongest.partition_point(|other| other.order() < storm.order());
        self.strongest.insert(at, storm);
        self.strongest.truncate(self.most);
    }

    pub(super) fn merge(&mut self, later: Self) {
        for storm in [later.first, later.last].into_iter().flatten() {
            self.next(storm);
        }
        later.strongest.into_iter().for_each(|storm| self.keep(storm));
    }

    pub(super) fn finish(mut self) -> Vec<Storm> {
        for storm in [self.first, self.last].into_iter().flatten() {
            self.keep(storm);
        }
        self.strongest
    }
}
