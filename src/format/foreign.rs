//! Files that are no append-only file of Redis or Valkey, by their first bytes: archives, compressed files, text, logs
//! of other products.
//!
//! | first bytes | what it is |
//! |---|---|
//! | `1f 8b` | gzip |
//! | `BZh`, a digit, `31 41 59 26 53 59` or `17 72 45 38 50 90` | bzip2 |
//! | `fd 37 7a 58 5a 00` | xz |
//! | `04 22 4d 18` | lz4 |
//! | `PK`, `03 04` or `05 06` | zip |
//! | `37 7a bc af 27 1c` | 7z |
//! | `ustar` at 257 | tar |
//! | a record of a log that its CRC-32C proves | LevelDB or RocksDB, and what is built on them |
//! | a frame length, and the record `08 04 10 00` | etcd |
//! | `37 7f 06 82` or `83` | `SQLite` |
//! | a page of 8,192 bytes of a segment of 1 MiB to 1 GiB | `PostgreSQL` |
//! | `fe 62 69 6e` | `MySQL`, `MariaDB` |
//! | `LPKSHHRH` | the journal of systemd |
//! | `XLOG` or `SNAP` and a line end | Tarantool |
//!
//! Pure. Never says so of bytes that may be a damaged log: text counts only where no record begins in it, and not under
//! a name that servers give to their files.

use crc_fast::{CrcAlgorithm, checksum};

/// Bytes from the beginning of a file that [`recognise`] wants to see, where there are as many: a block of `RocksDB`.
pub const HEAD: usize = 32 * 1024;

/// How much of a file is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its beginning.
    Beginning,
}

impl Extent {
    /// Of a head for which so many bytes were asked.
    pub fn of(head: &[u8], asked: usize) -> Self {
        if head.len() < asked { Self::Whole } else { Self::Beginning }
    }
}

/// A file that is no append-only file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// One file, compressed: what it is, and the program that writes it out.
    Compressed(&'static str, &'static str),
    /// Files in one: what it is, and the words that unpack them.
    Archive(&'static str, &'static str),
    /// The messages of a server, which are told apart from its log of commands.
    Messages,
    /// A server's configuration.
    Configuration,
    /// Some other text.
    Text,
    /// The log, or the data, of another product: what it is, and what reads it.
    Product(&'static str, &'static str),
}

impl Foreign {
    /// What it is, with its article.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Compressed(what, _) | Self::Archive(what, _) | Self::Product(what, _) => what,
            Self::Messages => "the messages of a server, which is not its append-only file",
            Self::Configuration => "a server's configuration",
            Self::Text => "a text file",
        }
    }

    /// Whether it is a log of a product that is known by name.
    pub const fn is_product(&self) -> bool {
        matches!(self, Self::Product(..))
    }

    /// What helps, for a file of this name as a shell takes it.
    pub fn help(&self, word: &str) -> String {
        match self {
            Self::Compressed(_, program) => format!("`{program} -dc {word} | aofkit check -`"),
            Self::Archive(_, unpack) => {
                format!("unpack it (`{unpack} {word}`), then name the directory it gives")
            }
            Self::Messages => {
                "the set lies where CONFIG GET dir and CONFIG GET appenddirname say".to_owned()
            }
            Self::Configuration => format!("`aofkit check --conf {word}`"),
            Self::Text => format!("`head {word}` shows what it says"),
            Self::Product(_, reader) => format!("{reader} reads it"),
        }
    }
}

/// What a file with these first bytes is, where it is none of ours. The name breaks ties.
pub fn recognise(head: &[u8], extent: Extent, name: &[u8]) -> Option<Foreign> {
    // A value further on may look like anything.
    if [&b"*"[..], b"REDIS", b"VALKEY"].iter().any(|begin| head.starts_with(begin)) {
        return None;
    }
    None.or_else(|| compressed(head, name))
        .or_else(|| archive(head))
        .or_else(|| product(head))
        .or_else(|| text(head, extent, name))
}

