//! The write seam: everything that a change to a set writes, cuts, renames or removes goes through [`Durable`], by a
//! directory that is held and a plain name in it. What it answers `Ok` to is on the disk, as far as the kernel
//! promises; a name is on the disk after [`Durable::sync_dir`] of its directory.

use super::attributes::Attributes;
use super::stamp::Stamp;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use super::dir::{Dir, Kind};
use super::extended::Extended;
use super::frozen::FrozenFile;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// What can be done to files. One implementation for the disk; tests have one that fails at the n-th call. All names
/// are plain ones; no link is followed.
pub trait Durable {
    /// A new directory; the names below it are for its owner's eyes.
    ///
    /// # Errors
    /// When it cannot be made; also when it exists.
    fn make_dir(&self, dir: &Dir, name: &OsStr, like: Attributes) -> Result<Dir>;

    /// A new file to be written.
    ///
    /// # Errors
    /// When it cannot be made; also when it exists.
    fn create(&self, dir: &Dir, name: &OsStr) -> Result<Box<dyn Output>>;

    /// Cuts the file to `to` bytes, provided that it is still as `expected` and has no other name, and gives it
    /// this time of the last write, in nanoseconds of Unix time. It is opened once, looked at and cut by that
    /// descriptor. Synced.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] when it is not; otherwise when it cannot be cut or synced.
    fn cut(
        &self,
        dir: &Dir,
        name: &OsStr,
        expected: Stamp,
        to: u64,
        modified_ns: i128,
    ) -> Result<()>;

    /// Gives a file or directory this name, which replaces a file that has it.
    ///
    /// # Errors
    /// When the system refuses.
    fn rename(&self, from: (&Dir, &OsStr), to: (&Dir, &OsStr)) -> Result<()>;

    /// Gives a file this name unless that is taken; answers whether it was free.
    ///
    /// # Errors
    /// When the system refuses.
    fn rename_new(&self, from: (&Dir, &OsStr), to: (&Dir, &OsStr)) -> Result<bool>;

    /// Takes the name from the file.
    ///
    /// # Errors
    /// When there is none, or the system refuses.
    fn remove_file(&self, dir: &Dir, name: &OsStr) -> Result<()>;

    /// Takes the name from the file, provided that it is a regular file and still as `expected`, looked at by
    /// descriptor.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] when it is not; otherwise as [`Self::remove_file`].
    fn remove_exactly(&self, dir: &Dir, name: &OsStr, expected: Stamp) -> Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// When it is not empty, or the system refuses.
    fn remove_dir(&self, dir: &Dir, name: &OsStr) -> Result<()>;

    /// Makes the names in a directory last.
    ///
    /// # Errors
    /// When the system cannot promise it.
    fn sync_dir(&self, dir: &Dir) -> Result<()>;
}

/// A file that is being written.
pub trait Output: Write {
    /// Makes the file begin with the first `to` bytes of another one without copying them, where the file
    /// system can; answers whether it did. Only for a file with nothing in it.
    ///
    /// # Errors
    /// When it shared the bytes and could not cut them.
    fn share(&mut self, file: &FrozenFile, to: u64) -> Result<bool>;

    /// Appends bytes of another file, and answers how many at one go; 0 when that file has become shorter.
    ///
    /// # Errors
    /// When they cannot be read or written.
    fn copy(&mut self, file: &FrozenFile, from: u64, to: u64) -> Result<u64>;

    /// Gives the file the access control list and the other extended attributes of another one. Answers the names of
    /// those that the system refuses.
    ///
    /// # Errors
    /// When that file cannot be looked at.
    fn take_over(&mut self, file: &FrozenFile, which: Extended) -> Result<Vec<String>>;

    /// The file is whole: gives it these attributes and makes it last.
    ///
    /// # Errors
    /// When that fails.
    fn seal(self: Box<Self>, like: Attributes) -> Result<()>;
}

/// Files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

impl Durable for LocalDisk {
    fn make_dir(&self, dir: &Dir, name: &OsStr, like: Attributes) -> Result<Dir> {
        let made = dir.make_dir(name, 0o700)?;
        made.give(like)?;
        Ok(made)
    }

    fn create(&self, dir: &Dir, name: &OsStr) -> Result<Box<dyn Output>> {
        let file = dir.create(name, 0o600)?;
        Ok(Box::new(LocalOutput { file, path: dir.at(name), len: 0, in_kernel: true }))
    }

    fn cut(
        &self,
        dir: &Dir,
        name: &OsStr,
        expected: Stamp,
        to: u64,
        modified_ns: i128,
    ) -> Result<()> {
        let path = dir.at(name);
        let file = dir.file_to_change(name)?;
        let whole = || -> std::io::Result<Option<&str>> {
            let meta = file.metadata()?;
            if Stamp::of(&meta) != expected {
                return Ok(Some("it has changed meanwhile"));
            }
            if meta.nlink() != 1 {
                return Ok(Some("it has a second name now, which would be cut as well"));
            }
            file.set_len(to)?;
            set_modified(&file, modified_ns)?;
            file.sync_all()?;
            Ok(None)
        };
        match whole() {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(Error::new(ErrorKind::Stale(why.to_owned()), &path)),
            Err(e) => Err(Error::io(&path, e)),
        }
    }

    fn rename(&self, from: (&Dir, &OsStr), to: (&Dir, &OsStr)) -> Result<()> {
        from.0.rename(from.1, to.0, to.1)
    }

    fn rename_new(&self, from: (&Dir, &OsStr), to: (&Dir, &OsStr)) -> Result<bool> {
        from.0.rename_new(from.1, to.0, to.1)
    }

