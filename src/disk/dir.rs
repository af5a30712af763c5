//! Directories held by their descriptor: the one way into a place that somebody else may have written to.
//!
//! Everything in a [`Dir`] is reached by one plain name relative to the descriptor, and no symbolic link is
//! followed. So nothing that is read, written or removed through it can lie anywhere else, whatever names a journal or a
//! catalog holds and whatever becomes of the path meanwhile. Only the path that a person gave ([`Dir::open`]) may
//! lead through links.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

use super::durable::{Attributes, Lock, own};
use super::files::{FrozenFile, Identity, Stamp};
use super::publish::{Hold, Room};
use crate::error::{Error, ErrorKind, Result};

/// What a name in a directory stands for; links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A FIFO, a socket or a device.
    Special,
}

impl Kind {
    /// The kind for people, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a FIFO, socket or device",
        }
    }

    fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            _ => Self::Special,
        }
    }
}

/// How something in a directory is; links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it is.
    pub kind: Kind,
    /// Which file it is, how long, and when it was changed.
    pub stamp: Stamp,
    /// Permission bits, owner, and the time of the last write.
    pub attributes: Attributes,
    /// How many names the file has.
    pub links: u64,
}

impl Look {
    fn of(stat: &Stat) -> Self {
        let ns = |seconds: i64, ns: u64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        // These fields have other widths on other systems.
        #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
        let stamp = Stamp {
            identity: Identity { device: stat.st_dev as u64, inode: stat.st_ino as u64 },
            len: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ns: ns(stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            changed_ns: ns(stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        };
        #[allow(clippy::unnecessary_cast)]
        Self {
            kind: Kind::of(stat),
            stamp,
            attributes: Attributes {
                mode: stat.st_mode as u32 & 0o7777,
                uid: stat.st_uid,
                gid: stat.st_gid,
                modified_ns: Some(stamp.modified_ns),
            },
            links: stat.st_nlink as u64,
        }
    }
}

/// One name in a directory, and how it was when it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name.
    pub name: OsString,
    /// What has it.
    pub look: Look,
}

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
    /// [`ErrorKind::Refused`] when it is something else, a link to a directory included.
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
    /// [`ErrorKind::Refused`] when it is something else, a link to a file included.
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
    /// [`ErrorKind::Refused`] when it is something else; also when nothing has the name.
    pub(super) fn file_to_change(&self, name: &OsStr) -> Result<File> {
        self.open_regular(name, OFlags::RDWR)?.ok_or_else(|| self.nothing_at(name))
    }

    /// All of a small regular file; `None` when nothing has the name.
    ///
    /// # Errors
    /// As [`Self::file_if_there`]; [`ErrorKind::TooLarge`] when it has more than `limit` bytes.
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

