//! What a tree of files is, links not followed: all that must not change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::support::number_from_env;
use super::world::{Run, aofkit};

/// Kind, mode, owner, group, and bytes or where a link leads; the time of the last write for files.
pub type Tree = BTreeMap<PathBuf, (char, u32, u32, u32, Vec<u8>, i64)>;

/// Everything below `root` by its path, but what is called like this.
pub fn tree_without(root: &Path, left_out: &str) -> Tree {
    let mut found = Tree::new();
    let mut pending = vec![root.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if !left_out.is_empty() && path.to_str().is_some_and(|path| path.ends_with(left_out)) {
                continue;
            }
            let meta = fs::symlink_metadata(&path).unwrap();
            let (kind, bytes) = match meta.file_type() {
                kind if kind.is_dir() => ('d', Vec::new()),
                kind if kind.is_symlink() => {
                    ('l', fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes())
                }
                kind if kind.is_fifo() => ('p', Vec::new()),
                _ => ('f', fs::read(&path).unwrap()),
            };
            let time =
                if kind == 'f' { meta.mtime_nsec() + meta.mtime() * 1_000_000_000 } else { 0 };
            if kind == 'd' {
                pending.push(path.clone());
            }
            let name = path.strip_prefix(root).unwrap().to_owned();
            found.insert(name, (kind, meta.mode(), meta.uid(), meta.gid(), bytes, time));
        }
    }
    found
}

/// Everything below `root`.
pub fn tree(root: &Path) -> Tree {
    tree_without(root, "")
}

/// The binary with these words on a path; it must end within ten seconds, or `AOFKIT_PATIENCE`: where much else runs, a
/// clock on the wall tells little.
pub fn in_time(words: &[&str], path: &Path) -> Run {
    let started = Instant::now();
    let run = super::world::finish(aofkit().args(words).arg(path));
    let patience = Duration::from_secs(number_from_env("AOFKIT_PATIENCE", 10));
    assert!(started.elapsed() < patience, "{words:?} takes {:?}", started.elapsed());
    run
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

pub fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}
