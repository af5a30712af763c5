//! What became of a backup.

use std::path::PathBuf;
use std::time::SystemTime;

use super::entry::{Entry, Mark};
use crate::aof::Aof;
use crate::disk::FrozenFile;
use crate::rules::Needed;

/// What became of a backup.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Nothing had changed; `entry` is the one that was there.
    pub unchanged: bool,
    /// What was backed up: the path as every verb resolves it.
    pub path: PathBuf,
    /// Its manifest, where it has one.
    pub manifest: Option<PathBuf>,
    /// The snapshot.
    pub entry: Entry,
    /// Bytes of objects that were added.
    pub new_bytes: u64,
    /// Bytes of files that are shared with the snapshot before.
    pub reused_bytes: u64,
    /// Entries of the source that could not be read and were passed over.
    pub unreadable: Vec<String>,
    /// Objects of the snapshot before that are not what they were: what they held was stored anew.
    pub damaged: Vec<String>,
    /// Sources that could not be read when it was looked for the one that the set is.
    pub unread_sources: Vec<UnreadSource>,
    /// Why it could not be written down that the snapshot must be there; the next backup does it.
    pub unnoted: Option<String>,
    /// Why the keys after the snapshot before or after this one could not be read or written down: their number is not
    /// known.
    pub uncounted: Option<String>,
    /// What the bytes that this run read need of modules; what the snapshot before has already was not read again.
    pub needs_modules: Vec<Needed>,
    /// When the set was last written to.
    pub written: Option<SystemTime>,
    /// Where the server that was asked says its log is, when that is another place.
    pub elsewhere: Option<String>,
    /// What this run has found that somebody should look at; where nothing had changed, that is not all that `entry` says.
    pub marks: Vec<Mark>,
    /// The machine of the snapshot before, where that was another one and the set has nothing in common with it.
    pub other_host: Option<String>,
}

/// A source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadSource {
    /// Its name.
    pub source: String,
    /// Why.
    pub why: String,
}

/// What became of a backup of this set, but for what only the run knows.
pub(super) fn made(
    aof: &Aof,
    entry: Entry,
    unreadable: Vec<String>,
    elsewhere: Option<String>,
) -> Backup {
    let files = aof.live().filter_map(|(_, segment)| segment.file());
    Backup {
        unchanged: false,
        path: aof.path.clone(),
        manifest: aof.manifest.as_ref().map(|manifest| manifest.path.clone()),
        entry,
        new_bytes: 0,
        reused_bytes: 0,
        unreadable,
        damaged: Vec::new(),
        unread_sources: Vec::new(),
        unnoted: None,
        uncounted: None,
        needs_modules: Vec::new(),
        written: files.filter_map(FrozenFile::modified).max(),
        elsewhere,
        marks: Vec::new(),
        other_host: None,
    }
}
