//! An RDB in front of a file, looked through as redis-check-aof and valkey-check-aof have it looked through: values and all.
//!
//! One difference is meant: RDBs of Valkey 9, which redis-check-aof does not know, are read as well.

use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb::{self, Checksum, Deep, Entry, Family, Header, Place, Reason, Token};
use crate::format::resp::lenient;

/// Opcode of an auxiliary field, and of a change of the database.
const FIELD: u8 = 250;
const DATABASE: u8 = 254;

/// Types of hashes with fields that expire.
const FIELD_EXPIRES: [u8; 4] = [22, 23, 24, 25];

/// Fields and changes of the database whose places are kept; no server writes more than a few.
const MARKS: usize = 20_000;

/// Whose program looks through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// redis-check-aof 8.6.
    Redis,
    /// valkey-check-aof 9.1.
    Valkey,
}

/// The newest version that the tool of Redis reads.
const NEWEST_OF_REDIS: i64 = 13;

/// Versions of Redis after it parted from Valkey, and types that Valkey takes for none of its own under those.
const FOREIGN_VERSIONS: std::ops::RangeInclusive<u32> = 12..=79;
const FOREIGN_TYPES: std::ops::RangeInclusive<u8> = 22..=243;

impl Tool {
    /// Whether it says of a version that it is not its own.
    pub fn finds_foreign(self, header: Header) -> bool {
        let is_redis = header.family == Family::Redis;
        self == Self::Valkey && is_redis && FOREIGN_VERSIONS.contains(&header.version)
    }

    fn newest(self) -> i64 {
        match self {
            Self::Redis => NEWEST_OF_REDIS,
            Self::Valkey => (*FOREIGN_VERSIONS.end()).into(),
        }
    }
}

/// What a look through an RDB showed.
#[derive(Clone, Debug)]
pub struct Preamble {
    /// Fields and changes of the database, in the order of the file.
    pub marks: Vec<Mark>,
    /// Its auxiliary fields.
    pub fields: rdb::Fields,
    /// Keys that were whole.
    pub keys: u64,
    /// Those with an expiry.
    pub expires: u64,
    /// Those whose expiry has passed.
    pub expired: u64,
    /// Hashes with fields that expire.
    pub field_expires: u64,
    /// Libraries of functions.
    pub functions: u64,
    /// Its version, where the header is whole.
    pub header: Option<Header>,
    /// How it ended.
    pub end: End,
}

/// Something that is told on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The next auxiliary field, which ends at the offset.
    Field(u64),
    /// Another database.
    Database {
        /// Offset behind its number.
        end: u64,
        /// Its number.
        db: u64,
    },
}

/// How an RDB ended.
#[derive(Clone, Debug)]
pub enum End {
    /// Sound.
    Sound {
        /// Offset behind it, in bytes.
        end: u64,
        /// Whether it carries a checksum.
        is_summed: bool,
    },
    /// The checksum does not fit; the RDB ends at the offset.
    Checksum(u64),
    /// A version that is not read.
    Version(i64),
    /// A type that the tool takes for none of its own, and the offset behind its number.
    Foreign {
        /// That offset.
        at: u64,
        /// The number.
        number: u8,
    },
    /// The structure is broken at the offset.
    Fault(u64, Reason, Box<Place>),
    /// Something is wrong inside of a value.
    Flaw(Box<rdb::deep::Flaw>),
}

/// Looks through the RDB at offset 0; `now_ms` (Unix milliseconds) tells which keys have expired.
///
/// # Errors
/// When the bytes cannot be read.
pub fn preamble(source: &mut dyn Source, now_ms: i64, tool: Tool) -> Result<Preamble> {
    let (deep, found) = (Deep::new(), empty());
    let header = source.window(0, rdb::HEADER_LEN)?;
    let is_foreign = Header::parse(header).is_ok_and(|header| tool.finds_foreign(header));
    let version = unread(header, tool);
    let mut listener = Listener { now_ms, deep, found, is_open: false, is_foreign, refused: None };
    if let Some(version) = version {
        listener.found.end = End::Version(version);
        return Ok(listener.found);
    }
    let mut walker = rdb::Walker::new(0);
    if let Some(len) = source.length() {
        walker = walker.with_end(len);
    }
    let mut pass = rdb::Pass::new(walker);
    let fault = drive(source, &mut pass, &mut listener)?;
    source.settle()?;
    let Listener { deep, mut found, refused, .. } = listener;
    found.header = pass.walker().header();
    found.fields = pass.walker().fields().clone();
    let flaws = deep.finish().flaws;
    // A key that stands twice is met by loaders only.
    let is_met = |flaw: &rdb::deep::Flaw| {
        flaw.wrong != rdb::deep::Wrong::DuplicateKey && !flaw.is_taken_by_most()
    };
    let flaw = flaws.into_iter().find(is_met);
    if let Some((at, number)) = refused {
        found.end = End::Foreign { at, number };
        return Ok(found);
    }
    found.end = match (flaw, fault, pass.outcome()) {
        (Some(flaw), ..) => End::Flaw(Box::new(flaw)),
        (None, None, Some(walked)) => match walked.checksum {
            Checksum::Mismatch { .. } => End::Checksum(walked.outcome.end),
            checksum => End::Sound {
                end: walked.outcome.end,
                is_summed: matches!(checksum, Checksum::Match(_)),
            },
        },
        (None, fault, _) => {
            let fault = fault.unwrap_or_else(|| pass.torn(pass.offset()));
            let place = pass.walker().place();
            // A key counts as read before its value is.
            found.keys += u64::from(place.key.is_some());
            End::Fault(fault.at, fault.reason, Box::new(place))
        }
    };
    Ok(found)
}

