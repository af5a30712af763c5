//! What stands for keys and other bytes that are not to be shown (`--redact`). Nothing else in the house hides anything, save [`Secret`]: a
//! password that is looked at and never shown.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// What stands for bytes that are not to be shown, such as a key under `--redact`: `#` and 16 hexadecimal digits. The same for
/// the same bytes within one run of the program and only there, by a random key, so that nobody can try out names or
/// reckon them back.
pub fn hidden(bytes: &[u8]) -> String {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    format!("#{:016x}", KEY.hash_one(bytes))
}

/// Bytes that are never shown: it can be asked about them, and they cannot be had.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// These bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether something holds for it. The answer alone may be told.
    pub fn is(&self, holds: impl FnOnce(&[u8]) -> bool) -> bool {
        holds(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}
