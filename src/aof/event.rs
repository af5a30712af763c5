//! What a segment consists of: events whose spans tile it, without gap or overlap.

use crate::command::CommandId;
use crate::disk::Source;
use crate::error::Result;
use crate::format::fault::Fault;
use crate::format::{annotation, rdb, resp};
use crate::limits;

/// One piece of a segment. Lives for the call that hands it out.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// An RDB part, from its magic to its trailer.
    Rdb(&'a RdbPart),
    /// One whole record, and the command it names when any known server has such a command.
    Record(resp::Record<'a>, Option<CommandId>),
    /// A header that announces no arguments (`*0`): redis-check-aof passes over it, no loader does.
    Hollow {
        /// Offset of its first byte.
        start: u64,
        /// Bytes it takes.
        len: u64,
        /// Whether redis-check-aof refuses its line all the same.
        refused_by_checker: bool,
    },
    /// One annotation line.
    Annotation {
        /// Offset of its first byte.
        start: u64,
        /// Bytes it takes.
        len: u64,
        /// What it says.
        kind: annotation::Kind,
        /// The data ends before its line does: loaders skip it, and what is appended becomes a part of it.
        is_open: bool,
    },
    /// Bytes that belong to nothing.
    Damage(&'a Damage),
}

impl Event<'_> {
    /// Offset of its first byte and of the first byte after it.
    #[inline]
    pub fn span(&self) -> (u64, u64) {
        match *self {
            Self::Rdb(part) => (part.start, part.end),
            Self::Record(record, _) => (record.start, record.end()),
            Self::Hollow { start, len, .. } | Self::Annotation { start, len, .. } => {
                (start, start + len)
            }
            Self::Damage(damage) => (damage.start, damage.end),
        }
    }
}

/// Something in an RDB part. The event of that part follows, and spans it.
#[derive(Clone, Copy, Debug)]
pub enum RdbItem<'a> {
    /// A key.
    Key(&'a rdb::Entry<'a>),
    /// A function library.
    Library(&'a rdb::Library<'a>),
    /// An opcode that is about no single key.
    Opcode(&'a rdb::Opcode),
    /// A piece of the value that was opened last; its key follows.
    Piece(&'a rdb::Piece<'a>),
    /// What was found inside of all values.
    Flaws(&'a rdb::deep::Report),
}

/// The RDB part of a segment, whose structure was walked to its end.
#[derive(Clone, Debug)]
pub struct RdbPart {
    /// Offset of its magic.
    pub start: u64,
    /// Offset after its trailer.
    pub end: u64,
    /// What the walk found, and what the checksum over all of it says.
    pub walked: rdb::Walked,
}

/// An RDB part that could not be walked to its end.
#[derive(Clone, Debug)]
pub struct RdbStop {
    /// Family and version, when they could be read.
    pub header: Option<rdb::Header>,
    /// Auxiliary fields read so far.
    pub fields: rdb::Fields,
    /// Where the walk stopped, and among which keys.
    pub place: rdb::Place,
    /// Types and opcodes up to there, the one it stopped in included.
    pub met: Vec<rdb::Met>,
    /// Modules up to there.
    pub modules: Vec<rdb::Module>,
    /// A checksum fits all of its bytes: nothing is broken, it is only not understood. `Some(false)`: none does, wherever
    /// it might end. `None` when that could not be tried.
    pub intact: Option<bool>,
}

impl RdbStop {
    /// Whether it has something of which no server was run, so that what looks broken may be our ignorance.
    pub fn goes_beyond_servers(&self) -> bool {
        self.header.is_some_and(|header| {
            header.is_newer_than_known()
                || self.met.iter().any(|met| met.row.is_documented_only(header.family))
        })
    }

    /// What kind of trouble `reason` is, given the checksum. A number that nobody knows is damage when no checksum
    /// fits; a layout that does not fit is only not understood when the checksum does, and no server that writes it
    /// was run.
    pub fn class(&self, reason: rdb::Reason) -> rdb::Class {
        match (reason.class(), self.intact) {
            (rdb::Class::Unsupported, Some(false)) => rdb::Class::Malformed,
            (rdb::Class::Malformed | rdb::Class::Torn, Some(true)) => rdb::Class::Unsupported,
            (class, _) => class,
        }
    }
}

/// A range of bytes that no record, annotation or RDB part accounts for.
#[derive(Clone, Debug)]
pub struct Damage {
    /// Offset of the first byte: the end of the last whole thing before it.
    pub start: u64,
    /// Offset of the first sound byte after it, or the end of the data.
    pub end: u64,
    /// The token that is wrong.
    pub fault: Fault<Why>,
    /// How it ends.
    pub ending: Ending,
    /// What follows the range may also be look-alikes in the value of the record that begins with it, and that the
    /// end of the data tears off.
    pub is_doubtful: bool,
    /// Sound records may turn out to begin again earlier when there are more bytes: the search for them passed over something
    /// that the data ends in. Only a source that knows its length from the beginning always tells it: a stream may end without
    /// having seen that anything was passed over.
    pub met_end: bool,
    /// Where it is doubtful, and the records that follow, up to this end of the data, are rather a part of the value:
    /// no argument can end where they begin, or the last of them is torn off.
    pub value_to: Option<u64>,
    /// What a loader meets here.
    pub loader: LoaderMeets,
    /// What one wrong byte explains of it.
    pub mended: Option<Mended>,
    /// A few bytes around the fault.
    pub context: Excerpt,
    /// More about it when it begins in an RDB part.
    pub rdb: Option<Box<RdbStop>>,
}

impl Damage {
    /// Whether it begins with a record whose headers end in LF alone, and no CR is near: something took the log for text, an
    /// editor or a copy that converts line ends. Lines of a value alone prove nothing.
    pub fn has_lost_carriage_returns(&self) -> bool {
        let around = &self.context.bytes;
        let begins =
            self.start.checked_sub(self.context.start).and_then(|at| usize::try_from(at).ok());
        let record = begins.and_then(|at| around.get(at..)).unwrap_or_default();
        let is_terminator =
            matches!(self.fault.reason, Why::Resp(resp::Reason::BadTerminator { .. }));
        let behind = after_header(record, b'*').and_then(|rest| after_header(rest, b'$'));
        is_terminator && behind.is_some() && !around.contains(&b'\r')
    }

    /// Whether nothing says that it is damaged: an RDB part that aofkit has not learnt to read.
    pub fn is_not_understood(&self) -> bool {
        match (self.fault.reason, &self.rdb) {
            (Why::Rdb(reason), Some(stop)) => stop.class(reason) == rdb::Class::Unsupported,
            _ => false,
        }
    }

    /// Whether the checksum says that every byte of it is as it was written.
    pub fn is_intact(&self) -> bool {
        self.rdb.as_ref().is_some_and(|stop| stop.intact == Some(true))
    }
}

/// What one wrong byte in a header line explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// The range is exactly one record.
    Record,
    /// The record that was read before the range has swallowed the beginning of the one that ends with the
    /// range: its last length is wrong.
    Swallowed {
        /// Offset of the record that is wrong.
        record: u64,
        /// Offset at which it truly ends and the other begins.
        next: u64,
    },
}

/// Why bytes are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Not a record.
    Resp(resp::Reason),
    /// Not an RDB.
    Rdb(rdb::Reason),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resp(reason) => reason.fmt(f),
            Self::Rdb(reason) => reason.fmt(f),
        }
    }
}

