//! Hashes over parts whose borders count: as good as the bytes themselves, and small enough to be kept.

use sha2::{Digest, Sha256};

/// A hash over parts whose borders count.
#[derive(Clone, Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    /// One more part.
    pub fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// Bytes without a border.
    pub fn add_raw(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// What it comes to.
    pub fn end(self) -> u128 {
        let mut first = [0; 16];
        first.copy_from_slice(&self.0.finalize()[..16]);
        u128::from_le_bytes(first)
    }

    /// The hash over all of these parts.
    pub fn of(parts: &[&[u8]]) -> u128 {
        let mut hash = Self::default();
        parts.iter().for_each(|part| hash.add(part));
        hash.end()
    }
}

/// The hash of a key.
pub(super) fn of_key(db: u64, name: &[u8]) -> u128 {
    Hash::of(&[&db.to_le_bytes(), name])
}
