//! Opening, listing and identifying files, read-only.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::map::MapSource;
use super::read::ReadSource;
use super::shelf::{Hand, Held};
use super::source::{Access, Source};
use crate::error::{Error, ErrorKind, Result};

/// Which file this is, whatever its name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// How a file is at one moment. Two equal ones mean that nobody wrote to it, renamed over it or gave it to
/// somebody else in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which file it is.
    pub identity: Identity,
    /// Length in bytes.
    pub len: u64,
    /// When its bytes were last written to, in nanoseconds of Unix time.
    pub modified_ns: i128,
    /// When anything of it was last changed, in nanoseconds of Unix time; nobody can set it.
    pub changed_ns: i128,
}

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Self {
            identity: identity(meta),
            len: meta.len(),
            modified_ns: ns(meta.mtime(), meta.mtime_nsec()),
            changed_ns: ns(meta.ctime(), meta.ctime_nsec()),
        }
    }
}

/// How the file at `path` is now; links are followed.
///
/// # Errors
/// When there is none, or it cannot be looked at.
pub fn stamp(path: &Path) -> Result<Stamp> {
    Ok(Stamp::of(&std::fs::metadata(path).map_err(|e| Error::io(path, e))?))
}

/// The path without links in it.
///
/// # Errors
/// When there is no such path.
pub fn real_path(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|e| Error::io(path, e))
}

/// Whether this name is a symbolic link.
pub fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

/// Whether anything has this name, a dangling link included.
pub fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// The same, where it matters that "no" is not merely "it could not be looked at".
///
/// # Errors
/// When that cannot be told.
pub fn is_there(path: &Path) -> Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::io(path, e)),
    }
}

/// An open file whose length was taken when it was opened.
#[derive(Debug)]
pub struct FrozenFile {
    path: PathBuf,
    held: Held,
    len: u64,
    modified: Option<SystemTime>,
    stamp: Stamp,
}

