//! The catalog entry of a snapshot: what it consists of, and what is known of it.
//!
//! Entries never change once they are there. Later versions may add fields; readers skip what they do not
//! know.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key_count::KeyCount;
use super::moment::Moment;

/// The version of the format this code writes.
pub const FORMAT: u32 = 1;

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of the format.
    pub format: u32,
    /// Its name; unique for ever.
    pub id: String,
    /// Of which source.
    pub source: String,
    /// Counts up within a source; decides which one is newer, whatever clocks said.
    pub seq: u64,
    /// The snapshot whose bytes it shares.
    pub parent: Option<String>,
    /// When the set was opened, RFC 3339 in UTC, with milliseconds.
    pub taken: String,
    /// The machine it was taken on.
    pub host: String,
    /// Where the set lay there, for people.
    pub path: String,
    /// Version of the program that wrote it.
    pub tool: String,
    /// Who wrote the base, as far as it tells.
    pub server: Option<ServerEntry>,
    /// How it was taken.
    pub method: Method,
    /// The manifest; `None` for a set of one file.
    pub manifest: Option<ManifestEntry>,
    /// The set's files in the order a server loads them.
    pub files: Vec<FileEntry>,
    /// Other files that were asked for, such as redis.conf.
    pub extras: Vec<FileEntry>,
    /// Stretches of time of which every instant can be restored, by `#TS:` annotations.
    pub covers: Vec<Interval>,
    /// Stretches of time since the parent of which nothing can be restored, and why.
    pub gaps: Vec<Gap>,
    /// Labels given by the user.
    pub tags: Vec<String>,
    /// Bytes that this snapshot added to the repository.
    pub new_bytes: u64,
    /// Bytes of files that it shares with its parent.
    pub reused_bytes: u64,
    /// What of the parent's history was found to have been rewritten.
    pub diverged: Vec<Divergence>,
    /// Hash of the script that restores it.
    pub script_sha256: String,
    /// The snapshot whose place it has taken: the same content in other objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// How many keys are there after it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeyCount>,
    /// What somebody should look at before relying on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Numbers of snapshots of this source after which it shrank: they stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_shrinks: Vec<u64>,
}

/// What somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What kind of thing it is; later versions may know more of them.
    pub kind: String,
    /// What it is, in words.
    pub message: String,
    /// How much smaller the set is than it was, in percent; of [`Mark::SHRUNK`] alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u64>,
}

impl Mark {
    /// The set has far fewer keys or bytes than the snapshot before.
    pub const SHRUNK: &str = "shrunk";
    /// Bytes of files that the snapshot before has are no longer the same, or the set's numbers went back.
    pub const ANOTHER_HISTORY: &str = "another-history";
    /// A server has begun the set anew, and fuller files lie beside it.
    pub const STARTED_EMPTY: &str = "started-empty";
    /// Whether the set has lost keys was asked for, and the number of its keys is not known well enough to tell.
    pub const UNCOUNTED: &str = "uncounted";
    /// A file beside the set that the snapshot before has could not be kept.
    pub const INCLUDE_LOST: &str = "include-lost";
    /// The files as they were found, not verified.
    pub const AS_IS: &str = "as-is";
}

/// How a snapshot was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// From the files alone.
    OfflineDirectory,
    /// From the files, beside their server, which was asked before and after.
    Connected,
}

/// The server that wrote the base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerEntry {
    /// `redis` or `valkey`.
    pub kind: String,
    /// Its version as it gave it.
    pub version: String,
    /// What a running server said of itself; nothing where only the base was read.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub running: Option<RunningServer>,
}

/// What a running server said of itself when the snapshot was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningServer {
    /// New with every start of the server.
    pub run_id: String,
    /// The replication history it was in.
    pub replid: Option<String>,
    /// How far it was in that.
    pub repl_offset: Option<u64>,
    /// `primary` or `replica`.
    pub role: Option<String>,
}

/// Bytes that are text when they can be, and base64 otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// Valid UTF-8.
    Text(String),
    /// Anything else.
    Bytes {
        /// In base64.
        b64: String,
    },
}

impl Words {
    /// These bytes.
    pub fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes { b64: BASE64_STANDARD.encode(bytes) },
        }
    }

    /// The bytes; `None` when the base64 is none.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.as_bytes().to_vec()),
            Self::Bytes { b64 } => BASE64_STANDARD.decode(b64).ok(),
        }
    }
}

/// The manifest of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Its file name.
    pub name: Words,
    /// Hash of its bytes.
    pub sha256: String,
    /// Its bytes, without the lines of history files, which no server reads.
    pub text: Words,
}

