//! The first nine bytes: which family wrote the file, in which version of the format.
//!
//! | bytes | content |
//! |---|---|
//! | `REDIS` + 4 digits | versions 1 to 79 |
//! | `VALKEY` + 3 digits | versions 80 and up |
//!
//! Pure. Never guesses from a file name: only bytes tell. Source: `rdb.c` of both servers, which refuse
//! `REDIS0080` and `VALKEY011`.

use super::reason::Reason;
use crate::format::fault::Fault;

/// Length of the header, bytes.
pub const HEADER_LEN: usize = 9;

/// Who defines the numbers in the file. Types from 22 and opcodes up to 243 differ between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Magic `REDIS`: every Redis, and Valkey up to 8.1.
    Redis,
    /// Magic `VALKEY`: Valkey 9.0 and later.
    Valkey,
}

impl Family {
    /// The ASCII bytes the file starts with.
    pub const fn magic(self) -> &'static [u8] {
        match self {
            Self::Redis => b"REDIS",
            Self::Valkey => b"VALKEY",
        }
    }

    /// The family's name: `redis`, `valkey`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }

    /// The newest version whose numbers are all in [`super::layout`].
    pub const fn newest_known(self) -> u32 {
        match self {
            Self::Redis => 17,
            Self::Valkey => 81,
        }
    }

    /// The newest version of which a server was run and its files were read here. What is newer and known was read
    /// in source and documents alone.
    pub const fn newest_run(self) -> u32 {
        match self {
            Self::Redis => 13,
            Self::Valkey => 80,
        }
    }

    const fn owns(self, version: u32) -> bool {
        match self {
            Self::Redis => version >= 1 && version <= 79,
            Self::Valkey => version >= 80,
        }
    }
}

/// What the first nine bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who defines the numbers.
    pub family: Family,
    /// Version of the format.
    pub version: u32,
}

impl Header {
    /// Reads the header at the start of `bytes`. Offsets of faults count from there.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault<Reason>> {
        let Some(family) = sniff(bytes) else {
            return Err(Fault::new(0, not_rdb(bytes)));
        };
        let magic = family.magic().len();
        let Some(digits) = bytes.get(magic..HEADER_LEN) else {
            let missing = HEADER_LEN.saturating_sub(bytes.len()) as u64;
            return Err(Fault::new(0, Reason::Torn { missing }));
        };
        let mut version = 0;
        for (i, digit) in digits.iter().enumerate() {
            if !digit.is_ascii_digit() {
                return Err(Fault::new((magic + i) as u64, Reason::VersionNotNumber));
            }
            version = version * 10 + u32::from(digit - b'0');
        }
        if !family.owns(version) {
            return Err(Fault::new(magic as u64, Reason::VersionOutOfFamily(version)));
        }
        Ok(Self { family, version })
    }

    /// The version is newer than the tables of this crate: the walk is a best effort.
    pub const fn is_newer_than_known(self) -> bool {
        self.version > self.family.newest_known()
    }

    /// The version is known, but only by source and documents: no server that writes it was run here.
    pub const fn is_documented_only(self) -> bool {
        self.version > self.family.newest_run() && !self.is_newer_than_known()
    }

    /// Bytes after the EOF opcode: 8 with a checksum (version 5 and later), else 0.
    pub const fn trailer_len(self) -> usize {
        if self.version >= 5 { 8 } else { 0 }
    }
}

/// The family named by the first bytes, if they are those of an RDB file.
pub fn sniff(bytes: &[u8]) -> Option<Family> {
    [Family::Redis, Family::Valkey].into_iter().find(|family| bytes.starts_with(family.magic()))
}

/// Whether the bytes begin an RDB in whatever wrapping: one that is read, or one that is known by its first bytes and
/// not read.
pub fn is_one(bytes: &[u8]) -> bool {
    sniff(bytes).is_some() || is_packed(bytes) || bytes.starts_with(TRANSFER)
}

