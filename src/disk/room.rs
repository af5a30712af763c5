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

impl Room {
    pub(super) fn of(told: &rustix::fs::StatVfs) -> Self {
        let of = |blocks: u64| blocks.saturating_mul(told.f_frsize);
        Self { free: of(told.f_bavail), total: of(told.f_blocks) }
    }
}