/// What a file is to its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileType {
    /// Base, as in a manifest.
    #[serde(rename = "b")]
    Base,
    /// Increment, as in a manifest.
    #[serde(rename = "i")]
    Increment,
    /// The only file of a set without manifest.
    #[serde(rename = "single")]
    Single,
    /// A file beside the set.
    #[serde(rename = "extra")]
    Extra,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name, without directory.
    pub name: Words,
    /// Its sequence number in the manifest.
    pub seq: Option<i64>,
    /// What it is to the set.
    #[serde(rename = "type")]
    pub kind: FileType,
    /// Bytes of it that are in the snapshot.
    pub size: u64,
    /// Hash of all of them, where it is known: of files stored in one piece.
    pub sha256: Option<String>,
    /// A server will not write to it any more.
    pub closed: bool,
    /// Permission bits.
    pub mode: u32,
    /// Hash of its first bytes.
    pub head: Stretch,
    /// Hash of its last bytes.
    pub tail: Stretch,
    /// Bytes at its end that were left out: a record or a transaction that was not whole.
    pub torn_bytes_dropped: u64,
    /// Records in it, those of an RDB not counted.
    pub commands: u64,
    /// The `#TS:` annotations in it.
    pub ts: Option<Stamps>,
    /// When the base says it was begun, Unix seconds.
    pub created: Option<i64>,
    /// Of a file beside the set that a later snapshot has kept without reading it again: when it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<String>,
    /// The lists that hold the first of its segments, in order; none while these are few. What is written of an entry
    /// has only the other segments, what is read of it has all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListEntry>,
    /// Where its bytes are, in order, without a hole. Snapshots that are in memory together share those of their lists:
    /// thousands may have thousands in common.
    #[serde(serialize_with = "without_arcs", deserialize_with = "with_arcs")]
    pub segments: Vec<Arc<SegmentEntry>>,
}

/// A list of segments that is an object of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntry {
    /// Its key.
    pub list: String,
    /// How many it has.
    pub segments: u64,
}

/// A hash over some bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// How many.
    pub bytes: u64,
    /// Their hash.
    pub sha256: String,
}

/// What `#TS:` annotations of a file say, Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamps {
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// None is smaller than one before it.
    pub monotonic: bool,
}

/// A stretch of a file, in an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// The object's key.
    pub object: String,
    /// The object's length in bytes.
    pub stored: u64,
    /// Where in the file its bytes begin.
    pub offset: u64,
    /// How many bytes of the file it holds.
    pub size: u64,
    /// Hash of these bytes.
    pub sha256: String,
}

fn without_arcs<S: Serializer>(segments: &[Arc<SegmentEntry>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(segments.iter().map(Arc::as_ref))
}

fn with_arcs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Arc<SegmentEntry>>, D::Error> {
    let segments = Vec::<SegmentEntry>::deserialize(from)?;
    Ok(segments.into_iter().map(Arc::new).collect())
}

/// A stretch of time, RFC 3339 in UTC, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Its first instant.
    pub from: String,
    /// Its last instant.
    pub to: String,
}

/// A stretch of time that cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From after this instant.
    pub from: String,
    /// To before this one; `None` when it is not known.
    pub to: Option<String>,
    /// Why.
    pub reason: String,
}

impl Gap {
    /// Whether it ends after it begins, as far as both are known.
    pub(super) fn is_one(&self) -> bool {
        match (Moment::parse(&self.from), self.to.as_deref().and_then(Moment::parse)) {
            (Some(from), Some(to)) => from < to,
            _ => true,
        }
    }
}

/// A file whose bytes are not those the parent has, up to the parent's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// Its name.
    pub file: Words,
    /// Up to here they are the same.
    pub same_up_to: u64,
    /// Bytes the parent has of it.
    pub parent_size: u64,
}

impl Entry {
    /// Whether it bears a mark of this kind.
    pub fn is_marked(&self, kind: &str) -> bool {
        self.marks.iter().any(|mark| mark.kind == kind)
    }

    /// Stretches that no snapshot has as a history. Earlier versions wrote some that ended before they began: there the
    /// new base had been begun before the snapshot before was taken, so nothing is missing.
    pub fn true_gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().filter(|gap| gap.is_one())
    }

    /// All files, those beside the set last.
    pub fn all_files(&self) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().chain(&self.extras)
    }

    /// All segments of all files.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentEntry> {
        self.all_files().flat_map(|file| &file.segments).map(Arc::as_ref)
    }

    /// All lists of all files.
    pub fn lists(&self) -> impl Iterator<Item = &ListEntry> {
        self.all_files().flat_map(|file| &file.lists)
    }

    /// Keys of the objects and lists that it needs.
    pub(super) fn needs(&self) -> impl Iterator<Item = &String> {
        let lists = self.lists().map(|one| &one.list);
        self.segments().map(|segment| &segment.object).chain(lists)
    }

    /// Bytes of the set's files.
    pub fn logical_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Bytes of the objects it consists of, each once.
    pub fn stored_bytes(&self) -> u64 {
        let mut seen = std::collections::HashSet::new();
        self.segments().filter(|s| seen.insert(&s.object)).map(|s| s.stored).sum()
    }

    /// Records in the set's files.
    pub fn commands(&self) -> u64 {
        self.files.iter().map(|file| file.commands).sum()
    }

    /// Bytes at the ends of files that were left out.
    pub fn cut_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.torn_bytes_dropped).sum()
    }
}
