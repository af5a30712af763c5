//! Pieces of values, and who wants them.

use crate::format::rdb::layout::Row;

/// A value that may be opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Its database.
    pub db: u64,
    /// Its key, or the first bytes of a very long one.
    pub key: &'a [u8],
    /// Length of the whole key, bytes.
    pub key_len: u64,
    /// Number and name of its type.
    pub row: &'static Row,
    /// At least so many bytes are in it.
    pub least_bytes: u64,
    /// How many nodes it has, when it is a list or a stream of nodes.
    pub nodes: Option<u64>,
    /// It is one string, and that is compressed.
    pub is_compressed: bool,
}

/// A string, or the beginning of a long one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Length of all of it.
    pub len: u64,
}

impl<'a> Part<'a> {
    pub(super) fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, len: bytes.len() as u64 }
    }
}

/// One piece of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece<'a> {
    /// The value of a string.
    Text(Part<'a>),
    /// The next element of a list.
    Element(Part<'a>),
    /// A member of a set.
    Member(Part<'a>),
    /// A member of a sorted set, and its score.
    Scored(Part<'a>, f64),
    /// A field of a hash, its value, and whether it expires by itself.
    Field(Part<'a>, Part<'a>, bool),
    /// A node of a stream: the identifier it counts from, and its listpack.
    Node {
        /// Milliseconds and sequence number.
        id: (u64, u64),
        /// The packed entries.
        listpack: &'a [u8],
    },
}

/// Who wants to see into values.
pub trait Reader {
    /// Whether to open this value, whose key was just read.
    fn opens(&mut self, value: &Opening<'_>) -> bool;

    /// A piece of the value that was opened last, in the order of the file.
    fn piece(&mut self, piece: &Piece<'_>);
}

/// What a type number makes of its strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    List,
    Set,
    Zset,
    Hash,
    /// An expiry comes before the member, or behind it in a packed encoding.
    SetTtl,
    /// The expiry comes before the field.
    HashTtlFirst,
    /// The expiry comes after the value.
    HashTtlLast,
    Stream,
    Unknown,
}
