//! What is wrong with a repository, and what was looked at to learn it.

use std::sync::mpsc::Sender;

/// What is wrong with a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// Its key.
    pub key: String,
    /// What kind of flaw.
    pub kind: FlawKind,
    /// It says nothing against any snapshot.
    pub harmless: bool,
    /// For people.
    pub message: String,
    /// Snapshots that cannot be restored as they were because of it.
    pub snapshots: Vec<String>,
}

/// Kinds of flaws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// It is not there.
    Missing,
    /// Its bytes are not those that were written.
    Damaged,
    /// What it holds is not what a server would load.
    Contents,
    /// Nothing of a repository has such a name.
    Unknown,
}

impl FlawKind {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Contents => "contents",
            Self::Unknown => "unknown-file",
        }
    }
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Entries read.
    pub snapshots_checked: u64,
    /// Objects and lists of segments hashed.
    pub objects_checked: u64,
    /// Their bytes.
    pub bytes_checked: u64,
    /// Bytes of files decompressed and parsed.
    pub contents_checked: u64,
    /// Commands parsed.
    pub commands_checked: u64,
    /// Objects and lists of segments that no snapshot needs.
    pub unreferenced: u64,
    /// What is wrong, by key.
    pub flaws: Vec<Flaw>,
}

impl Verified {
    /// Whether every snapshot is as it was.
    pub fn is_good(&self) -> bool {
        self.flaws.iter().all(|flaw| flaw.harmless)
    }
}

pub(super) fn flaw(key: &str, kind: FlawKind, message: String) -> Flaw {
    Flaw { key: key.to_owned(), kind, harmless: false, message, snapshots: Vec::new() }
}

/// How a thread tells of bytes that it has dealt with.
pub(super) struct Told(pub(super) Sender<u64>);

impl Told {
    pub(super) fn advance(&mut self, bytes: u64) {
        // Nobody listens any more when the run is over.
        let _ = self.0.send(bytes);
    }
}
