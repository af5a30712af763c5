//! Paths of very many files in one directory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file's path in two parts, each held once: the directory by all files in it, the name by all that speak of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath {
    dir: Arc<Path>,
    name: Arc<[u8]>,
}

impl FilePath {
    /// The file of this name in a directory.
    pub fn new(dir: &Arc<Path>, name: &Arc<[u8]>) -> Self {
        Self { dir: Arc::clone(dir), name: Arc::clone(name) }
    }

    /// The whole path, spelled as it was given.
    pub fn path(&self) -> PathBuf {
        match self.name.is_empty() {
            true => self.dir.to_path_buf(),
            false => self.dir.join(OsStr::from_bytes(&self.name)),
        }
    }
}

impl From<&Path> for FilePath {
    fn from(path: &Path) -> Self {
        let parts = path.parent().zip(path.file_name());
        let spelled = parts.filter(|(dir, name)| dir.join(name).as_os_str() == path.as_os_str());
        let (dir, name) = spelled.unwrap_or((path, OsStr::new("")));
        Self { dir: dir.into(), name: name.as_bytes().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_as_it_was_spelled() {
        for path in ["a", "./a", "/a", "d/a", "d//a", "d/a/", "d/..", "..", "/", "", "-", "d/./a"] {
            assert_eq!(FilePath::from(Path::new(path)).path().as_os_str(), path);
        }
        let in_dir = FilePath::new(&Path::new("/d").into(), &b"a"[..].into());
        assert_eq!(in_dir.path(), Path::new("/d/a"));
    }
}
