//! Who has a file open, as far as this machine tells.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::stamp::Identity;

/// Who has some files open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writers {
    /// Numbers of the processes.
    pub pids: Vec<u32>,
    /// Every process of this machine, or of this container, could be looked at.
    pub all_seen: bool,
}

/// The processes other than this one that have one of `files` open for writing.
pub fn writers(files: &[Identity]) -> Writers {
    let files = files.iter().copied().collect();
    holders(|process, handle| is_open(handle, &files) && is_writer(process, handle))
}

/// The processes other than this one that have one of `files` open in any way.
pub fn openers(files: &[Identity]) -> Writers {
    let files = files.iter().copied().collect();
    holders(|_, handle| is_open(handle, &files))
}

/// Where a server of a set would be seen, by the identities of directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Haunt {
    /// Where the files lie that are to change.
    pub files: Identity,
    /// The directory above, where a server with an append directory works; `None` when the files lie where it works.
    pub server: Option<Identity>,
}

/// Servers other than this process that run on these directories, also where they have none of the set's files open: they
/// write to a log, a base or a temporary file in them, or one level deeper, or wrote to one that has no name any more; or
/// they work in one of them, accept connections and are called as servers of this kind are. One that writes to the
/// log of another set is that one's.
pub fn servers(haunt: &Haunt) -> Writers {
    processes(|process| {
        let logs = logs(process);
        let (ours, others): (Vec<_>, Vec<_>) = logs.iter().partition(|log| log.is_of(haunt));
        if !ours.is_empty() {
            return others.is_empty() || ours.iter().any(|log| log.dirs.contains(&haunt.files));
        }
        let works_here = identity_at(&process.join("cwd"))
            .is_some_and(|cwd| cwd == haunt.files || Some(cwd) == haunt.server);
        works_here && others.is_empty() && is_server(process)
    })
}

/// A file of a server that a process has open for writing.
struct Log {
    /// The directory it lies or lay in, and the one above.
    dirs: [Identity; 2],
}

impl Log {
    fn is_of(&self, haunt: &Haunt) -> bool {
        let [dir, above] = self.dirs;
        dir == haunt.files || Some(dir) == haunt.server || above == haunt.files
    }
}

/// Files that a process has open for writing and that are named as servers name logs, bases and manifests.
fn logs(process: &Path) -> Vec<Log> {
    let Ok(handles) = fs::read_dir(process.join("fd")) else { return Vec::new() };
    let log = |handle: fs::DirEntry| {
        let opened = Opened::by(&handle)?;
        let name = opened.name.as_bytes();
        let endings: [&[u8]; 3] = [b".aof", b".rdb", b".manifest"];
        let is_meant = name.starts_with(b"temp-") || endings.iter().any(|e| name.ends_with(e));
        if !is_meant || !is_writer(process, &handle) {
            return None;
        }
        let dir = opened.dir_seen_from_here(process);
        Some(Log { dirs: [identity_at(&dir)?, identity_at(&dir.join(".."))?] })
    };
    handles.flatten().filter_map(log).collect()
}

/// A file that a process has open, by its name.
pub(super) struct Opened {
    /// The directory it lies or lay in, as that process sees it from its root, which may be another than ours.
    pub dir: PathBuf,
    pub name: OsString,
    /// It has that name no more.
    pub is_deleted: bool,
}

impl Opened {
    /// `None` for what has no name in a directory: a socket, a pipe.
    pub(super) fn by(handle: &fs::DirEntry) -> Option<Self> {
        let target = fs::read_link(handle.path()).ok()?.into_os_string().into_vec();
        let (target, is_deleted) = match target.strip_suffix(b" (deleted)") {
            Some(path) => (path, true),
            None => (&target[..], false),
        };
        let slash = target.iter().rposition(|&b| b == b'/')?;
        let (dir, name) = (&target[..slash.max(1)], &target[slash + 1..]);
        let dir = Path::new(OsStr::from_bytes(dir));
        let name = OsStr::from_bytes(name).to_owned();
        dir.is_absolute().then(|| Self { dir: dir.to_owned(), name, is_deleted })
    }

    pub(super) fn dir_seen_from_here(&self, process: &Path) -> PathBuf {
        process.join("root").join(self.dir.strip_prefix("/").unwrap_or(&self.dir))
    }
}

