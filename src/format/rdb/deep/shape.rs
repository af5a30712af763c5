//! How the entries of a packed encoding belong together, and what the parts of one may be.

use super::listpack::Value;
use super::wrong::Wrong;
use crate::format::rdb::layout::Row;

/// The longest string, in bytes, of a hash that servers hold in a listpack unless they are told otherwise.
pub(super) const SMALL_TEXT: usize = 64;

/// The last millisecond a hash field can expire at.
pub(super) const FIELD_EXPIRY_MOST: u64 = (1 << 48) - 2;

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
