//! What a walk hands out about each key, to whoever listens.
//!
//! A [`Sink`] says by two constants what it wants; what nobody wants is not compiled into the walk.
//! Entries come in the order of the file, one per key, after the last byte of its value was seen. They
//! are made from headers where these tell; where not, the entries of that one value are counted as they pass
//! (a census). A count is `None` only where an encoding is broken or a module's.
//!
//! | count of | stands in |
//! |---|---|
//! | plain collections, streams | the record itself |
//! | listpack, ziplist | u16 in the header of the encoding; 65535 means "many": census |
//! | intset | u32 in its header |
//! | zipmap | its first byte; 254 and more mean "many": census |
//! | lists of nodes | the sum of the above, a plain node counting 1 |
//! | fields and members with an expiry, in a listpack | nowhere: census |

use std::borrow::Cow;

use super::header::Family;
use super::layout::{Item, Packed, Row};
use super::met;
use super::string::{self, Form, Head};

/// Bytes of a key that are shown, at most. Longer keys exist, but nobody can read them in a report.
pub const KEY_SHOWN: usize = 1024;

/// Bytes of a packed encoding in which its count lies.
pub(super) const COUNT_LEN: usize = 10;

/// Consumer groups of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// How many groups.
    pub groups: u64,
    /// Consumers of all groups.
    pub consumers: u64,
    /// Entries delivered and not acknowledged, of all groups.
    pub pending: u64,
}

/// What is said of a key beside its value and times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// It is kept from eviction.
    pub is_kept: bool,
    /// Classes of metadata that modules keep about it.
    pub metadata: u64,
}

impl Beside {
    /// There is nothing.
    pub const fn is_none(self) -> bool {
        !self.is_kept && self.metadata == 0
    }
}

/// One key and what is known of its value.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its database.
    pub db: u64,
    /// The key as clients know it: its first bytes, at most [`KEY_SHOWN`].
    pub key: &'a [u8],
    /// Length of the whole key, bytes.
    pub key_len: u64,
    /// Number and name of its type.
    pub row: &'static Row,
    /// Whose numbers these are.
    pub family: Family,
    /// Version of the format.
    pub version: u32,
    /// When it expires, Unix milliseconds.
    pub expire_ms: Option<i64>,
    /// Seconds since it was used, where the server kept them.
    pub idle_s: Option<u64>,
    /// How often it is used, on the server's logarithmic scale, where the server kept it.
    pub frequency: Option<u8>,
    /// Elements: members, fields, entries; 1 for a string and whatever else is one thing.
    pub elements: Option<u64>,
    /// Fields, or members of a set, with an expiry of their own, unless a broken encoding hides them.
    pub field_ttls: Option<u64>,
    /// Groups, when it is a stream.
    pub stream: Option<Stream>,
    /// Identifier of the module type, when it is a module's.
    pub module: Option<u64>,
    /// What else is said of it, and no command says when it is written again.
    pub beside: Beside,
    /// Offset of the first byte that is about it: an opcode such as its expiry, or its type.
    pub start: u64,
    /// Offset of its type number.
    pub at: u64,
    /// Bytes of the value on disk.
    pub value_bytes: u64,
    /// Offset after its value.
    pub end: u64,
}

impl Entry<'_> {
    /// The same entry with another `key`: the whole one, or none, so that it can be kept.
    pub const fn with_key(self, key: &[u8]) -> Entry<'_> {
        Entry {
            db: self.db,
            key,
            key_len: self.key_len,
            row: self.row,
            family: self.family,
            version: self.version,
            expire_ms: self.expire_ms,
            idle_s: self.idle_s,
            frequency: self.frequency,
            elements: self.elements,
            field_ttls: self.field_ttls,
            stream: self.stream,
            module: self.module,
            beside: self.beside,
            start: self.start,
            at: self.at,
            value_bytes: self.value_bytes,
            end: self.end,
        }
    }

    /// Bytes on disk of all that is about it.
    pub const fn bytes(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Its type as TYPE names it.
    pub const fn type_name(&self) -> &'static str {
        self.row.type_name
    }

    /// Its encoding on disk, in the words of OBJECT ENCODING. A server that loads it may choose
    /// another one.
    pub const fn encoding(&self) -> &'static str {
        self.row.encoding
    }

    /// The type of the value as TYPE names it: of a module's value, the name that the module gave it.
    pub fn type_label(&self) -> Cow<'static, str> {
        self.module_name().map_or(Cow::Borrowed(self.type_name()), Cow::Owned)
    }

    /// Name of the module type, nine characters.
    pub fn module_name(&self) -> Option<String> {
        self.module.map(met::module_name)
    }
}

