//! What the consumer groups of a stream remember.

use std::collections::{HashMap, HashSet};

use super::cost::{Cost, bulk, header};
use super::dialect::Dialect;

/// Pending entries that are told apart.
const PENDING: usize = 1 << 16;

/// The groups of one stream.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    count: u64,
    consumers: u64,
    /// Length of a name, the latest.
    names: u64,
    /// By group and identifier: of which group, of which consumer of it, and the milliseconds of the identifier.
    pending: HashMap<u64, (u32, u32, u64)>,
    /// Pending entries that are not told apart.
    more_pending: u64,
    /// As many as there ever were.
    most_pending: u64,
    /// Bytes of the command that a rewrite writes for a pending entry, but for the key; of the latest.
    claim_bytes: u64,
}

impl Groups {
    /// Bytes kept in memory, about.
    pub fn kept(&self) -> usize {
        self.pending.capacity() * 25
    }

    /// A group comes.
    pub fn create(&mut self, name_len: u64) {
        self.count += 1;
        self.names = name_len;
    }

    /// A group goes, and all that is pending in it. Of what a base holds, one part as large as any other.
    pub fn destroy(&mut self, group: u64) {
        self.pending.retain(|_, (of, ..)| *of != group as u32);
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
        self.pending.retain(|_, (_, of, _)| *of != consumer as u32);
        self.more_pending -= self.more_pending / self.consumers.max(1);
        self.consumers = self.consumers.saturating_sub(1);
    }

    /// What the groups of a base's stream hold.
    pub fn set(&mut self, groups: u64, consumers: u64, pending: u64) {
        (self.count, self.consumers, self.more_pending) = (groups, consumers, pending);
        self.most_pending = pending;
        (self.names, self.claim_bytes) = (8, 150);
    }

    /// An entry was delivered, as a hash of group and identifier, to a consumer of a group.
    pub fn claim(&mut self, entry: u64, ms: u64, (group, consumer): (u64, u64), bytes: u64) {
        self.claim_bytes = bytes;
        let owner = (group as u32, consumer as u32, ms);
        if self.pending.len() < PENDING {
            self.pending.insert(entry, owner);
        } else if let Some(known) = self.pending.get_mut(&entry) {
            *known = owner;
        } else {
            self.more_pending += 1;
            self.most_pending = self.most_pending.max(self.more_pending);
        }
    }

    /// An entry was acknowledged.
    pub fn acknowledge(&mut self, entry: u64) {
        if self.pending.remove(&entry).is_none() {
            self.more_pending = self.more_pending.saturating_sub(1);
        }
    }

    /// Bytes they take in a server's memory, about.
    pub fn memory(&self) -> f64 {
        /// A group with the trees of its consumers and of what is pending; a consumer; a pending entry in both trees.
        const GROUP: f64 = 350.0;
        const CONSUMER: f64 = 150.0;
        const PENDING: f64 = 130.0;
        let pending = self.pending.len() as u64 + self.more_pending;
        self.count as f64 * GROUP + self.consumers as f64 * CONSUMER + pending as f64 * PENDING
    }

    /// What they cost, with the stream's key of that length.
    pub fn cost(&self, key_len: u64, dialect: Dialect) -> Cost {
        let key = bulk(key_len);
        // XGROUP CREATE key group id ENTRIESREAD n
        let read = if dialect.has_stream_offsets { bulk(11) + bulk(4) } else { 0 };
        let group = header(7) + bulk(6) + bulk(6) + key + bulk(self.names) + bulk(15) + read;
        // One that has entries pending is made by the first of them.
        let busy: HashSet<u32> = self.pending.values().map(|(_, owner, _)| *owner).collect();
        let busy = busy.len() as u64;
        let consumers = self.consumers.max(busy);
        let idle = header(5) + bulk(6) + bulk(14) + key + bulk(self.names) + bulk(8);
        let resp = self.count * group + (consumers - busy) * idle;
        let consumer = if dialect.has_active_time { 28 } else { 20 };
        let rdb = self.count * 20 + consumers * consumer;
        let pending = self.pending.len() as u64 + self.more_pending;
        Cost::of_commands(resp) + Cost::of_rdb(rdb) + self.claims(pending, key_len)
    }

    /// What pending entries cost.
    fn claims(&self, count: u64, key_len: u64) -> Cost {
        /// Identifier, time of delivery and count, and the identifier again under its consumer.
        const PENDING: u64 = 42;
        let resp = count * (self.claim_bytes + bulk(key_len));
        Cost::of_commands(resp) + Cost::of_rdb(count * PENDING)
    }

    /// What of that may be gone, and what may be there still: a server forgets a pending entry that it does not find in the
    /// stream without a word in its log, and of what a base holds it is not known whose it is. `first_ms` is where the
    /// stream begins.
    pub fn perhaps(&self, first_ms: u64, key_len: u64) -> (Cost, Cost) {
        let lost = self.pending.values().filter(|(.., ms)| *ms < first_ms).count() as u64;
        let more = self.most_pending - self.more_pending.min(self.most_pending);
        (self.claims(lost + self.more_pending, key_len), self.claims(more, key_len))
    }
}
