//! Who has a file open, as far as this machine tells.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::files::Identity;

/// Whether another process has the file open for writing. `None` when that cannot be told: another
/// user's processes do not show their files, another container's or machine's do not show at all.
pub fn held_for_writing(file: Identity) -> Option<bool> {
    let own = std::process::id().to_string();
    let mut all_seen = true;
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name();
        let Some(pid) = name.to_str().filter(|n| n.bytes().all(|b| b.is_ascii_digit())) else {
            continue;
        };
        if pid == own {
            continue;
        }
        match fs::read_dir(process.path().join("fd")) {
            Ok(handles) => {
                if handles.flatten().any(|handle| is_writer(&process.path(), &handle, file)) {
                    return Some(true);
                }
            }
            // Gone meanwhile, or not ours to look at.
            Err(e) => all_seen &= e.kind() == std::io::ErrorKind::NotFound,
        }
    }
    all_seen.then_some(false)
}

fn is_writer(process: &std::path::Path, handle: &fs::DirEntry, file: Identity) -> bool {
    // Followed: the link's own numbers say nothing.
    let Ok(meta) = fs::metadata(handle.path()) else { return false };
    if (meta.dev(), meta.ino()) != (file.device, file.inode) {
        return false;
    }
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
