//! Mapping as a policy, and the only `unsafe` of the crate.
//!
//! A mapped file that another process truncates answers a read with SIGBUS, which by default kills the
//! reader. Two things make mapping safe to use here:
//!
//! 1. it is used only where nobody is expected to write ([`super::Access::Map`]): bases and closed
//!    increments on local file systems; everything else is read;
//! 2. a guard: while a region is mapped it is listed in a table that a SIGBUS handler consults. A fault
//!    inside a listed region puts anonymous zero pages in place of the rest of it and raises the region's
//!    flag; the reader asks for the flag ([`super::Source::settle`], and at every slide) before it
//!    believes what it saw, and turns it into an ordinary error. Any other SIGBUS goes to whatever
//!    handler was there before.
#![allow(unsafe_code)]

use super::peek::PeekBuffer;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use memmap2::{Mmap, MmapOptions};

use super::cache::Courtesy;
use super::frozen::FrozenFile;
use super::shelf::Hand;
use super::source::Source;
use crate::error::{Error, Result};
use crate::limits;

/// Regions that can be guarded at one time; one per reader. More readers than this fall back to the
/// risk that a reader without a guard would run, so the number is far above any thread count in use.
const SLOTS: usize = 256;

/// One guarded region. Written by its reader, read by the signal handler; `start` 0 means free.
struct Slot {
    start: AtomicUsize,
    end: AtomicUsize,
    tripped: AtomicBool,
}

static GUARDED: [Slot; SLOTS] = [const {
    Slot { start: AtomicUsize::new(0), end: AtomicUsize::new(0), tripped: AtomicBool::new(false) }
}; SLOTS];

/// The handler that was there before ours; set once, before ours is installed.
static PREVIOUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());

/// A claim on a slot for the time a region is mapped.
struct Guard(&'static Slot);

impl Guard {
    fn claim(start: usize, end: usize) -> Option<Self> {
        install();
        for slot in &GUARDED {
            let claimed =
                slot.end.compare_exchange(0, end, Ordering::AcqRel, Ordering::Relaxed).is_ok();
            if claimed {
                slot.tripped.store(false, Ordering::Release);
                slot.start.store(start, Ordering::Release);
                return Some(Self(slot));
            }
        }
        None
    }

    fn tripped(&self) -> bool {
        self.0.tripped.load(Ordering::Acquire)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.start.store(0, Ordering::Release);
        self.0.end.store(0, Ordering::Release);
    }
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: both structures are plain data that sigaction fills or reads; the handler is an
        // `extern "C"` function of the three-argument form that SA_SIGINFO asks for. SA_ONSTACK keeps
        // the alternate stack the standard library set up for its own handlers.
        unsafe {
            let mut old: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut old);
            PREVIOUS.store(Box::into_raw(Box::new(old)), Ordering::Release);
            let mut new: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_sigbus;
            new.sa_sigaction = handler as usize;
            new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut new.sa_mask);
            libc::sigaction(libc::SIGBUS, &raw const new, std::ptr::null_mut());
        }
    });
}

