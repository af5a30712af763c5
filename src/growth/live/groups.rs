//! What the consumer groups of a stream remember.

use std::collections::HashSet;

use super::cost::{Cost, bulk, header};

/// Pending entries that are told apart.
const PENDING: usize = 1 << 16;

/// The groups of one stream.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    count: u64,
    consumers: u64,
    /// Length of a name, the latest.
    names: u64,
    pending: HashSet<u64>,
    /// Pending entries that are not told apart.
    more_pending: u64,
    /// Bytes of the command that makes an entry pending, the latest.
    claim_bytes: u64,
}

impl Groups {
    /// Bytes kept in memory, about.
    pub fn kept(&self) -> usize {
        self.pending.capacity() * 9
    }

    /// A group comes or goes.
    pub fn create(&mut self, created: bool, name_len: u64) {
        self.count = if created { self.count + 1 } else { self.count.saturating_sub(1) };
        self.names = name_len;
    }

    /// A consumer comes or goes.
    pub fn consumer(&mut self, created: bool) {
        self.consumers =
            if created { self.consumers + 1 } else { self.consumers.saturating_sub(1) };
    }

    /// What the groups of a base's stream hold.
    pub fn set(&mut self, groups: u64, consumers: u64, pending: u64) {
        (self.count, self.consumers, self.more_pending) = (groups, consumers, pending);
        (self.names, self.claim_bytes) = (8, 150);
    }

    /// An entry was delivered, as a hash of group and identifier.
    pub fn claim(&mut self, entry: u64, bytes: u64) {
        self.claim_bytes = bytes;
        if self.pending.len() < PENDING {
            self.pending.insert(entry);
        } else if !self.pending.contains(&entry) {
            self.more_pending += 1;
        }
    }

    /// An entry was acknowledged.
    pub fn acknowledge(&mut self, entry: u64) {
        if !self.pending.remove(&entry) {
            self.more_pending = self.more_pending.saturating_sub(1);
        }
    }

    /// What they cost, with the stream's key of that length.
    pub fn cost(&self, key_len: u64) -> Cost {
        let pending = self.pending.len() as u64 + self.more_pending;
        let key = bulk(key_len);
        // XGROUP CREATE key group id ENTRIESREAD n
        let group =
            header(7) + bulk(6) + bulk(6) + key + bulk(self.names) + bulk(20) + bulk(11) + bulk(4);
        let consumer = header(5) + bulk(6) + bulk(14) + key + bulk(self.names) + bulk(8);
        let resp = self.count * group + self.consumers * consumer + pending * self.claim_bytes;
        let rdb = self.count * 20 + self.consumers * 28 + pending * 42;
        Cost { resp: resp as f64, rdb: rdb as f64 }
    }
}
