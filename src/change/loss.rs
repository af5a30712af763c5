//! What a plan costs.

use std::collections::BTreeSet;

/// A key that a removed command named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LostKey {
    /// The database it is in; `None` where that cannot be known.
    pub db: Option<u64>,
    /// The key, or its first bytes.
    pub name: Vec<u8>,
}

/// What is gone from the set once a plan is carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Bytes.
    pub bytes: u64,
    /// Whole commands; a torn one is none.
    pub commands: u64,
    /// Transactions, closed by EXEC or not, that go as a whole or in part.
    pub transactions: u64,
    /// Keys those commands named; at most [`Loss::KEYS`] of them.
    pub keys: BTreeSet<LostKey>,
    /// How many different keys there are, as far as they were told apart.
    pub keys_total: u64,
}

impl Loss {
    /// Keys that are listed by name.
    pub const KEYS: usize = 20;

    /// The loss of both. Keys that both name are counted twice where they are not listed.
    pub fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.commands += other.commands;
        self.transactions += other.transactions;
        let mut shared = 0;
        for key in other.keys {
            if self.keys.len() < Self::KEYS || self.keys.contains(&key) {
                shared += u64::from(!self.keys.insert(key));
            }
        }
        self.keys_total += other.keys_total - shared.min(other.keys_total);
    }
}
