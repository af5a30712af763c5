//! Tokens without strings.

use super::Deep;
use super::shape::FIELD_EXPIRY_MOST;
use super::wrong::Wrong;
use crate::format::rdb::entry::Token;
use crate::format::rdb::layout::Item;

impl Deep {
    /// A token without a string.
    pub(super) fn plain(&mut self, item: &Item, token: &Token<'_>) {
        let number =
            || crate::format::rdb::length::number(token.bytes).ok().map(|(number, _)| number);
        let kind = (token.at, self.row.map_or(0, |row| row.number));
        match (item, kind) {
            (Item::Elements(_), (at, _)) if number() == Some(0) => {
                self.elements = 1;
                self.flaw(Wrong::Empty, at, None);
            }
            (Item::Fixed(8), (at, 5)) => {
                let score = token.bytes.first_chunk().map(|bytes| f64::from_le_bytes(*bytes));
                if score.is_some_and(f64::is_nan) {
                    self.flaw(Wrong::Score, at, None);
                }
            }
            (Item::Score, (at, _)) => {
                if let Some(wrong) = wrong_score(token.bytes) {
                    self.flaw(wrong, at, None);
                }
            }
            (Item::Container, _) => self.is_plain_node = number() == Some(1),
            (Item::Fixed(8), (at, 24 | 35)) => {
                let least = token.bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                self.least_expiry = least;
                if least > FIELD_EXPIRY_MOST + 1 {
                    self.flaw(Wrong::FieldExpiry, at, None);
                }
            }
            (Item::FieldExpiry, (at, _)) => {
                let expiry = token.bytes.first_chunk().map_or(0, |ms| i64::from_le_bytes(*ms));
                if expiry < -1 {
                    self.flaw(Wrong::FieldExpiry, at, None);
                }
            }
            (Item::FieldTtl, (at, row)) => {
                let ttl = number().unwrap_or(0);
                let least =
                    if matches!(row, 24 | 35) { self.least_expiry.saturating_sub(1) } else { 0 };
                if ttl > 0 && least.saturating_add(ttl) > FIELD_EXPIRY_MOST {
                    self.flaw(Wrong::FieldExpiry, at, None);
                }
            }
            (Item::Live, (at, _)) if self.nodes == 0 && number() != Some(0) => {
                self.flaw(Wrong::StreamLength, at, None);
            }
            (Item::Live, (at, _)) if self.is_counted() && number() != Some(self.elements) => {
                self.flaw(Wrong::StreamCount, at, None);
            }
            (Item::Elements(_), _) => self.is_small_hash = number() <= Some(SMALL_HASH),
            (Item::Counted(part, _), (at, _)) => {
                if let Some(wrong) = self.pending.counted(*part, number().unwrap_or(0)) {
                    self.flaw(wrong, at, None);
                }
            }
            (Item::Fixed(16), (at, _)) => {
                let id = token.bytes.first_chunk().map_or(0, |id| u128::from_be_bytes(*id));
                if let Some(wrong) = self.pending.id(id) {
                    self.flaw(wrong, at, None);
                }
            }
            _ => {}
        }
    }
}

/// Fields of a hash that servers hold in a listpack unless they are told otherwise.
const SMALL_HASH: u64 = 512;
/// What is wrong with a text score, length first.
fn wrong_score(bytes: &[u8]) -> Option<Wrong> {
    match bytes.split_first() {
        Some((253, _)) | None => Some(Wrong::Score),
        Some((254 | 255, _)) => None,
        Some((_, text)) => {
            let text = std::str::from_utf8(text).unwrap_or_default();
            match text.trim_start().parse::<f64>() {
                Ok(score) => score.is_nan().then_some(Wrong::Score),
                Err(_) => Some(Wrong::ScoreText),
            }
        }
    }
}
