//! Files of a directory that processes have open for writing, those included that have no name any more: the bytes of
//! such a file are there until the last process closes it.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::frozen::FrozenFile;
use super::holders::{identity_at, is_writer, processes};
use super::stamp::Identity;
use crate::error::{Error, ErrorKind, Result};

/// A file that a process has open for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldFile {
    /// The process.
    pub pid: u32,
    /// The process that started it.
    pub parent: Option<u32>,
    /// When it was started.
    pub started_at: Option<SystemTime>,
    /// Where the file can be opened as long as the process has it: `/proc/PID/fd/N`.
    pub path: PathBuf,
    /// Its name, or the one it had, without directory.
    pub name: OsString,
    /// The directory it lies or lay in, as that process sees it from its root.
    pub dir: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// Which file it is.
    pub identity: Identity,
    /// It has that name no more.
    pub is_deleted: bool,
}

/// The files of this directory that other processes have open for writing, and whether all processes could be looked at.
/// A directory that was deleted and made anew is the same.
pub fn held_in(dir: &Path) -> (Vec<HeldFile>, bool) {
    held_where(dir, |above, dir| identity_at(above) == Some(dir))
}

/// The files without a name that other processes have open for writing, and that lay in this directory or in one of its own,
/// which may be gone as well.
pub fn deleted_below(dir: &Path) -> Vec<HeldFile> {
    let is_meant = |above: &Path, dir: Identity| {
        identity_at(above) == Some(dir) || above.parent().and_then(identity_at) == Some(dir)
    };
    let mut found = held_where(dir, is_meant).0;
    found.retain(|one| one.is_deleted);
    found
}

fn held_where(dir: &Path, is_meant: impl Fn(&Path, Identity) -> bool) -> (Vec<HeldFile>, bool) {
    let Some(identity) = identity_at(dir) else { return (Vec::new(), true) };
    let is_meant = |above: &Path| is_meant(above, identity);
    let found = RefCell::new(Vec::new());
    let seen = processes(|process| {
        found.borrow_mut().extend(of_process(process, &is_meant));
        false
    });
    (found.into_inner(), seen.all_seen)
}

/// Opens a file that has no name any more where a process has it open. Another file may have come to that number.
///
/// # Errors
/// [`ErrorKind::Stale`] when it is another file by now, or when the process has closed it.
pub fn open_held(path: &Path, identity: Identity) -> Result<FrozenFile> {
    let file = FrozenFile::open_growing(path)?;
    if file.identity() != identity {
        let why = "the process has closed it, and has another file open by now".to_owned();
        return Err(Error::new(ErrorKind::Stale(why), path));
    }
    Ok(file)
}

fn of_process(process: &Path, is_meant: &dyn Fn(&Path) -> bool) -> Vec<HeldFile> {
    let Ok(handles) = fs::read_dir(process.join("fd")) else { return Vec::new() };
    let mut found: Vec<_> =
        handles.flatten().filter_map(|handle| held(process, &handle, is_meant)).collect();
    if !found.is_empty() {
        let (parent, started_at) = (parent(process), started_at(process));
        for one in &mut found {
            (one.parent, one.started_at) = (parent, started_at);
        }
    }
    found
}

fn held(
    process: &Path,
    handle: &fs::DirEntry,
    is_meant: &dyn Fn(&Path) -> bool,
) -> Option<HeldFile> {
    let target = fs::read_link(handle.path()).ok()?.into_os_string().into_vec();
    let (target, is_deleted) = match target.strip_suffix(b" (deleted)") {
        Some(path) => (path, true),
        None => (&target[..], false),
    };
    let slash = target.iter().rposition(|&b| b == b'/')?;
    let (above, name) = (&target[..slash], &target[slash + 1..]);
    // As that process sees it: it may have another root.
    let above = Path::new(OsStr::from_bytes(above)).strip_prefix("/").ok()?;
    if !is_meant(&process.join("root").join(above)) {
        return None;
    }
    let meta = fs::metadata(handle.path()).ok().filter(fs::Metadata::is_file)?;
    is_writer(process, handle).then(|| HeldFile {
        pid: process.file_name().and_then(OsStr::to_str).and_then(|n| n.parse().ok()).unwrap_or(0),
        parent: None,
        started_at: None,
        path: handle.path(),
        dir: Path::new("/").join(above),
        name: OsStr::from_bytes(name).to_owned(),
        len: meta.len(),
        identity: Identity { device: meta.dev(), inode: meta.ino() },
        is_deleted,
    })
}

/// Of `/proc/PID/stat`, what stands behind the name, which may hold anything.
fn stat(process: &Path) -> Option<String> {
    let text = fs::read(process.join("stat")).ok()?;
    let behind = text.iter().rposition(|&byte| byte == b')')? + 1;
    String::from_utf8(text[behind..].to_vec()).ok()
}

/// Source: proc_pid_stat(5), field 4, where the state is field 3.
fn parent(process: &Path) -> Option<u32> {
    stat(process)?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Source: proc_pid_stat(5), field 22, in ticks since the machine was started.
fn started_at(process: &Path) -> Option<SystemTime> {
    let ticks: u64 = stat(process)?.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let machine = fs::read_to_string("/proc/stat").ok()?;
    let booted = machine.lines().find_map(|line| line.strip_prefix("btime "))?.trim();
    let seconds = ticks / rustix::param::clock_ticks_per_second().max(1);
    let booted: u64 = booted.parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(booted + seconds))
}
