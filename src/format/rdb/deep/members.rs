//! Members and fields of one value: has this one been there before.

use std::io::Write;

use super::fingerprints::{Added, Fingerprints, Fnv};
use super::listpack::Value;

/// Slots of the table: 32 MiB, enough for a million and a half members of one value.
const SLOTS: usize = 1 << 21;

#[derive(Clone, Debug)]
pub(super) struct Members {
    seen: Fingerprints,
    is_full: bool,
}

impl Members {
    pub(super) const fn new() -> Self {
        Self { seen: Fingerprints::new(SLOTS), is_full: false }
    }

    pub(super) fn clear(&mut self) {
        self.is_full = false;
        if self.seen.len() > 0 {
            self.seen.clear();
        }
    }

    /// There were more than can be compared.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    pub(super) fn is_again(&mut self, text: &[u8]) -> bool {
        let added = self.seen.add(Fnv::new().bytes(text).value());
        self.is_full |= added == Added::Full;
        added == Added::Again
    }

    /// The same; a number is its decimal text.
    pub(super) fn is_value_again(&mut self, value: Value<'_>) -> bool {
        match value {
            Value::Text(text) => self.is_again(text),
            Value::Integer(number) => {
                // The longest is a sign and nineteen digits.
                let mut text = [0; 20];
                let mut room = &mut text[..];
                let written = write!(room, "{number}").map_or(0, |()| 20 - room.len());
                self.is_again(&text[..written])
            }
        }
    }
}
