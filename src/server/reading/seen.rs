//! How large the items of a value were so far, and so many as make a piece.

use super::replies::{bytes, into_bytes};
use redis::Value;

use crate::server::contents::Hash;

/// Items of the first piece of a value, while nothing is known of their size.
pub(super) const FIRST_ITEMS: u64 = 64;

/// Bytes of a further piece, about.
pub(super) const PIECE: u64 = 1 << 20;

/// Items of a further piece at most.
pub(super) const ITEMS: u64 = 10_000;

/// How large the items of a value were so far.
#[derive(Default)]
pub(super) struct Seen {
    items: u64,
    bytes: u64,
}

impl Seen {
    pub fn add(&mut self, item: &Value) {
        self.items += 1;
        self.bytes += size(item);
    }

    /// So many as make a piece.
    pub fn next(&self) -> u64 {
        match self.bytes.checked_div(self.items) {
            None => FIRST_ITEMS,
            Some(each) => (PIECE / (each + 1)).clamp(1, ITEMS),
        }
    }
}

/// Bytes of an answer that has more than texts in it, each told from every other.
pub(super) fn add_all(hash: &mut Hash, value: &Value) {
    match value {
        Value::Int(number) => hash.add(number.to_string().as_bytes()),
        Value::Nil => hash.add(b"nothing at all"),
        Value::Array(items) => {
            hash.add(&(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| add_all(hash, item));
        }
        text => hash.add(&into_bytes(text.clone())),
    }
}

pub(super) fn size(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(size).sum(),
        other => bytes(other).len() as u64,
    }
}