impl FrozenFile {
    /// Opens a regular file for reading and freezes its length.
    ///
    /// # Errors
    /// When it cannot be opened, or is not a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_held(path, false)
    }

    /// The same of a file that a server may append to while it is read: it is held open whatever happens, for it
    /// could not be told from another one when it was opened again.
    ///
    /// # Errors
    /// As [`FrozenFile::open`].
    pub fn open_growing(path: &Path) -> Result<Self> {
        Self::open_held(path, true)
    }

    fn open_held(path: &Path, stays: bool) -> Result<Self> {
        let (handle, meta) = open_regular(path)?;
        Ok(Self::frozen(path, Held::new(handle, stays), &meta))
    }

    /// The regular file that is open here; its length is taken now.
    pub(super) fn of(handle: File, path: &Path) -> Result<Self> {
        let meta = regular(&handle, path)?;
        Ok(Self::frozen(path, Held::new(handle, false), &meta))
    }

    /// As if there had been no room to hold it.
    #[cfg(test)]
    pub(super) fn close(&mut self) {
        self.held = Held::closed();
    }

    fn frozen(path: &Path, held: Held, meta: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            len: meta.len(),
            modified: meta.modified().ok(),
            stamp: Stamp::of(meta),
            held,
        }
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length in bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it was empty when it was opened.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When it was last written to before it was opened.
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// Which file it is.
    pub fn identity(&self) -> Identity {
        self.stamp.identity
    }

    /// How it was when it was opened.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The same open file, as it was frozen.
    ///
    /// # Errors
    /// When the handle cannot be duplicated.
    pub fn duplicate(&self) -> Result<Self> {
        let held = self.held.duplicate().map_err(|e| Error::io(&self.path, e))?;
        let &Self { len, modified, stamp, .. } = self;
        Ok(Self { path: self.path.clone(), held, len, modified, stamp })
    }

    /// Its length now, in bytes.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn current_len(&self) -> Result<u64> {
        Ok(self.hand()?.metadata().map_err(|e| Error::io(&self.path, e))?.len())
    }

    /// The same open file with its length taken again.
    ///
    /// # Errors
    /// When the handle cannot be duplicated or the length cannot be read.
    pub fn frozen_again(&self) -> Result<Self> {
        let hand = self.hand()?;
        let handle = hand.try_clone().map_err(|e| Error::io(&self.path, e))?;
        let meta = handle.metadata().map_err(|e| Error::io(&self.path, e))?;
        Ok(Self::frozen(&self.path, Held::new(handle, true), &meta))
    }

    /// Whether it lies on a file system that another machine may change under us, so that no guard of
    /// this machine's kernel helps. Source: the magic numbers of statfs(2).
    pub fn is_remote(&self) -> bool {
        const NFS: u32 = 0x6969;
        const SMB: u32 = 0x517B;
        const CIFS: u32 = 0xFF53_4D42;
        const SMB2: u32 = 0xFE53_4D42;
        const FUSE: u32 = 0x6573_5546;
        const NINE_P: u32 = 0x0102_1997;
        const CEPH: u32 = 0x00C3_6400;
        #[cfg(target_os = "linux")]
        {
            let Ok(hand) = self.hand() else { return true };
            let kind = rustix::fs::fstatfs(&hand).map(|fs| fs.f_type as u32);
            kind.is_ok_and(|k| [NFS, SMB, CIFS, SMB2, FUSE, NINE_P, CEPH].contains(&k))
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = [NFS, SMB, CIFS, SMB2, FUSE, NINE_P, CEPH];
            true
        }
    }

    /// Its bytes by offset.
    pub fn source(&self, access: Access) -> Box<dyn Source + '_> {
        match access {
            Access::Map if self.len > 0 => Box::new(MapSource::new(self)),
            Access::ReadAndKeep => Box::new(ReadSource::keeping(self)),
            _ => Box::new(ReadSource::new(self)),
        }
    }

    /// Its first bytes, at most `n`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn head(&self, n: usize) -> Result<Vec<u8>> {
        let _courtesy = super::cache::Courtesy::new(self);
        let mut bytes = vec![0; usize::try_from(self.len).unwrap_or(n).min(n)];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Fills `into` with its bytes from `at` on.
    ///
    /// # Errors
    /// When they cannot be read, or are no longer there.
    pub fn read_exact_at(&self, into: &mut [u8], at: u64) -> Result<()> {
        self.hand()?.read_exact_at(into, at).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => self.shrank(at),
            _ => Error::io(&self.path, e).at(at),
        })
    }

    /// All of its bytes.
    ///
    /// # Errors
    /// When it cannot be read or is larger than `limit` bytes.
    pub fn read_small(&self, limit: u64) -> Result<Vec<u8>> {
        if self.len > limit {
            return Err(Error::new(ErrorKind::TooLarge { limit }, &self.path));
        }
        let mut bytes = Vec::new();
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(len).map_err(|_| Error::io(&self.path, no_memory()))?;
        let read = self.reader().take(limit).read_to_end(&mut bytes);
        read.map_err(|e| Error::io(&self.path, e))?;
        Ok(bytes)
    }

    /// Its permission bits.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn mode(&self) -> Result<u32> {
        let meta = self.hand()?.metadata().map_err(|e| Error::io(&self.path, e))?;
        Ok(meta.mode() & 0o7777)
    }

    /// A reader over the whole file from its beginning.
    pub fn reader(&self) -> impl Read + '_ {
        FromStart { file: self, hand: None, at: 0 }
    }

    /// A reader over the file from an offset on, up to where it ended when it was opened.
    pub fn reader_from(&self, at: u64) -> impl Read + '_ {
        FromStart { file: self, hand: None, at }.take(self.len.saturating_sub(at))
    }

    /// How many names it has now.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn links(&self) -> Result<u64> {
        Ok(self.hand()?.metadata().map_err(|e| Error::io(&self.path, e))?.nlink())
    }

    /// The file itself, to be read from its beginning.
    pub(super) fn into_reader(self) -> impl Read + use<> {
        Whole { file: self, at: 0 }
    }

    /// The open file: the one that is held, or the same one opened again.
    pub(super) fn hand(&self) -> Result<Hand<'_>> {
        if let Some(file) = self.held.file() {
            return Ok(Hand::Held(file));
        }
        let stale = |why: &str| Error::new(ErrorKind::Stale(why.to_owned()), &self.path);
        let (handle, meta) = match open_regular(&self.path) {
            Err(e) if *e.kind() == ErrorKind::NotFound => {
                return Err(stale("it was removed while the set was read; run again"));
            }
            other => other?,
        };
        let now = Stamp::of(&meta);
        let is_same =
            (now.identity, now.modified_ns) == (self.stamp.identity, self.stamp.modified_ns);
        if !is_same || now.len != self.len {
            return Err(stale("it was changed or replaced while the set was read; run again"));
        }
        Ok(Hand::Again(handle))
    }

    /// The error of a file that is shorter than it was, noticed at offset `at`.
    pub(super) fn shrank(&self, at: u64) -> Error {
        let now = self.current_len().unwrap_or(0);
        Error::new(ErrorKind::Shrank { frozen: self.len, now }, &self.path).at(at)
    }
}

