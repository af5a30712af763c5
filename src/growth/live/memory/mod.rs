//! What a server's memory takes to load the set: at the end, and at the peak on the way.
//!
//! The peak is looked for each time the log has grown by a tenth, and before databases are emptied: keys that come
//! and go between two looks are not in it.

mod heap;
mod values;

use super::dialect::Dialect;
use super::doubt::Doubt;
use super::keys::Keys;
use super::sizes::Limits;
use crate::command::Version;
use crate::format::rdb::Family;
use heap::Tables;
use values::Heap;

/// What the estimate was off by, at most, against what every recorded server took for each type and encoding, in
/// percent; of a server of unknown version the spread between servers comes on top.
const MODEL: f64 = 20.0;
const UNKNOWN_SERVER: f64 = 20.0;

/// Bytes of log before the first look.
const FIRST: u64 = 1 << 20;

/// Memory that a load takes (`used_memory`), above that of an empty server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// When all is loaded: bytes.
    pub end_bytes: u64,
    /// At the highest of what was seen on the way, bytes.
    pub peak_bytes: u64,
    /// What both may be off by, in percent: builds of one version differ in their allocator. `None` where a server was
    /// seen to take as much.
    pub error_percent: Option<f64>,
}

/// Keeps the peak while a log is followed.
#[derive(Debug)]
pub(super) struct Peak {
    heap: Heap,
    is_known: bool,
    read: u64,
    next: u64,
    looked: u64,
    bytes: f64,
}

/// What is in memory at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Now {
    bytes: f64,
    variance: f64,
}

impl Peak {
    /// On this server, where it is known.
    pub(super) fn new(server: Option<(Family, Version)>, limits: &Limits) -> Self {
        let (tables, dialect) = match server {
            Some((family, version)) => (Tables::of(family, version), Dialect::of(family, version)),
            None => (Tables::Lean, Dialect::LATEST),
        };
        let heap = Heap { tables, dialect, list: limits.list };
        Self { heap, is_known: server.is_some(), read: 0, next: FIRST, looked: 0, bytes: 0.0 }
    }

    /// So many bytes of the log were read. Answers whether it is time for a look.
    #[inline]
    pub(super) fn passes(&mut self, bytes: u64) -> bool {
        self.read += bytes;
        self.read >= self.next
    }

    /// Looks, for keys are about to go in bulk, unless that was just done.
    pub(super) fn before_flush(&mut self, keys: &Keys) {
        /// Bytes of log between two of these.
        const APART: u64 = 64 << 10;
        if self.looked == 0 || self.read - self.looked > APART {
            self.look(keys);
        }
    }

    /// Looks at what is in memory now.
    #[cold]
    pub(super) fn look(&mut self, keys: &Keys) {
        self.looked = self.read;
        self.next = self.read + (self.read / 10).max(FIRST);
        if let Some(now) = self.now(keys) {
            self.bytes = self.bytes.max(now.bytes);
        }
    }

    fn now(&self, keys: &Keys) -> Option<Now> {
        let (mut now, mut count, mut expiring) = (Now::default(), 0.0, 0.0);
        for key in keys.all() {
            if key.doubt == Doubt::Open {
                return None;
            }
            let (bytes, weight) = (self.heap.key(key)?, key.weight());
            now.bytes += (bytes + self.heap.tables.entry()) * weight;
            now.variance += bytes * bytes * weight * (weight - 1.0);
            count += weight;
            if key.expire_ms.is_some() {
                now.bytes += self.heap.tables.entry() * weight;
                expiring += weight;
            }
        }
        now.bytes += self.heap.tables.table(count) + self.heap.tables.table(expiring);
        Some(now)
    }

    /// When all was read. `None` where values are in it whose size in memory is not known.
    pub(super) fn finish(&self, keys: &Keys) -> Option<Memory> {
        let end = self.now(keys)?;
        let sample = 200.0 * end.variance.sqrt() / end.bytes.max(1.0);
        let model = if self.is_known { MODEL } else { MODEL + UNKNOWN_SERVER };
        Some(Memory {
            end_bytes: end.bytes.round() as u64,
            peak_bytes: end.bytes.max(self.bytes).round() as u64,
            error_percent: Some(model + sample),
        })
    }
}
