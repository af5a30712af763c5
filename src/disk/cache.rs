//! Courtesy towards the page cache: what a scan brought in is given back, what was there stays.

use super::frozen::FrozenFile;
use crate::limits;

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

    /// Gives nothing back: another reader comes after this one.
    pub(super) fn none(file: &'f FrozenFile) -> Self {
        Self { file, done: None }
    }

    /// The reader will not come back to anything before `at`, or hardly ever.
    pub(super) fn passed(&mut self, at: u64) {
        let Some(done) = self.done else { return };
        if at > done + limits::MAPPED_REGION {
            give_back(self.file, done, Some(at - done));
            self.done = Some(at);
        }
    }
}

impl Drop for Courtesy<'_> {
    fn drop(&mut self) {
        if let Some(done) = self.done {
            give_back(self.file, done, None);
        }
    }
}

/// Tells the kernel that pages are not needed. Advice only: a failure changes nothing that matters.
#[cfg(target_os = "linux")]
fn give_back(file: &FrozenFile, from: u64, len: Option<u64>) {
    let len = len.and_then(std::num::NonZeroU64::new);
    let Ok(hand) = file.hand() else { return };
    let _ = rustix::fs::fadvise(&hand, from, len, rustix::fs::Advice::DontNeed);
}

/// Only Linux tells what is cached, so elsewhere nothing is ever given back.
#[cfg(not(target_os = "linux"))]
fn give_back(_: &FrozenFile, _: u64, _: Option<u64>) {}

#[cfg(not(target_os = "linux"))]
fn mostly_cached(_: &FrozenFile) -> bool {
    true
}

/// Looks at a few places with reads that refuse to wait for the disk.
#[cfg(target_os = "linux")]
fn mostly_cached(file: &FrozenFile) -> bool {
    use rustix::io::ReadWriteFlags;
    /// Positions looked at, at most: a set may have very many small files.
    const MOST_PROBES: u64 = 16;
    /// One for so many bytes.
    const STEP: u64 = 256 * 1024;
    let probes = (file.len() / STEP).clamp(1, MOST_PROBES);
    let Ok(hand) = file.hand() else { return true };
    let mut byte = [0_u8];
    let cached = (0..probes)
        .filter(|i| {
            let at = file.len() / probes * i;
            let mut into = [std::io::IoSliceMut::new(&mut byte)];
            match rustix::io::preadv2(&hand, &mut into, at, ReadWriteFlags::NOWAIT) {
                Ok(_) => true,
                // A file system without such reads tells nothing: leave its cache alone.
                Err(e) => e != rustix::io::Errno::AGAIN,
            }
        })
        .count() as u64;
    cached * 2 > probes
}

/// Has dirty pages written out without waiting for them. Advice only.
#[cfg(target_os = "linux")]
pub(super) fn write_out(file: &std::fs::File, from: u64, len: u64) {
    // The one such call that rustix offers: it starts writing out what it is asked to drop.
    let len = std::num::NonZeroU64::new(len);
    let _ = rustix::fs::fadvise(file, from, len, rustix::fs::Advice::DontNeed);
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
        // The kernel reclaims by itself, and leaves pages that are busy: one scan of many has to fit, the last
        // of them when the tests beside this one are long done.
        let holds = |scan: &dyn Fn() -> bool| {
            (0..200).any(|_| {
                let fits = scan();
                if !fits {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
                fits
            })
        };
        for access in [Access::Map, Access::Read] {
            let stays_warm = || {
                read_all(&mut *frozen.source(Access::Read));
                read_all(&mut *frozen.source(access));
                mostly_cached(&frozen)
            };
            assert!(holds(&stays_warm), "a warm file was made cold by {access:?}");
        }
        let is_cold = || {
            give_back(&frozen, 0, None);
            !mostly_cached(&frozen)
        };
        if !holds(&is_cold) {
            // A file system in memory: nothing can be given back, and nothing needs to be.
            return;
        }
        for access in [Access::Map, Access::Read] {
            let stays_cold = || {
                is_cold() && {
                    read_all(&mut *frozen.source(access));
                    !mostly_cached(&frozen)
                }
            };
            assert!(holds(&stays_cold), "a cold file was left warm by {access:?}");
        }
    }
}
