//! What stands for keys and other bytes that are not to be shown (`--redact`). Nothing else in the house hides anything.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// What stands for bytes that are not to be shown, such as a key under `--redact`: `#` and 16 hexadecimal digits. The same for
/// the same bytes within one run of the program and only there, by a random key, so that nobody can try out names or
/// reckon them back.
pub fn hidden(bytes: &[u8]) -> String {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    format!("#{:016x}", KEY.hash_one(bytes))
}
