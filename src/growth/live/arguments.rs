//! Arguments of a record, as its effect is worked out.

use super::members::Piece;
use crate::format::resp::{Arg, Record};

/// A record, and where it was met.
#[derive(Clone, Copy)]
pub struct Met<'r, 'a> {
    pub record: &'r Record<'a>,
    pub db: u64,
}

pub(super) fn piece(arg: Arg<'_>) -> Piece<'_> {
    Piece { bytes: arg.head, len: arg.len }
}

pub(super) fn number(arg: Option<Arg<'_>>) -> Option<i64> {
    std::str::from_utf8(arg?.head).ok()?.parse().ok()
}

pub(super) fn is(arg: &Arg<'_>, word: &str) -> bool {
    arg.head.eq_ignore_ascii_case(word.as_bytes())
}
