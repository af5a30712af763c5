//! Keys that stand under another slot than the one they hash to.
//!
//! Servers in cluster mode write, before the keys of each slot, its number: Redis from 7.4 on by an opcode, Valkey
//! from 8.0 on by the auxiliary field `slot-info`. It holds until another slot or another database is named. No
//! server compares it with the keys; a key under the wrong one may be a copy that was left behind, and a loader
//! dies of the second copy.

use super::place::Key;
use crate::format::slot::{slot, tag};

/// Strays kept; the others are counted.
const STRAYS_KEPT: usize = 1000;

/// A key under a slot that it does not hash to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The key: its first bytes, at most [`super::entry::KEY_SHOWN`].
    pub key: Vec<u8>,
    /// Whether it has more bytes.
    pub is_cut: bool,
    /// Its database.
    pub db: u64,
    /// Offset of its type number.
    pub at: u64,
    /// The slot it stands under.
    pub under: u64,
    /// The slot it hashes to.
    pub own: u16,
}

impl Stray {
    /// Whether a key that was kept in short is this one's name, as far as it was kept.
    pub fn is_named_as(&self, key: &Key) -> bool {
        let is_same =
            if key.is_cut { self.key.starts_with(&key.start) } else { self.key == key.start };
        self.db == key.db && is_same
    }
}

/// What became of the keys under slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// In the order of the file, at most 1,000.
    pub list: Vec<Stray>,
    /// All of them.
    pub seen: u64,
    /// Keys too long to tell their slot.
    pub unhashed: u64,
}

impl Strays {
    pub(super) const NONE: Self = Self { list: Vec::new(), seen: 0, unhashed: 0 };

    /// A key, or as much of it as is shown, under slot and database.
    #[inline]
    pub(super) fn look(&mut self, (under, db): (u64, u64), text: &[u8], is_whole: bool, at: u64) {
        if !is_whole && tag(text).is_none() {
            self.unhashed += 1;
            return;
        }
        let own = slot(text);
        if u64::from(own) != under {
            self.add(Stray { key: text.to_vec(), is_cut: !is_whole, db, at, under, own });
        }
    }

    #[cold]
    fn add(&mut self, stray: Stray) {
        self.seen += 1;
        if self.list.len() < STRAYS_KEPT {
            self.list.push(stray);
        }
    }
}
