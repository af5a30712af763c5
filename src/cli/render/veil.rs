//! Keys as hashes: what `--redact` shows in their place.

use std::hash::{BuildHasher, RandomState};

/// Hides, or does not. The same key has the same hash within one run only, so that nobody can try out
/// names.
pub struct Veil(Option<RandomState>);

impl Veil {
    /// A veil that hides when it is asked to.
    pub fn new(hides: bool) -> Self {
        Self(hides.then(RandomState::new))
    }

    /// Whether it hides.
    pub fn hides(&self) -> bool {
        self.0.is_some()
    }

    /// What stands for these bytes.
    pub fn hashed(&self, bytes: &[u8]) -> String {
        let hash = self.0.as_ref().map_or(0, |seed| seed.hash_one(bytes));
        format!("#{hash:016x}")
    }
}
