//! Files of a directory that processes have open for writing, those included that have no name any more: the bytes of
//! such a file are there until the last process closes it.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::frozen::FrozenFile;
use super::holders::{Opened, identity_at, is_server, is_writer, parent, processes, stat};
use super::stamp::Identity;
use crate::error::{Error, ErrorKind, Result};

/// A process that has files open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// The process that started it.
    pub parent: Option<u32>,
    /// When it was started.
    pub started_at: Option<SystemTime>,
    /// It is a server: it accepts connections, and is called as servers of this kind are.
    pub is_server: bool,
    /// The directory that it works in; `None` where that has no name any more.
    pub works_in: Option<Identity>,
}

/// A file that a process has open for writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldFile {
    /// The process.
    pub holder: Holder,
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
        let why = "the process has closed it, and has another file open now".to_owned();
        return Err(Error::new(ErrorKind::Stale(why), path));
    }
    Ok(file)
}

fn of_process(process: &Path, is_meant: &dyn Fn(&Path) -> bool) -> Vec<HeldFile> {
    let Ok(handles) = fs::read_dir(process.join("fd")) else { return Vec::new() };
    let meant = handles.flatten().filter_map(|handle| {
        let opened = Opened::by(&handle)?;
        let is_it = is_meant(&opened.dir_seen_from_here(process)) && is_writer(process, &handle);
        is_it.then_some((handle, opened))
    });
    let meant: Vec<_> = meant.collect();
    if meant.is_empty() {
        return Vec::new();
    }
    let Some(holder) = holder(process) else { return Vec::new() };
    let held = |(handle, opened): (fs::DirEntry, Opened)| {
        let meta = fs::metadata(handle.path()).ok().filter(fs::Metadata::is_file)?;
        let Opened { dir, name, is_deleted } = opened;
        let identity = Identity { device: meta.dev(), inode: meta.ino() };
        let (holder, path, len) = (holder.clone(), handle.path(), meta.len());
        Some(HeldFile { holder, path, name, dir, len, identity, is_deleted })
    };
    meant.into_iter().filter_map(held).collect()
}

fn holder(process: &Path) -> Option<Holder> {
    let cwd = process.join("cwd");
    let has_name = fs::read_link(&cwd)
        .is_ok_and(|path| !path.as_os_str().as_encoded_bytes().ends_with(b" (deleted)"));
    Some(Holder {
        pid: process.file_name()?.to_str()?.parse().ok()?,
        parent: parent(process),
        started_at: started_at(process),
        is_server: is_server(process),
        works_in: identity_at(&cwd).filter(|_| has_name),
    })
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
