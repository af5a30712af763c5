//! Files of a directory that processes have open for writing, those included that have no name any more: the bytes of
//! such a file are there until the last process closes it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::frozen::FrozenFile;
use super::handles::{HandleInfo, Opened};
use super::holders::{identity_at, is_server, parent, stat};
use super::processes::{Handle, Process, Processes};
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
    /// Where the process writes next, taken before the length was: it wrote all before that. A process that has only just
    /// opened the file to append to it stands at 0.
    pub place: Option<u64>,
    /// Each write goes to the end of the file, wherever that is by then. Else the process keeps its own place, and one that is
    /// behind the end leaves NUL bytes between.
    pub appends: bool,
}

impl Processes {
    /// The files of this directory that other processes have open for writing. A directory that was deleted and made anew is
    /// the same.
    pub fn held_in(&self, dir: &Path) -> Vec<HeldFile> {
        self.held_where(dir, |above, dir| identity_at(above) == Some(dir))
    }

    /// The files without a name that other processes have open for writing, and that lay in this directory or in one of its
    /// own, which may be gone as well.
    pub(crate) fn deleted_below(&self, dir: &Path) -> Vec<HeldFile> {
        let is_meant = |above: &Path, dir: Identity| {
            identity_at(above) == Some(dir) || above.parent().and_then(identity_at) == Some(dir)
        };
        let mut found = self.held_where(dir, is_meant);
        found.retain(|one| one.is_deleted);
        found
    }

    fn held_where(&self, dir: &Path, is_meant: impl Fn(&Path, Identity) -> bool) -> Vec<HeldFile> {
        let Some(identity) = identity_at(dir) else { return Vec::new() };
        let is_meant = |above: &Path| is_meant(above, identity);
        self.all.iter().flat_map(|process| of_process(process, &is_meant)).collect()
    }
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

fn of_process(process: &Process, is_meant: &dyn Fn(&Path) -> bool) -> Vec<HeldFile> {
    let is_it = |handle: &&Handle| {
        let place = handle.place(&process.path);
        place.is_some_and(|(dir, _)| is_meant(&dir)) && process.writes(handle)
    };
    let meant: Vec<_> = process.handles.iter().filter(is_it).collect();
    if meant.is_empty() {
        return Vec::new();
    }
    let Some(holder) = holder(&process.path) else { return Vec::new() };
    meant.into_iter().filter_map(|handle| held(process, handle, &holder)).collect()
}

fn held(process: &Process, handle: &Handle, holder: &Holder) -> Option<HeldFile> {
    let Opened { dir, name, is_deleted } = handle.opened.as_ref()?;
    // Before the length: what is only appended to is longer by then, and never shorter.
    let info = HandleInfo::of(&process.path, &handle.path);
    let meta = fs::metadata(&handle.path).ok().filter(fs::Metadata::is_file)?;
    let identity = Identity { device: meta.dev(), inode: meta.ino() };
    Some(HeldFile {
        holder: holder.clone(),
        path: handle.path.clone(),
        name: name.clone(),
        dir: dir.clone(),
        len: meta.len(),
        identity,
        is_deleted: *is_deleted,
        place: info.as_ref().map(|info| info.place),
        appends: info.is_some_and(|info| info.appends()),
    })
    .filter(|one| one.identity == handle.identity)
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
