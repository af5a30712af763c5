//! Consumer groups of one stream: names, and whose the pending entries are.
//!
//! A group lists its pending entries first; each of its consumers then lists those it has, which must
//! be among them. Afterwards every one must have been listed by some consumer.

use super::fingerprints::{Added, Fingerprints, Fnv};
use super::wrong::Wrong;
use crate::format::rdb::layout::Part;

/// Slots of each table: 8 MiB, enough for 390,000 pending entries of one group.
const SLOTS: usize = 1 << 19;

#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Names of groups, and of consumers with their group.
    names: Fingerprints,
    /// Pending entries of the group.
    group: Fingerprints,
    /// Those that some consumer has.
    owned: Fingerprints,
    /// Those that one consumer has, with the consumer.
    by_consumer: Fingerprints,
    groups: u64,
    consumer: u64,
    /// Entries of the group's own list still to come.
    left: u64,
    consumers_left: u64,
    is_full: bool,
    is_open: bool,
}

impl Pending {
    pub(super) const fn new() -> Self {
        Self {
            names: Fingerprints::new(SLOTS),
            group: Fingerprints::new(SLOTS),
            owned: Fingerprints::new(SLOTS),
            by_consumer: Fingerprints::new(SLOTS),
            groups: 0,
            consumer: 0,
            left: 0,
            consumers_left: 0,
            is_full: false,
            is_open: false,
        }
    }

    pub(super) fn begin_value(&mut self) {
        // Names are those of one stream, whatever became of its groups.
        if self.names.len() > 0 {
            self.names.clear();
        }
        self.forget_group();
        self.groups = 0;
        self.consumer = 0;
        self.left = 0;
        self.is_full = false;
        self.is_open = false;
        self.consumers_left = 0;
    }

    fn forget_group(&mut self) {
        for table in [&mut self.group, &mut self.owned, &mut self.by_consumer] {
            if table.len() > 0 {
                table.clear();
            }
        }
    }

    /// There were more than can be compared.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// A count of parts.
    pub(super) fn counted(&mut self, part: Part, count: u64) -> Option<Wrong> {
        match part {
            Part::Groups => self.groups = count,
            Part::Pending => self.left = count,
            Part::Consumers => self.consumers_left = count,
        }
        None
    }

    /// A name: of a consumer while some are due, else of a group, else of something behind the groups.
    pub(super) fn name(&mut self, name: &[u8]) -> Option<Wrong> {
        let owner = if self.consumers_left > 0 {
            self.consumers_left -= 1;
            self.consumer += 1;
            self.groups
        } else if self.groups > 0 {
            let wrong = self.end_group();
            self.groups -= 1;
            self.is_open = true;
            self.consumer = 0;
            if wrong.is_some() {
                return wrong;
            }
            u64::MAX
        } else {
            return None;
        };
        match self.names.add(Fnv::new().bytes(&owner.to_le_bytes()).bytes(name).value()) {
            Added::New => None,
            Added::Again => Some(Wrong::DuplicateName),
            Added::Full => {
                self.is_full = true;
                None
            }
        }
    }

    /// An identifier: of the group's own list while some are due, else of a consumer's.
    pub(super) fn id(&mut self, id: u128) -> Option<Wrong> {
        if !self.is_open {
            return None;
        }
        // Zero is an identifier, and an empty slot.
        let id = Fnv::new().bytes(&id.to_le_bytes()).value();
        let added = if self.left > 0 {
            self.left -= 1;
            self.group.add(id)
        } else {
            if !self.is_full && !self.group.contains(id) {
                return Some(Wrong::ForeignPending);
            }
            let is_shared = self.owned.add(id) == Added::Again;
            let whose = Fnv::new().bytes(&self.consumer.to_le_bytes()).bytes(&id.to_le_bytes());
            match self.by_consumer.add(whose.value()) {
                Added::New if is_shared => return Some(Wrong::SharedPending),
                added => added,
            }
        };
        self.is_full |= added == Added::Full;
        (added == Added::Again).then_some(Wrong::DuplicatePending)
    }

    /// The group that was open, if any, is over.
    pub(super) fn end_group(&mut self) -> Option<Wrong> {
        if !self.is_open {
            return None;
        }
        self.is_open = false;
        let unowned = !self.is_full && self.owned.len() != self.group.len();
        self.forget_group();
        unowned.then_some(Wrong::UnownedPending)
    }
}