/// Runs in a signal handler: touches atomics, `mmap` and `sigaction` only, never the allocator.
extern "C" fn on_sigbus(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo to a SA_SIGINFO handler.
    let fault = unsafe { (*info).si_addr() } as usize;
    for slot in &GUARDED {
        let (start, end) = (slot.start.load(Ordering::Acquire), slot.end.load(Ordering::Acquire));
        if start == 0 || fault < start || fault >= end {
            continue;
        }
        let page = fault & !(page_size() - 1);
        // SAFETY: [page, end) lies inside a mapping that the slot's owner holds until it frees the
        // slot, so nothing else is replaced; a private anonymous mapping with the same protection takes
        // its place and the interrupted read continues with zeros. `mmap` is a plain system call here.
        let put = unsafe {
            libc::mmap(
                page as *mut libc::c_void,
                end - page,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if put != libc::MAP_FAILED {
            slot.tripped.store(true, Ordering::Release);
            return;
        }
    }
    // Not ours: give the signal back; the faulting instruction runs again and meets the old handler.
    let previous = PREVIOUS.load(Ordering::Acquire);
    // SAFETY: `previous` was set before this handler was installed and is never freed.
    unsafe { libc::sigaction(libc::SIGBUS, previous, std::ptr::null_mut()) };
}

fn page_size() -> usize {
    // Set before any region is mapped; reading it in the handler is a plain load.
    PAGE.load(Ordering::Relaxed)
}

static PAGE: AtomicUsize = AtomicUsize::new(4096);

/// A mapped piece of a file, its guard, and where it begins.
struct Region {
    /// Before `map`: fields drop in order, and a guard must not outlive its mapping.
    guard: Guard,
    map: Mmap,
    start: u64,
}

impl Region {
    fn open(file: &FrozenFile, hand: &Hand<'_>, at: u64) -> Result<Self> {
        PAGE.store(rustix::param::page_size(), Ordering::Relaxed);
        let start = at / limits::WINDOW as u64 * limits::WINDOW as u64;
        let len = (file.len() - start).min(limits::MAPPED_REGION) as usize;
        // SAFETY: the mapping is private and read-only. Bytes may change or vanish under us when someone
        // writes to the file: a vanished page is caught by the guard, and a changed byte is no more than
        // damage to parsers that trust no byte and take every index through a bounds check.
        let map = unsafe { MmapOptions::new().offset(start).len(len).map(&**hand) }
            .map_err(|e| Error::io(&file.path(), e).at(start))?;
        let from = map.as_ptr() as usize;
        let rounded = map.len().next_multiple_of(page_size());
        let guard = Guard::claim(from, from + rounded).ok_or_else(|| {
            let why = std::io::Error::other("too many mapped readers in one process");
            Error::io(&file.path(), why).at(start)
        })?;
        // Advice only.
        let _ = map.advise(memmap2::Advice::Sequential);
        Ok(Self { map, guard, start })
    }

    fn end(&self) -> u64 {
        self.start + self.map.len() as u64
    }
}

/// A source over mapped regions, one at a time, so that resident memory stays small.
pub(super) struct MapSource<'f> {
    file: &'f FrozenFile,
    hand: Option<Hand<'f>>,
    region: Option<Region>,
    aside: PeekBuffer,
    courtesy: Courtesy<'f>,
}

impl<'f> MapSource<'f> {
    pub(super) fn new(file: &'f FrozenFile) -> Self {
        Self {
            file,
            hand: None,
            region: None,
            aside: PeekBuffer::default(),
            courtesy: Courtesy::new(file),
        }
    }

    /// Whether the mapped region answers for `need` bytes at `at`.
    fn holds(&self, at: u64, need: usize) -> bool {
        self.region.as_ref().is_some_and(|r| {
            let enough = r.end() >= at.saturating_add(need as u64) || r.end() == self.file.len();
            at >= r.start && at <= r.end() && enough
        })
    }

    fn check(&self) -> Result<()> {
        match &self.region {
            Some(region) if region.guard.tripped() => Err(self.file.shrank(region.start)),
            _ => Ok(()),
        }
    }
}

impl Source for MapSource<'_> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        debug_assert!(need <= limits::WINDOW);
        let at = at.min(self.file.len());
        if !self.holds(at, need) {
            self.check()?;
            // Free the old slot and its pages before the next region is mapped.
            self.region = None;
            if self.file.current_len()? < self.file.len() {
                return Err(self.file.shrank(at));
            }
            let at = at.min(self.file.len() - 1);
            self.courtesy.passed(at);
            let hand = match self.hand.take() {
                Some(hand) => hand,
                None => self.file.hand()?,
            };
            self.region = Some(Region::open(self.file, self.hand.insert(hand), at)?);
        }
        let Some(region) = &self.region else { return Ok(&[]) };
        Ok(&region.map[(at - region.start) as usize..])
    }

    fn peek(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        if self.holds(at, need) {
            return self.window(at, need);
        }
        self.aside.look(self.file, at, need)
    }

    fn length(&self) -> Option<u64> {
        Some(self.file.len())
    }

    fn oldest(&self) -> u64 {
        0
    }

    fn settle(&mut self) -> Result<()> {
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Access;
    use super::*;
    use std::io::Write;

    /// A scan that has a window in hand while another process truncates the file used to die of SIGBUS.
    #[test]
    fn a_file_truncated_under_a_mapped_window_is_an_error_not_a_signal() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'x'; 4 << 20]).unwrap();
        let frozen = FrozenFile::open(file.path()).unwrap();
        let mut source = frozen.source(Access::Map);
        let window = source.window(0, 1).unwrap();
        assert_eq!(window[0], b'x');
        file.as_file().set_len(4096).unwrap();
        // Touching the lost pages reads zeros instead of killing the process.
        assert_eq!(window[2 << 20], 0);
        assert_eq!(window[1], b'x');
        let error = source.settle().unwrap_err();
        let expected = crate::error::ErrorKind::Shrank { frozen: 4 << 20, now: 4096 };
        assert_eq!(error.kind(), &expected);
        assert_eq!(error.path(), file.path());
    }

    #[test]
    fn a_file_truncated_between_windows_is_an_error() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'x'; 20 << 20]).unwrap();
        let frozen = FrozenFile::open(file.path()).unwrap();
        for access in [Access::Map, Access::Read] {
            file.as_file().set_len(20 << 20).unwrap();
            let mut source = frozen.source(access);
            assert!(!source.window(0, 1).unwrap().is_empty());
            file.as_file().set_len(1000).unwrap();
            let error = source.window(19 << 20, 1).unwrap_err();
            assert!(error.to_string().contains("shrank"), "{access:?}: {error}");
            assert_eq!(error.offset(), Some(19 << 20), "{access:?}");
        }
    }
}
