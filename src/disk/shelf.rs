//! Which open files stay open. A set may have more files than a process may hold; beyond that a file is closed again
//! when it has been looked at, and opened once more by whoever reads it. It must be the same file then: same device and
//! inode, length and time of its last write. Whoever holds a [`super::FrozenFile`] sees no difference, except that a file
//! which was replaced meanwhile is an error and not the old bytes.

use std::fs::File;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that are left to all else: what is written, sockets, threads, the files of `/proc`.
const RESERVE: u64 = 64;

/// Files that are held open by this process for being read.
static HELD: AtomicU64 = AtomicU64::new(0);

/// Asks for as many open files as the process may have.
pub fn raise_file_limit() {
    let now = getrlimit(Resource::Nofile);
    // Where it cannot be done, more files are closed and opened again.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, ..now });
}

/// How many files may be held.
fn room() -> u64 {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    limit - RESERVE.min(limit / 2)
}

/// An open file that is held, or was closed for want of room.
#[derive(Debug)]
pub(super) struct Held {
    file: Option<File>,
    /// It is held even where there is no room.
    stays: bool,
}

impl Held {
    /// Holds the file as long as there is room; `stays`: whether there is or not.
    pub(super) fn new(file: File, stays: bool) -> Self {
        // A few more in a race do no harm: that is what the reserve is for.
        if !stays && HELD.load(Ordering::Relaxed) >= room() {
            return Self { file: None, stays };
        }
        HELD.fetch_add(1, Ordering::Relaxed);
        Self { file: Some(file), stays }
    }

    #[cfg(test)]
    pub(super) const fn closed() -> Self {
        Self { file: None, stays: false }
    }

    /// The same file a second time.
    pub(super) fn duplicate(&self) -> std::io::Result<Self> {
        match &self.file {
            Some(file) => Ok(Self::new(file.try_clone()?, self.stays)),
            None => Ok(Self { file: None, stays: self.stays }),
        }
    }

    pub(super) const fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.file.is_some() {
            HELD.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A file to read from: the one that is held, or one that was opened again.
#[derive(Debug)]
pub(super) enum Hand<'f> {
    Held(&'f File),
    Again(File),
}

impl Deref for Hand<'_> {
    type Target = File;

    fn deref(&self) -> &File {
        match self {
            Self::Held(file) => file,
            Self::Again(file) => file,
        }
    }
}

impl std::os::fd::AsFd for Hand<'_> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        (**self).as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::path::Path;

    use super::super::{Access, FrozenFile};
    use crate::error::ErrorKind;

    fn closed(path: &Path) -> FrozenFile {
        let mut file = FrozenFile::open(path).unwrap();
        file.close();
        file
    }

    #[test]
    fn a_file_that_was_closed_is_read_as_if_it_were_open() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&b"0123456789".repeat(10_000)).unwrap();
        let held = FrozenFile::open(file.path()).unwrap();
        let closed = closed(file.path());
        assert_eq!((closed.len(), closed.stamp()), (held.len(), held.stamp()));
        assert_eq!(closed.head(7).unwrap(), held.head(7).unwrap());
        let mut bytes = Vec::new();
        closed.reader().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 100_000);
        for access in [Access::Map, Access::Read, Access::ReadAndKeep] {
            let mut source = closed.source(access);
            assert!(source.window(50_000, 9).unwrap().starts_with(b"012345678"), "{access:?}");
        }
        assert_eq!(closed.duplicate().unwrap().head(3).unwrap(), b"012");
        assert!(!closed.is_remote() || held.is_remote());
    }

    #[test]
    fn another_file_in_the_place_of_one_that_was_closed_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let refused = |file: &FrozenFile| {
            let error = file.source(Access::Read).window(0, 1).map(<[u8]>::to_vec).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Stale(_)), "{error}");
            assert!(matches!(file.head(1).unwrap_err().kind(), ErrorKind::Stale(_)));
        };
        std::fs::write(&path, b"one").unwrap();
        let file = closed(&path);
        // The same length, another inode.
        let other = dir.path().join("other");
        std::fs::write(&other, b"two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        refused(&file);
        // The same inode, longer.
        let file = closed(&path);
        std::fs::File::options().append(true).open(&path).unwrap().write_all(b"+").unwrap();
        refused(&file);
        let file = closed(&path);
        std::fs::remove_file(&path).unwrap();
        refused(&file);
    }
}
