//! What DUMP answers and RESTORE takes: one value outside of an RDB.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | type |
//! | n | value, as behind the key of an RDB |
//! | 2 | version of the format, little-endian: from 80 on that of Valkey |
//! | 8 | CRC-64 of all before it, little-endian |
//!
//! Pure. Read in pieces of any size; the last ten bytes are wanted first, for they say how the others are read.

use super::checksum::Crc64;
use super::deep::{Deep, Flaw};
use super::entry::{Entry, Sink, Token};
use super::header::{Family, HEADER_LEN, Header};
use super::layout::Kind;
use super::pass::{Pass, Progress};
use super::reason::Reason;
use super::strays::Strays;
use super::tables::row;
use super::walk::Walker;
use crate::format::fault::Fault;

/// Bytes behind the value.
pub const FOOTER_LEN: usize = 10;

/// The first version that is Valkey's.
const FIRST_OF_VALKEY: u16 = 80;

/// In front of a value, an RDB has its header, and a key that is empty here.
const BEFORE_VALUE: u64 = HEADER_LEN as u64 + 2;

/// Behind it, the end of the records and no checksum.
const BEHIND_VALUE: [u8; 9] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 0];

/// The end of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Version of the format.
    pub version: u16,
    /// The checksum it tells.
    pub stored: u64,
}

impl Footer {
    /// Reads the last bytes of a payload; `None` when there are fewer than a payload has.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let last = payload.last_chunk::<FOOTER_LEN>()?;
        let (version, stored) = last.split_first_chunk::<2>()?;
        let stored = stored.first_chunk::<8>()?;
        Some(Self { version: u16::from_le_bytes(*version), stored: u64::from_le_bytes(*stored) })
    }

    /// The header of an RDB of that version.
    pub fn header(self) -> Header {
        let family = if self.version >= FIRST_OF_VALKEY { Family::Valkey } else { Family::Redis };
        Header { family, version: self.version.into() }
    }
}

/// What is wrong with the value of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Its structure: at this offset of the payload.
    Fault(u64, Reason),
    /// Bytes behind the value, which servers do not look at.
    Trailing(u64),
    /// Something inside of it.
    Flaw(Box<Flaw>),
    /// It is too large to be opened, or has too much to compare.
    NotOpened,
}

impl Inside {
    /// Whether every server ends that meets it in a log, and does not merely answer an error.
    pub fn ends_all(&self) -> bool {
        let Self::Fault(_, reason) = self else { return false };
        matches!(reason, Reason::StringEncoding(_) | Reason::Container(_) | Reason::NodeId(_))
    }
}

/// What a payload was found to be.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The checksum of its bytes.
    pub computed: u64,
    /// What is wrong with the value, where it was opened.
    pub inside: Option<Inside>,
}

/// Reads one payload.
#[derive(Debug)]
pub struct PayloadReader {
    crc: Crc64,
    /// Bytes that the checksum covers and that are still to come.
    summed_left: u64,
    value: Option<Value>,
}

impl PayloadReader {
    /// For a payload of `len` bytes that ends so; `opens` says whether to look into its value as well.
    pub fn new(footer: Footer, len: u64, opens: bool) -> Self {
        let value_len = len.saturating_sub(FOOTER_LEN as u64);
        Self {
            crc: Crc64::new(),
            summed_left: len.saturating_sub(8),
            value: opens.then(|| Value::new(footer.header(), value_len)),
        }
    }

    /// The next bytes of the payload.
    pub fn take(&mut self, bytes: &[u8]) {
        let summed = usize::try_from(self.summed_left).map_or(bytes.len(), |n| n.min(bytes.len()));
        self.crc.update(&bytes[..summed]);
        self.summed_left -= summed as u64;
        if let Some(value) = &mut self.value {
            value.take(bytes);
        }
    }

    /// All was shown.
    pub fn finish(self) -> Verdict {
        Verdict { computed: self.crc.value(), inside: self.value.and_then(Value::finish) }
    }
}

/// The value, walked as the only one of an RDB.
#[derive(Debug)]
struct Value {
    header: Header,
    pass: Box<Pass>,
    ear: Box<Ear>,
    /// Shown, and not taken yet.
    held: Vec<u8>,
    need: usize,
    /// Bytes of type and value, and those still to come.
    len: u64,
    left: u64,
    end: Option<Result<(), Fault<Reason>>>,
}

