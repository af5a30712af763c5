//! Whether a set is a backup that a server made of itself.

use std::os::unix::ffi::OsStrExt;

use super::sealed::{DIRECTORY, is_sealed};
use super::set::{Aof, ManifestState};
use crate::disk;

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
