//! Packs blocks on several threads while one walks over the files, and others wait for the store.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::compress::{self, Compressor, Packed, Placed};
use super::entry::{SegmentEntry, Words};
use super::growing::{End, Growing, Grown};
use super::repository::{self, Repository, Unfinished};
use super::threads;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// A block to be packed.
pub(super) struct Job<'f> {
    pub(super) segment: Arc<Growing<'f>>,
    /// Its place in the segment.
    pub(super) number: usize,
    pub(super) bytes: Vec<u8>,
}

/// Threads that wait for the store, so that packing goes on meanwhile.
const PLACERS: usize = 2;

/// How often it is written down at least what is stored already.
const CHECKPOINT: Duration = Duration::from_secs(2);

/// After so many whole segments the list of them is written less often than with each: it is written as a whole.
const FEW_SEGMENTS: usize = 256;

/// What became of a segment, and which file it is of.
pub(super) type Done = (usize, Placed);

/// How to pack.
#[derive(Clone, Copy)]
pub(super) struct Packing<'r> {
    pub(super) repository: &'r Repository,
    pub(super) source: &'r str,
    pub(super) threads: usize,
    pub(super) level: i32,
}

/// Runs `walk`, which hands out blocks, and answers what became of all segments.
pub(super) fn with_packers<'f, T>(
    packing: Packing<'_>,
    earlier: Unfinished,
    walk: impl FnOnce(&Outlet<'_, 'f>) -> Result<T>,
) -> Result<(T, Vec<Done>)> {
    // One block waits while all packers are busy, and one segment while all placers are.
    let (send, receive) = sync_channel(1);
    let (send_grown, receive_grown) = sync_channel(1);
    let shared = Shared {
        packing,
        earlier,
        jobs: Mutex::new(receive),
        grown: Mutex::new(receive_grown),
        spare: Mutex::default(),
        flight: Flight::default(),
        failed: AtomicBool::new(false),
        state: Mutex::new(State::new()),
    };
    let walked = std::thread::scope(|scope| {
        let shared = &shared;
        threads::start(scope, packing.threads, || {
            let grown = send_grown.clone();
            move || {
                let mut compressor = Compressor::new(packing.level);
                each(&shared.jobs, |job| {
                    shared.guarded(|| shared.pack(job, &mut compressor, &grown))
                });
            }
        })?;
        threads::start(scope, PLACERS, || {
            move || {
                each(&shared.grown, |one| {
                    // Counted down also when the store refuses it: the walk must not wait for room that never comes.
                    let bytes = one.bytes.len();
                    shared.guarded(|| shared.place(one));
                    shared.flight.land(bytes);
                });
            }
        })?;
        // The senders are dropped at its end, which tells the others that no more will come.
        walk(&Outlet { shared, blocks: send, grown: send_grown })
    });
    let state = shared.state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(panic) = state.panic {
        resume_unwind(panic);
    }
    // A packer's error is the reason why the walk was stopped, so it is told and not the walk's own.
    if let Some(error) = state.error {
        return Err(error);
    }
    Ok((walked?, state.done))
}

/// Where the walking thread leaves what it has.
pub(super) struct Outlet<'s, 'f> {
    shared: &'s Shared<'s, 'f>,
    blocks: SyncSender<Job<'f>>,
    grown: SyncSender<Grown<'f>>,
}

impl<'f> Outlet<'_, 'f> {
    /// A block is to be packed. Waits while all packers are busy.
    pub(super) fn pack(&self, job: Job<'f>) -> Result<()> {
        let path = job.segment.origin.file.path();
        // What an earlier run has stored already is compressed again only if it should not fit.
        let handed = match job.segment.earlier {
            Some(_) => {
                self.shared.give_back(job.bytes);
                self.hand_on(job.segment.frame(job.number, Vec::new()))
            }
            None => self.blocks.send(job).is_ok(),
        };
        // Only a hint to stop early: the error itself is read behind a lock once all threads have ended.
        if self.shared.failed.load(Ordering::Relaxed) || !handed {
            return Err(Error::io(&path, std::io::Error::other("its bytes could not be stored")));
        }
        Ok(())
    }

    /// It is known where a segment ends.
    pub(super) fn ends(&self, segment: &Arc<Growing<'f>>, end: End) {
        self.hand_on(segment.ends(end));
    }

    fn hand_on(&self, grown: Option<Grown<'f>>) -> bool {
        // The placers are there as long as this is.
        grown.is_none_or(|grown| {
            // Before it is sent: a placer may be done with it at once.
            self.shared.flight.take_off(grown.bytes.len());
            self.grown.send(grown).is_ok()
        })
    }

    /// The whole segment that an earlier run had stored of this place.
    pub(super) fn stored_earlier(&self, file: &Words, offset: u64) -> Option<SegmentEntry> {
        let fits = |segment: &SegmentEntry| {
            (segment.offset, segment.size) == (offset, limits::BACKUP_SEGMENT)
        };
        let mut pieces = self.shared.earlier.pieces.iter();
        pieces.find(|p| &p.file == file && fits(&p.segment)).map(|p| p.segment.clone())
    }

    /// Bytes of a block, save the last of a file.
    pub(super) fn block(&self) -> usize {
        compress::block(self.shared.packing.level)
    }

    /// Room for a block of so many bytes.
    pub(super) fn spare(&self, size: usize) -> Vec<u8> {
        let mut room = self.shared.spare().pop().unwrap_or_default();
        room.reserve_exact(size);
        room
    }
}