    /// Gives `from` the name `to` in another directory (or the same); what had that name is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rename(
        &self,
        from: impl AsRef<OsStr>,
        into: &Self,
        to: impl AsRef<OsStr>,
    ) -> Result<()> {
        let (from, to) = (self.plain(from.as_ref())?, into.plain(to.as_ref())?);
        again(|| rustix::fs::renameat(&self.fd, from, &into.fd, to))
            .map_err(|e| Error::io(&into.at(to), e))
    }

    /// Gives `from` the name `to` in one step, unless that is taken; answers whether it was free.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rename_new(
        &self,
        from: impl AsRef<OsStr>,
        into: &Self,
        to: impl AsRef<OsStr>,
    ) -> Result<bool> {
        let (from, to) = (self.plain(from.as_ref())?, into.plain(to.as_ref())?);
        let refused = |e: io::Error| Error::io(&into.at(to), e);
        match rename_no_replace(&self.fd, from, &into.fd, to) {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => return Ok(false),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            Err(e) => return Err(refused(e.into())),
        }
        // A file system without such a rename: a link refuses a taken name, too.
        match rustix::fs::linkat(&self.fd, from, &into.fd, to, AtFlags::empty()) {
            Ok(()) => self.remove_file(from).map(|_| true),
            Err(Errno::EXIST) => Ok(false),
            Err(e) => Err(refused(e.into())),
        }
    }

    /// Gives each the name of the other in one step.
    ///
    /// # Errors
    /// When the system or the file system cannot do that.
    pub fn exchange(
        &self,
        one: impl AsRef<OsStr>,
        with: &Self,
        other: impl AsRef<OsStr>,
    ) -> Result<()> {
        let (one, other) = (self.plain(one.as_ref())?, with.plain(other.as_ref())?);
        rename_exchange(&self.fd, one, &with.fd, other)
            .map_err(|e| Error::io(&with.at(other), e.into()))
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

    /// Locks the file `name`, which is made when nothing has the name, and answers `None` when somebody holds it
    /// otherwise. Who holds the lock holds the file that has the name now: one that was replaced while it
    /// was waited for is let go.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when the name stands for something else than a regular file; when it can neither be made
    /// nor opened.
    pub fn lock(&self, name: impl AsRef<OsStr>, hold: Hold) -> Result<Option<Lock>> {
        self.lock_like(name, hold, None)
    }

    /// The same; a lock that is made belongs to this owner.
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub fn lock_like(
        &self,
        name: impl AsRef<OsStr>,
        hold: Hold,
        like: Option<Attributes>,
    ) -> Result<Option<Lock>> {
        let name = name.as_ref();
        for _ in 0..LOCK_ATTEMPTS {
            let file = self.lock_file(name, like)?;
            if !try_lock(&file, hold).map_err(|e| Error::io(&self.at(name), e))? {
                return Ok(None);
            }
            let meta = file.metadata().map_err(|e| Error::io(&self.at(name), e))?;
            let mine = Stamp::of(&meta).identity;
            if self.look(name)?.is_some_and(|now| now.stamp.identity == mine) {
                return Ok(Some(Lock::of(file)));
            }
        }
        let why = "somebody keeps replacing this lock".to_owned();
        Err(Error::new(ErrorKind::InUse(why), &self.at(name)))
    }

    /// Locks the regular file `name` as it is. `None` when somebody holds it otherwise, `Some(None)` when nothing has the
    /// name or the file system has no locks.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when the name stands for something else than a regular file.
    pub fn lock_existing(
        &self,
        name: impl AsRef<OsStr>,
        hold: Hold,
    ) -> Result<Option<Option<Lock>>> {
        let name = name.as_ref();
        let Some(file) = self.open_regular(name, OFlags::RDONLY)? else { return Ok(Some(None)) };
        match try_lock(&file, hold) {
            Ok(true) => Ok(Some(Some(Lock::of(file)))),
            Ok(false) => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::Unsupported || is_bad_descriptor(&e) => {
                Ok(Some(None))
            }
            Err(e) => Err(Error::io(&self.at(name), e)),
        }
    }

    /// Locks the directory itself: a lock that is there as long as the directory, whatever is deleted in it. `None` when
    /// somebody holds it otherwise, `Some(None)` when the file system has no locks on directories.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn lock_itself(&self, hold: Hold) -> Result<Option<Option<Lock>>> {
        // A lock belongs to an opening, so a duplicate of the descriptor would share it with this handle.
        let fd = again(|| openat(&self.fd, ".", OPEN_DIR, Mode::empty()));
        let file = File::from(fd.map_err(|e| Error::io(&self.path, e))?);
        match try_lock(&file, hold) {
            Ok(true) => Ok(Some(Some(Lock::of(file)))),
            Ok(false) => Ok(None),
            // NFS wants a file that is open for writing, which no directory ever is.
            Err(e) if e.kind() == io::ErrorKind::Unsupported || is_bad_descriptor(&e) => {
                Ok(Some(None))
            }
            Err(e) => Err(Error::io(&self.path, e)),
        }
    }

    fn lock_file(&self, name: &OsStr, like: Option<Attributes>) -> Result<File> {
        for _ in 0..LOCK_ATTEMPTS {
            match self.open_regular(name, OFlags::RDWR) {
                Ok(Some(file)) => return Ok(file),
                Ok(None) => match self.create(name, 0o600) {
                    Ok(file) => {
                        if let Some(like) = like {
                            own(&file, &self.at(name), like)?;
                        }
                        return Ok(file);
                    }
                    Err(e) if self.look(name)?.is_none() => return Err(e),
                    // Somebody else was first.
                    Err(_) => {}
                },
                // A medium or a file that this user may only read can be locked all the same.
                Err(e) if may_only_read(&e) => {
                    return self.open_regular(name, OFlags::RDONLY)?.ok_or(e);
                }
                Err(e) => return Err(e),
            }
        }
        Err(Error::new(ErrorKind::InUse("somebody keeps removing it".to_owned()), &self.at(name)))
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
        let why = format!("it is {}, and must be {} here", is.name(), wanted.name());
        Err(Error::new(ErrorKind::Refused(why), &self.at(name)))
    }

    /// A name that leads nowhere else: one component, and not the directory itself or the one above.
    fn plain<'n>(&self, name: &'n OsStr) -> Result<&'n OsStr> {
        if is_plain_name(name.as_bytes()) {
            return Ok(name);
        }
        let why = "this is not a plain file name".to_owned();
        Err(Error::new(ErrorKind::Refused(why), &self.at(name)))
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

