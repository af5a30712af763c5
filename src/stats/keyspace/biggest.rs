//! The biggest keys of a walk, in memory that does not grow with it.

use crate::stats::base_runs;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::format::rdb::Entry;
use crate::stats::base_runs::BaseRun;

/// Bytes of a key that are remembered, at most: enough to tell it from its neighbours in a report.
const KEY_KEPT: usize = 128;

/// A big key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BigKey {
    /// Its database.
    pub db: u64,
    /// Its first bytes.
    pub key: Vec<u8>,
    /// Length of the whole key, bytes.
    pub key_len: u64,
    /// Its type; a module's by the name of its type.
    pub type_name: Cow<'static, str>,
    /// Its encoding on disk.
    pub encoding: &'static str,
    /// Bytes on disk.
    pub bytes: u64,
    /// Elements, unless its encoding is broken.
    pub elements: Option<u64>,
    /// Bytes in the memory of the server that was asked for, where that is known.
    pub memory_bytes: Option<u64>,
    /// Seconds since it was used, where the server kept them.
    pub idle_s: Option<u64>,
    /// How often it is used, on the server's logarithmic scale, where the server kept it.
    pub frequency: Option<u8>,
    /// Position of its segment in the set.
    pub segment: usize,
    /// Offset of its record in that segment.
    pub at: u64,
}

/// A key of an RDB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met<'e> {
    pub(super) segment: usize,
    pub(super) entry: &'e Entry<'e>,
    /// Bytes in memory, where that is known.
    pub(super) memory: Option<u64>,
}

/// By size; of two of the same size the one seen first counts as bigger, so that splitting a walk and
/// merging the parts changes nothing.
type Rank = (u64, Reverse<(usize, u64)>);

#[derive(Clone, Debug)]
struct Ranked(Rank, BigKey);

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// The biggest keys so far, the smallest of them at hand.
#[derive(Clone, Debug)]
pub(super) struct Biggest {
    most: usize,
    heap: BinaryHeap<Reverse<Ranked>>,
}

impl Biggest {
    pub(super) fn new(most: usize) -> Self {
        Self { most, heap: BinaryHeap::new() }
    }

    /// Takes the key in if it is big enough.
    #[inline]
    pub(super) fn offer(&mut self, size: u64, key: &Met<'_>) {
        let rank = (size, Reverse((key.segment, key.entry.at)));
        if self.fits(rank) {
            self.take(rank, key);
        }
    }

    /// The same for a key of a base that is no RDB.
    pub(super) fn offer_run(&mut self, size: u64, run: &BaseRun) {
        let rank = (size, Reverse((run.segment, run.at)));
        if !self.fits(rank) {
            return;
        }
        let key = BigKey {
            db: run.db,
            key: run.key[..run.key.len().min(KEY_KEPT)].to_vec(),
            key_len: run.key_len,
            type_name: run.type_name.into(),
            encoding: base_runs::COMMANDS,
            bytes: run.bytes,
            elements: Some(run.elements),
            memory_bytes: None,
            idle_s: None,
            frequency: None,
            segment: run.segment,
            at: run.at,
        };
        self.push(Ranked(rank, key));
    }

    #[inline]
    fn fits(&self, rank: Rank) -> bool {
        self.heap.len() < self.most
            || self.heap.peek().is_some_and(|Reverse(smallest)| rank > smallest.0)
    }

    #[cold]
    fn take(&mut self, rank: Rank, &Met { segment, entry, memory }: &Met<'_>) {
        let key = BigKey {
            db: entry.db,
            key: entry.key[..entry.key.len().min(KEY_KEPT)].to_vec(),
            key_len: entry.key_len,
            type_name: entry.type_label(),
            encoding: entry.encoding(),
            bytes: entry.bytes(),
            elements: entry.elements,
            memory_bytes: memory,
            idle_s: entry.idle_s,
            frequency: entry.frequency,
            segment,
            at: entry.at,
        };
        self.push(Ranked(rank, key));
    }

    fn push(&mut self, ranked: Ranked) {
        self.heap.push(Reverse(ranked));
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    pub(super) fn merge(&mut self, later: Self) {
        for Reverse(ranked) in later.heap {
            self.push(ranked);
        }
    }

    /// Biggest first.
    pub(super) fn into_sorted(self) -> Vec<BigKey> {
        // Ascending by the reversed order is descending by size.
        self.heap.into_sorted_vec().into_iter().map(|Reverse(Ranked(_, key))| key).collect()
    }
}
