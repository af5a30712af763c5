//! What the consumer groups of a stream remember.

use std::collections::HashMap;

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
    /// By group and identifier: of which group, and of which consumer of it.
    pending: HashMap<u64, (u32, u32)>,
    /// Pending entries that are not told apart.
    more_pending: u64,
    /// Bytes of the command that a rewrite writes for a pending entry, but for the key; of the latest.
    claim_bytes: u64,
}

impl Groups {
    /// Bytes kept in memory, about.
    pub fn kept(&self) -> usize {
        self.pending.capacity() * 17
    }

    /// A group comes.
    pub fn create(&mut self, name_len: u64) {
        self.count += 1;
        self.names = name_len;
    }

    /// A group goes, and all that is pending in it. Of what a base holds, one part as large as any other.
    pub fn destroy(&mut self, group: u64) {
        self.pending.retain(|_, (of, _)| *of != group as u32);
        self.more_pending -= self.more_pending / self.count.max(1);
        self.consumers -= self.consumers / self.count.max(1);
        self.count = self.count.saturating_sub(1);
    }

    /// A consumer comes.
    pub fn add_consumer(&mut self) {
        self.consumers += 1;
    }

    /// A consumer goes, and all that is pending for it.
    pub fn remove_consumer(&mut self, consumer: u64) {
        self.pending.retain(|_, (_, of)| *of != consumer as u32);
        self.more_pending -= self.more_pending / self.consumers.max(1);
        self.consumers = self.consumers.saturating_sub(1);
    }

    /// What the groups of a base's stream hold.
    pub fn set(&mut self, groups: u64, consumers: u64, pending: u64) {
        (self.count, self.consumers, self.more_pending) = (groups, consumers, pending);
        (self.names, self.claim_bytes) = (8, 150);
    }

    /// An entry was delivered, as a hash of group and identifier, to a consumer of a group.
    pub fn claim(&mut self, entry: u64, (group, consumer): (u64, u64), bytes: u64) {
        self.claim_bytes = bytes;
        let owner = (group as u32, consumer as u32);
        if self.pending.len() < PENDING {
            self.pending.insert(entry, owner);
        } else if let Some(known) = self.pending.get_mut(&entry) {
            *known = owner;
        } else {
            self.more_pending += 1;
        }
    }

    /// An entry was acknowledged.
    pub fn acknowledge(&mut self, entry: u64) {
        if self.pending.remove(&entry).is_none() {
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
        let resp =
            self.count * group + self.consumers * consumer + pending * (self.claim_bytes + key);
        let rdb = self.count * 20 + self.consumers * 28 + pending * 42;
        Cost { resp: resp as f64, rdb: rdb as f64 }
    }
}
