//! What other processes have open: looked at once, for all who ask in a run.
//!
//! A look takes as long as the machine has open files. Who reads may share one ([`LookOnce`]); who is about to change
//! something looks anew.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::handles::{Opened, Writers, is_writer, sees_all_processes};
use super::stamp::Identity;

/// The other processes that may be looked at, and what they had open at one moment.
#[derive(Debug)]
pub struct Processes {
    pub(super) all: Vec<Process>,
    /// Every process of this machine, or of this container, could be looked at.
    pub(super) all_seen: bool,
}

/// Another process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// Its directory in `/proc`.
    pub(super) path: PathBuf,
    pub(super) handles: Vec<Handle>,
}

/// A file that a process has open.
#[derive(Debug)]
pub(super) struct Handle {
    /// Where it can be opened as long as the process has it: `/proc/PID/fd/N`.
    pub(super) path: PathBuf,
    /// Its name, where it has or had one.
    pub(super) opened: Option<Opened>,
    pub(super) identity: Identity,
}

impl Processes {
    /// Looks at them.
    pub fn look() -> Self {
        let mut found = Self { all: Vec::new(), all_seen: true };
        let Ok(processes) = fs::read_dir("/proc") else {
            return Self { all_seen: false, ..found };
        };
        for process in processes.flatten() {
            let pid = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            let Some(pid) = pid.filter(|&pid| pid != std::process::id()) else { continue };
            let path = process.path();
            match fs::read_dir(path.join("fd")) {
                Ok(all) => {
                    let handles = all.flatten().filter_map(|one| Handle::of(&one)).collect();
                    found.all.push(Process { pid, path, handles });
                }
                // Gone meanwhile, or not ours to look at.
                Err(e) => found.all_seen &= e.kind() == std::io::ErrorKind::NotFound,
            }
        }
        found
    }

    /// The processes that have one of `files` open for writing.
    pub fn writers(&self, files: &[Identity]) -> Writers {
        let files: HashSet<_> = files.iter().collect();
        self.with(|process, handle| files.contains(&handle.identity) && process.writes(handle))
    }

    /// The processes that have one of `files` open in any way.
    pub fn openers(&self, files: &[Identity]) -> Writers {
        let files: HashSet<_> = files.iter().collect();
        self.with(|_, handle| files.contains(&handle.identity))
    }

    /// Whether a process has the file open for writing. `None` when that cannot be told: another user's processes do not
    /// show their files, another container's or machine's do not show at all.
    pub fn held_for_writing(&self, file: Identity) -> Option<bool> {
        match self.writers(&[file]).pids.is_empty() {
            false => Some(true),
            true => (self.all_seen && sees_all_processes()).then_some(false),
        }
    }

    fn with(&self, is_meant: impl Fn(&Process, &Handle) -> bool) -> Writers {
        self.those(|process| process.handles.iter().any(|handle| is_meant(process, handle)))
    }

    /// The processes like that.
    pub(super) fn those(&self, is_meant: impl Fn(&Process) -> bool) -> Writers {
        let meant = self.all.iter().filter(|process| is_meant(process));
        Writers { pids: meant.map(|process| process.pid).collect(), all_seen: self.all_seen }
    }
}

impl Process {
    /// Whether it has that open for writing.
    pub(super) fn writes(&self, handle: &Handle) -> bool {
        is_writer(&self.path, &handle.path)
    }
}

impl Handle {
    fn of(entry: &fs::DirEntry) -> Option<Self> {
        let path = entry.path();
        // Followed: the link's own numbers say nothing.
        let meta = fs::metadata(&path).ok()?;
        let identity = Identity { device: meta.dev(), inode: meta.ino() };
        Some(Self { opened: Opened::by(&path), path, identity })
    }

    /// The directory that it lies or lay in, seen from here, and what it is called.
    pub(super) fn place(&self, process: &Path) -> Option<(PathBuf, &Opened)> {
        let opened = self.opened.as_ref()?;
        Some((opened.dir_seen_from_here(process), opened))
    }
}

/// A look at the other processes that is taken when it is first asked for, and shared by all copies of this. It is taken
/// anew once it is five seconds old.
#[derive(Clone, Debug, Default)]
pub struct LookOnce(Arc<Mutex<Option<Look>>>);

/// What was seen, and when.
type Look = (Instant, Arc<Processes>);

/// How long a look counts: servers come and go, and some runs last for days.
const STALE: Duration = Duration::from_secs(5);

impl LookOnce {
    /// What was seen.
    pub fn get(&self) -> Arc<Processes> {
        // Whoever panicked has left a whole look, or none.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, seen)) = &*last
            && at.elapsed() < STALE
        {
            return Arc::clone(seen);
        }
        let (_, seen) = last.insert((Instant::now(), Arc::new(Processes::look())));
        Arc::clone(seen)
    }
}
