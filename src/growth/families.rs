//! Which family of keys grew when: bytes by family in the buckets of a timeline.

use foldhash::quality::RandomState;

use super::timeline::{Timeline, add};
use crate::stats::Grouping;
use crate::stats::prefixes::{Families, REST};
use crate::stats::written::{LogClock, Written};

/// What was written to one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyLine {
    /// `*` stands for what differs; `*` alone is everything that is in no other line.
    pub prefix: Vec<u8>,
    /// Records.
    pub commands: u64,
    /// Bytes of records, those included that no bucket of the timeline has, for nobody told the time before them.
    pub bytes: u64,
    /// When the first and the last of them were written.
    pub written: Written,
    /// Bytes in each bucket of the timeline.
    pub buckets: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    commands: u64,
    bytes: u64,
    /// Bytes of records that were not put into a bucket yet.
    waiting: u64,
    /// Bytes before the first time told.
    undated: u64,
    written: Written,
}

impl Sum {
    fn join(&mut self, other: &Self) {
        self.commands += other.commands;
        self.bytes += other.bytes;
        self.waiting += other.waiting;
        self.undated += other.undated;
        self.written.join(other.written);
    }
}

/// Counts bytes by family. Memory is bounded by the number of families and of buckets.
#[derive(Clone, Debug)]
pub(super) struct ByFamily {
    families: Families,
    sums: Vec<Sum>,
    /// Families of which bytes wait.
    waiting: Vec<u32>,
    clock: LogClock,
}

impl ByFamily {
    pub(super) fn new(grouping: Grouping) -> Self {
        Self {
            families: Families::new(grouping, RandomState::default()),
            sums: vec![Sum::default()],
            waiting: Vec::new(),
            clock: LogClock::default(),
        }
    }

    /// Whether there is no room for one more family: then [`Self::shrink`] comes next, when nothing waits.
    pub(super) fn is_full(&self) -> bool {
        self.families.is_full()
    }

    /// Takes the lightest families together. Answers what became of each.
    #[cold]
    pub(super) fn shrink(&mut self) -> Vec<u32> {
        let weights: Vec<u64> = self.sums.iter().map(|sum| sum.bytes).collect();
        let moved = self.families.shrink(&weights);
        let mut sums = vec![Sum::default()];
        for (sum, to) in self.sums.iter().zip(&moved) {
            let to = *to as usize;
            if to >= sums.len() {
                sums.resize_with(to + 1, Sum::default);
            }
            sums[to].join(sum);
        }
        self.sums = sums;
        moved
    }

    /// A record of so many bytes wrote to this key, or to none.
    pub(super) fn record(&mut self, key: Option<&[u8]>, bytes: u64, time: Option<i64>) {
        if self.clock.differs(time) {
            self.clock.set(time);
        }
        let family = key.map_or(REST, |key| self.families.of_key(key));
        let place = family as usize;
        if place >= self.sums.len() {
            self.sums.resize_with(place + 1, Sum::default);
        }
        let sum = &mut self.sums[place];
        if sum.waiting == 0 {
            self.waiting.push(family);
        }
        sum.commands += 1;
        sum.bytes += bytes;
        sum.waiting += bytes;
        sum.written.join(Written::once(self.clock.now()));
    }

    /// Hands out what waits: families and bytes.
    pub(super) fn settle(&mut self, mut to: impl FnMut(u32, u64)) {
        for family in self.waiting.drain(..) {
            let bytes = std::mem::take(&mut self.sums[family as usize].waiting);
            to(family, bytes);
        }
    }

    /// These bytes came before the first time told.
    pub(super) fn undated(&mut self, family: u32, bytes: u64) {
        self.sums[family as usize].undated += bytes;
    }

    /// Bytes of each family before the first time told.
    pub(super) fn all_undated(&self) -> impl Iterator<Item = (u32, u64)> {
        (0..).zip(&self.sums).map(|(family, sum)| (family, sum.undated))
    }

    /// The heaviest `top` families, and all else as `*`.
    pub(super) fn finish(self, timeline: &Timeline, top: usize) -> Vec<FamilyLine> {
        let mut lines = std::collections::BTreeMap::<Vec<u8>, FamilyLine>::new();
        for (place, (prefix, sum)) in
            self.families.settled().into_iter().zip(&self.sums).enumerate()
        {
            let line = lines.entry(prefix.clone()).or_insert_with(|| FamilyLine::empty(prefix));
            line.join(sum, &timeline.line(place));
        }
        let rest = lines.remove(&b"*"[..]);
        let mut rest = rest.unwrap_or_else(|| FamilyLine::empty(b"*".to_vec()));
        let mut lines: Vec<_> = lines.into_values().filter(|line| line.commands > 0).collect();
        lines.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.prefix.cmp(&b.prefix)));
        for line in lines.drain(top.min(lines.len())..) {
            rest.commands += line.commands;
            rest.bytes += line.bytes;
            rest.written.join(line.written);
            add(&mut rest.buckets, &line.buckets);
        }
        rest.buckets.resize(timeline.buckets.len(), 0);
        lines.extend((rest.commands > 0).then_some(rest));
        lines
    }
}

impl FamilyLine {
    fn empty(prefix: Vec<u8>) -> Self {
        let (written, buckets) = (Written::default(), Vec::new());
        Self { prefix, commands: 0, bytes: 0, written, buckets }
    }

    fn join(&mut self, sum: &Sum, buckets: &[u64]) {
        self.commands += sum.commands;
        self.bytes += sum.bytes;
        self.written.join(sum.written);
        add(&mut self.buckets, buckets);
    }
}
