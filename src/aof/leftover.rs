//! What lies beside a set and is not part of it. No server ever cleans these up by itself.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::kept::{KeptId, SUFFIX, is_kept_file};
use super::locate::{is_temporary, segment_name};
use crate::disk::{self, Dir, Kind};

/// A file that no server will load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Where it lies.
    pub path: PathBuf,
    /// What it was.
    pub kind: LeftoverKind,
    /// Length in bytes.
    pub len: u64,
    /// When it was last written to.
    pub modified: Option<SystemTime>,
}

/// What a leftover was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftoverKind {
    /// A base or increment that no manifest line names.
    Orphan,
    /// A file the manifest lists as history.
    History,
    /// Written by a rewrite or a manifest change that has not finished, or never did.
    Temporary,
    /// A pre-7.0 file next to a set that has its own files: ignored for ever.
    OldSingleFile,
    /// The directory beside the set that keeps what changes removed, for them to be taken back.
    Kept,
}

impl LeftoverKind {
    /// Its name in JSON and in lists. An old single file is told as an orphan.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Orphan | Self::OldSingleFile => "orphan-segment",
            Self::History => "history-file",
            Self::Temporary => "temp-file",
            Self::Kept => "kept",
        }
    }
}

/// Finds what lies in the set's directory and in the server's.
pub(super) fn find(dir: &Path, stem: &[u8], named: &HashSet<&[u8]>) -> Vec<Leftover> {
    let mut found = Vec::new();
    scan(dir, &mut found, |name| {
        if named.contains(name) {
            return None;
        }
        match segment_name(name) {
            Some(segment) if segment.stem == stem => Some(LeftoverKind::Orphan),
            _ => is_temporary(name).then_some(LeftoverKind::Temporary),
        }
    });
    if let Some(parent) = server_dir(dir) {
        scan(&parent, &mut found, |name| {
            if name == stem {
                return Some(LeftoverKind::OldSingleFile);
            }
            let rewrite = name.starts_with(b"temp-rewriteaof-");
            let snapshot = is_temporary(name) && name.ends_with(b".rdb");
            (rewrite || snapshot).then_some(LeftoverKind::Temporary)
        });
    }
    found.extend(kept(dir));
    found
}

/// What changes of this set keep beside it: the files we wrote there. A link in its place is nobody's.
fn kept(dir: &Path) -> Option<Leftover> {
    let path = disk::real_path(dir).ok()?;
    let mut name = path.file_name()?.to_owned();
    name.push(SUFFIX);
    let all = Dir::open(path.parent()?).ok()?.dir_if_there(&name).ok()??;
    let changes = all.list().ok()?;
    let is_ours = |found: &&disk::Found| {
        found.look.kind == Kind::Directory && KeptId::parse(found.name.as_bytes()).is_some()
    };
    let (mut len, mut modified) = (0, None);
    for change in changes.iter().filter(is_ours) {
        let files = all.dir(&change.name).and_then(|dir| dir.list()).unwrap_or_default();
        let ours = files
            .iter()
            .filter(|file| file.look.kind == Kind::File && is_kept_file(file.name.as_bytes()));
        len += ours.map(|file| file.look.stamp.len).sum::<u64>();
        modified = modified.max(change.look.attributes.modified_ns);
    }
    let seconds = modified.and_then(|ns| u64::try_from(ns / 1_000_000_000).ok());
    let modified = seconds.map(|s| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(s));
    Some(Leftover { path: all.path().to_owned(), kind: LeftoverKind::Kept, len, modified })
}

/// The directory that `appenddirname` lies in.
pub(crate) fn server_dir(dir: &Path) -> Option<PathBuf> {
    let real = dir.canonicalize().ok()?;
    let parent = real.parent()?;
    Some(match dir.parent() {
        // Keep the user's spelling where it has one.
        Some(given) if !given.as_os_str().is_empty() && dir.file_name().is_some() => {
            given.to_owned()
        }
        _ => parent.to_owned(),
    })
}

fn scan(dir: &Path, into: &mut Vec<Leftover>, what: impl Fn(&[u8]) -> Option<LeftoverKind>) {
    let is_one = |name: &OsStr| what(name.as_bytes()).is_some();
    // A directory that cannot be listed has nothing to report; the set itself is read by name.
    for entry in disk::list_some(dir, is_one).unwrap_or_default() {
        if entry.is_dir {
            continue;
        }
        if let Some(kind) = what(entry.name.as_bytes()) {
            let (len, modified) = (entry.len, entry.modified);
            into.push(Leftover { path: dir.join(entry.name), kind, len, modified });
        }
    }
}
