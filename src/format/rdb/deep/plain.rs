//! Tokens without strings, and how the entries of packed encodings belong together.

use super::listpack::Value;
use super::{Deep, Wrong};
use crate::format::rdb::entry::Token;
use crate::format::rdb::layout::{Item, Row};

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

/// Fields that servers hold in a listpack unless they are told otherwise, and the longest of such a hash, in bytes.
const SMALL_HASH: u64 = 512;
pub(super) const SMALL_TEXT: usize = 64;

/// The last millisecond a hash field can expire at.
const FIELD_EXPIRY_MOST: u64 = (1 << 48) - 2;

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

/// Whether a packed score is not a number; text that spells none is taken for zero.
pub(super) fn is_nan(value: Value<'_>) -> bool {
    let Value::Text(text) = value else { return false };
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok_and(f64::is_nan))
}

/// Checks the expiry of a field among others: fields with one come first, soonest first.
pub(super) fn field_expiry(value: Value<'_>, last: &mut Option<u64>) -> Result<(), Wrong> {
    let at = value.number().ok_or(Wrong::FieldExpiryForm)?;
    let at = u64::try_from(at).ok();
    let at = at.filter(|at| *at <= FIELD_EXPIRY_MOST).ok_or(Wrong::FieldExpiry)?;
    let is_ordered = at == 0 || last.is_none_or(|last| last != 0 && last <= at);
    *last = Some(at);
    if is_ordered { Ok(()) } else { Err(Wrong::Order) }
}

/// How the entries of a packed encoding belong together.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// So many make one element, the first of them is unique; 0: nothing is.
    pub(super) group: u64,
    /// Which of them is an expiry.
    pub(super) expiry: Option<u64>,
    /// Which of them is a score.
    pub(super) score: Option<u64>,
    pub(super) is_list: bool,
    pub(super) is_stream: bool,
}

impl Shape {
    pub(super) fn of(row: Option<&'static Row>) -> Self {
        let number = row.map_or(0, |row| row.number);
        let group = match number {
            20 => 1,
            9 | 12 | 13 | 16 | 17 | 34 => 2,
            23 | 25 => 3,
            _ => 0,
        };
        Self {
            group,
            expiry: match number {
                23 | 25 => Some(2),
                34 => Some(1),
                _ => None,
            },
            score: matches!(number, 12 | 17).then_some(1),
            is_list: matches!(number, 14 | 18 | 29),
            is_stream: matches!(number, 15 | 19 | 21 | 26 | 27),
        }
    }
}
