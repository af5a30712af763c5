//! Why a loader refuses a manifest: its own list of complaints, with what it does not say.

use super::LINE_MAX;

/// Why a loader refuses a manifest, and on which line.
///
/// A refused manifest stops a server at startup, also one with `appendonly no`: it is read in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}; a server that finds this stops at startup, even with appendonly no", Line(*.line))]
pub struct Reason {
    /// The line, counted from 1 as the loader counts and logs it; 0 when there is no line at all.
    ///
    /// A comment longer than [`LINE_MAX`] counts as several lines.
    pub line: u64,
    /// What is wrong with it.
    pub kind: Kind,
}

/// The line a complaint is about, where it is about one.
struct Line(u64);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => Ok(()),
            line => write!(f, "line {line}: "),
        }
    }
}

/// What a loader refuses; one variant for each message it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// A directory stands in its place.
    #[error("it is a directory")]
    Directory,
    /// No bytes at all.
    #[error("the manifest is empty (0 bytes)")]
    Empty,
    /// No LF where one must be.
    #[error("{0}")]
    TooLong(Unended),
    /// Not pairs of words, or not all that are needed.
    #[error("{0}")]
    Invalid(Malformed),
    /// A file name with `/` or `\`.
    #[error(
        "the file name contains '/' or '\\'; only plain names inside the AOF directory are allowed"
    )]
    Path,
    /// A second base.
    #[error("a second base file; line {first} names one already")]
    DuplicateBase {
        /// The line of the first base.
        first: u64,
    },
    /// An increment whose number does not ascend.
    #[error("increment seq {seq} is not above {previous}; increments must ascend from 1")]
    NonMonotonic {
        /// The number on this line.
        seq: i64,
        /// The highest number of the increments before it; 0 when there are none.
        previous: i64,
    },
    /// A type whose first byte is none of `b`, `h`, `i`.
    #[error("unknown file type '{}'; only b, h and i (lower case) are known", .0.escape_ascii())]
    UnknownType(u8),
}

impl Kind {
    /// The sentence a server logs for it, to look for in its log.
    pub const fn server_message(&self) -> &'static str {
        match self {
            Self::Directory => "The AOF manifest file is a directory",
            Self::Empty => "Found an empty AOF manifest",
            Self::TooLong(_) => "The AOF manifest file contains too long line",
            Self::Invalid(_) => "Invalid AOF manifest file format",
            Self::Path => "File can't be a path, just a filename",
            Self::DuplicateBase { .. } => "Found duplicate base file information",
            Self::NonMonotonic { .. } => "Found a non-monotonic sequence number",
            Self::UnknownType(_) => "Unknown AOF file type",
        }
    }
}

/// Why the loader sees no LF at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unended {
    /// The line fills the loader's buffer.
    #[error("the line is longer than {LINE_MAX} bytes")]
    Long,
    /// The file ends within the line.
    #[error("the last line does not end in a line feed; the file may have been cut short")]
    Cut,
    /// A NUL stands in the line and hides what follows.
    #[error("the line contains a NUL byte; the file may have lost data in a power failure")]
    Nul,
}

/// Why a line is no list of pairs that names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Nothing but blanks.
    #[error("the line is blank; blank lines are not allowed anywhere, not at the end either")]
    Blank,
    /// A quote is not closed, or something stands directly after a closing quote.
    #[error("the quotes on the line do not balance, or text follows a closing quote")]
    Quotes,
    /// An odd number of words, or fewer than 6.
    #[error("{0} words on the line; it takes an even number of at least 6")]
    Count(usize),
    /// No `file`.
    #[error("the line has no file name")]
    NoFile,
    /// No `seq`, or one that reads as 0.
    #[error("seq is missing, zero or not a number")]
    NoSeq,
    /// No `type`, or an empty one.
    #[error("type is missing or empty")]
    NoType,
}