/// Opens a regular file for reading, without waiting: a FIFO with the name of a segment cannot hang us.
fn open_regular(path: &Path) -> Result<(File, Metadata)> {
    let handle = File::options()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(path)
        .map_err(|e| Error::io(path, e))?;
    let meta = regular(&handle, path)?;
    Ok((handle, meta))
}

fn regular(handle: &File, path: &Path) -> Result<Metadata> {
    let meta = handle.metadata().map_err(|e| Error::io(path, e))?;
    if !meta.is_file() {
        let what = if meta.is_dir() { "is a directory" } else { "is not a regular file" };
        return Err(Error::io(path, std::io::Error::other(what)));
    }
    Ok(meta)
}

/// A small window of its own, for looks at places far from the main one.
#[derive(Debug, Default)]
pub(super) struct Aside {
    bytes: Vec<u8>,
    start: u64,
}

impl Aside {
    /// The bytes of `file` from `at` on, at least `need` unless the file ends.
    pub(super) fn look(&mut self, file: &FrozenFile, at: u64, need: usize) -> Result<&[u8]> {
        let from = usize::try_from(at.wrapping_sub(self.start)).unwrap_or(usize::MAX);
        if self.bytes.get(from..).is_some_and(|held| held.len() >= need) {
            return Ok(&self.bytes[from..]);
        }
        let left = file.len.saturating_sub(at).min(crate::limits::PEEK as u64) as usize;
        self.start = at;
        self.bytes.resize(left, 0);
        if let Err(e) = file.read_exact_at(&mut self.bytes, at) {
            self.bytes.clear();
            return Err(e);
        }
        Ok(&self.bytes)
    }
}

