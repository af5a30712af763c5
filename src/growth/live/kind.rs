//! Kinds of values that have members.

/// What kind of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Set,
    Zset,
    Hash,
}
