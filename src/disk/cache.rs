//! Courtesy towards the page cache: what a scan brought in is given back, what was there stays.

use std::num::NonZeroU64;

use rustix::fs::Advice;
use rustix::io::ReadWriteFlags;

use super::files::FrozenFile;
use crate::limits;

/// Positions probed to learn whether a file lies in the page cache already.
const PROBES: u64 = 16;

/// Gives back the pages of a file that was not cached before, as a reader moves on.
#[derive(Debug)]
pub(super) struct Courtesy<'f> {
    file: &'f FrozenFile,
    /// Offset up to which pages were given back; `None`: they were cached before us, they stay.
    done: Option<u64>,
}

impl<'f> Courtesy<'f> {
    /// Looks whether `file` is cached, before anything of it is read.
    pub(super) fn new(file: &'f FrozenFile) -> Self {
        Self { file, done: (!mostly_cached(file)).then_some(0) }
    }

    /// The reader will not come back to anything before `at`, or hardly ever.
    pub(super) fn passed(&mut self, at: u64) {
        let Some(done) = self.done else { return };
        if at > done + limits::MAPPED_REGION {
            // Advice only: a failure changes nothing that matters.
            let len = NonZeroU64::new(at - done);
            let _ = rustix::fs::fadvise(self.file.handle(), done, len, Advice::DontNeed);
            self.done = Some(at);
        }
    }
}

impl Drop for Courtesy<'_> {
    fn drop(&mut self) {
        if let Some(done) = self.done {
            let _ = rustix::fs::fadvise(self.file.handle(), done, None, Advice::DontNeed);
        }
    }
}

/// Looks at a few places with reads that refuse to wait for the disk.
fn mostly_cached(file: &FrozenFile) -> bool {
    let mut byte = [0_u8];
    let cached = (0..PROBES)
        .filter(|i| {
            let at = file.len() / PROBES * i;
            let mut into = [std::io::IoSliceMut::new(&mut byte)];
            match rustix::io::preadv2(file.handle(), &mut into, at, ReadWriteFlags::NOWAIT) {
                Ok(_) => true,
                // A file system without such reads tells nothing: leave its cache alone.
                Err(e) => e != rustix::io::Errno::AGAIN,
            }
        })
        .count() as u64;
    cached * 2 > PROBES
}

#[cfg(test)]
mod tests {
    use super::super::{Access, Source};
    use super::*;

    fn read_all(source: &mut dyn Source) {
        let mut at = 0;
        loop {
            let n = source.window(at, 1).unwrap().len() as u64;
            if n == 0 {
                return;
            }
            at += n;
        }
    }

    #[test]
    fn a_scan_leaves_the_page_cache_as_it_was() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; 24 << 20]).unwrap();
        file.as_file().sync_all().unwrap();
        let frozen = FrozenFile::open(file.path()).unwrap();
        for access in [Access::Map, Access::Read] {
            read_all(&mut *frozen.source(access));
            assert!(mostly_cached(&frozen), "a warm file was made cold by {access:?}");
        }
        for access in [Access::Map, Access::Read] {
            let _ = rustix::fs::fadvise(frozen.handle(), 0, None, Advice::DontNeed);
            if mostly_cached(&frozen) {
                // A file system in memory: nothing can be given back, and nothing needs to be.
                continue;
            }
            read_all(&mut *frozen.source(access));
            assert!(!mostly_cached(&frozen), "a cold file was left warm by {access:?}");
        }
    }
}
