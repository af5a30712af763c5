//! Opening, listing and identifying files, read-only.

use super::stamp::{Identity, Stamp, identity};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::file_path::FilePath;
use super::frozen::FrozenFile;
use crate::error::{Error, ErrorKind, Result};

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

/// Opens `dir/name` for reading. A symbolic link is followed when it stays inside `dir`. `grows`: as
/// [`FrozenFile::open_growing`].
///
/// # Errors
/// When it cannot be opened, or a link leads out of `dir`. The flag tells whether it was a link.
pub fn open_inside(dir: &Path, name: &OsStr, grows: bool) -> Result<(FrozenFile, bool)> {
    open_shared(&dir.into(), &name.as_bytes().into(), grows)
}

/// The same, of one of very many files in a directory.
///
/// # Errors
/// As [`open_inside`].
pub fn open_shared(dir: &Arc<Path>, name: &Arc<[u8]>, grows: bool) -> Result<(FrozenFile, bool)> {
    let shared = FilePath::new(dir, name);
    let path = shared.path();
    let is_link = std::fs::symlink_metadata(&path).is_ok_and(|m| m.is_symlink());
    if is_link {
        let real = path.canonicalize().map_err(|e| Error::io(&path, e))?;
        let home = dir.canonicalize().map_err(|e| Error::io(dir, e))?;
        if !real.starts_with(&home) {
            return Err(Error::new(ErrorKind::LeavesSet, &path));
        }
    }
    Ok((FrozenFile::open_held(shared, grows)?, is_link))
}

/// Reads a whole small file.
///
/// # Errors
/// When it cannot be read or is larger than `limit` bytes.
pub fn read_small(path: &Path, limit: u64) -> Result<Vec<u8>> {
    FrozenFile::open(path)?.read_small(limit)
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
    list_some(dir, |_| true)
}

/// Whether a directory can be listed.
pub fn can_list(dir: &Path) -> bool {
    unless_interrupted(|| std::fs::read_dir(dir)).is_ok()
}

/// Those of the names in a directory that `is_wanted`, sorted; the others are not even looked at.
///
/// # Errors
/// When the directory cannot be read.
pub fn list_some(dir: &Path, is_wanted: impl Fn(&OsStr) -> bool) -> Result<Vec<Listed>> {
    let mut found = Vec::new();
    for entry in unless_interrupted(|| std::fs::read_dir(dir)).map_err(|e| Error::io(dir, e))? {
        let entry = entry.map_err(|e| Error::io(dir, e))?;
        let name = entry.file_name();
        if !is_wanted(&name) {
            continue;
        }
        let meta = match std::fs::metadata(entry.path()) {
            Ok(meta) => meta,
            // Links that lead nowhere or in a circle are no files.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(_) if entry.file_type().is_ok_and(|kind| kind.is_symlink()) => continue,
            Err(e) => return Err(Error::io(&entry.path(), e)),
        };
        found.push(Listed {
            name,
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

/// Whether `path` is there and a character device, such as /dev/null.
pub fn is_device(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_char_device())
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