/// Whether a name is one that people give to copies of a file: `x.bak`, `x~`, `x.2024-05-01`.
pub fn is_named_as_copy(name: &[u8]) -> bool {
    const ENDS: [&[u8]; 9] =
        [b".bak", b".backup", b".old", b".orig", b".save", b".copy", b".sav", b".prev", b"~"];
    let lower = name.to_ascii_lowercase();
    let is_dated = |end: &[u8]| {
        end.len() >= 8 && end.iter().all(|b| b.is_ascii_digit() || b"-_:T".contains(b))
    };
    let last = lower.rsplit(|&b| b == b'.').next().unwrap_or_default();
    ENDS.iter().any(|end| lower.ends_with(end))
        || [&b".bak"[..], b".backup"].iter().any(|mark| has(&lower, mark))
        || last.len() < lower.len() && is_dated(last)
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn compressed(head: &[u8], name: &[u8]) -> Option<Foreign> {
    let holds_tar = |ends: &[&[u8]]| {
        let lower = name.to_ascii_lowercase();
        has(&lower, b".tar.") || ends.iter().any(|end| lower.ends_with(end))
    };
    let one = |what, program, archive: (&'static str, &'static str), ends: &[&[u8]]| {
        Some(match holds_tar(ends) {
            true => Foreign::Archive(archive.0, archive.1),
            false => Foreign::Compressed(what, program),
        })
    };
    match head {
        [0x1f, 0x8b, 8, ..] => {
            one("a gzip file", "gzip", ("a tar archive inside gzip", "tar -xzf"), &[b".tgz"])
        }
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
            if rest.starts_with(b"1AY&SY") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90") =>
        {
            let archive = ("a tar archive inside bzip2", "tar -xjf");
            one("a bzip2 file", "bzip2", archive, &[b".tbz", b".tbz2"])
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            one("an xz file", "xz", ("a tar archive inside xz", "tar -xJf"), &[b".txz"])
        }
        [0x04, 0x22, 0x4d, 0x18, ..] => {
            one("an lz4 file", "lz4", ("a tar archive inside lz4", "tar -I lz4 -xf"), &[])
        }
        _ => None,
    }
}

fn archive(head: &[u8]) -> Option<Foreign> {
    if head.get(257..262) == Some(b"ustar") {
        return Some(Foreign::Archive("a tar archive", "tar -xf"));
    }
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
            Some(Foreign::Archive("a zip archive", "unzip"))
        }
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some(Foreign::Archive("a 7z archive", "7z x")),
        _ => None,
    }
}

fn product(head: &[u8]) -> Option<Foreign> {
    let (what, reader) = match head {
        [0x37, 0x7f, 0x06, 0x82 | 0x83, ..] => {
            ("a write-ahead log of SQLite", "SQLite, with the database it lies beside,")
        }
        _ if head.starts_with(b"SQLite format 3\0") => ("a database of SQLite", "`sqlite3`"),
        _ if head.starts_with(b"\xfebin") => ("a binary log of MySQL or MariaDB", "`mysqlbinlog`"),
        _ if head.starts_with(b"LPKSHHRH") => ("a journal of systemd", "`journalctl --file`"),
        _ if head.starts_with(b"XLOG\n") || head.starts_with(b"SNAP\n") => {
            ("a log or snapshot of Tarantool", "`tarantoolctl cat`")
        }
        _ if is_etcd(head) => ("a write-ahead log of etcd", "`etcd-dump-logs`"),
        _ if is_postgres(head) => ("a write-ahead log of PostgreSQL", "`pg_waldump`"),
        _ if is_rocks(head) => (
            "a write-ahead log of LevelDB or RocksDB (Kvrocks, KeyDB FLASH and others keep such)",
            "`ldb dump_wal`",
        ),
        _ => return None,
    };
    Some(Foreign::Product(what, reader))
}

/// The first frame holds a checksum of nothing: type 4, value 0. The highest byte of its length tells the padding.
fn is_etcd(head: &[u8]) -> bool {
    head.len() >= 12 && head[..7] == [4, 0, 0, 0, 0, 0, 0] && head[8..12] == [8, 4, 0x10, 0]
}

/// The header of the first page of a segment: sizes of segment and page.
fn is_postgres(head: &[u8]) -> bool {
    let word = |at: usize| {
        let bytes: Option<[u8; 4]> = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes)
    };
    let (Some(segment), Some(page)) = (word(32), word(36)) else { return false };
    let is_long = head[2] & 2 != 0 && head[1] & 0xfe == 0xd0;
    let sizes = 1 << 20..=1 << 30;
    is_long && page == 8192 && sizes.contains(&segment) && segment.is_power_of_two()
}