/// How a damaged range ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a record torn by the end of the data, and no sound record after its beginning.
    Torn,
    /// With NUL bytes up to the end of the data.
    Zeros,
    /// With other bytes up to the end of the data.
    Garbage,
    /// With sound records.
    Resumes,
    /// With the end of the data; but sound records were seen inside, too far back in a stream to be
    /// read again. The first of them lay at this offset.
    Unread(u64),
    /// With the end of the data, which is the end of a sound record: it begins at this offset, before the range,
    /// where the record before it has swallowed it.
    Crossed(u64),
}

/// What a loader that reads on blindly meets at a damaged place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoaderMeets {
    /// The end of the file: it cuts off what it has read of the record, and everything it took for it.
    EndOfFile,
    /// A byte it cannot take.
    BadFormat,
    /// A byte it cannot take at this offset, behind what it took for a record: it passes over the two bytes that should
    /// be the line end of its last argument.
    BadFormatBehind(u64),
    /// What it takes for an error of reading: a NUL byte in the place of a count, and no end of the file near.
    ReadError,
    /// A length that crashes it, whatever server it is.
    Crash,
    /// A length it has to allocate before it finds that the file ends.
    Allocation(u64),
}

/// Bytes around a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Offset of the first of them.
    pub start: u64,
    /// At most [`crate::limits::CONTEXT`] bytes.
    pub bytes: Vec<u8>,
}

/// What stands behind a header line of this kind that ends in LF alone.
fn after_header(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let digits = bytes.strip_prefix(&[kind])?;
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits[len..].strip_prefix(b"\n").filter(|_| len > 0)
}

/// A few bytes around `at`, as far as they can still be read.
pub(super) fn context(source: &mut dyn Source, at: u64) -> Result<Excerpt> {
    let start = at.saturating_sub(limits::CONTEXT as u64 / 2).max(source.oldest());
    let bytes = source.peek(start, limits::CONTEXT)?;
    Ok(Excerpt { start, bytes: bytes[..bytes.len().min(limits::CONTEXT)].to_vec() })
}
