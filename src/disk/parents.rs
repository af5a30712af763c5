//! Directories that are missing above something that is to be made.

use std::fs;
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
    /// Makes the directories that are missing above this path.
    ///
    /// # Errors
    /// When one cannot be made; what was made before goes again.
    pub fn make(path: &Path) -> Result<Self> {
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
            match fs::create_dir(dir) {
                Ok(()) => parents.made.push(dir.to_owned()),
                // Somebody else has made it meanwhile.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io(dir, e)),
            }
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
        drop(Parents::make(&path).unwrap());
        assert!(!root.path().join("a").exists());
        let parents = Parents::make(&path).unwrap();
        fs::write(root.path().join("a/f"), b"").unwrap();
        drop(parents);
        assert!(root.path().join("a/f").exists() && !root.path().join("a/b").exists());
        Parents::make(&path).unwrap().stay();
        assert!(root.path().join("a/b").exists());
        fs::write(root.path().join("file"), b"").unwrap();
        Parents::make(&root.path().join("file/b/c")).unwrap_err();
    }
}
