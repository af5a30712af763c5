//! Who uses a directory, as far as this machine tells: a server may hold files that lie deeper, files that are deleted
//! by now, or nothing but the directory that it works in.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::dir::{Dir, Kind};
use super::handles::is_writer;
use super::stamp::Identity;
use crate::error::Result;

/// A process and what it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub pid: u32,
    /// What it has open for writing, or works in.
    pub what: PathBuf,
    /// It works in it, and has it not open.
    pub works_there: bool,
}

/// Directories below one that are looked into, and files of each: a data directory has a few.
const LOOKED_INTO: usize = 10_000;
const DEPTH: usize = 8;

/// A process, other than this one, that writes to something in `dir` or below it, or works there. Those that
/// started this one are not counted for working there: a shell is no server.
///
/// # Errors
/// When the directory cannot be looked at.
pub fn user_of(dir: &Dir, path: &Path) -> Result<Option<User>> {
    let mut inside = Inside { path: path.to_owned(), dirs: Vec::new(), files: Vec::new() };
    inside.gather(dir, 0)?;
    let own = ancestors();
    for pid in pids().filter(|&pid| pid != std::process::id()) {
        let process = PathBuf::from(format!("/proc/{pid}"));
        if let Some(what) = inside.written_by(&process) {
            return Ok(Some(User { pid, what, works_there: false }));
        }
        if !own.contains(&pid)
            && let Some(what) = inside.cwd_of(&process)
        {
            return Ok(Some(User { pid, what, works_there: true }));
        }
    }
    Ok(None)
}

/// What lies in a directory and below it.
struct Inside {
    path: PathBuf,
    dirs: Vec<Identity>,
    files: Vec<Identity>,
}

impl Inside {
    fn gather(&mut self, dir: &Dir, depth: usize) -> Result<()> {
        self.dirs.push(dir.look_at_itself()?.stamp.identity);
        for found in dir.list()? {
            if self.dirs.len() + self.files.len() > LOOKED_INTO {
                return Ok(());
            }
            match found.look.kind {
                Kind::File => self.files.push(found.look.stamp.identity),
                Kind::Directory if depth < DEPTH => {
                    // What this user may not look into is found by its path, if at all.
                    if let Ok(Some(below)) = dir.dir_if_there(&found.name) {
                        let _ = self.gather(&below, depth + 1);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn written_by(&self, process: &Path) -> Option<PathBuf> {
        let handles = fs::read_dir(process.join("fd")).ok()?;
        handles.flatten().find_map(|handle| {
            // Followed: the link's own numbers say nothing. A deleted file is still reached so.
            let meta = fs::metadata(handle.path()).ok().filter(fs::Metadata::is_file)?;
            let is_one = self.files.contains(&identity(&meta));
            let name = fs::read_link(handle.path()).ok();
            let lies_there = name.as_ref().is_some_and(|name| name.starts_with(&self.path));
            ((is_one || lies_there) && is_writer(process, &handle.path()))
                .then(|| name.unwrap_or_else(|| self.path.clone()))
        })
    }

    fn cwd_of(&self, process: &Path) -> Option<PathBuf> {
        let link = process.join("cwd");
        let meta = fs::metadata(&link).ok()?;
        let name = fs::read_link(&link).ok();
        let lies_there = name.as_ref().is_some_and(|name| name.starts_with(&self.path));
        (self.dirs.contains(&identity(&meta)) || lies_there)
            .then(|| name.unwrap_or_else(|| self.path.clone()))
    }
}

/// Where a process writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// To this file.
    Here,
    /// Not to this file, but to another in the same directory.
    ToAnother,
    /// That cannot be told: it is on another machine, or in a container, or another user's.
    Unknown,
}

/// Where the process that calls itself `pid`, in whatever container it is, writes: to `file`, or to another
/// in `dir`.
pub fn writes_to(pid: u32, file: Identity, dir: &Path) -> Writes {
    let mut writes = Writes::Unknown;
    for process in pids().map(|outside| PathBuf::from(format!("/proc/{outside}"))) {
        if own_number(&process) != Some(pid) {
            continue;
        }
        let Ok(handles) = fs::read_dir(process.join("fd")) else { continue };
        for handle in handles.flatten() {
            let Ok(meta) = fs::metadata(handle.path()) else { continue };
            if !meta.is_file() || !is_writer(&process, &handle.path()) {
                continue;
            }
            if identity(&meta) == file {
                return Writes::Here;
            }
            let name = fs::read_link(handle.path());
            if name.is_ok_and(|name| name.parent() == Some(dir)) {
                writes = Writes::ToAnother;
            }
        }
    }
    writes
}

fn identity(meta: &fs::Metadata) -> Identity {
    Identity { device: meta.dev(), inode: meta.ino() }
}

fn pids() -> impl Iterator<Item = u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|process| process.file_name().to_str()?.parse().ok())
}

/// The number that a process has for itself: the last of its namespaces' is the innermost.
fn own_number(process: &Path) -> Option<u32> {
    field(process, "NSpid:")?.split_ascii_whitespace().next_back()?.parse().ok()
}

fn field(process: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(process.join("status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
}

/// The processes that started this one, and those that started them.
fn ancestors() -> Vec<u32> {
    let mut found = Vec::new();
    let mut pid = std::process::id();
    while let Some(parent) = field(&PathBuf::from(format!("/proc/{pid}")), "PPid:")
        && let Ok(parent) = parent.trim().parse::<u32>()
        && parent > 0
        && !found.contains(&parent)
    {
        found.push(parent);
        pid = parent;
    }
    found
}
