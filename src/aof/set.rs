//! A set, opened and frozen.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::command::Renames;
use crate::disk::{self, Access, FilePath, FrozenFile, LookOnce, Processes, Source, Splice};
use crate::error::{Error, ErrorKind, Result};
use crate::format::conf::Settings;
use crate::format::fault::Fault;
use crate::format::manifest::{self, Manifest};
use crate::format::rdb::Family;
use crate::rules::{Modules, Target};

use super::conf::Configuration;
use super::leftover::Leftover;
use super::names::Heard;

/// What kind of thing a path led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A manifest and the files it names (7.0 and later), or such files without their manifest.
    MultiPart,
    /// One file: a pre-7.0 append-only file, an RDB, or one segment looked at by itself.
    SingleFile,
    /// Standard input.
    Stream,
}

impl Layout {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MultiPart => "multi-part",
            Self::SingleFile => "single-file",
            Self::Stream => "stream",
        }
    }
}

/// What a file is for its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The snapshot that is loaded first.
    Base,
    /// Commands appended since.
    Increment,
    /// No longer needed; the server deletes it.
    History,
    /// A file by itself.
    Single,
    /// Standard input.
    Stream,
}

impl Role {
    /// Its name in JSON and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Increment => "incr",
            Self::History => "history",
            Self::Single => "single",
            Self::Stream => "stream",
        }
    }
}

/// The manifest of a set.
#[derive(Clone, Debug)]
pub struct OpenedManifest {
    /// Where it lies, or would lie.
    pub path: PathBuf,
    /// Its bytes, as they were when the files were opened.
    pub bytes: Vec<u8>,
    /// What it says to the target.
    pub state: ManifestState,
    /// What redis-check-aof 8.2 makes of it, which knows one grammar: `true`, it goes through the files;
    /// `false`, it takes it for an empty log and is content; or why it is not. `None`: there is none.
    pub for_checker: Option<std::result::Result<bool, String>>,
}

impl OpenedManifest {
    /// What the names of the set's files begin with, which is the name of the manifest without its end.
    pub fn stem(&self) -> &[u8] {
        let name = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        manifest::stem(name).unwrap_or(name)
    }
}

/// What became of reading a manifest.
#[derive(Clone, Debug)]
pub enum ManifestState {
    /// The target's loader reads it.
    Valid(Manifest),
    /// It does not.
    Invalid(Fault<manifest::Reason>),
    /// There are segments, but no manifest.
    Missing,
}

/// Where a segment's bytes are.
#[derive(Debug)]
pub(super) enum Input {
    File(Arc<FrozenFile>, Access),
    Zstd(Box<FrozenFile>),
    /// Taken by the one scan that a stream allows.
    Stdin(Box<RefCell<Option<Box<dyn Source + Send>>>>),
    /// Pieces of other files: what the segment would be.
    Splice(Box<Splice>),
    /// The file could not be opened because it is not there.
    Missing,
    /// A directory stands where the file should be.
    Directory,
    /// Its bytes come from elsewhere.
    Kept(Box<Box<dyn Kept>>),
}

