//! Open files whose length was taken when they were opened.

use super::stamp::{Identity, Stamp};
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::file_path::FilePath;
use super::shelf::{Hand, Held};
use crate::error::{Error, ErrorKind, Result};

/// An open file whose length was taken when it was opened.
#[derive(Debug)]
pub struct FrozenFile {
    path: FilePath,
    held: Held,
    stamp: Stamp,
}

impl FrozenFile {
    /// Opens a regular file for reading and freezes its length.
    ///
    /// # Errors
    /// When it cannot be opened, or is not a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_held(path.into(), false)
    }

    /// The same of a file that a server may append to while it is read: it is held open whatever happens, for it
    /// could not be told from another one when it was opened again.
    ///
    /// # Errors
    /// As [`FrozenFile::open`].
    pub fn open_growing(path: &Path) -> Result<Self> {
        Self::open_held(path.into(), true)
    }

    pub(super) fn open_held(path: FilePath, stays: bool) -> Result<Self> {
        let (handle, meta) = open_regular(&path.path())?;
        Ok(Self::frozen(path, Held::new(handle, stays), &meta))
    }

    /// The regular file that is open here; its length is taken now.
    pub(super) fn of(handle: File, path: &Path) -> Result<Self> {
        let meta = regular(&handle, path)?;
        Ok(Self::frozen(path.into(), Held::new(handle, false), &meta))
    }

    /// As if there had been no room to hold it.
    #[cfg(test)]
    pub(super) fn close(&mut self) {
        self.held = Held::closed();
    }

    fn frozen(path: FilePath, held: Held, meta: &Metadata) -> Self {
        Self { path, held, stamp: Stamp::of(meta) }
    }

    /// The path it was opened by.
    pub fn path(&self) -> PathBuf {
        self.path.path()
    }

    /// The same, for whoever keeps it: a set may have very many files.
    pub fn shared_path(&self) -> &FilePath {
        &self.path
    }

    /// Length in bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.stamp.len
    }

    /// Whether it was empty when it was opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When it was last written to before it was opened.
    pub fn modified(&self) -> Option<SystemTime> {
        let ns = self.stamp.modified_ns();
        let nanos = (ns.unsigned_abs() % 1_000_000_000) as u32;
        let span = Duration::new(u64::try_from(ns.unsigned_abs() / 1_000_000_000).ok()?, nanos);
        match ns < 0 {
            true => SystemTime::UNIX_EPOCH.checked_sub(span),
            false => SystemTime::UNIX_EPOCH.checked_add(span),
        }
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
        let held = self.held.duplicate().map_err(|e| Error::io(&self.path(), e))?;
        Ok(Self { path: self.path.clone(), held, stamp: self.stamp })
    }

    /// Its length now, in bytes.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn current_len(&self) -> Result<u64> {
        Ok(self.hand()?.metadata().map_err(|e| Error::io(&self.path(), e))?.len())
    }

    /// The same open file with its length taken again.
    ///
    /// # Errors
    /// When the handle cannot be duplicated or the length cannot be read.
    pub fn frozen_again(&self) -> Result<Self> {
        let hand = self.hand()?;
        let handle = hand.try_clone().map_err(|e| Error::io(&self.path(), e))?;
        let meta = handle.metadata().map_err(|e| Error::io(&self.path(), e))?;
        Ok(Self::frozen(self.path.clone(), Held::new(handle, true), &meta))
    }

    /// Where the first range begins that was never written to, where the file system tells; it reads as NUL bytes.
    pub fn first_hole(&self) -> Option<u64> {
        let hand = self.hand().ok()?;
        #[cfg(target_os = "linux")]
        let hole = rustix::fs::seek(&*hand, rustix::fs::SeekFrom::Hole(0)).ok();
        #[cfg(not(target_os = "linux"))]
        let hole: Option<u64> = None;
        // What lies behind the end is one by that count.
        hole.filter(|at| *at < self.len())
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

    /// Fills `into` with its bytes from `at` on.
    ///
    /// # Errors
    /// When they cannot be read, or are no longer there.
    pub fn read_exact_at(&self, into: &mut [u8], at: u64) -> Result<()> {
        self.hand()?.read_exact_at(into, at).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => self.shrank(at),
            _ => Error::io(&self.path(), e).at(at),
        })
    }

    /// All of its bytes.
    ///
    /// # Errors
    /// When it cannot be read or is larger than `limit` bytes.
    pub fn read_small(&self, limit: u64) -> Result<Vec<u8>> {
        if self.len() > limit {
            return Err(Error::new(ErrorKind::TooLarge { limit }, &self.path()));
        }
        let mut bytes = Vec::new();
        let len = usize::try_from(self.len()).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(len).map_err(|_| Error::io(&self.path(), no_memory()))?;
        let read = self.reader().take(limit).read_to_end(&mut bytes);
        read.map_err(|e| Error::io(&self.path(), e))?;
        Ok(bytes)
    }

    /// Its permission bits.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn mode(&self) -> Result<u32> {
        let meta = self.hand()?.metadata().map_err(|e| Error::io(&self.path(), e))?;
        Ok(meta.mode() & 0o7777)
    }

    /// A reader over the whole file from its beginning.
    pub fn reader(&self) -> impl Read + '_ {
        FromStart { file: self, hand: None, at: 0 }
    }

    /// A reader over the file from an offset on, up to where it ended when it was opened.
    pub fn reader_from(&self, at: u64) -> impl Read + '_ {
        FromStart { file: self, hand: None, at }.take(self.len().saturating_sub(at))
    }

    /// How many names it has now.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn links(&self) -> Result<u64> {
        Ok(self.hand()?.metadata().map_err(|e| Error::io(&self.path(), e))?.nlink())
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
        let stale = |why: &str| Error::new(ErrorKind::Stale(why.to_owned()), &self.path());
        let (handle, meta) = match open_regular(&self.path()) {
            Err(e) if *e.kind() == ErrorKind::NotFound => {
                return Err(stale("it was removed while the set was read; run again"));
            }
            other => other?,
        };
        let now = Stamp::of(&meta);
        let is_same =
            (now.identity, now.modified_ns()) == (self.stamp.identity, self.stamp.modified_ns());
        if !is_same || now.len != self.len() {
            return Err(stale("it was changed or replaced while the set was read; run again"));
        }
        Ok(Hand::Again(handle))
    }

    /// The error of a file that is shorter than it was, noticed at offset `at`.
    pub(super) fn shrank(&self, at: u64) -> Error {
        let now = self.current_len().unwrap_or(0);
        Error::new(ErrorKind::Shrank { frozen: self.len(), now }, &self.path()).at(at)
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

fn no_memory() -> std::io::Error {
    std::io::ErrorKind::OutOfMemory.into()
}
