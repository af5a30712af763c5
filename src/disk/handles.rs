//! A file that a process has open: its name, and how it is open.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Who has some files open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writers {
    /// Numbers of the processes.
    pub pids: Vec<u32>,
    /// Every process of this machine, or of this container, could be looked at.
    pub all_seen: bool,
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
