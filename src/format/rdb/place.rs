//! Where a walk is, in words a person can use: which key, which came before, how far all is well.
//!
//! Pure. Keys are bytes, kept up to [`KEY_KEPT`]; rendering them is the caller's.

use super::layout::Row;

/// Bytes of a key that are remembered, at most.
pub const KEY_KEPT: usize = 64;

/// A key seen by the walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Offset of its record, bytes: of its type number.
    pub at: u64,
    /// Its database.
    pub db: u64,
    /// Number of its type.
    pub kind: u8,
    /// Its first bytes, at most [`KEY_KEPT`].
    pub start: Vec<u8>,
    /// There is more than `start`.
    pub is_cut: bool,
}

/// Where a walk is, or where it stopped.
#[derive(Clone, Debug)]
pub struct Place {
    /// Offset of the first byte not explained, bytes.
    pub at: u64,
    /// End of the last whole record, bytes; opcodes about a key belong to the record of that key.
    pub proven: u64,
    /// The number whose record is open.
    pub row: Option<&'static Row>,
    /// Current database; 0 before any was named.
    pub db: u64,
    /// The key whose value is open.
    pub key: Option<Key>,
    /// The last key whose value was whole.
    pub last_key: Option<Key>,
    /// Whole keys so far.
    pub keys: u64,
}
