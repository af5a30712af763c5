//! Directories that are missing above something that is to be made.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The directories that were made. They go again when this is dropped, those that are still empty, unless they are to
/// stay.
#[derive(Debug, Default)]
#[must_use = "what was made goes again when it is dropped"]
pub struct Parents {
    made: Vec<PathBuf>,
}

impl Parents {
    /// Permission bits of directories that others may look into, but for what the process's mask takes away.
    pub const OPEN: u32 = 0o777;

    /// Makes the directories that are missing above this path, with these permission bits, and makes their names last.
    ///
    /// # Errors
    /// When one cannot be made; what was made before goes again.
    pub fn make(path: &Path, mode: u32) -> Result<Self> {
        let mut missing = Vec::new();
        let mut above = path.parent();
        while let Some(dir) = above.filter(|dir| !dir.as_os_str().is_empty()) {
            if super::is_there(dir)? {
                break;
            }
            missing.push(dir);
            above = dir.parent();
        }
        let mut parents = Self::default();
        for dir in missing.into_iter().rev() {
            match DirBuilder::new().mode(mode).create(dir) {
                Ok(()) => parents.made.push(dir.to_owned()),
                // Somebody else has made it meanwhile.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io(dir, e)),
            }
            super::sync_dir(super::parent(dir))?;
        }
        Ok(parents)
    }

    /// They stay.
    pub fn stay(mut self) {
        self.made.clear();
    }
}

impl Drop for Parents {
    fn drop(&mut self) {
        for dir in self.made.iter().rev() {
            // One that is not empty any more is somebody's.
            let _ = fs::remove_dir(dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_goes_again_unless_it_stays_or_holds_something() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/c");
        drop(Parents::make(&path, Parents::OPEN).unwrap());
        assert!(!root.path().join("a").exists());
        let parents = Parents::make(&path, Parents::OPEN).unwrap();
        fs::write(root.path().join("a/f"), b"").unwrap();
        drop(parents);
        assert!(root.path().join("a/f").exists() && !root.path().join("a/b").exists());
        Parents::make(&path, Parents::OPEN).unwrap().stay();
        assert!(root.path().join("a/b").exists());
        fs::write(root.path().join("file"), b"").unwrap();
        Parents::make(&root.path().join("file/b/c"), Parents::OPEN).unwrap_err();
    }
}
