//! What a loader accepts and an operator should not: lines that are valid and lose data all the same.
//!
//! Source: recorded runs of Redis 7.0, 8.2 and Valkey 9.1 over `testdata/cases/aof-manifest-cases.tsv`.

use std::fmt;

use super::{Key, LINE_MAX, Role};

/// Rewrites that must be left before a sequence number reaches 2^63 - 1; with fewer,
/// [`super::hazards`] warns.
///
/// Each rewrite takes one. At one in a second, this is twelve days.
pub const SEQ_HEADROOM: u64 = 1 << 20;

/// Something in a valid manifest that does harm, or shows that somebody edited it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// The line it is about, counted from 1; 0 when it is about all of them.
    pub line: u64,
    /// Byte offset in the manifest where that line begins.
    pub at: u64,
    /// What it is.
    pub kind: HazardKind,
}

impl Hazard {
    /// How much it matters.
    pub const fn level(&self) -> Level {
        self.kind.level()
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        self.kind.fmt(f)
    }
}

/// How much a [`Hazard`] matters, rising.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is lost but the thing itself.
    Info,
    /// No server writes this; what was meant may not be what is read.
    Warning,
    /// Data is lost or doubled, or the set becomes unreadable, by things servers and tools do of
    /// their own accord.
    Danger,
}

/// What is wrong with a manifest that a loader accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HazardKind {
    /// Neither a base nor an increment.
    #[error("no base and no increment is listed{}; a server starts with an empty dataset", if *.history { " (only history files, which it deletes)" } else { "" })]
    NothingToLoad {
        /// There are history lines.
        history: bool,
    },
    /// Increments, but no base.
    #[error("no base is listed; the increments are applied to an empty dataset")]
    NoBase,
    /// A sequence number below 1.
    #[error("{role} seq {seq} is not positive; rewrites count it up to 0, which no server loads")]
    SeqNotPositive {
        /// Of which file.
        role: Role,
        /// The number.
        seq: i64,
    },
    /// A sequence number close to the largest.
    #[error(
        "{role} seq {seq} leaves {left} rewrites before {}; then it wraps to a negative number, and an increment with one is not loaded",
        i64::MAX
    )]
    SeqNearEnd {
        /// Of which file.
        role: Role,
        /// The number.
        seq: i64,
        /// How often it can still be counted up.
        left: u64,
    },
    /// Increments whose numbers do not follow each other.
    #[error(
        "increment seq {seq} follows {previous}; servers number increments without gaps, so a line may be missing"
    )]
    SeqGap {
        /// The number on the line before.
        previous: i64,
        /// The number on this line.
        seq: i64,
    },
    /// A live file listed a second time.
    #[error("'{}' is loaded already by line {first}; its commands are applied twice", .name.escape_ascii())]
    ListedTwice {
        /// The file.
        name: Vec<u8>,
        /// The line that names it first.
        first: u64,
    },
    /// A history line with the name of a live file.
    #[error("'{}' is listed as history, but line {live} loads it; the server deletes the live file after loading", .name.escape_ascii())]
    HistoryNamesLive {
        /// The file.
        name: Vec<u8>,
        /// The line that loads it.
        live: u64,
    },
    /// The name `.`, `..` or nothing.
    #[error("the name '{}' is a directory; the server stops when it reads it", .name.escape_ascii())]
    NameIsDirectory {
        /// The name.
        name: Vec<u8>,
        /// Whose name it is; the name of a history file does no harm.
        role: Role,
    },
    /// The first line that is no comment does not begin with `file`.
    #[error(
        "the first line does not begin with 'file'; redis-check-aof takes the manifest for a log, and its --fix cuts it to 0 bytes"
    )]
    NotRecognised,
    /// A name that servers write without the quotes it needs.
    #[error("'{}' has an apostrophe, which servers do not quote; the next manifest they write cannot be loaded", .name.escape_ascii())]
    Apostrophe {
        /// The name.
        name: Vec<u8>,
    },
    /// A name that escapes make too long.
    #[error(
        "a server writes this line with {bytes} bytes, more than the {LINE_MAX} it reads; the next manifest cannot be loaded"
    )]
    Outgrows {
        /// Bytes of the line as a server writes it, LF included.
        bytes: usize,
    },
    /// A number with something before or after it, with no digits, or too large.
    #[error("{key} '{}' is not a plain number; servers read it as {read}", .given.escape_ascii())]
    OddNumber {
        /// Whose value it is.
        key: Key,
        /// The value as it stands.
        given: Vec<u8>,
        /// What is read.
        read: i64,
    },
    /// A key more than once.
    #[error("{key} stands more than once; the last one counts")]
    Repeated {
        /// The key.
        key: Key,
    },
    /// Something directly after a closing quote.
    #[error(
        "something stands directly after a closing quote; Valkey 9.1 reads this, Redis and older Valkey do not"
    )]
    Joined,
    /// A raw byte 0xff in a word.
    #[error("a raw byte 0xff stands in a word; Redis keeps it, Valkey drops it")]
    RawFf,
    /// An entry that is the end of a comment.
    #[error(
        "this is the end of a comment of more than {LINE_MAX} bytes; servers take it for a line of its own"
    )]
    CommentTail,
    /// A key no server known to us reads.
    #[error("unknown key '{}'; servers ignore it and drop it at the next rewrite", .key.escape_ascii())]
    UnknownKey {
        /// The key as it stands.
        key: Vec<u8>,
    },
    /// An end offset.
    #[error(
        "endoffset {offset} is left from a shutdown; Redis 8 removes it when it starts, other servers keep it while the file grows"
    )]
    EndOffset {
        /// The replication offset.
        offset: i64,
    },
}

impl HazardKind {
    /// How much it matters.
    pub const fn level(&self) -> Level {
        match self {
            Self::NothingToLoad { .. }
            | Self::SeqNotPositive { .. }
            | Self::SeqNearEnd { .. }
            | Self::ListedTwice { .. }
            | Self::HistoryNamesLive { .. }
            | Self::NameIsDirectory { role: Role::Base | Role::Increment, .. }
            | Self::NotRecognised
            | Self::Apostrophe { .. }
            | Self::Outgrows { .. } => Level::Danger,
            Self::NoBase
            | Self::SeqGap { .. }
            | Self::NameIsDirectory { role: Role::History, .. }
            | Self::OddNumber { .. }
            | Self::Repeated { .. }
            | Self::Joined
            | Self::RawFf
            | Self::CommentTail => Level::Warning,
            Self::UnknownKey { .. } | Self::EndOffset { .. } => Level::Info,
        }
    }
}