    fn remove_file(&self, dir: &Dir, name: &OsStr) -> Result<()> {
        match dir.remove_file(name)? {
            true => Ok(()),
            false => Err(Error::io(&dir.at(name), std::io::ErrorKind::NotFound.into())),
        }
    }

    fn remove_exactly(&self, dir: &Dir, name: &OsStr, expected: Stamp) -> Result<()> {
        let now = dir.look(name)?;
        if now.is_none_or(|now| now.kind != Kind::File || now.stamp != expected) {
            let why = "it is not the file that was looked at any more".to_owned();
            return Err(Error::new(ErrorKind::Stale(why), &dir.at(name)));
        }
        self.remove_file(dir, name)
    }

    fn remove_dir(&self, dir: &Dir, name: &OsStr) -> Result<()> {
        match dir.remove_dir(name)? {
            true => Ok(()),
            false => Err(Error::io(&dir.at(name), std::io::ErrorKind::NotFound.into())),
        }
    }

    fn sync_dir(&self, dir: &Dir) -> Result<()> {
        dir.sync()
    }
}

struct LocalOutput {
    file: File,
    path: std::path::PathBuf,
    len: u64,
    /// The kernel copies from file to file itself.
    in_kernel: bool,
}

/// Bytes copied at one go: short enough that an interruption is noticed soon.
const COPY: u64 = 8 << 20;

impl LocalOutput {
    fn failed(&self, e: impl Into<std::io::Error>) -> Error {
        Error::io(&self.path, e.into())
    }

    /// Copies through memory.
    fn copy_by_hand(&mut self, file: &FrozenFile, from: u64, to: u64) -> Result<u64> {
        let n = (to - from).min(limits::WINDOW as u64) as usize;
        let mut bytes = vec![0; n];
        let n = file
            .hand()?
            .read_at(&mut bytes, from)
            .map_err(|e| Error::io(&file.path(), e).at(from))?;
        self.write_all(&bytes[..n]).map_err(|e| self.failed(e))?;
        Ok(n as u64)
    }
}

impl Write for LocalOutput {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write_at(bytes, self.len)?;
        self.len += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Output for LocalOutput {
    #[cfg(target_os = "linux")]
    fn share(&mut self, file: &FrozenFile, to: u64) -> Result<bool> {
        if self.len > 0 || rustix::fs::ioctl_ficlone(&self.file, file.hand()?).is_err() {
            return Ok(false);
        }
        self.file.set_len(to).map_err(|e| self.failed(e))?;
        self.len = to;
        Ok(true)
    }

    #[cfg(not(target_os = "linux"))]
    fn share(&mut self, _: &FrozenFile, _: u64) -> Result<bool> {
        Ok(false)
    }

    #[cfg(target_os = "linux")]
    fn copy(&mut self, file: &FrozenFile, from: u64, to: u64) -> Result<u64> {
        use rustix::io::Errno;
        if self.in_kernel {
            let hand = file.hand()?;
            let n = usize::try_from((to - from).min(COPY)).unwrap_or(usize::MAX);
            let (mut source, mut here) = (from, self.len);
            match rustix::fs::copy_file_range(
                &hand,
                Some(&mut source),
                &self.file,
                Some(&mut here),
                n,
            ) {
                Ok(n) => {
                    self.len += n as u64;
                    return Ok(n as u64);
                }
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                    self.in_kernel = false;
                }
                Err(e) => return Err(self.failed(e)),
            }
        }
        self.copy_by_hand(file, from, to)
    }

    #[cfg(not(target_os = "linux"))]
    fn copy(&mut self, file: &FrozenFile, from: u64, to: u64) -> Result<u64> {
        let _ = (COPY, self.in_kernel);
        self.copy_by_hand(file, from, to)
    }

    fn take_over(&mut self, file: &FrozenFile, which: Extended) -> Result<Vec<String>> {
        Ok(which.copy(&file.hand()?, &self.file))
    }

    fn seal(self: Box<Self>, like: Attributes) -> Result<()> {
        own(&self.file, &self.path, like)?;
        let mode = fs::Permissions::from_mode(like.mode);
        self.file.set_permissions(mode).map_err(|e| self.failed(e))?;
        if let Some(ns) = like.modified_ns {
            set_modified(&self.file, ns).map_err(|e| self.failed(e))?;
        }
        self.file.sync_all().map_err(|e| self.failed(e))
    }
}

/// Gives a file the owner it shall have, when it has another.
pub(super) fn own(file: &File, path: &Path, like: Attributes) -> Result<()> {
    let meta = file.metadata().map_err(|e| Error::io(path, e))?;
    if (meta.uid(), meta.gid()) == (like.uid, like.gid) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(like.uid), Some(like.gid)).map_err(|e| Error::io(path, e))
}

fn set_modified(file: &File, ns: i128) -> std::io::Result<()> {
    const SECOND: i128 = 1_000_000_000;
    let modified = rustix::fs::Timespec {
        tv_sec: ns.div_euclid(SECOND) as i64,
        tv_nsec: ns.rem_euclid(SECOND) as _,
    };
    let leave = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT as _ };
    let times = rustix::fs::Timestamps { last_access: leave, last_modification: modified };
    Ok(rustix::fs::futimens(file, &times)?)
}

/// A lock on a file, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// A lock that is already taken.
    pub(super) fn of(file: File) -> Self {
        Self { _file: file }
    }

    /// Which file it is on, whatever name that has now.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn identity(&self) -> std::io::Result<super::stamp::Identity> {
        Ok(Stamp::of(&self._file.metadata()?).identity)
    }
}
