//! What is going to happen to a set: a value that can be printed, judged and carried out.

use std::path::PathBuf;
use std::sync::Arc;

use super::loss::Loss;
use crate::disk::{FilePath, FrozenFile, Stamp};
use crate::error::Result;
use crate::rules::Target;

/// Whose plan it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `repair`
    Repair,
    /// `rewind`
    Rewind,
    /// `clean`
    Clean,
    /// `convert`
    Convert,
    /// `repair --undo`
    Undo,
    /// A cut asked for as redis-check-aof is asked for it.
    CheckAof,
}

impl Verb {
    /// Its name on the command line and in journals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Rewind => "rewind",
            Self::Clean => "clean",
            Self::Convert => "convert",
            Self::Undo => "undo",
            Self::CheckAof => "redis-check-aof",
        }
    }
}

/// A file as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name, without directory.
    pub name: Arc<[u8]>,
    /// Where it lies.
    pub at: FilePath,
    /// How it was; `None` when it was not there.
    pub stamp: Option<Stamp>,
    /// It has no name any more, and is there as long as a process has it open.
    pub is_held: bool,
}

/// A piece of a segment's new content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of a file of the set as it is.
    Keep {
        /// Position in [`Plan::files`], which for segments is that in [`crate::aof::Aof::segments`].
        file: usize,
        /// Offset of the first byte.
        from: u64,
        /// Offset after the last byte.
        to: u64,
    },
    /// Bytes that were not there, such as a SELECT put back.
    Insert(Vec<u8>),
    /// What a sieve leaves of a file.
    Sifted {
        /// Position in [`Plan::files`].
        file: usize,
        /// How many bytes that is.
        len: u64,
        /// The sieve.
        sieve: Sieve,
    },
}

/// Makes a piece of a file while it is written, where what is left of it lies in more places than can be listed.
pub trait Sift: std::fmt::Debug + Send + Sync {
    /// Gives all of the piece to `out`, in order: the same bytes whenever it is asked.
    ///
    /// # Errors
    /// When the file cannot be read, or `out` fails.
    fn sift(&self, file: &FrozenFile, out: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;
}

/// A sieve that several plans can hold.
#[derive(Clone, Debug)]
pub struct Sieve(pub Arc<dyn Sift>);

impl PartialEq for Sieve {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Sieve {}

impl Piece {
    /// How many bytes it is.
    pub fn len(&self) -> u64 {
        match self {
            Self::Keep { from, to, .. } => to.saturating_sub(*from),
            Self::Insert(bytes) => bytes.len() as u64,
            Self::Sifted { len, .. } => *len,
        }
    }

    /// Whether it is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One change to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The file loses its end, in place.
    Cut {
        /// Position in [`Plan::files`].
        file: usize,
        /// Length in bytes before.
        from_bytes: u64,
        /// Length in bytes after.
        to_bytes: u64,
    },
    /// A file with new content takes the place of an old one, or comes newly into the set.
    Rewrite {
        /// Position in [`Plan::files`] of the file whose place it takes; `None`: of no file.
        file: Option<usize>,
        /// Its name, which is the old one where one rename replaces the file, and a new one where the manifest
        /// names it.
        new_name: Vec<u8>,
        /// Length in bytes before.
        from_bytes: u64,
        /// What it consists of, in order.
        pieces: Vec<Piece>,
    },
    /// The manifest says something else.
    Manifest {
        /// Its name, without directory.
        name: Vec<u8>,
        /// Its bytes before; `None` when there is none.
        before: Option<Vec<u8>>,
        /// Its bytes after.
        after: Vec<u8>,
    },
    /// The file goes. What it held is kept aside as a whole.
    Remove {
        /// Position in [`Plan::files`].
        file: usize,
        /// Its length in bytes.
        from_bytes: u64,
    },
}

impl Action {
    /// Its name in JSON and journals.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Cut { .. } => "cut",
            Self::Rewrite { .. } => "rewrite",
            Self::Manifest { .. } => "manifest",
            Self::Remove { .. } => "remove",
        }
    }

    /// The file that goes.
    pub(super) fn removes(&self) -> Option<usize> {
        match self {
            Self::Remove { file, .. } => Some(*file),
            _ => None,
        }
    }

    /// Length in bytes of what lies there before and after.
    pub fn lengths(&self) -> (u64, u64) {
        match self {
            Self::Cut { from_bytes, to_bytes, .. } => (*from_bytes, *to_bytes),
            Self::Rewrite { from_bytes, pieces, .. } => {
                (*from_bytes, pieces.iter().map(Piece::len).sum())
            }
            Self::Manifest { before, after, .. } => {
                (before.as_ref().map_or(0, Vec::len) as u64, after.len() as u64)
            }
            Self::Remove { from_bytes, .. } => (*from_bytes, 0),
        }
    }
}

/// The one step that makes the old set the new one. Everything before it is written and synced beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// The last file is truncated.
    Truncation,
    /// A new manifest is renamed over the old one.
    ManifestRename,
    /// A new file is renamed over the old one.
    FileRename,
    /// Nothing that a server loads changes: files go one by one.
    Removal,
}

/// What is going to happen to a set. Made by a verb's draft; owns all it needs, so that the set can be closed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose plan it is.
    pub verb: Verb,
    /// The directory the set's files lie in.
    pub dir: PathBuf,
    /// Name of the manifest; `None` for a single file.
    pub manifest: Option<Vec<u8>>,
    /// The path of the set as it was asked for.
    pub path: PathBuf,
    /// The server the result is made for.
    pub target: Target,
    /// Every file of the set as it was: its segments in their order, then others the plan speaks of.
    pub files: Vec<SourceFile>,
    /// What happens, file by file.
    pub actions: Vec<Action>,
    /// What it costs.
    pub loss: Loss,
    /// What should be known before it is carried out: doubtful choices, what could not be known.
    pub notes: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to do. A copy of what only a process has is something.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty() && !self.takes_held()
    }

    /// Whether it takes files that have no name any more: then it can be written into a directory of its own alone.
    pub fn takes_held(&self) -> bool {
        self.files.iter().any(|file| file.is_held)
    }

    /// By which step the change is published.
    pub fn publication(&self) -> Publication {
        let any = |what: fn(&Action) -> bool| self.actions.iter().any(what);
        if any(|a| matches!(a, Action::Manifest { .. })) {
            Publication::ManifestRename
        } else if any(|a| matches!(a, Action::Rewrite { .. })) {
            Publication::FileRename
        } else if any(|a| matches!(a, Action::Cut { .. })) {
            Publication::Truncation
        } else {
            Publication::Removal
        }
    }
}
