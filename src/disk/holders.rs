//! Who has a file open, as far as this machine tells.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::handles::Writers;
use super::processes::{Handle, Process, Processes};
use super::stamp::Identity;

/// The processes other than this one that have one of `files` open for writing.
pub fn writers(files: &[Identity]) -> Writers {
    Processes::look().writers(files)
}

/// The processes other than this one that have one of `files` open in any way.
pub fn openers(files: &[Identity]) -> Writers {
    Processes::look().openers(files)
}

/// Where a server of a set would be seen, by the identities of directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Haunt {
    /// Where the files lie that are to change.
    pub files: Identity,
    /// The directory above, where a server with an append directory works; `None` when the files lie where it works.
    pub server: Option<Identity>,
}

impl Processes {
    /// Servers that run on these directories, also where they have none of the set's files open: they
    /// write to a log, a base or a temporary file in them, or one level deeper, or wrote to one that has no name any more; or
    /// they work in one of them, accept connections and are called as servers of this kind are. One that writes to the
    /// log of another set is that one's.
    pub fn servers(&self, haunt: &Haunt) -> Writers {
        self.those(|process| {
            let logs = logs(process);
            let (ours, others): (Vec<_>, Vec<_>) = logs.iter().partition(|log| log.is_of(haunt));
            if !ours.is_empty() {
                return others.is_empty() || ours.iter().any(|log| log.dirs.contains(&haunt.files));
            }
            let works_here = identity_at(&process.path.join("cwd"))
                .is_some_and(|cwd| cwd == haunt.files || Some(cwd) == haunt.server);
            works_here && others.is_empty() && is_server(&process.path)
        })
    }
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
fn logs(process: &Process) -> Vec<Log> {
    let log = |handle: &Handle| {
        let (dir, opened) = handle.place(&process.path)?;
        let name = opened.name.as_bytes();
        let endings: [&[u8]; 3] = [b".aof", b".rdb", b".manifest"];
        let is_meant = name.starts_with(b"temp-") || endings.iter().any(|e| name.ends_with(e));
        if !is_meant || !process.writes(handle) {
            return None;
        }
        Some(Log { dirs: [identity_at(&dir)?, identity_at(&dir.join(".."))?] })
    };
    process.handles.iter().filter_map(log).collect()
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

/// The same as [`Processes::held_for_writing`], of now.
pub fn held_for_writing(file: Identity) -> Option<bool> {
    Processes::look().held_for_writing(file)
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
