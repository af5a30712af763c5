//! Writing so that a crash leaves the old or the new, never a part of it: create aside, sync, and give
//! the name in one step. Whoever calls decides what is written where; nothing here knows formats.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::dir::Dir;
use super::durable::Attributes;
use super::files::FrozenFile;
use crate::error::{Error, ErrorKind, Result};

/// A file that did not exist before and is filled by position, by one thread or by several.
#[derive(Debug)]
pub struct NewFile {
    path: std::path::PathBuf,
    handle: File,
}

impl NewFile {
    /// Creates it with these permission bits, whatever the process's mask.
    ///
    /// # Errors
    /// When it exists, or cannot be created.
    pub fn create(path: &Path, mode: u32) -> Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(mode);
        let handle = options.open(path).map_err(|e| Error::io(path, e))?;
        let permissions = fs::Permissions::from_mode(mode);
        handle.set_permissions(permissions).map_err(|e| Error::io(path, e))?;
        Ok(Self { path: path.to_owned(), handle })
    }

    /// The same in a directory that is held by its descriptor.
    ///
    /// # Errors
    /// As [`Self::create`]; [`ErrorKind::Refused`] when it is no plain name.
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

/// Gives a directory to this owner; what only root may do fails silently for others.
pub fn give_dir_to(dir: &Path, owner: Attributes) {
    let _ = std::os::unix::fs::chown(dir, Some(owner.uid), Some(owner.gid));
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

/// Gives `from` the name `to` in one step, unless that is taken; answers whether it was free.
///
/// # Errors
/// When the system refuses.
pub fn publish_new(from: &Path, to: &Path) -> Result<bool> {
    let refused = |e: std::io::Error| Error::io(to, e);
    match rename_flagged(from, to, Flag::NoReplace) {
        Ok(()) => return Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
        Err(e) if !is_unsupported(&e) => return Err(refused(e)),
        Err(_) => {}
    }
    // A file system without such a rename: a link refuses a taken name, too.
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from).map(|()| true).map_err(refused),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(refused(e)),
    }
}

/// Gives `from` the name `to`; what had it is gone.
///
/// # Errors
/// When the system refuses.
pub fn replace(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io(to, e))
}

/// Gives each the name of the other in one step.
///
/// # Errors
/// When the system or the file system cannot do that.
pub fn exchange(one: &Path, other: &Path) -> Result<()> {
    rename_flagged(one, other, Flag::Exchange).map_err(|e| Error::io(other, e))
}

enum Flag {
    NoReplace,
    Exchange,
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_flagged(from: &Path, to: &Path, flag: Flag) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let flag = match flag {
        Flag::NoReplace => RenameFlags::NOREPLACE,
        Flag::Exchange => RenameFlags::EXCHANGE,
    };
    Ok(renameat_with(CWD, from, CWD, to, flag)?)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_flagged(_: &Path, _: &Path, _: Flag) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

fn is_unsupported(e: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidInput, Unsupported};
    [InvalidInput, Unsupported].contains(&e.kind())
}

/// Makes the names in a directory durable.
///
/// # Errors
/// When the system tells that they are not.
pub fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| Error::io(dir, e))
}

/// Removes a file; answers whether it was there.
///
/// # Errors
/// When the system refuses.
pub fn remove_file(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::io(path, e)),
    }
}

/// Removes an empty directory; answers whether it was empty and there.
pub fn remove_empty_dir(path: &Path) -> bool {
    fs::remove_dir(path).is_ok()
}

/// Removes a directory and all that is in it.
///
/// # Errors
/// When the system refuses.
pub fn remove_tree(path: &Path) -> Result<()> {
    fs::remove_dir_all(path).map_err(|e| Error::io(path, e))
}

/// Room of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What an ordinary process may still fill.
    pub free: u64,
    /// All there is.
    pub total: u64,
}

/// The room of the file system that holds `path`.
///
/// # Errors
/// When it cannot be told.
pub fn room(path: &Path) -> Result<Room> {
    let told = rustix::fs::statvfs(path).map_err(|e| Error::io(path, e.into()))?;
    Ok(Room::of(&told))
}

impl Room {
    pub(super) fn of(told: &rustix::fs::StatVfs) -> Self {
        let of = |blocks: u64| blocks.saturating_mul(told.f_frsize);
        Self { free: of(told.f_bavail), total: of(told.f_blocks) }
    }
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Together with others that hold it so.
    Shared,
    /// Alone.
    Alone,
}

/// The open file at `path`, with what is in it, as [`FrozenFile::open`], when it is there.
///
/// # Errors
/// When it is there and cannot be opened.
pub fn open_if_there(path: &Path) -> Result<Option<FrozenFile>> {
    match FrozenFile::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if *e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (new, taken) = (dir.path().join("new"), dir.path().join("taken"));
        fs::write(&new, b"new").unwrap();
        fs::write(&taken, b"old").unwrap();
        assert!(!publish_new(&new, &taken).unwrap());
        assert_eq!(fs::read(&taken).unwrap(), b"old");
        assert!(publish_new(&new, &dir.path().join("free")).unwrap());
        assert!(!new.exists());
    }

    #[test]
    fn two_directories_change_places() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        make_dir(&one, 0o700).unwrap();
        make_dir(&other, 0o700).unwrap();
        make_dir(&other.join("deep"), 0o700).unwrap();
        exchange(&one, &other).unwrap();
        assert!(one.join("deep").is_dir() && !other.join("deep").exists());
    }
}
