//! Backups that a server makes of itself: BACKUP START links its base into a directory of their own, BACKUP SEAL its
//! increment, and writes a manifest of the two.
//!
//! As documented of Redis 8.10 (the pages of BACKUP START, LIST and SEAL); no such server was run. Such a directory lies in the
//! server's own, is called `backupdir` unless `backupdirname` says otherwise, and holds one base and, once it is sealed, one increment
//! whose line has `endoffset`, and their manifest. That line alone proves nothing: Redis 8.0 and later write it at each clean
//! shutdown.

use std::path::Path;

use crate::disk;
use crate::format::manifest::{self, Dialect, Manifest, Role};
use crate::limits;

/// What the directory is called unless told.
pub(super) const DIRECTORY: &[u8] = b"backupdir";

/// One base, one increment that came to an end, and nothing else.
pub(super) fn is_sealed(manifest: &Manifest) -> bool {
    let count = |role| manifest.live().filter(|entry| entry.role == role).count();
    let ended = manifest.live().any(|entry| entry.end_offset.is_some());
    (count(Role::Base), count(Role::Increment)) == (1, 1)
        && manifest.history().next().is_none()
        && ended
}

/// Whether the manifest at this path is that of a sealed backup.
pub(super) fn is_sealed_at(path: &Path) -> bool {
    let bytes = disk::read_small(path, limits::MANIFEST).unwrap_or_default();
    manifest::parse(&bytes, Dialect::Strict).is_ok_and(|manifest| is_sealed(&manifest))
}
