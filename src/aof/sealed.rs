//! Backups that a server makes of itself: BACKUP START links its base into a directory of their own, BACKUP SEAL its
//! increment, and writes a manifest of the two.
//!
//! As documented of Redis 8.10 (the pages of BACKUP START, LIST and SEAL); no such server was run. Such a directory lies in the
//! server's own, is called `backupdir` unless `backupdirname` says otherwise, and holds one base and, once it is sealed, one increment
//! whose line has `endoffset`, and their manifest. That line alone proves nothing: Redis 8.0 and later write it at each clean
//! shutdown.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::locate::{Found, segment_name};
use super::set::{Aof, ManifestState};
use crate::disk;
use crate::format::manifest::{self, Dialect, Manifest, Role};
use crate::limits;

/// What the directory is called unless told.
pub(super) const DIRECTORY: &[u8] = b"backupdir";

impl Aof {
    /// Whether it is a sealed backup that a server made of itself, by the name of its directory and what its manifest says.
    pub fn is_sealed_backup(&self) -> bool {
        let Some(opened) = &self.manifest else { return false };
        let ManifestState::Valid(manifest) = &opened.state else { return false };
        let dir = disk::real_path(&self.dir()).unwrap_or_default();
        let name = dir.file_name().unwrap_or_default().as_bytes();
        [DIRECTORY, self.settings.backup_dir_name()].contains(&name) && is_sealed(manifest)
    }
}

/// One base, one increment that came to an end, and nothing else.
fn is_sealed(manifest: &Manifest) -> bool {
    let count = |role| manifest.live().filter(|entry| entry.role == role).count();
    let ended = manifest.live().any(|entry| entry.end_offset.is_some());
    (count(Role::Base), count(Role::Increment)) == (1, 1)
        && manifest.history().next().is_none()
        && ended
}

/// Of what was found in a directory and below it, the sets of the server that works in it, without the backup that it made of
/// one of them or is making.
pub(super) fn without_backups(dir: &Path, mut found: Vec<Found>) -> Vec<Found> {
    let backup = dir.join(OsStr::from_bytes(DIRECTORY));
    let is_backup = |one: &Found| match one {
        Found::Manifest(path) => path.parent() == Some(&backup) && is_sealed_at(path),
        Found::Lost(at, _) => *at == backup && has_one_base(at),
        _ => false,
    };
    let is_beside = |one: &Found| match one {
        Found::Manifest(path) => {
            path.parent().is_some_and(|at| at != backup && at.parent() == Some(dir))
        }
        _ => false,
    };
    if found.iter().any(is_beside) {
        found.retain(|one| !is_backup(one));
    }
    found
}

fn is_sealed_at(path: &Path) -> bool {
    let bytes = disk::read_small(path, limits::MANIFEST).unwrap_or_default();
    manifest::parse(&bytes, Dialect::Strict).is_ok_and(|manifest| is_sealed(&manifest))
}

/// Whether a base and nothing else was linked there so far.
fn has_one_base(dir: &Path) -> bool {
    let is_segment = |name: &OsStr| segment_name(name.as_bytes()).is_some();
    let listed = disk::list_some(dir, is_segment).unwrap_or_default();
    let is_base =
        |one: &disk::Listed| segment_name(one.name.as_bytes()).is_some_and(|name| name.is_base);
    matches!(&listed[..], [one] if is_base(one))
}
