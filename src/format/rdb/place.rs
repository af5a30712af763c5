//! Where a walk is, in words a person can use: which key, which came before, how far all is well.
//!
//! Pure. Keys are bytes, kept up to [`KEY_KEPT`]; rendering them is the caller's.

use super::layout::Row;
use super::walk::Walker;

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

/// A key as the walk keeps it: no allocation, two of them for the whole file.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptKey {
    pub(super) at: u64,
    pub(super) db: u64,
    pub(super) kind: u8,
    pub(super) len: u8,
    pub(super) is_cut: bool,
    pub(super) bytes: [u8; KEY_KEPT],
}

impl KeptKey {
    pub(super) const NONE: Self =
        Self { at: 0, db: 0, kind: 0, len: 0, is_cut: false, bytes: [0; KEY_KEPT] };

    /// Keeps the start of `text`.
    #[inline]
    pub(super) fn keep(&mut self, text: &[u8]) {
        let len = text.len().min(KEY_KEPT);
        self.bytes[..len].copy_from_slice(&text[..len]);
        self.len = len as u8;
    }

    pub(super) fn to_key(self) -> Key {
        let start = self.bytes.get(..usize::from(self.len)).unwrap_or_default().to_vec();
        Key { at: self.at, db: self.db, kind: self.kind, start, is_cut: self.is_cut }
    }
}

impl Walker {
    /// Where the walk is: for messages about a fault, and for progress.
    pub fn place(&self) -> Place {
        Place {
            at: self.failed.map_or(self.at, |fault| fault.at),
            proven: self.proven,
            row: if self.depth > 0 { self.row } else { None },
            db: self.db,
            key: self.is_open.then(|| self.kept[self.open & 1].to_key()),
            last_key: (self.keys > 0).then(|| self.kept[(self.open & 1) ^ 1].to_key()),
            keys: self.keys,
        }
    }
}