/// The process that started this one.
///
/// Source: proc_pid_stat(5), field 4, where the state is field 3.
pub(super) fn parent(process: &Path) -> Option<u32> {
    stat(process)?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Of `/proc/PID/stat`, what stands behind the name, which may hold anything.
pub(super) fn stat(process: &Path) -> Option<String> {
    let text = fs::read(process.join("stat")).ok()?;
    let behind = text.iter().rposition(|&byte| byte == b')')? + 1;
    String::from_utf8(text[behind..].to_vec()).ok()
}

/// Whether it accepts connections, and is called as servers of this kind are: no checker, shell, or child that rewrites.
pub(super) fn is_server(process: &Path) -> bool {
    is_called_a_server(process) && listens(process)
}

pub(super) fn identity_at(path: &Path) -> Option<Identity> {
    let meta = fs::metadata(path).ok()?;
    Some(Identity { device: meta.dev(), inode: meta.ino() })
}

/// Whether its program, or what it calls itself, has the name of a known server.
fn is_called_a_server(process: &Path) -> bool {
    const NAMES: [&str; 3] = ["redis", "valkey", "keydb"];
    let exe = fs::read_link(process.join("exe")).unwrap_or_default();
    let called = fs::read(process.join("cmdline")).unwrap_or_default();
    let first = called.split(|&b| b == 0).next().unwrap_or_default();
    let text = [exe.as_os_str().as_encoded_bytes(), first].concat().to_ascii_lowercase();
    let text = String::from_utf8_lossy(&text);
    NAMES.iter().any(|name| text.contains(name))
}

/// Whether it has a socket that takes connections.
fn listens(process: &Path) -> bool {
    let mut listening = HashSet::new();
    for (table, state, column, inode) in
        [("tcp", "0A", 3, 9), ("tcp6", "0A", 3, 9), ("unix", "00010000", 3, 6)]
    {
        let text = fs::read_to_string(process.join("net").join(table)).unwrap_or_default();
        for line in text.lines().skip(1) {
            let words: Vec<_> = line.split_whitespace().collect();
            if words.get(column) == Some(&state) {
                listening.extend(words.get(inode).map(|inode| format!("socket:[{inode}]")));
            }
        }
    }
    let Ok(handles) = fs::read_dir(process.join("fd")) else { return false };
    let mut targets = handles.flatten().filter_map(|handle| fs::read_link(handle.path()).ok());
    targets.any(|target| target.to_str().is_some_and(|target| listening.contains(target)))
}

/// The other processes with a handle like that.
fn holders(is_meant: impl Fn(&Path, &fs::DirEntry) -> bool) -> Writers {
    processes(|process| {
        let handles = fs::read_dir(process.join("fd"));
        handles.is_ok_and(|all| all.flatten().any(|handle| is_meant(process, &handle)))
    })
}

/// The other processes like that, of those that may be looked at.
pub(super) fn processes(is_meant: impl Fn(&Path) -> bool) -> Writers {
    let mut found = Writers { pids: Vec::new(), all_seen: true };
    let Ok(processes) = fs::read_dir("/proc") else {
        return Writers { all_seen: false, ..found };
    };
    for process in processes.flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let Some(pid) = pid.filter(|&pid| pid != std::process::id()) else { continue };
        let path = process.path();
        match fs::read_dir(path.join("fd")) {
            Ok(_) if is_meant(&path) => found.pids.push(pid),
            Ok(_) => {}
            // Gone meanwhile, or not ours to look at.
            Err(e) => found.all_seen &= e.kind() == std::io::ErrorKind::NotFound,
        }
    }
    found
}

/// Whether another process has the file open for writing. `None` when that cannot be told: another
/// user's processes do not show their files, another container's or machine's do not show at all.
pub fn held_for_writing(file: Identity) -> Option<bool> {
    let found = writers(&[file]);
    match found.pids.is_empty() {
        false => Some(true),
        true => (found.all_seen && sees_all_processes()).then_some(false),
    }
}

/// The directory a process of this machine works in; `None` when it is not there, or may not be looked at.
pub fn working_directory(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// The words that a process was started with, or what it has put in their place; `None` where that cannot be read.
pub fn command_line(pid: u32) -> Option<Vec<Vec<u8>>> {
    let text = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = text.strip_suffix(b"\0").unwrap_or(&text);
    Some(text.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
}

/// Whether this process can see the processes of the whole machine, and not only those of its container.
pub fn sees_all_processes() -> bool {
    // The number that the first process namespace has on every Linux since 3.8.
    // Source: PROC_PID_INIT_INO in include/linux/proc_ns.h.
    let own = fs::read_link("/proc/self/ns/pid");
    own.is_ok_and(|name| name.as_os_str() == "pid:[4026531836]")
}

fn is_open(handle: &fs::DirEntry, files: &HashSet<Identity>) -> bool {
    // Followed: the link's own numbers say nothing.
    let meta = fs::metadata(handle.path());
    meta.is_ok_and(|m| files.contains(&Identity { device: m.dev(), inode: m.ino() }))
}

pub(super) fn is_writer(process: &Path, handle: &fs::DirEntry) -> bool {
    let info = process.join("fdinfo").join(handle.file_name());
    let Ok(text) = fs::read_to_string(info) else { return true };
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok());
    // The two lowest bits are the access mode; 0 is read-only.
    flags.is_none_or(|flags| flags & 3 != 0)
}

#[cfg(test)]
mod tests {
    use super::super::FrozenFile;
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_that_writes_is_seen_and_one_that_reads_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let identity = FrozenFile::open(file.path()).unwrap().identity();
        let hold = |redirect: &str| {
            let script = format!("exec 9{redirect}\"$0\"; echo ready; read _");
            let mut child = Command::new("sh")
                .args(["-c", &script])
                .arg(file.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut ready = [0; 6];
            std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
            let seen = held_for_writing(identity);
            child.kill().unwrap();
            child.wait().unwrap();
            seen
        };
        assert_eq!(hold(">>"), Some(true));
        // As an unprivileged user other processes may hide.
        assert_ne!(hold("<"), Some(true));
    }
}