/// Times a lock is looked for whose file changes all the while.
const LOCK_ATTEMPTS: usize = 10;

/// A process that is just being started has its parent's locks for a moment, too.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

fn try_lock(file: &File, hold: Hold) -> io::Result<bool> {
    for _ in 0..LOCK_ATTEMPTS {
        let taken = match hold {
            Hold::Shared => file.try_lock_shared(),
            Hold::Alone => file.try_lock(),
        };
        match taken {
            Ok(()) => return Ok(true),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(fs::TryLockError::Error(e)) => return Err(e),
        }
    }
    Ok(false)
}

/// Whether it was refused because this user, or nobody, may write there.
fn may_only_read(error: &Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let source = std::error::Error::source(error).and_then(|e| e.downcast_ref::<io::Error>());
    source.is_some_and(|e| [PermissionDenied, ReadOnlyFilesystem].contains(&e.kind()))
}

fn is_bad_descriptor(e: &io::Error) -> bool {
    e.raw_os_error() == Some(Errno::BADF.raw_os_error())
}

/// Calls again what a signal interrupted.
fn again<T>(call: impl Fn() -> rustix::io::Result<T>) -> io::Result<T> {
    Ok(rustix::io::retry_on_intr(call)?)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_no_replace(
    from_dir: &impl AsFd,
    from: &OsStr,
    to_dir: &impl AsFd,
    to: &OsStr,
) -> rustix::io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(from_dir, from, to_dir, to, RenameFlags::NOREPLACE)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_exchange(
    one_dir: &impl AsFd,
    one: &OsStr,
    other_dir: &impl AsFd,
    other: &OsStr,
) -> rustix::io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(one_dir, one, other_dir, other, RenameFlags::EXCHANGE)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_exchange(_: &impl AsFd, _: &OsStr, _: &impl AsFd, _: &OsStr) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_no_replace(_: &impl AsFd, _: &OsStr, _: &impl AsFd, _: &OsStr) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn place() -> (tempfile::TempDir, Dir) {
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open(place.path()).unwrap();
        (place, dir)
    }

    fn is_refused<T: std::fmt::Debug>(result: Result<T>) -> bool {
        matches!(result.unwrap_err().kind(), ErrorKind::Refused(_))
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused_before_anything_is_done() {
        let (place, dir) = place();
        fs::create_dir(place.path().join("in")).unwrap();
        fs::write(place.path().join("victim"), b"x").unwrap();
        let inner = dir.dir("in").unwrap();
        for name in ["", ".", "..", "../victim", "/etc/passwd", "a/b", "in/", "a\0b"] {
            assert!(is_refused(inner.look(name)), "{name:?}");
            assert!(is_refused(inner.remove_file(name)), "{name:?}");
            assert!(is_refused(inner.create(OsStr::new(name), 0o600)), "{name:?}");
            assert!(is_refused(inner.rename("x", &inner, name)), "{name:?}");
        }
        assert!(is_refused(inner.look("n".repeat(256))));
        assert_eq!(fs::read(place.path().join("victim")).unwrap(), b"x");
    }

    #[test]
    fn links_and_special_files_are_named_and_never_followed() {
        let (place, dir) = place();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("file"), b"theirs").unwrap();
        symlink(outside.path(), place.path().join("dir")).unwrap();
        symlink(outside.path().join("file"), place.path().join("file")).unwrap();
        symlink("nowhere", place.path().join("dangling")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place.path().join("fifo"),
            FileType::Fifo,
            Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(is_refused(dir.dir("dir")));
        for name in ["dir", "file", "dangling", "fifo"] {
            assert!(is_refused(dir.file(name)), "{name}");
            assert!(is_refused(dir.lock(name, Hold::Alone)), "{name}");
            let error = dir.file(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("it is a"), "{error}");
        }
        assert_eq!(dir.look("dangling").unwrap().unwrap().kind, Kind::Link);
        assert_eq!(dir.list().unwrap().len(), 4);
        assert!(dir.remove_file("file").unwrap());
        assert_eq!(fs::read(outside.path().join("file")).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_is_the_one_that_was_opened_whatever_has_its_name_now() {
        let (place, dir) = place();
        let set = dir.make_dir("set", 0o700).unwrap();
        fs::rename(place.path().join("set"), place.path().join("moved")).unwrap();
        fs::create_dir(place.path().join("set")).unwrap();
        drop(set.create(OsStr::new("x"), 0o600).unwrap());
        assert!(place.path().join("moved/x").is_file());
        assert!(set.file("x").unwrap().is_empty());
        assert!(set.file_if_there("y").unwrap().is_none());
    }

    #[test]
    fn a_taken_name_is_left_alone() {
        let (place, dir) = place();
        fs::write(place.path().join("new"), b"new").unwrap();
        fs::write(place.path().join("taken"), b"old").unwrap();
        assert!(!dir.rename_new("new", &dir, "taken").unwrap());
        assert_eq!(fs::read(place.path().join("taken")).unwrap(), b"old");
        assert!(dir.rename_new("new", &dir, "free").unwrap());
        assert!(dir.look("new").unwrap().is_none());
    }

    #[test]
    fn a_lock_is_made_where_it_is_missing_and_is_of_the_file_that_has_the_name() {
        let (place, dir) = place();
        let first = dir.lock("lock", Hold::Shared).unwrap().unwrap();
        let second = dir.lock("lock", Hold::Shared).unwrap();
        assert!(second.is_some());
        assert!(dir.lock("lock", Hold::Alone).unwrap().is_none());
        fs::remove_file(place.path().join("lock")).unwrap();
        // The file is another one now; who must be sure holds the directory, too.
        assert!(dir.lock("lock", Hold::Alone).unwrap().is_some());
        drop(first);
    }

    #[test]
    fn a_directory_s_own_lock_stays_when_everything_in_it_is_deleted() {
        let (_place, dir) = place();
        let Some(Some(held)) = dir.lock_itself(Hold::Shared).unwrap() else {
            panic!("this file system has no locks on directories");
        };
        let other = Dir::open(dir.path()).unwrap();
        assert!(other.lock_itself(Hold::Alone).unwrap().is_none());
        assert!(matches!(other.lock_itself(Hold::Shared), Ok(Some(Some(_)))));
        drop(held);
        assert!(matches!(other.lock_itself(Hold::Alone), Ok(Some(Some(_)))));
    }
}
