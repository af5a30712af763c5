//! Room of a file system.

use std::path::Path;

use crate::error::{Error, Result};

/// Room of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What an ordinary process may still fill.
    pub free: u64,
    /// All there is.
    pub total: u64,
}

/// The room of the file system that holds `path`.
///
/// # Errors
/// When it cannot be told.
pub fn room(path: &Path) -> Result<Room> {
    let told = rustix::fs::statvfs(path).map_err(|e| Error::io(path, e.into()))?;
    Ok(Room::of(&told))
}

/// Bytes that are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// They come from somewhere else.
    New,
    /// They are those of files that may lie on the same file system.
    Copied,
}

impl Bytes {
    /// Whether the file system is known to take as much room as has been written: it neither packs nor, where they are a copy,
    /// shares them.
    #[cfg(target_os = "linux")]
    pub(super) fn each_takes_one(self, fd: impl std::os::fd::AsFd) -> bool {
        /// Source: `statfs(2)`: ext2 to ext4, tmpfs, xfs.
        const EXT: i64 = 0xEF53;
        const TMPFS: i64 = 0x0102_1994;
        const XFS: i64 = 0x5846_5342;
        let Ok(told) = rustix::fs::fstatfs(fd) else { return false };
        match told.f_type {
            EXT | TMPFS => true,
            XFS => self == Self::New,
            _ => false,
        }
    }

    /// Elsewhere that is not known.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn each_takes_one(self, _: impl std::os::fd::AsFd) -> bool {
        false
    }
}

impl Room {
    pub(super) fn of(told: &rustix::fs::StatVfs) -> Self {
        let of = |blocks: u64| blocks.saturating_mul(told.f_frsize);
        Self { free: of(told.f_bavail), total: of(told.f_blocks) }
    }
}
