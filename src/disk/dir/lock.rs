//! Locks on files in a directory, and on the directory itself.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::super::attributes::Attributes;
use super::super::durable::{Lock, own};
use super::super::publish::Hold;
use super::super::stamp::Stamp;
use super::{Dir, OPEN_DIR, again};
use crate::error::{Error, ErrorKind, Result};

impl Dir {
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
