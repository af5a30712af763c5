//! Auxiliary fields: what an RDB says about itself.
//!
//! | name | meaning |
//! |---|---|
//! | `redis-ver`, `valkey-ver` | version of the server that wrote the file |
//! | `redis-bits` | 32 or 64 |
//! | `ctime` | Unix seconds when the save began |
//! | `used-mem` | bytes held by the allocator then |
//! | `aof-base` | 1: base of a multi-part append-only file; 0: a plain dump |
//! | `aof-preamble` | 1: RESP commands follow (Redis 4.0 to 6.2); 0: a plain dump |
//! | `repl-stream-db`, `repl-id`, `repl-offset` | replication position of a dump |
//! | `slot-info` | sizes of one slot, before its keys |
//!
//! Pure. Names are compared without regard to case, as servers do; unknown ones are kept, never refused.
//! Values may be text or integer forms: both arrive here as text. Source: `rdb.c` of both servers.

use super::header::Family;

/// Fields remembered per file, at most.
pub const FIELDS_KEPT: usize = 64;
/// Longest value remembered, bytes: scripts may stand here too.
pub const VALUE_KEPT: usize = 1024;
/// Longest name remembered, bytes.
pub const NAME_KEPT: usize = 64;

/// Who wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writer<'a> {
    /// Which server; older Valkey releases write the magic of the other family.
    pub family: Family,
    /// Its version, such as `8.1.4`.
    pub version: &'a str,
}

/// What one field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning<'a> {
    /// Who wrote the file.
    Writer(Writer<'a>),
    /// Word size of that server, bits.
    WordSize(u64),
    /// When the save began, Unix seconds.
    Created(i64),
    /// Allocator bytes at the save.
    UsedMemory(u64),
    /// Whether the file is the base of a multi-part append-only file.
    AofBase(bool),
    /// Whether RESP commands follow in the same file.
    AofPreamble(bool),
    /// Database selected in the replication stream; -1 for none.
    ReplicationDb(i64),
    /// Replication history, 40 hex digits.
    ReplicationId(&'a str),
    /// Position in that history, bytes.
    ReplicationOffset(i64),
    /// Sizes of one slot: `slot,keys,expires` and more.
    SlotSizes(&'a str),
    /// An unknown name, or a value not of the form its name asks for.
    Other,
}

/// Reads one field.
pub fn meaning<'a>(name: &[u8], value: &'a [u8]) -> Meaning<'a> {
    let Ok(text) = std::str::from_utf8(value) else {
        return Meaning::Other;
    };
    let writer = |family| Some(Meaning::Writer(Writer { family, version: text }));
    let signed = || text.parse::<i64>().ok();
    let unsigned = || text.parse::<u64>().ok();
    let flag = || signed().map(|n| n != 0);
    let known = match name.to_ascii_lowercase().as_slice() {
        b"redis-ver" => writer(Family::Redis),
        b"valkey-ver" => writer(Family::Valkey),
        b"redis-bits" => unsigned().map(Meaning::WordSize),
        b"ctime" => signed().map(Meaning::Created),
        b"used-mem" => unsigned().map(Meaning::UsedMemory),
        b"aof-base" => flag().map(Meaning::AofBase),
        b"aof-preamble" => flag().map(Meaning::AofPreamble),
        b"repl-stream-db" => signed().map(Meaning::ReplicationDb),
        b"repl-id" => Some(Meaning::ReplicationId(text)),
        b"repl-offset" => signed().map(Meaning::ReplicationOffset),
        b"slot-info" => Some(Meaning::SlotSizes(text)),
        _ => None,
    };
    known.unwrap_or(Meaning::Other)
}

/// The fields of a file: the first of each name, bounded in number and size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    list: Vec<(Vec<u8>, Vec<u8>)>,
    seen: u64,
}

impl Fields {
    pub(super) const EMPTY: Self = Self { list: Vec::new(), seen: 0 };

    /// Names and values in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.list.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Fields in the file, kept or not.
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// What the fields mean, in the order of the file.
    pub fn meanings(&self) -> impl Iterator<Item = Meaning<'_>> {
        self.iter().map(|(name, value)| meaning(name, value))
    }

    /// Who wrote the file.
    pub fn writer(&self) -> Option<Writer<'_>> {
        self.find(|meaning| match meaning {
            Meaning::Writer(writer) => Some(writer),
            _ => None,
        })
    }

    /// When the save began, Unix seconds.
    pub fn created_s(&self) -> Option<i64> {
        self.find(|meaning| match meaning {
            Meaning::Created(seconds) => Some(seconds),
            _ => None,
        })
    }

    /// Allocator bytes at the save.
    pub fn used_memory_bytes(&self) -> Option<u64> {
        self.find(|meaning| match meaning {
            Meaning::UsedMemory(bytes) => Some(bytes),
            _ => None,
        })
    }

    /// Whether the file calls itself the base of a multi-part append-only file.
    pub fn aof_base(&self) -> Option<bool> {
        self.find(|meaning| match meaning {
            Meaning::AofBase(yes) => Some(yes),
            _ => None,
        })
    }

    /// Whether the file says that RESP commands follow.
    pub fn aof_preamble(&self) -> Option<bool> {
        self.find(|meaning| match meaning {
            Meaning::AofPreamble(yes) => Some(yes),
            _ => None,
        })
    }

    fn find<'a, T>(&'a self, pick: impl Fn(Meaning<'a>) -> Option<T>) -> Option<T> {
        self.meanings().find_map(pick)
    }

    /// Whether the value of `name` would be kept.
    pub(super) fn wants(&self, name: &[u8]) -> bool {
        self.list.len() < FIELDS_KEPT
            && !name.eq_ignore_ascii_case(b"slot-info")
            && !self.list.iter().any(|(kept, _)| kept.eq_ignore_ascii_case(name))
    }

    pub(super) fn count(&mut self) {
        self.seen = self.seen.saturating_add(1);
    }

    pub(super) fn keep(&mut self, name: Vec<u8>, value: Vec<u8>) {
        self.list.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_read_by_meaning() {
        let writer = Writer { family: Family::Valkey, version: "8.1.8" };
        assert_eq!(meaning(b"Valkey-Ver", b"8.1.8"), Meaning::Writer(writer));
        assert_eq!(meaning(b"ctime", b"1700000000"), Meaning::Created(1_700_000_000));
        assert_eq!(meaning(b"used-mem", b"99999999999"), Meaning::UsedMemory(99_999_999_999));
        assert_eq!(meaning(b"aof-base", b"1"), Meaning::AofBase(true));
        assert_eq!(meaning(b"aof-preamble", b"0"), Meaning::AofPreamble(false));
        assert_eq!(meaning(b"repl-offset", b"-5"), Meaning::ReplicationOffset(-5));
    }

    #[test]
    fn odd_values_and_unknown_names_are_other() {
        assert_eq!(meaning(b"ctime", b"soon"), Meaning::Other);
        assert_eq!(meaning(b"%note", b"1"), Meaning::Other);
        assert_eq!(meaning(b"redis-ver", &[0xff]), Meaning::Other);
    }

    #[test]
    fn only_the_first_field_of_a_name_is_kept_and_no_slot_sizes() {
        let mut fields = Fields::default();
        assert!(fields.wants(b"lua"));
        fields.keep(b"lua".to_vec(), b"return 1".to_vec());
        assert!(!fields.wants(b"LUA"));
        assert!(!fields.wants(b"slot-info"));
    }
}
