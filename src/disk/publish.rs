//! Writing so that a crash leaves the old or the new, never a part of it: create aside, sync, and give
//! the name in one step. Whoever calls decides what is written where; nothing here knows formats.

use super::attributes::Attributes;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, PermissionsExt};
use std::path::Path;

use super::dir::Dir;
use crate::error::{Error, Result};

/// A file that did not exist before and is filled by position, by one thread or by several.
#[derive(Debug)]
pub struct NewFile {
    path: std::path::PathBuf,
    handle: File,
}

impl NewFile {
    /// Creates it by its path, in a place of our own, with these permission bits, whatever the process's mask.
    ///
    /// # Errors
    /// When it exists, or cannot be created.
    pub fn create(path: &Path, mode: u32) -> Result<Self> {
        let dir = Dir::open(parent(path))?;
        Self::create_in(&dir, path.file_name().unwrap_or_default(), mode)
    }

    /// The same in a directory that is held.
    ///
    /// # Errors
    /// When the name is taken, or is no plain name, or the system refuses.
    pub fn create_in(dir: &Dir, name: impl AsRef<OsStr>, mode: u32) -> Result<Self> {
        let (handle, path) = (dir.create(name.as_ref(), mode)?, dir.at(name));
        let permissions = fs::Permissions::from_mode(mode);
        handle.set_permissions(permissions).map_err(|e| Error::io(&path, e))?;
        Ok(Self { path, handle })
    }

    /// Writes all of `bytes` at `at`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write_at(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.handle.write_all_at(bytes, at).map_err(|e| Error::io(&self.path, e).at(at))
    }

    /// Gives it this length in bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_len(&self, len: u64) -> Result<()> {
        self.handle.set_len(len).map_err(|e| Error::io(&self.path, e))
    }

    /// Gives it to this owner; what only root may do fails silently for others.
    pub fn give_to(&self, owner: Attributes) {
        let _ = std::os::unix::fs::fchown(&self.handle, Some(owner.uid), Some(owner.gid));
    }

    /// Tells the kernel to begin to write out `len` bytes from `at`, so that a sync later finds little
    /// left to do. Advice only.
    pub fn begin_writing_out(&self, at: u64, len: u64) {
        #[cfg(target_os = "linux")]
        super::cache::write_out(&self.handle, at, len);
        #[cfg(not(target_os = "linux"))]
        let _ = (at, len);
    }

    /// Returns when all of it is on the disk.
    ///
    /// # Errors
    /// When the system tells that it is not.
    pub fn sync(&self) -> Result<()> {
        self.handle.sync_all().map_err(|e| Error::io(&self.path, e))
    }
}

/// A file that is filled under a name that nobody knows, and then gets its own. Dropped before that, it goes.
///
/// One that a killed process has left behind stays: nothing proves whose it is.
#[derive(Debug)]
pub struct Unpublished {
    dir: Dir,
    temporary: String,
    is_published: bool,
    /// To be filled.
    pub file: NewFile,
}

impl Unpublished {
    /// One in a directory that is held, with these permission bits. Its name ends in `.tmp`, which no collector of metrics
    /// takes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create_in(dir: Dir, mode: u32) -> Result<Self> {
        let random = RandomState::new().hash_one(std::process::id());
        let temporary = format!(".aofkit-{random:016x}.tmp");
        let file = NewFile::create_in(&dir, &temporary, mode)?;
        Ok(Self { dir, temporary, is_published: false, file })
    }

    /// Gives it this name when all of it is on the disk; what had that name is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn replace(mut self, name: &OsStr) -> Result<()> {
        self.file.sync()?;
        self.dir.rename(&self.temporary, &self.dir, name)?;
        self.is_published = true;
        Ok(())
    }

    /// Gives it this name, which nothing may have, and returns when that is durable.
    ///
    /// # Errors
    /// When something has that name, or the system refuses.
    pub fn publish(mut self, name: &OsStr) -> Result<()> {
        self.file.sync()?;
        if !self.dir.rename_new(&self.temporary, &self.dir, name)? {
            return Err(Error::io(&self.dir.at(name), io::ErrorKind::AlreadyExists.into()));
        }
        self.is_published = true;
        self.dir.sync()
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        if !self.is_published {
            // It is of no use, and the error that led here is told.
            let _ = self.dir.remove_file(&self.temporary);
        }
    }
}

/// Makes one directory, which must not exist.
///
/// # Errors
/// When it exists, or the system refuses.
pub fn make_dir(dir: &Path, mode: u32) -> Result<()> {
    DirBuilder::new().mode(mode).create(dir).map_err(|e| Error::io(dir, e))
}

/// Gives a directory these permission bits, whatever the process's mask was when it was made.
///
/// # Errors
/// When the system refuses.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|e| Error::io(path, e))
}

/// The directory a path lies in.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the names in a directory durable.
///
/// # Errors
/// When the system tells that they are not.
pub fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| Error::io(dir, e))
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Together with others that hold it so.
    Shared,
    /// Alone.
    Alone,
}
