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
/// somebody else in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which file it is.
    pub identity: Identity,
    /// Length in bytes.
    pub len: u64,
    /// When its bytes were last written to, in nanoseconds of Unix time.
    pub modified_ns: i128,
    /// When anything of it was last changed, in nanoseconds of Unix time; nobody can set it.
    pub changed_ns: i128,
}

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Self {
            identity: identity(meta),
            len: meta.len(),
            modified_ns: ns(meta.mtime(), meta.mtime_nsec()),
            changed_ns: ns(meta.ctime(), meta.ctime_nsec()),
        }
    }
}

pub(super) fn identity(meta: &Metadata) -> Identity {
    Identity { device: meta.dev(), inode: meta.ino() }
}