/// Reads by position, so that several readers of one handle do not disturb each other.
struct FromStart<'f> {
    file: &'f FrozenFile,
    hand: Option<Hand<'f>>,
    at: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let hand = match self.hand.take() {
            Some(hand) => hand,
            None => self.file.hand().map_err(|e| std::io::Error::other(e.to_string()))?,
        };
        let n = self.hand.insert(hand).read_at(into, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Reads a file that it owns.
struct Whole {
    file: FrozenFile,
    at: u64,
}

impl Read for Whole {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let hand = self.file.hand().map_err(|e| std::io::Error::other(e.to_string()))?;
        let n = hand.read_at(into, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

fn identity(meta: &Metadata) -> Identity {
    Identity { device: meta.dev(), inode: meta.ino() }
}

/// Opens `dir/name` for reading. A symbolic link is followed when it stays inside `dir`. `grows`: as
/// [`FrozenFile::open_growing`].
///
/// # Errors
/// When it cannot be opened, or a link leads out of `dir`. The flag tells whether it was a link.
pub fn open_inside(dir: &Path, name: &std::ffi::OsStr, grows: bool) -> Result<(FrozenFile, bool)> {
    let path = dir.join(name);
    let is_link = std::fs::symlink_metadata(&path).is_ok_and(|m| m.is_symlink());
    if is_link {
        let real = path.canonicalize().map_err(|e| Error::io(&path, e))?;
        let home = dir.canonicalize().map_err(|e| Error::io(dir, e))?;
        if !real.starts_with(&home) {
            return Err(Error::new(ErrorKind::LeavesSet, &path));
        }
    }
    Ok((FrozenFile::open_held(&path, grows)?, is_link))
}

/// Reads a whole small file.
///
/// # Errors
/// When it cannot be read or is larger than `limit` bytes.
pub fn read_small(path: &Path, limit: u64) -> Result<Vec<u8>> {
    FrozenFile::open(path)?.read_small(limit)
}

fn no_memory() -> std::io::Error {
    std::io::ErrorKind::OutOfMemory.into()
}

/// One name in a directory.
#[derive(Debug)]
pub struct Listed {
    /// The name, without its directory.
    pub name: std::ffi::OsString,
    /// Length in bytes.
    pub len: u64,
    /// Whether it is a directory (links followed).
    pub is_dir: bool,
    /// Whether it is a symbolic link.
    pub is_link: bool,
    /// Which file it is (links followed).
    pub identity: Identity,
    /// When it was last written to.
    pub modified: Option<SystemTime>,
}

/// The names in a directory, sorted. What vanishes while listing is left out.
///
/// # Errors
/// When the directory cannot be read.
pub fn list_dir(dir: &Path) -> Result<Vec<Listed>> {
    let mut found = Vec::new();
    for entry in unless_interrupted(|| std::fs::read_dir(dir)).map_err(|e| Error::io(dir, e))? {
        let entry = entry.map_err(|e| Error::io(dir, e))?;
        let meta = match std::fs::metadata(entry.path()) {
            Ok(meta) => meta,
            // Links that lead nowhere or in a circle are no files.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(_) if entry.file_type().is_ok_and(|kind| kind.is_symlink()) => continue,
            Err(e) => return Err(Error::io(&entry.path(), e)),
        };
        found.push(Listed {
            name: entry.file_name(),
            len: meta.len(),
            is_dir: meta.is_dir(),
            is_link: entry.file_type().is_ok_and(|kind| kind.is_symlink()),
            identity: identity(&meta),
            modified: meta.modified().ok(),
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// At most so many of the names in a directory, in no order.
///
/// # Errors
/// When the directory cannot be read.
pub fn names(dir: &Path, most: usize) -> Result<Vec<std::ffi::OsString>> {
    let listed = unless_interrupted(|| std::fs::read_dir(dir)).map_err(|e| Error::io(dir, e))?;
    let names = listed.take(most).map(|entry| entry.map(|entry| entry.file_name()));
    names.collect::<std::io::Result<_>>().map_err(|e| Error::io(dir, e))
}

/// The standard library begins again what a signal interrupted, but not when it opens directories.
fn unless_interrupted<T>(work: impl Fn() -> std::io::Result<T>) -> std::io::Result<T> {
    loop {
        match work() {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The user this process acts as; `None` where that is not told.
pub fn own_user() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|meta| meta.uid())
}

/// The name of this machine.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether `path` is a directory.
///
/// # Errors
/// When there is no such path, or it cannot be looked at.
pub fn is_dir(path: &Path) -> Result<bool> {
    Ok(std::fs::metadata(path).map_err(|e| Error::io(path, e))?.is_dir())
}

/// Whether `path` is there and a regular file.
pub fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file())
}

/// Whether what is open here is a regular file, not a terminal or a pipe.
pub fn is_regular(open: &impl std::os::fd::AsFd) -> bool {
    let kind = |stat: rustix::fs::Stat| rustix::fs::FileType::from_raw_mode(stat.st_mode);
    rustix::fs::fstat(open).is_ok_and(|stat| kind(stat).is_file())
}
