//! Kinds of values that are opened.

use crate::format::rdb::contents;
use crate::format::rdb::layout::Row;

/// What kind of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    List,
    Set,
    Zset,
    Hash,
    Stream,
}

impl Kind {
    /// `None` of values that nobody opens.
    pub(super) fn of(row: &Row) -> Option<Self> {
        let kind = match row.type_name {
            "string" => Self::Text,
            "list" => Self::List,
            "set" => Self::Set,
            "zset" => Self::Zset,
            "hash" => Self::Hash,
            "stream" => Self::Stream,
            _ => return None,
        };
        contents::is_opened(row).then_some(kind)
    }
}
