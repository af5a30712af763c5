//! `Error`: an operation could not be done. Damage in a file is never an `Error`; it is data.
//!
//! Rules: an error names the path, and the byte offset where there is one; its kind decides the exit
//! status; wording lives in `Display`, once.

use std::any::Any;
use std::fmt::{self, Write};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::text;

/// The result of an operation of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation that could not be done: what, on which path, at which offset. One word wide.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    path: PathBuf,
    offset: Option<u64>,
    source: Option<io::Error>,
    hint: Option<String>,
}

/// What kind of operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such path, or nothing at that path that aofkit knows.
    NotFound,
    /// The system refused or failed to read.
    Io,
    /// The file became shorter than it was when it was opened, or vanished.
    Shrank {
        /// Length in bytes when it was opened.
        frozen: u64,
        /// Length in bytes now.
        now: u64,
    },
    /// The set changed each time it was opened.
    KeepsChanging,
    /// A symbolic link leads out of the set's directory.
    LeavesSet,
    /// A configuration file cannot be understood.
    Conf(String),
    /// The compressed stream is damaged or needs more memory than is allowed.
    Compressed,
    /// The file is larger than a file of its kind can sensibly be.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// What was planned does not fit any more: something changed since.
    Stale(String),
    /// Another process has the files open, or works on the set.
    InUse(String),
    /// It can be done, and is not, for this reason.
    Refused(Reason),
    /// It was not tried, for this reason, so that nothing is known of how it would end.
    NotTried(String),
    /// Asked to stop before anything was changed.
    Interrupted,
    /// The file system has not as much room as is needed.
    NoRoom {
        /// Bytes that are needed, the reserve included.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A file that is no append-only file at all: what it is, and what helps.
    Foreign {
        /// What it is, and what helps.
        told: String,
        /// It is a log of a product that is known by name.
        is_product: bool,
    },
    /// A repository, or what was to become a backup, is not as it must be.
    BadBackup(String),
    /// A running server cannot be reached, or does not answer; the path is its address.
    Server(String),
}

/// Why something is refused: a fact of whoever refuses it, which gets its words when it is shown. Two are equal whose words are.
#[derive(Clone, Debug)]
pub struct Reason(Arc<dyn Fact>);

/// What can be a reason: anything that has words. A program asks for the type of those that it knows, by [`Error::refusal`].
pub trait Fact: Any + fmt::Debug + fmt::Display + Send + Sync {}

impl<T: Any + fmt::Debug + fmt::Display + Send + Sync> Fact for T {}

impl<T: Fact> From<T> for Reason {
    fn from(fact: T) -> Self {
        Self(Arc::new(fact))
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for Reason {}

impl ErrorKind {
    /// Its name in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Io => "io",
            Self::Shrank { .. } => "shrank",
            Self::KeepsChanging => "keeps-changing",
            Self::LeavesSet => "leaves-set",
            Self::Conf(_) => "configuration",
            Self::Compressed => "compressed",
            Self::TooLarge { .. } => "too-large",
            Self::Stale(_) => "stale",
            Self::InUse(_) => "in-use",
            Self::Refused(_) => "refused",
            Self::NotTried(_) => "not-tried",
            Self::Foreign { .. } => "foreign-file",
            Self::Interrupted => "interrupted",
            Self::NoRoom { .. } => "no-room",
            Self::BadBackup(_) => "bad-backup",
            Self::Server(_) => "server",
        }
    }
}

impl Error {
    /// An error of `kind` on `path`.
    #[cold]
    pub fn new(kind: ErrorKind, path: &Path) -> Self {
        Self(Box::new(Inner {
            kind,
            path: path.to_owned(),
            offset: None,
            source: None,
            hint: None,
        }))
    }

    /// That what could be done on `path` is not done.
    #[cold]
    pub fn refused(why: impl Fact, path: &Path) -> Self {
        Self::new(ErrorKind::Refused(why.into()), path)
    }

    /// A failed system call on `path`.
    #[cold]
    pub fn io(path: &Path, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Io,
        };
        Self(Box::new(Inner {
            kind,
            path: path.to_owned(),
            offset: None,
            source: Some(source),
            hint: None,
        }))
    }

    /// A compressed stream that cannot be read on.
    #[cold]
    pub fn compressed(path: &Path, source: io::Error) -> Self {
        Self(Box::new(Inner {
            kind: ErrorKind::Compressed,
            path: path.to_owned(),
            offset: None,
            source: Some(source),
            hint: None,
        }))
    }

    /// The same error at a byte offset of its file.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    /// The same error with what helps against it, such as an option, or what else is to be known; behind what is there.
    #[must_use]
    pub fn hint(mut self, hint: String) -> Self {
        self.0.hint = Some(match self.0.hint.take() {
            Some(before) => format!("{before}; {hint}"),
            None => hint,
        });
        self
    }

    /// What kind of operation failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Why it is refused, where that is a fact of this type: such as a [`crate::Refusal`].
    pub fn refusal<T: Fact>(&self) -> Option<&T> {
        let ErrorKind::Refused(Reason(why)) = self.kind() else { return None };
        (&**why as &dyn Any).downcast_ref()
    }

    /// The path it happened on.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The byte offset it happened at, where that means something.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Reasons may repeat what a file, a server or a module said.
        let f = &mut text::Tamed(f);
        write!(f, "{}: ", text::name(self.0.path.as_os_str().as_encoded_bytes()))?;
        if let Some(at) = self.0.offset {
            write!(f, "byte {at} ({at:#x}): ")?;
        }
        self.reason(f)?;
        match &self.0.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// What went wrong, without where.
    fn reason(&self, f: &mut impl Write) -> fmt::Result {
        match (&self.0.kind, &self.0.source) {
            (ErrorKind::Compressed, Some(e)) => write!(
                f,
                "the zstd stream cannot be read on ({e}); if it was written with a long window, \
                 pipe it through `zstd -dc --long=31`"
            ),
            (_, Some(e)) => write!(f, "{e}"),
            (ErrorKind::NotFound, None) => f.write_str("no AOF set, segment or RDB file here"),
            (ErrorKind::Shrank { frozen, now }, None) => write!(
                f,
                "the file shrank while it was read: {frozen} bytes when opened, {now} now; \
                 run again to see it as it is"
            ),
            (ErrorKind::KeepsChanging, None) => {
                f.write_str("the set changed each time it was opened; try again")
            }
            (ErrorKind::LeavesSet, None) => {
                f.write_str("a symbolic link leads out of the set's directory; not followed")
            }
            (
                ErrorKind::Conf(why)
                | ErrorKind::Stale(why)
                | ErrorKind::InUse(why)
                | ErrorKind::BadBackup(why)
                | ErrorKind::Server(why)
                | ErrorKind::NotTried(why)
                | ErrorKind::Foreign { told: why, .. },
                None,
            ) => f.write_str(why),
            (ErrorKind::Refused(Reason(why)), None) => write!(f, "{why}"),
            (ErrorKind::Interrupted, None) => f.write_str("interrupted; nothing was changed"),
            (ErrorKind::NoRoom { needed, free }, None) => write!(
                f,
                "{} of room are needed here, and {} are free",
                text::count(*needed, "byte"),
                text::thousands(*free)
            ),
            (ErrorKind::TooLarge { limit }, None) => {
                write!(f, "larger than the {limit} bytes a file of this kind may have")
            }
            (ErrorKind::Io | ErrorKind::Compressed, None) => f.write_str("cannot be read"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|e| e as _)
    }
}