/// An RDB that is compressed as a whole: its envelope in Valkey's development, and an earlier form of that.
fn is_packed(bytes: &[u8]) -> bool {
    PACKED.iter().any(|magic| bytes.starts_with(magic))
}

const PACKED: [&[u8]; 2] = [b"VCS\x01", b"VKCS"];

/// What a primary sends in front of an RDB of which it does not know the length yet.
const TRANSFER: &[u8] = b"$EOF:";

/// What else the bytes could be.
fn not_rdb(bytes: &[u8]) -> Reason {
    let starts = |magic: &[u8]| magic.starts_with(bytes);
    // So few bytes are asked for that what they begin is told whatever follows them.
    let short: [&[u8]; 3] = [PACKED[0], PACKED[1], TRANSFER];
    let undecided = |magic: &&&[u8]| bytes.len() < magic.len() && starts(magic);
    if let Some(magic) = short.iter().find(undecided) {
        return Reason::Torn { missing: (magic.len() - bytes.len()) as u64 };
    }
    if starts(b"REDIS") || starts(b"VALKEY") {
        return Reason::Torn { missing: HEADER_LEN.saturating_sub(bytes.len()) as u64 };
    }
    if is_packed(bytes) {
        return Reason::PackedRdb;
    }
    match bytes {
        _ if bytes.starts_with(TRANSFER) => Reason::ReplicationTransfer,
        [b'$', digit, ..] if digit.is_ascii_digit() => Reason::ReplicationTransfer,
        _ => Reason::NotRdb,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::rdb::reason::Class;

    fn parse(text: &str) -> Result<Header, Reason> {
        Header::parse(text.as_bytes()).map_err(|fault| fault.reason)
    }

    #[test]
    fn both_families_are_read_with_their_versions() {
        assert_eq!(parse("REDIS0012"), Ok(Header { family: Family::Redis, version: 12 }));
        assert_eq!(parse("VALKEY080"), Ok(Header { family: Family::Valkey, version: 80 }));
        assert_eq!(parse("VALKEY080more"), Ok(Header { family: Family::Valkey, version: 80 }));
    }

    #[test]
    fn a_version_of_the_other_family_is_refused() {
        assert_eq!(parse("REDIS0080"), Err(Reason::VersionOutOfFamily(80)));
        assert_eq!(parse("REDIS0000"), Err(Reason::VersionOutOfFamily(0)));
        assert_eq!(parse("VALKEY011"), Err(Reason::VersionOutOfFamily(11)));
    }

    #[test]
    fn every_cut_of_a_header_is_torn() {
        for text in ["REDIS0012", "VALKEY080"] {
            for cut in 0..text.len() {
                let reason = parse(&text[..cut]).unwrap_err();
                assert_eq!(reason.class(), Class::Torn, "{}", &text[..cut]);
            }
        }
    }

    #[test]
    fn digits_that_are_no_digits_are_located() {
        let fault = Header::parse(b"REDIS00x2").unwrap_err();
        assert_eq!(fault, Fault::new(7, Reason::VersionNotNumber));
    }

    #[test]
    fn other_files_are_named() {
        assert_eq!(parse("*2\r\n$6\r\nSELECT"), Err(Reason::NotRdb));
        assert_eq!(parse("VCS\u{1}\u{1}\0\u{1}"), Err(Reason::PackedRdb));
        assert_eq!(parse("$EOF:0123"), Err(Reason::ReplicationTransfer));
        assert_eq!(parse("$123\r\nREDIS"), Err(Reason::ReplicationTransfer));
        assert_eq!(parse("REDIX0011"), Err(Reason::NotRdb));
    }

    #[test]
    fn newer_versions_are_marked() {
        let redis = |version| Header { family: Family::Redis, version };
        assert!(!redis(17).is_newer_than_known() && redis(18).is_newer_than_known());
        assert!(Header { family: Family::Valkey, version: 99 }.is_newer_than_known());
        let documented = |version| redis(version).is_documented_only();
        assert_eq!([13, 14, 17, 18].map(documented), [false, true, true, false]);
    }
}