/// A library of functions.
#[derive(Clone, Copy, Debug)]
pub struct Library<'a> {
    /// The first line of its source, or the start of it: engine and name.
    pub first_line: &'a [u8],
    /// Offset of the string that is its source.
    pub at: u64,
    /// Offset after it.
    pub end: u64,
}

/// An opcode that is about no single key, with what belongs to it. The end of the RDB is none.
#[derive(Clone, Copy, Debug)]
pub struct Opcode {
    /// Number and name.
    pub row: &'static Row,
    /// The database it stands in; of an opcode that names a database, that one.
    pub db: u64,
    /// Offset of its number.
    pub at: u64,
    /// Offset after all that belongs to it.
    pub end: u64,
}

/// One token of a record, for those who check what is inside of values.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// Offset of its first byte.
    pub at: u64,
    /// The record it belongs to.
    pub row: Option<&'static Row>,
    /// What it is; `None`: the number that begins a record, with the key of a value.
    pub(super) item: Option<&'static Item>,
    /// Its bytes, as far as they are in the window.
    pub(super) bytes: &'a [u8],
    /// Bytes of it that are still to come.
    pub(super) rest: u64,
    /// The current database.
    pub db: u64,
}

impl Token<'_> {
    /// Whether it is the number that begins a record.
    pub const fn begins_record(&self) -> bool {
        self.item.is_none()
    }
}

/// Listens to a walk.
pub trait Sink {
    /// It wants entries and libraries.
    const ENTRIES: bool;
    /// It wants every token and all bytes.
    const TOKENS: bool = false;

    /// A key, whose value was whole.
    fn entry(&mut self, entry: &Entry<'_>) {
        let _ = entry;
    }

    /// A function library.
    fn library(&mut self, library: &Library<'_>) {
        let _ = library;
    }

    /// An opcode that is about no single key, wanted together with entries.
    fn opcode(&mut self, opcode: &Opcode) {
        let _ = opcode;
    }

    /// A token, before the entry it belongs to.
    fn token(&mut self, token: &Token<'_>) {
        let _ = token;
    }

    /// More bytes of the last token.
    fn more(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
}

/// Nobody listens.
impl Sink for () {
    const ENTRIES: bool = false;
}

/// How many entries a packed encoding says it has; `None` where they must be counted.
#[inline]
pub(super) fn count(packed: Packed, head: Head, body: &[u8]) -> Option<u64> {
    if head.form == Form::Raw {
        return declared(packed, body);
    }
    declared(packed, &string::first_bytes(head, body, COUNT_LEN).bytes)
}

#[inline]
fn declared(packed: Packed, start: &[u8]) -> Option<u64> {
    let u16_at = |at: usize| {
        let count = u16::from_le_bytes(*start.get(at..)?.first_chunk()?);
        (count != u16::MAX).then_some(u64::from(count))
    };
    match packed {
        Packed::Listpack => u16_at(4),
        // Its header does not count expiries.
        Packed::FieldListpack | Packed::MemberListpack => None,
        Packed::Ziplist => u16_at(8),
        Packed::Intset => Some(u32::from_le_bytes(*start.get(4..)?.first_chunk()?).into()),
        Packed::Zipmap => start.first().filter(|count| **count < 254).map(|count| (*count).into()),
    }
}

/// Elements of a value whose packed encodings have `entries` entries.
#[inline]
pub(super) const fn elements(row: &Row, family: Family, entries: u64) -> u64 {
    match (family, row.number) {
        (_, 12 | 13 | 16 | 17) | (Family::Redis, 34) => entries / 2,
        (Family::Redis, 23 | 25) => entries / 3,
        (Family::Redis, 29 | 30) => entries.saturating_sub(1),
        _ => entries,
    }
}