/// Bytes that several threads can read at the same time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shared<'f> {
    File(&'f FrozenFile),
    Splice(&'f Splice),
}

/// A file that lies in no file system, such as one in a backup.
pub trait Kept: Send {
    /// Its length in bytes.
    fn len(&self) -> u64;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes by offset.
    ///
    /// # Errors
    /// When they cannot be reached.
    fn source(&self) -> Result<Box<dyn Source + '_>>;
}

impl std::fmt::Debug for dyn Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

/// A [`Kept`] file and its part in a set.
#[derive(Debug)]
pub struct KeptFile {
    /// Its name, as the manifest has it.
    pub name: Vec<u8>,
    /// What it is for.
    pub role: Role,
    /// Its sequence number, where it has one.
    pub seq: Option<i64>,
    /// Its bytes.
    pub bytes: Box<dyn Kept>,
}

impl std::fmt::Debug for dyn Source + Send {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}

/// One file of a set.
#[derive(Debug)]
pub struct Segment {
    /// Its name as the manifest has it, without directory; `-` for standard input.
    pub name: Arc<[u8]>,
    /// Where it lies, or would lie, where that is not the path of the file that was opened.
    pub(super) at: Option<Box<FilePath>>,
    /// What it is for.
    pub role: Role,
    /// Its sequence number, where it has one.
    pub seq: Option<i64>,
    /// It is a symbolic link.
    pub is_link: bool,
    /// It has no name any more, and was opened where a process has it open.
    pub(crate) is_held: bool,
    pub(super) input: Input,
}

impl Segment {
    /// Where it lies.
    pub fn path(&self) -> PathBuf {
        self.file_path().path()
    }

    /// The same, for whoever keeps it: a set may have very many files.
    pub(crate) fn file_path(&self) -> FilePath {
        let given = self.at.as_deref().or_else(|| self.file().map(FrozenFile::shared_path));
        given.cloned().unwrap_or_else(|| FilePath::from(Path::new("")))
    }

    /// Length in bytes when the set was opened; `None` for a compressed file or a stream.
    pub fn len(&self) -> Option<u64> {
        match &self.input {
            Input::File(file, _) => Some(file.len()),
            Input::Splice(splice) => Some(splice.len()),
            Input::Kept(kept) => Some(kept.len()),
            _ => None,
        }
    }

    /// Whether it is known to have no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self.input, Input::Missing)
    }

    /// Whether a directory stands in its place, which no server can load.
    pub fn is_directory(&self) -> bool {
        matches!(self.input, Input::Directory)
    }

    /// Whether a server loads it.
    pub fn is_live(&self) -> bool {
        self.role != Role::History
    }

    /// The open file, where it is one.
    pub fn file(&self) -> Option<&FrozenFile> {
        match &self.input {
            Input::File(file, _) => Some(file),
            Input::Zstd(file) => Some(file),
            _ => None,
        }
    }

    /// Whether its bytes are there, and can be read more than once.
    pub(super) fn can_be_read_again(&self) -> bool {
        !matches!(self.input, Input::Stdin(_) | Input::Missing | Input::Directory)
    }

    /// Whether its length was frozen and can be frozen again: a plain file.
    pub fn is_plain(&self) -> bool {
        matches!(self.input, Input::File(..))
    }

    /// The open file of a plain segment, and how it is read.
    pub(super) fn plain(&self) -> Option<(&Arc<FrozenFile>, Access)> {
        match &self.input {
            Input::File(file, access) => Some((file, *access)),
            _ => None,
        }
    }

    /// Its bytes, where several threads can read them at the same time.
    pub(super) fn shared(&self) -> Option<Shared<'_>> {
        match &self.input {
            Input::File(file, _) => Some(Shared::File(file)),
            Input::Splice(splice) => Some(Shared::Splice(splice)),
            _ => None,
        }
    }

    /// Its bytes by offset. A stream can be asked once.
    ///
    /// # Errors
    /// When it is missing, or a stream was already read.
    pub fn source(&self) -> Result<Box<dyn Source + '_>> {
        match &self.input {
            Input::File(file, access) => Ok(file.source(*access)),
            Input::Zstd(file) => disk::open_zstd(file),
            Input::Splice(splice) => Ok(splice.source()),
            Input::Stdin(taken) => match taken.borrow_mut().take() {
                Some(source) => Ok(source),
                None => {
                    let again = std::io::Error::other("a stream can be read only once");
                    Err(Error::io(&self.path(), again))
                }
            },
            Input::Kept(kept) => kept.source(),
            Input::Missing => Err(Error::new(ErrorKind::NotFound, &self.path())),
            Input::Directory => {
                Err(Error::io(&self.path(), std::io::Error::other("is a directory")))
            }
        }
    }
}

/// The server that wrote a base, as its auxiliary fields say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// Redis or Valkey.
    pub family: Family,
    /// Its version as it gave it, `8.2.3`.
    pub version: String,
}

/// One set, opened and frozen: what belongs to it, in the order a server loads it.
#[derive(Debug)]
pub struct Aof {
    /// The path that was asked for, or the set's own when there were several.
    pub path: PathBuf,
    /// What kind of thing it is.
    pub layout: Layout,
    /// Its manifest, for [`Layout::MultiPart`].
    pub manifest: Option<Arc<OpenedManifest>>,
    /// Its files: the base, the increments in order, then history files.
    pub segments: Vec<Segment>,
    /// What lies beside it and is not needed.
    pub leftovers: Vec<Leftover>,
    /// Who wrote the base, when that can be told.
    pub writer: Option<Writer>,
    pub(super) target: Cell<Target>,
    /// That server was asked for; nobody took it from the base.
    pub target_given: bool,
    /// It was found before, for a set that this one was made of.
    pub(super) stands_in: bool,
    /// The settings of the configuration that was named; defaults otherwise.
    pub settings: Settings,
    /// What is said of the modules of the server: by the user, by a server that was asked, and by `settings`.
    pub modules: Modules,
    /// Whether `settings` came from a configuration.
    pub configured: bool,
    /// That configuration, with its lines.
    pub configuration: Option<Arc<Configuration>>,
    /// What names of commands mean by it.
    pub names: Renames,
    /// A pre-7.0 file that an interrupted upgrade has yet to move into the set.
    pub upgrade_pending: bool,
    /// The file lies beside a directory for a multi-part set that holds none.
    pub has_empty_append_dir: bool,
    pub(super) heard: OnceCell<Heard>,
    pub(super) look: LookOnce,
}

impl Aof {
    /// The directory its files lie in.
    pub fn dir(&self) -> PathBuf {
        let file = match (&self.manifest, self.segments.first()) {
            (Some(manifest), _) => manifest.path.clone(),
            (None, Some(segment)) => segment.path(),
            (None, None) => self.path.clone(),
        };
        match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    /// What other processes have open, looked at once for all that was opened with the same options.
    pub fn processes(&self) -> Arc<Processes> {
        self.look.get()
    }

    /// The files a server loads, in its order.
    pub fn live(&self) -> impl Iterator<Item = (usize, &Segment)> {
        self.segments.iter().enumerate().filter(|(_, s)| s.is_live())
    }

    /// Position of the file that a server may cut: the last one it loads.
    pub fn last_live(&self) -> Option<usize> {
        self.live().map(|(i, _)| i).last()
    }

    /// Bytes of the files a server loads, as far as they are known before reading.
    pub fn size_bytes(&self) -> Option<u64> {
        self.live().map(|(_, s)| s.len()).sum()
    }
}
