//! A directory for the length of a run, with copies that a server may spoil.

use super::dir::Refusal;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::frozen::FrozenFile;
use crate::error::{Error, Result};

/// A directory below the system's temporary one, or another, that nobody else can enter; gone when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new one below a directory, or else below the system's temporary one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn below(dir: Option<&Path>) -> Result<Self> {
        let dir = dir.map_or_else(std::env::temp_dir, Path::to_owned);
        let path = make_dir(&dir).map_err(|e| Error::io(&dir, e))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory in it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_dir(&self, name: &Path) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir(&path).map_err(|e| Error::io(&path, e))?;
        Ok(path)
    }

    /// Lets others pass through it to directories in it that are theirs.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn let_through(&self) -> Result<()> {
        super::set_mode(&self.path, 0o711)
    }

    /// Makes a directory in it, and all that is in that, the property of one user alone.
    ///
    /// # Errors
    /// When there is something in it that is neither a directory nor a file with one name, or the system refuses.
    pub fn give(&self, name: &Path, uid: u32) -> Result<()> {
        give(&self.path.join(name), uid)
    }

    /// Removes a directory in it, with all that is in that.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove_dir(&self, name: &Path) -> Result<()> {
        let path = self.path.join(name);
        fs::remove_dir_all(&path).map_err(|e| Error::io(&path, e))
    }

    /// Has `name` in it share the frozen bytes of a file, where the file system can do that; answers whether it can.
    ///
    /// # Errors
    /// When the system refuses what it has begun.
    pub fn share(&self, file: &FrozenFile, name: &Path) -> Result<bool> {
        let path = self.path.join(name);
        let failed = |e| Error::io(&path, e);
        let target = File::create_new(&path).map_err(failed)?;
        if is_shared(&target, file)? {
            target.set_len(file.len()).map_err(failed)?;
            return Ok(true);
        }
        fs::remove_file(&path).map_err(failed)?;
        Ok(false)
    }

    /// Writes a file in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &Path, bytes: &[u8]) -> Result<()> {
        self.fill(name, &mut &bytes[..])
    }

    fn fill(&self, name: &Path, bytes: &mut impl io::Read) -> Result<()> {
        let path = self.path.join(name);
        let mut target = File::create_new(&path).map_err(|e| Error::io(&path, e))?;
        io::copy(bytes, &mut target).map_err(|e| Error::io(&path, e))?;
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn is_shared(target: &File, file: &FrozenFile) -> Result<bool> {
    Ok(rustix::fs::ioctl_ficlone(target, file.hand()?).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn is_shared(_: &File, _: &FrozenFile) -> Result<bool> {
    Ok(false)
}

fn give(path: &Path, uid: u32) -> Result<()> {
    let refused = |e| Error::io(path, e);
    let metadata = fs::symlink_metadata(path).map_err(refused)?;
    let mode = match metadata.is_dir() {
        true => 0o700,
        false if metadata.is_file() && metadata.nlink() == 1 => 0o600,
        false => return Err(Error::refused(Refusal::NeitherDirectoryNorFile, path)),
    };
    if metadata.is_dir() {
        for entry in fs::read_dir(path).map_err(refused)? {
            give(&entry.map_err(refused)?.path(), uid)?;
        }
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(refused)?;
    if metadata.uid() != uid || metadata.gid() != uid {
        std::os::unix::fs::lchown(path, Some(uid), Some(uid)).map_err(refused)?;
    }
    Ok(())
}

/// A file without a name: gone when it is closed, whatever happens.
///
/// # Errors
/// When it cannot be made.
pub(super) fn nameless() -> io::Result<File> {
    let scratch = Scratch { path: make_dir(&std::env::temp_dir())? };
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    options.open(scratch.path.join("nameless"))
}

/// A new directory below another that nobody else can enter.
fn make_dir(dir: &Path) -> io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let name = format!("aofkit-{}-{:x}", std::process::id(), now & 0xff_ffff);
    // A server may be given it as another user, who need not be able to follow a link.
    let path = fs::canonicalize(dir)?.join(name);
    DirBuilder::new().mode(0o700).create(&path)?;
    Ok(path)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing is lost when the system has to clean up.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_directory_is_gone_with_all_that_is_in_it() {
        let scratch = Scratch::below(None).unwrap();
        let inner = scratch.make_dir(Path::new("inner")).unwrap();
        scratch.write(Path::new("inner/file"), b"bytes").unwrap();
        let file = FrozenFile::open(&inner.join("file")).unwrap();
        let copy = scratch.path().join("copy");
        match scratch.share(&file, Path::new("copy")).unwrap() {
            true => assert_eq!(fs::read(&copy).unwrap(), b"bytes"),
            false => assert!(!copy.exists(), "what cannot be shared leaves nothing"),
        }
        assert!(scratch.write(Path::new("inner/file"), b"again").is_err(), "nothing is replaced");
        scratch.remove_dir(Path::new("inner")).unwrap();
        assert!(!inner.exists());
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(!path.exists());
    }
}