impl Value {
    fn new(header: Header, len: u64) -> Self {
        let total = BEFORE_VALUE - 1 + len + BEHIND_VALUE.len() as u64;
        let mut text = match header.family {
            Family::Redis => format!("REDIS{:04}", header.version),
            Family::Valkey => format!("VALKEY{:03}", header.version),
        };
        text.truncate(HEADER_LEN);
        Self {
            header,
            pass: Box::new(Pass::new(Walker::new(0).with_end(total))),
            ear: Box::new(Ear { deep: Deep::of_values(&Strays::default()), end: None }),
            held: text.into_bytes(),
            need: 1,
            len,
            left: len,
            end: None,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mine = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let mut bytes = &bytes[..mine];
        if self.left == self.len
            && let Some((&number, rest)) = bytes.split_first()
        {
            if row(self.header, number).is_none_or(|row| row.kind != Kind::Value) {
                self.end = Some(Err(Fault::new(BEFORE_VALUE - 2, Reason::UnknownNumber(number))));
            }
            self.held.extend([number, 0]);
            bytes = rest;
        }
        self.left -= mine as u64;
        self.held.extend_from_slice(bytes);
        self.push();
    }

    fn push(&mut self) {
        if self.end.is_some() || self.held.len() < self.need {
            return;
        }
        match self.pass.push_with(&self.held, &mut *self.ear) {
            Ok(Progress::More { taken, need }) => {
                self.held.drain(..taken);
                self.need = need;
            }
            Ok(Progress::Done { .. }) => self.end = Some(Ok(())),
            Err(fault) => self.end = Some(Err(fault)),
        }
    }

    fn finish(mut self) -> Option<Inside> {
        self.held.extend_from_slice(&BEHIND_VALUE);
        self.push();
        let total = BEFORE_VALUE - 1 + self.len;
        let end = match self.end.take() {
            Some(end) => end,
            None => Err(self.pass.torn(total)),
        };
        match (self.ear.end, end) {
            (Some(end), _) if end < total => return Some(Inside::Trailing(total - end)),
            (_, Err(fault)) => {
                return Some(Inside::Fault(
                    fault.at.saturating_sub(BEFORE_VALUE - 1),
                    fault.reason,
                ));
            }
            _ => {}
        }
        let report = self.ear.deep.finish();
        let is_left_out = report.unopened > 0 || report.uncompared > 0;
        let flaw = report.flaws.into_iter().next().map(|flaw| Inside::Flaw(Box::new(flaw)));
        flaw.or(is_left_out.then_some(Inside::NotOpened))
    }
}

/// Hears what is wrong inside, and where the value ends.
#[derive(Debug)]
struct Ear {
    deep: Deep,
    end: Option<u64>,
}

impl Sink for Ear {
    const ENTRIES: bool = true;
    const TOKENS: bool = true;

    fn entry(&mut self, entry: &Entry<'_>) {
        self.end.get_or_insert(entry.end);
        self.deep.entry(entry);
    }

    fn token(&mut self, token: &Token<'_>) {
        if self.end.is_none() {
            self.deep.token(token);
        }
    }

    fn more(&mut self, bytes: &[u8]) {
        self.deep.more(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::rdb::checksum::crc64;
    use crate::format::rdb::deep::Wrong;
    use crate::format::rdb::tests::samples::hex;

    fn payload(value: &str, version: u16) -> Vec<u8> {
        let body = [hex(value), version.to_le_bytes().to_vec()].concat();
        [body.clone(), crc64(&body).to_le_bytes().to_vec()].concat()
    }

    fn judged(payload: &[u8], size: usize) -> Verdict {
        let footer = Footer::read(payload).unwrap();
        let mut reader = PayloadReader::new(footer, payload.len() as u64, true);
        payload.chunks(size).for_each(|piece| reader.take(piece));
        reader.finish()
    }

    #[test]
    fn pieces_of_any_size_tell_the_same() {
        for (value, wanted) in [
            ("00 03616263", None),
            ("01 02 0161 0162", None),
            ("10 0f 0f000000 0400 0101 0201 0301 0401 ff", None),
            ("00 03616263 7a", Some(Inside::Trailing(1))),
            ("12 01 03 0161", Some(Inside::Fault(2, Reason::Container(3)))),
            ("63 00", Some(Inside::Fault(0, Reason::UnknownNumber(0x63)))),
            ("fe 00", Some(Inside::Fault(0, Reason::UnknownNumber(0xfe)))),
        ] {
            let bytes = payload(value, 12);
            for size in 1..=bytes.len() {
                let verdict = judged(&bytes, size);
                assert_eq!(verdict.inside, wanted, "{value} by {size}");
                assert_eq!(verdict.computed, Footer::read(&bytes).unwrap().stored, "{value}");
            }
        }
        let torn = judged(&payload("01 09 0161", 12), 4).inside;
        assert!(matches!(torn, Some(Inside::Fault(..))), "{torn:?}");
        let twice = judged(&payload("10 0f 0f000000 0400 0101 0201 0101 0401 ff", 12), 5).inside;
        let Some(Inside::Flaw(flaw)) = twice else { panic!("{twice:?}") };
        assert_eq!((flaw.wrong, flaw.inside), (Wrong::DuplicateMember, Some(10)));
    }

    #[test]
    fn a_version_belongs_to_one_family() {
        let header = |version| Footer { version, stored: 0 }.header();
        assert_eq!(header(79).family, Family::Redis);
        assert_eq!(header(80), Header { family: Family::Valkey, version: 80 });
        assert_eq!(Footer::read(&[0; 9]), None);
    }
}
