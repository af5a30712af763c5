//! Which file one is, and how it was.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Which file this is, whatever its name: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// How a file is at one moment. Two equal ones mean that nobody wrote to it, renamed over it or gave it to
/// somebody else in between. Small, for a set may have very many files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which file it is.
    pub identity: Identity,
    /// Length in bytes.
    pub len: u64,
    modified: i64,
    changed: i64,
    /// Nanoseconds after those seconds.
    after: [u32; 2],
}

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        let modified = (meta.mtime(), meta.mtime_nsec());
        Self::new(identity(meta), meta.len(), modified, (meta.ctime(), meta.ctime_nsec()))
    }

    /// Times are seconds and nanoseconds, as the system has them.
    pub(super) fn new(
        identity: Identity,
        len: u64,
        modified: (i64, i64),
        changed: (i64, i64),
    ) -> Self {
        let after = [modified.1, changed.1].map(|ns| u32::try_from(ns).unwrap_or(0));
        Self { identity, len, modified: modified.0, changed: changed.0, after }
    }

    /// When its bytes were last written to, in nanoseconds of Unix time.
    pub fn modified_ns(&self) -> i128 {
        i128::from(self.modified) * 1_000_000_000 + i128::from(self.after[0])
    }

    /// When anything of it was last changed, in nanoseconds of Unix time; nobody can set it.
    pub fn changed_ns(&self) -> i128 {
        i128::from(self.changed) * 1_000_000_000 + i128::from(self.after[1])
    }
}

pub(super) fn identity(meta: &Metadata) -> Identity {
    Identity { device: meta.dev(), inode: meta.ino() }
}
