//! Who has a file open, as far as this machine tells.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::files::Identity;

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

/// The other processes with a handle like that.
fn holders(is_meant: impl Fn(&std::path::Path, &fs::DirEntry) -> bool) -> Writers {
    let mut found = Writers { pids: Vec::new(), all_seen: true };
    let Ok(processes) = fs::read_dir("/proc") else {
        return Writers { all_seen: false, ..found };
    };
    for process in processes.flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let Some(pid) = pid.filter(|&pid| pid != std::process::id()) else { continue };
        match fs::read_dir(process.path().join("fd")) {
            Ok(handles) => {
                let path = process.path();
                if handles.flatten().any(|handle| is_meant(&path, &handle)) {
                    found.pids.push(pid);
                }
            }
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
        true => found.all_seen.then_some(false),
    }
}

/// The directory a process of this machine works in; `None` when it is not there, or may not be looked at.
pub fn working_directory(pid: u32) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
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

pub(super) fn is_writer(process: &std::path::Path, handle: &fs::DirEntry) -> bool {
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
