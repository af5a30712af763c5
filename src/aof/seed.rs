//! A number for the hashes of keys, taken from what is read: the same input gives the same estimates.
//!
//! Keys are whatever clients chose. A client that knew how they are hashed could choose keys that are taken for one another,
//! and so hide how many it writes. So the number is no constant. It comes from the lengths of all files as they were opened and
//! from how each begins: a base begins with the time and the memory of its server, and a log grows with what all clients
//! write. A client that writes keys does not know these at the moment when somebody looks. Who makes the files knows them, and
//! can make wrong the estimates of these files alone; nobody can make a table slow, for where a hash goes in a table is chosen
//! by a number of this process (see `stats/sketch/space_saving.rs`).

use std::hash::{DefaultHasher, Hasher};

use super::set::Aof;

/// Bytes from the beginning of each file that count: more than the fields in front of an RDB.
const HEAD: usize = 512;

/// The number for sets whose figures are to be merged. A stream cannot be looked at before it is read, and counts by nothing.
pub fn seed_of<'a>(sets: impl Iterator<Item = &'a Aof>) -> u64 {
    // Keyed with nothing, so that it is the same in every run.
    let mut hasher = DefaultHasher::new();
    for (_, segment) in sets.flat_map(Aof::live) {
        hasher.write_u64(segment.len().unwrap_or(0));
        let head = segment.file().and_then(|file| file.head(HEAD).ok()).unwrap_or_default();
        hasher.write_usize(head.len());
        hasher.write(&head);
    }
    hasher.finish()
}