/// Whether the first record's checksum is right: it covers the type and what follows. The stored value is rotated, and
/// has a number added.
fn is_rocks(head: &[u8]) -> bool {
    let [a, b, c, d, low, high, kind, ..] = *head else { return false };
    let len = usize::from(u16::from_le_bytes([low, high]));
    // From 5 to 8 the number of the log stands before the payload, and is covered.
    let len = len + if (5..=8).contains(&kind) { 4 } else { 0 };
    let Some(covered) = head.get(6..7 + len) else { return false };
    let masked = u32::from_le_bytes([a, b, c, d]);
    let crc = checksum(CrcAlgorithm::Crc32Iscsi, covered) as u32;
    len > 0 && (1..=10).contains(&kind) && masked == crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Whether it is text to its end, and no record begins in it. Where only its beginning is known, its lines have to prove
/// what it is: it may be a long value of a log whose front is lost.
fn text(head: &[u8], extent: Extent, name: &[u8]) -> Option<Foreign> {
    let is_ours = [&b".aof"[..], b".rdb", b".manifest"].iter().any(|end| name.ends_with(end));
    if is_ours || head.is_empty() || head[0] == b'*' || head.starts_with(b"#TS:") {
        return None;
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A letter that was cut in two where the window ends.
        Err(e) if e.error_len().is_none() && e.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..e.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_strange = |c: char| c.is_control() && !"\t\n\r\u{1b}\u{c}".contains(c);
    let begins = |mark: char, line: &str| {
        line.strip_prefix(mark).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_record = |line: &str| begins('*', line) || begins('$', line);
    if text.contains(is_strange) || text.lines().any(is_record) {
        return None;
    }
    // Lines of comments alone may be a log of annotations, and a manifest is told by its first line.
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    if lines.next().is_none_or(|line| line.starts_with("file ")) {
        return None;
    }
    if text.lines().take(20).any(is_message) {
        Some(Foreign::Messages)
    } else if text.lines().any(is_directive) {
        Some(Foreign::Configuration)
    } else {
        (extent == Extent::Whole).then_some(Foreign::Text)
    }
}

/// `1:M 01 May 2024 10:00:00.123 * Ready to accept connections`.
fn is_message(line: &str) -> bool {
    let Some((pid, rest)) = line.split_once(':') else { return false };
    let is_pid = !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
    is_pid && ["M ", "S ", "C ", "X "].iter().any(|role| rest.starts_with(role))
}

fn is_directive(line: &str) -> bool {
    const WORDS: [&str; 6] =
        ["appendonly", "appendfilename", "appenddirname", "appendfsync", "dbfilename", "maxmemory"];
    let mut words = line.split_ascii_whitespace();
    words.next().is_some_and(|word| WORDS.contains(&word)) && words.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_rocksdb_is_known_by_its_checksum_alone() {
        let payload = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\x01a\x01b";
        let crc = checksum(CrcAlgorithm::Crc32Iscsi, &[&[1][..], payload].concat()) as u32;
        let masked = (crc.rotate_right(15)).wrapping_add(0xa282_ead8);
        let len = (payload.len() as u16).to_le_bytes();
        let mut log = [&masked.to_le_bytes()[..], &len, &[1], payload].concat();
        assert!(recognise(&log, Extent::Whole, b"000003.log").is_some_and(|one| one.is_product()));
        log[0] ^= 1;
        assert_eq!(recognise(&log, Extent::Whole, b"000003.log"), None);
    }

    #[test]
    fn what_may_be_a_damaged_log_is_not_called_text() {
        for bytes in [
            &b"*1\r\n$4\r\nPING\r\n"[..],
            b"noise\r\n*1\r\n$4\r\nPING\r\n",
            b"noise\r\n$4\r\nPING\r\n",
            b"#TS:1700000000\r\n",
            b"# a comment\r\n",
            b"\0\0\0\0",
            b"REDIS0011\xfa",
        ] {
            assert_eq!(recognise(bytes, Extent::Whole, b"x"), None, "{}", bytes.escape_ascii());
        }
        assert_eq!(recognise(b"hello\n", Extent::Whole, b"appendonly.aof"), None);
        assert_eq!(recognise(b"hello\n", Extent::Whole, b"x"), Some(Foreign::Text));
        assert_eq!(recognise(b"hello\n", Extent::Beginning, b"x"), None);
    }

    #[test]
    fn copies_are_known_by_their_names() {
        for name in ["a.bak", "a.aof~", "a.bak.1", "a.rdb.2024-05-01", "a.aof.20240501"] {
            assert!(is_named_as_copy(name.as_bytes()), "{name}");
        }
        for name in ["a.aof", "a.1.base.rdb", "20240501", "a.log", "a.1700"] {
            assert!(!is_named_as_copy(name.as_bytes()), "{name}");
        }
    }
}
