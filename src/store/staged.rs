//! Names of files that are written before they get their own.

use std::time::SystemTime;

/// A number that no other process comes up with.
pub(super) fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(SystemTime::now())
}

/// Whether a staged file may have this name.
pub(super) fn is_staged(name: &str) -> bool {
    let mut parts = name.rsplit('-');
    let last = parts.next().unwrap_or_default();
    let is_number = |part: Option<&str>| {
        part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    };
    last.len() == 16
        && last.bytes().all(|b| b.is_ascii_hexdigit())
        && is_number(parts.next())
        && is_number(parts.next())
}