/// Does `work` for everything that comes, until nothing more can come.
fn each<T>(from: &Mutex<Receiver<T>>, mut work: impl FnMut(T)) {
    loop {
        let next = from.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
        let Ok(one) = next else { return };
        work(one);
    }
}

struct Shared<'p, 'f> {
    packing: Packing<'p>,
    earlier: Unfinished,
    jobs: Mutex<Receiver<Job<'f>>>,
    grown: Mutex<Receiver<Grown<'f>>>,
    /// Room of blocks that have been packed, for others.
    spare: Mutex<Vec<Vec<u8>>>,
    flight: Flight,
    failed: AtomicBool,
    state: Mutex<State>,
}

/// Bytes of segments that are whole and wait for the store, or are on their way there. What cannot be compressed fills
/// memory faster than a disk takes it.
#[derive(Default)]
struct Flight {
    bytes: Mutex<usize>,
    landed: Condvar,
}

impl Flight {
    fn bytes(&self) -> MutexGuard<'_, usize> {
        self.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn take_off(&self, bytes: usize) {
        *self.bytes() += bytes;
    }

    fn land(&self, bytes: usize) {
        *self.bytes() -= bytes;
        self.landed.notify_all();
    }

    /// Waits until there is room for more. What is in flight lands without anybody's help.
    fn wait(&self) {
        let is_full = |bytes: &mut usize| *bytes > limits::BACKUP_FLIGHT;
        drop(self.landed.wait_while(self.bytes(), is_full));
    }
}

struct State {
    done: Vec<Done>,
    unfinished: Unfinished,
    noted: Instant,
    /// Whole segments stored since then.
    unnoted: usize,
    error: Option<Error>,
    panic: Option<Box<dyn Any + Send>>,
}

impl State {
    fn new() -> Self {
        let unfinished = Unfinished::default();
        let noted = Instant::now();
        Self { done: Vec::new(), unfinished, noted, unnoted: 0, error: None, panic: None }
    }
}

impl<'f> Shared<'_, 'f> {
    /// After a failure work is only taken, so that nobody waits for ever; a panic is one, and goes on at the end.
    fn guarded(&self, work: impl FnOnce() -> Result<()>) {
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.failed.store(true, Ordering::Relaxed);
                self.state().error.get_or_insert(error);
            }
            Err(panic) => {
                self.failed.store(true, Ordering::Relaxed);
                self.state().panic.get_or_insert(panic);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn give_back(&self, mut room: Vec<u8>) {
        room.clear();
        self.spare().push(room);
    }

    fn pack(
        &self,
        job: Job<'f>,
        compressor: &mut Compressor,
        on: &SyncSender<Grown<'f>>,
    ) -> Result<()> {
        let Job { segment, number, bytes } = job;
        self.flight.wait();
        let frame = compressor.frame(&bytes);
        let frame = frame.map_err(|e| Error::io(&segment.origin.file.path(), e))?;
        self.give_back(bytes);
        if let Some(grown) = segment.frame(number, frame) {
            self.flight.take_off(grown.bytes.len());
            // The placers are there as long as packers are.
            let _ = on.send(grown);
        }
        Ok(())
    }

    fn place(&self, grown: Grown<'f>) -> Result<()> {
        let store = self.packing.repository.store();
        let Grown { segment, mut bytes, size, sha256 } = grown;
        if let Some(earlier) = &segment.earlier {
            if self.is_still(earlier, size, &sha256)? {
                let placed = Placed { segment: earlier.clone(), is_new: false };
                return self.placed(&segment, placed);
            }
            let compressor = &mut Compressor::new(self.packing.level);
            bytes = compress::again(&segment, size, &sha256, compressor)?;
        }
        let packed = Packed { bytes, size, sha256 };
        self.placed(&segment, compress::place(packed, segment.offset, store)?)
    }

    /// Whether a segment that an earlier run had stored has these bytes, and its object is right.
    fn is_still(&self, earlier: &SegmentEntry, size: u64, sha256: &str) -> Result<bool> {
        if (earlier.size, earlier.sha256.as_str()) != (size, sha256) {
            return Ok(false);
        }
        match compress::prove(self.packing.repository.store(), earlier) {
            Ok(()) => Ok(true),
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn placed(&self, of: &Growing<'f>, placed: Placed) -> Result<()> {
        let mut state = self.state();
        let segment = placed.segment.clone();
        // What is smaller is stored again in no time.
        state.unnoted += usize::from(segment.size == limits::BACKUP_SEGMENT);
        state.unfinished.pieces.push(repository::Piece { file: of.origin.name.clone(), segment });
        state.done.push((of.origin.number, placed));
        let many = state.unnoted > state.done.len() / FEW_SEGMENTS;
        if many || state.noted.elapsed() > CHECKPOINT {
            self.packing.repository.keep_unfinished(self.packing.source, &state.unfinished)?;
            (state.noted, state.unnoted) = (Instant::now(), 0);
        }
        Ok(())
    }
}
