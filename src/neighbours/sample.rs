//! Names of keys in memory that does not grow with their number: hashes of those whose hash lies under a limit.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use foldhash::quality::{FixedState, RandomState};

use crate::aof::{Aof, seed_of};

/// Names that are kept at most. More are told as an estimate: of so many the error is under one in a hundred.
const MOST: usize = 1 << 16;

/// Bytes of a name that count, with its length: as many as a reader shows of any key.
const NAMED_BY: usize = 128;

/// Gives the same name the same number, in every file that is compared.
#[derive(Clone, Debug)]
pub(super) struct Names<'a> {
    aof: &'a Aof,
    /// Known once something is compared: it takes a read of each file.
    state: OnceLock<FixedState>,
}

impl<'a> Names<'a> {
    /// For what lies beside this set: the same of the same set in every run, and known to none of its clients.
    pub(super) fn of_set(aof: &'a Aof) -> Self {
        Self { aof, state: OnceLock::new() }
    }

    /// The number of a key of this length that begins with these bytes.
    pub(super) fn of(&self, head: &[u8], len: u64) -> u64 {
        let seeded = || FixedState::with_seed(seed_of(std::iter::once(self.aof)));
        let mut hasher = self.state.get_or_init(seeded).build_hasher();
        hasher.write_u64(len);
        hasher.write(&head[..head.len().min(NAMED_BY)]);
        hasher.finish()
    }
}

/// Something that is known of each of the names, or of as many as fit.
#[derive(Clone, Debug)]
pub(super) struct Sample<V> {
    kept: HashMap<u64, V, RandomState>,
    /// Numbers above it are passed over.
    limit: u64,
}

impl<V> Default for Sample<V> {
    fn default() -> Self {
        Self { kept: HashMap::default(), limit: u64::MAX }
    }
}

impl<V> Sample<V> {
    pub(super) fn put(&mut self, name: u64, value: V) {
        if name > self.limit {
            return;
        }
        self.kept.insert(name, value);
        while self.kept.len() > MOST {
            self.limit /= 2;
            let limit = self.limit;
            self.kept.retain(|name, _| *name <= limit);
        }
    }

    pub(super) fn get_mut(&mut self, name: u64) -> Option<&mut V> {
        self.kept.get_mut(&name)
    }

    pub(super) fn remove(&mut self, name: u64) {
        self.kept.remove(&name);
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.kept.retain(|_, value| keep(value));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        self.kept.iter().map(|(name, value)| (*name, value))
    }

    pub(super) fn has(&self, name: u64) -> bool {
        self.kept.contains_key(&name)
    }

    /// Whether every name was kept.
    pub(super) fn is_whole(&self) -> bool {
        self.limit == u64::MAX
    }

    /// How many names there are, when `number` of those were counted that either sample kept.
    pub(super) fn estimate<W>(&self, number: u64, and: &Sample<W>) -> u64 {
        let limit = self.limit.min(and.limit);
        match limit {
            u64::MAX => number,
            limit => number.saturating_mul(u64::MAX / limit.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_many_names_tells_their_number() {
        let state = FixedState::with_seed(1);
        let mut sample = Sample::default();
        for n in 0..1_000_000_u64 {
            sample.put(state.hash_one(format!("key:{n}")), ());
        }
        assert!(!sample.is_whole());
        let estimate = sample.estimate(sample.iter().count() as u64, &Sample::<()>::default());
        assert!((950_000..1_050_000).contains(&estimate), "{estimate}");
    }
}