fn empty() -> Preamble {
    Preamble {
        marks: Vec::new(),
        fields: rdb::Fields::default(),
        keys: 0,
        expires: 0,
        expired: 0,
        field_expires: 0,
        functions: 0,
        header: None,
        end: End::Version(0),
    }
}

/// The version in a whole header that is not read.
fn unread(header: &[u8], tool: Tool) -> Option<i64> {
    let digits = header.get(Family::Redis.magic().len()..rdb::HEADER_LEN)?;
    if rdb::sniff(header) != Some(Family::Redis) {
        return None;
    }
    let version = lenient::number(digits).value;
    (version < 1 || version > tool.newest()).then_some(version)
}

/// Shows all of the RDB to `pass`; answers the fault that stops it.
fn drive(
    source: &mut dyn Source,
    pass: &mut rdb::Pass,
    listener: &mut Listener,
) -> Result<Option<crate::format::fault::Fault<Reason>>> {
    let mut need = 1;
    loop {
        let at = pass.offset();
        let window = source.window(at, need)?;
        if window.len() < need {
            return Ok(Some(pass.torn(at + window.len() as u64)));
        }
        match pass.push_with(window, listener) {
            Ok(rdb::Progress::More { need: more, .. }) => need = more,
            Ok(rdb::Progress::Done { .. }) => return Ok(None),
            Err(fault) => return Ok(Some(fault)),
        }
    }
}

struct Listener {
    now_ms: i64,
    deep: Deep,
    found: Preamble,
    /// The last mark still waits for its end.
    is_open: bool,
    /// Newer types are none of the tool's own.
    is_foreign: bool,
    /// Where it stopped at one, and its number.
    refused: Option<(u64, u8)>,
}

impl rdb::Sink for Listener {
    const ENTRIES: bool = true;
    const TOKENS: bool = true;

    fn entry(&mut self, entry: &Entry<'_>) {
        if self.refused.is_some() {
            return;
        }
        self.found.keys += 1;
        self.found.expires += u64::from(entry.expire_ms.is_some());
        self.found.expired += u64::from(entry.expire_ms.is_some_and(|at| at < self.now_ms));
        // Of a hash whose fields all lost theirs the encoding stays, and the tool does not count it.
        let has_field_expires = entry.family == Family::Redis
            && FIELD_EXPIRES.contains(&entry.row.number)
            && entry.field_ttls != Some(0);
        self.found.field_expires += u64::from(has_field_expires);
        self.deep.entry(entry);
    }

    fn library(&mut self, _: &rdb::Library<'_>) {
        self.found.functions += u64::from(self.refused.is_none());
    }

    fn token(&mut self, token: &Token<'_>) {
        if self.refused.is_some() {
            return;
        }
        if self.is_open {
            match self.found.marks.last_mut() {
                Some(Mark::Field(end)) => *end = token.at,
                Some(Mark::Database { end, db }) => (*end, *db) = (token.at, token.db),
                None => {}
            }
        }
        let number = token.row.map(|row| row.number);
        let is_refused = |number: &u8| self.is_foreign && FOREIGN_TYPES.contains(number);
        if let Some(number) = number.filter(is_refused).filter(|_| token.begins_record()) {
            self.refused = Some((token.at + 1, number));
            return;
        }
        let begins = token.begins_record() && self.found.marks.len() < MARKS;
        match number {
            Some(FIELD) if begins => self.found.marks.push(Mark::Field(token.at)),
            Some(DATABASE) if begins => {
                self.found.marks.push(Mark::Database { end: token.at, db: 0 });
            }
            _ => {}
        }
        self.is_open = matches!(number, Some(FIELD | DATABASE));
        self.deep.token(token);
    }

    fn more(&mut self, bytes: &[u8]) {
        self.deep.more(bytes);
    }
}
