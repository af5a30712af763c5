//! Who has a file open, as far as this machine tells.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::processes::{Handle, Process, Processes};
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

/// A file that a process has open, by its name.
#[derive(Debug)]
pub(super) struct Opened {
    /// The directory it lies or lay in, as that process sees it from its root, which may be another than ours.
    pub dir: PathBuf,
    pub name: OsString,
    /// It has that name no more.
    pub is_deleted: bool,
}

impl Opened {
    /// `None` for what has no name in a directory: a socket, a pipe.
    pub(super) fn by(handle: &Path) -> Option<Self> {
        let target = fs::read_link(handle).ok()?.into_os_string().into_vec();
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

/// Whether this process can see the processes of the whole machine, and not only those of its container.
pub fn sees_all_processes() -> bool {
    // The number that the first process namespace has on every Linux since 3.8.
    // Source: PROC_PID_INIT_INO in include/linux/proc_ns.h.
    let own = fs::read_link("/proc/self/ns/pid");
    own.is_ok_and(|name| name.as_os_str() == "pid:[4026531836]")
}

/// What `/proc/PID/fdinfo/N` says of an open file.
///
/// Source: proc_pid_fdinfo(5).
pub(super) struct HandleInfo {
    /// Where the next byte is read or written, unless it is open for appending.
    pub place: u64,
    flags: u32,
}

/// `O_APPEND` of Linux on x86-64 and aarch64.
const APPENDS: u32 = 0o2000;

impl HandleInfo {
    pub(super) fn of(process: &Path, handle: &Path) -> Option<Self> {
        let info = process.join("fdinfo").join(handle.file_name()?);
        let text = fs::read_to_string(info).ok()?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        Some(Self {
            place: field("pos:")?.trim().parse().ok()?,
            flags: u32::from_str_radix(field("flags:")?.trim(), 8).ok()?,
        })
    }

    /// Whether each write goes to the end of the file, wherever that is by then.
    pub(super) fn appends(&self) -> bool {
        self.flags & APPENDS != 0
    }
}

/// Whether it is open for writing; also where that is not told.
pub(super) fn is_writer(process: &Path, handle: &Path) -> bool {
    // The two lowest bits are the access mode; 0 is read-only.
    HandleInfo::of(process, handle).is_none_or(|info| info.flags & 3 != 0)
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
