//! Directories held by their descriptor: the one way into a place that somebody else may have written to.
//!
//! Everything in a [`Dir`] is reached by one plain name relative to the descriptor, and no symbolic link is
//! followed. So nothing that is read, written or removed through it can lie anywhere else, whatever names a journal or a
//! catalog holds and whatever becomes of the path meanwhile. Only the path that a person gave ([`Dir::open`]) may
//! lead through links.

mod fixed;
mod lock;
mod look;
mod refusal;
mod rename;
#[cfg(test)]
mod tests;

pub use fixed::Fixed;
pub use look::{Found, Kind, Look};
pub use refusal::Refusal;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::attributes::Attributes;
use super::frozen::FrozenFile;
use super::room::{Bytes, Room};
use crate::error::{Error, ErrorKind, Result};
/// A directory held by its descriptor.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

const OPEN_DIR: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

impl Dir {
    /// The directory that a person named; links in the path are followed.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let fd = again(|| rustix::fs::open(path, OPEN_DIR, Mode::empty()));
        Ok(Self { fd: fd.map_err(|e| Error::io(path, e))?, path: path.to_owned() })
    }

    /// The path it was opened by, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name in it, for messages.
    pub fn at(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path.join(name.as_ref())
    }

    /// Another handle of the same directory.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn duplicate(&self) -> Result<Self> {
        let fd = self.fd.try_clone().map_err(|e| Error::io(&self.path, e))?;
        Ok(Self { fd, path: self.path.clone() })
    }

    /// How the directory itself is.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn look_at_itself(&self) -> Result<Look> {
        let stat = rustix::fs::fstat(&self.fd).map_err(|e| Error::io(&self.path, e.into()))?;
        Ok(Look::of(&stat))
    }

    /// How `name` is; `None` when nothing has the name.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn look(&self, name: impl AsRef<OsStr>) -> Result<Option<Look>> {
        let name = self.plain(name.as_ref())?;
        match again(|| statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(stat) => Ok(Some(Look::of(&stat))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(&self.at(name), e)),
        }
    }

    /// The names in it, sorted. What vanishes while listing is left out.
    ///
    /// # Errors
    /// When it cannot be read, or one of the names cannot be looked at.
    pub fn list(&self) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for name in self.names()? {
            if let Some(look) = self.look(&name)? {
                found.push(Found { name, look });
            }
        }
        Ok(found)
    }

    /// The bare names in it, sorted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn names(&self) -> Result<Vec<OsString>> {
        let failed = |e: Errno| Error::io(&self.path, e.into());
        let mut names = Vec::new();
        let listing = again(|| rustix::fs::Dir::read_from(&self.fd));
        for entry in listing.map_err(|e| Error::io(&self.path, e))? {
            let name = OsString::from_vec(entry.map_err(failed)?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The directory `name` in it; `None` when nothing has the name.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Refused`] when it is something else, a link to a directory included.
    pub fn dir_if_there(&self, name: impl AsRef<OsStr>) -> Result<Option<Self>> {
        let name = name.as_ref();
        let Some(look) = self.look(name)? else { return Ok(None) };
        self.must_be(name, look.kind, Kind::Directory)?;
        let flags = OPEN_DIR | OFlags::NOFOLLOW;
        match again(|| openat(&self.fd, name, flags, Mode::empty())) {
            Ok(fd) => Ok(Some(Self { fd, path: self.at(name) })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(&self.at(name), e)),
        }
    }

    /// The directory `name` in it.
    ///
    /// # Errors
    /// As [`Self::dir_if_there`]; also when nothing has the name.
    pub fn dir(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        let there = self.dir_if_there(name.as_ref())?;
        there.ok_or_else(|| self.nothing_at(name.as_ref()))
    }

    /// The directory above it, whatever its path was called by.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn above(&self) -> Result<Self> {
        let fd = again(|| openat(&self.fd, "..", OPEN_DIR, Mode::empty()));
        Ok(Self {
            fd: fd.map_err(|e| Error::io(&self.path, e))?,
            path: match self.path.parent() {
                Some(parent) if self.path.file_name().is_some() => parent.to_owned(),
                _ => self.path.join(".."),
            },
        })
    }

    /// The regular file `name`, open for reading and frozen; `None` when nothing has the name.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Refused`] when it is something else, a link to a file included.
    pub fn file_if_there(&self, name: impl AsRef<OsStr>) -> Result<Option<FrozenFile>> {
        let name = name.as_ref();
        let Some(handle) = self.open_regular(name, OFlags::RDONLY)? else { return Ok(None) };
        FrozenFile::of(handle, &self.at(name)).map(Some)
    }

    /// The regular file `name`, open for reading and frozen.
    ///
    /// # Errors
    /// As [`Self::file_if_there`]; also when nothing has the name.
    pub fn file(&self, name: impl AsRef<OsStr>) -> Result<FrozenFile> {
        let there = self.file_if_there(name.as_ref())?;
        there.ok_or_else(|| self.nothing_at(name.as_ref()))
    }

    /// The regular file `name`, open for reading and writing, to be looked at and changed by one descriptor.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Refused`] when it is something else; also when nothing has the name.
    pub(super) fn file_to_change(&self, name: &OsStr) -> Result<File> {
        self.open_regular(name, OFlags::RDWR)?.ok_or_else(|| self.nothing_at(name))
    }

    /// All of a small regular file; `None` when nothing has the name.
    ///
    /// # Errors
    /// As [`Self::file_if_there`]; [`crate::error::ErrorKind::TooLarge`] when it has more than `limit` bytes.
    pub fn read_small_if_there(
        &self,
        name: impl AsRef<OsStr>,
        limit: u64,
    ) -> Result<Option<Vec<u8>>> {
        self.file_if_there(name)?.map(|file| file.read_small(limit)).transpose()
    }

    /// A new regular file that nobody else may use yet.
    ///
    /// # Errors
    /// When the name is taken, or the system refuses.
    pub(super) fn create(&self, name: &OsStr, mode: u32) -> Result<File> {
        let name = self.plain(name)?;
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = again(|| openat(&self.fd, name, flags, Mode::from_raw_mode(mode as _)));
        Ok(File::from(fd.map_err(|e| Error::io(&self.at(name), e))?))
    }

    /// A new directory in it.
    ///
    /// # Errors
    /// When the name is taken, or the system refuses.
    pub fn make_dir(&self, name: impl AsRef<OsStr>, mode: u32) -> Result<Self> {
        let name = self.plain(name.as_ref())?;
        let mode = Mode::from_raw_mode(mode as _);
        again(|| rustix::fs::mkdirat(&self.fd, name, mode))
            .map_err(|e| Error::io(&self.at(name), e))?;
        self.dir(name)
    }

    /// The room of the file system that it lies on.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn room(&self) -> Result<Room> {
        let told = again(|| rustix::fs::fstatvfs(&self.fd));
        let told = told.map_err(|e| Error::io(&self.path, e))?;
        Ok(Room::of(&told))
    }

    /// Whether so many new bytes may fit. Where the file system may pack them, or share them with others when they are a copy,
    /// nobody knows before they are written.
    ///
    /// # Errors
    /// [`ErrorKind::NoRoom`] when they surely do not fit.
    pub fn may_hold(&self, needed: u64, what: Bytes) -> Result<()> {
        if !what.each_takes_one(&self.fd) {
            return Ok(());
        }
        let told = again(|| rustix::fs::fstatvfs(&self.fd));
        let told = told.map_err(|e| Error::io(&self.path, e))?;
        // Root may fill also what is kept back from others.
        let free = told.f_bfree.saturating_mul(told.f_frsize);
        if free < needed {
            return Err(Error::new(ErrorKind::NoRoom { needed, free }, &self.path));
        }
        Ok(())
    }

    /// Takes a name from a file or a link, never from what it leads to; answers whether something had it.
    ///
    /// # Errors
    /// When the system refuses, also when it is a directory.
    pub fn remove_file(&self, name: impl AsRef<OsStr>) -> Result<bool> {
        self.unlink(name.as_ref(), AtFlags::empty())
    }

    /// Removes an empty directory in it; answers whether there was one.
    ///
    /// # Errors
    /// When it is not empty, or the system refuses.
    pub fn remove_dir(&self, name: impl AsRef<OsStr>) -> Result<bool> {
        self.unlink(name.as_ref(), AtFlags::REMOVEDIR)
    }

    fn unlink(&self, name: &OsStr, flags: AtFlags) -> Result<bool> {
        let name = self.plain(name)?;
        match again(|| rustix::fs::unlinkat(&self.fd, name, flags)) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(Error::io(&self.at(name), e)),
        }
    }

    /// Makes the names in it last.
    ///
    /// # Errors
    /// When the system cannot promise it.
    pub fn sync(&self) -> Result<()> {
        again(|| rustix::fs::fsync(&self.fd)).map_err(|e| Error::io(&self.path, e))
    }

    /// Gives the directory this owner and these permission bits, where it has others.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn give(&self, like: Attributes) -> Result<()> {
        let now = self.look_at_itself()?.attributes;
        let failed = |e: io::Error| Error::io(&self.path, e);
        if (now.uid, now.gid) != (like.uid, like.gid) {
            std::os::unix::fs::fchown(&self.fd, Some(like.uid), Some(like.gid)).map_err(failed)?;
        }
        if now.mode != like.mode {
            let mode = Mode::from_raw_mode(like.mode as _);
            rustix::fs::fchmod(&self.fd, mode).map_err(|e| failed(e.into()))?;
        }
        Ok(())
    }

    fn open_regular(&self, name: &OsStr, access: OFlags) -> Result<Option<File>> {
        // Looked at first, for opening some devices does something by itself.
        let Some(look) = self.look(name)? else { return Ok(None) };
        self.must_be(name, look.kind, Kind::File)?;
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match again(|| openat(&self.fd, name, flags, Mode::empty())) {
            Ok(fd) => File::from(fd),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(&self.at(name), e)),
        };
        let stat = rustix::fs::fstat(&file).map_err(|e| Error::io(&self.at(name), e.into()))?;
        self.must_be(name, Kind::of(&stat), Kind::File)?;
        Ok(Some(file))
    }

    fn must_be(&self, name: &OsStr, is: Kind, wanted: Kind) -> Result<()> {
        if is == wanted {
            return Ok(());
        }
        Err(Error::refused(Refusal::OtherKind { is, must_be: wanted }, &self.at(name)))
    }

    /// A name that leads nowhere else: one component, and not the directory itself or the one above.
    fn plain<'n>(&self, name: &'n OsStr) -> Result<&'n OsStr> {
        if is_plain_name(name.as_bytes()) {
            return Ok(name);
        }
        Err(Error::refused(Refusal::NoPlainName, &self.at(name)))
    }

    #[cold]
    fn nothing_at(&self, name: &OsStr) -> Error {
        let path = self.at(name);
        Error::io(&path, io::Error::new(io::ErrorKind::NotFound, "there is no such file"))
    }
}

/// Bytes in the longest name that Linux file systems take (`NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// Whether these bytes are the name of something in a directory, and nothing that leads out of it.
pub fn is_plain_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name != b"."
        && name != b".."
        && !name.iter().any(|&b| b == b'/' || b == 0)
}

/// Calls again what a signal interrupted.
fn again<T>(call: impl Fn() -> rustix::io::Result<T>) -> io::Result<T> {
    Ok(rustix::io::retry_on_intr(call)?)
}
