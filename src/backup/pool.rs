//! Packs pieces on several threads while one walks over the files, and others wait for the store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::entry::{SegmentEntry, Words};
use super::pack::{self, Packed, Placed};
use super::pass::Piece;
use super::repository::{self, Repository, Unfinished};
use crate::disk::FrozenFile;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::store::Store;

/// A piece to be packed.
pub(super) struct Job<'f> {
    /// Position of its file among those captured.
    pub(super) file_number: usize,
    pub(super) file: &'f FrozenFile,
    pub(super) name: Words,
    pub(super) piece: Piece,
    /// Its bytes, and perhaps more, if they were kept.
    pub(super) bytes: Option<Vec<u8>>,
    /// It was not in the page cache before; its pages are given back.
    pub(super) is_cold: bool,
}

/// Threads that wait for the store, so that packing goes on meanwhile.
const PLACERS: usize = 2;

/// How often it is written down at least what is stored already.
const CHECKPOINT: Duration = Duration::from_secs(2);

/// After so many whole segments the list of them is written less often than with each: it is written as a whole.
const FEW_SEGMENTS: usize = 256;

/// What became of a piece, and which file it is of.
pub(super) type Done = (usize, Placed);

/// How to pack.
#[derive(Clone, Copy)]
pub(super) struct Packing<'r> {
    pub(super) repository: &'r Repository,
    pub(super) source: &'r str,
    pub(super) threads: usize,
    pub(super) level: i32,
}

/// Runs `walk`, which hands out jobs, and answers what became of all of them.
pub(super) fn with_packers<'f, T>(
    packing: Packing<'_>,
    earlier: Unfinished,
    walk: impl FnOnce(&mut dyn FnMut(Job<'f>) -> Result<()>) -> Result<T>,
) -> Result<(T, Vec<Done>)> {
    // One job waits while all packers are busy, and one packed piece while all placers are.
    let (send, receive) = sync_channel(1);
    let (send_packed, receive_packed) = sync_channel(1);
    let shared = Shared {
        packing,
        earlier,
        jobs: Mutex::new(receive),
        packed: Mutex::new(receive_packed),
        failed: AtomicBool::new(false),
        state: Mutex::new(State::new()),
    };
    let walked = std::thread::scope(|scope| {
        for _ in 0..packing.threads.max(1) {
            let packed = send_packed.clone();
            let shared = &shared;
            scope.spawn(move || {
                each(&shared.jobs, |job| shared.guarded(|| shared.pack(job, &packed)))
            });
        }
        drop(send_packed);
        for _ in 0..PLACERS {
            let work = || each(&shared.packed, |one| shared.guarded(|| shared.place(one)));
            scope.spawn(work);
        }
        hand_out(&shared, send, walk)
    });
    let state = shared.state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    // A packer's error is the reason why the walk was stopped.
    if let Some(error) = state.error {
        return Err(error);
    }
    Ok((walked?, state.done))
}

/// The sender is dropped at the end, which tells the packers that no more will come.
fn hand_out<'f, T>(
    shared: &Shared<'_, 'f>,
    send: SyncSender<Job<'f>>,
    walk: impl FnOnce(&mut dyn FnMut(Job<'f>) -> Result<()>) -> Result<T>,
) -> Result<T> {
    walk(&mut |job: Job<'f>| {
        let path = job.file.path();
        if shared.failed.load(Ordering::Relaxed) || send.send(job).is_err() {
            return Err(Error::io(path, std::io::Error::other("its bytes could not be stored")));
        }
        Ok(())
    })
}

/// Does `work` for everything that comes, until nothing more can come.
fn each<T>(from: &Mutex<Receiver<T>>, work: impl Fn(T)) {
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
    packed: Mutex<Receiver<(Job<'f>, Packed)>>,
    failed: AtomicBool,
    state: Mutex<State>,
}

struct State {
    done: Vec<Done>,
    unfinished: Unfinished,
    noted: Instant,
    /// Whole segments stored since then.
    unnoted: usize,
    error: Option<Error>,
}

impl State {
    fn new() -> Self {
        let unfinished = Unfinished::default();
        Self { done: Vec::new(), unfinished, noted: Instant::now(), unnoted: 0, error: None }
    }
}

impl<'f> Shared<'_, 'f> {
    /// After a failure work is only taken, so that nobody waits for ever.
    fn guarded(&self, work: impl FnOnce() -> Result<()>) {
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = work() {
            self.failed.store(true, Ordering::Relaxed);
            self.state().error.get_or_insert(error);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn pack(&self, mut job: Job<'f>, on: &SyncSender<(Job<'f>, Packed)>) -> Result<()> {
        if let Some(placed) = self.stored_earlier(&job, self.packing.repository.store())? {
            return self.placed(job, placed);
        }
        let bytes = job.bytes.take();
        let packed = pack::pack(job.file, job.piece, bytes.as_deref(), self.packing.level)?;
        if job.is_cold {
            job.file.give_back(job.piece.offset, job.piece.size);
        }
        // The placers are there as long as packers are.
        let _ = on.send((job, packed));
        Ok(())
    }

    fn place(&self, (job, packed): (Job<'f>, Packed)) -> Result<()> {
        let placed = pack::place(packed, job.piece, self.packing.repository.store())?;
        self.placed(job, placed)
    }

    fn placed(&self, job: Job<'f>, placed: Placed) -> Result<()> {
        let mut state = self.state();
        let segment = placed.segment.clone();
        // What is smaller is stored again in no time.
        state.unnoted += usize::from(segment.size == limits::BACKUP_SEGMENT);
        state.unfinished.pieces.push(repository::Piece { file: job.name, segment });
        state.done.push((job.file_number, placed));
        let many = state.unnoted > state.done.len() / FEW_SEGMENTS;
        if many || state.noted.elapsed() > CHECKPOINT {
            self.packing.repository.keep_unfinished(self.packing.source, &state.unfinished)?;
            (state.noted, state.unnoted) = (Instant::now(), 0);
        }
        Ok(())
    }

    /// The piece as an earlier run stored it, if it still has the same bytes.
    fn stored_earlier(&self, job: &Job<'f>, store: &dyn Store) -> Result<Option<Placed>> {
        let fits = |segment: &SegmentEntry| {
            (segment.offset, segment.size) == (job.piece.offset, job.piece.size)
        };
        let mut pieces = self.earlier.pieces.iter();
        let known = pieces.find(|p| p.file == job.name && fits(&p.segment));
        let Some(known) = known else { return Ok(None) };
        let hash = pack::hash_of_range(job.file, job.piece.offset, job.piece.size)?;
        if hash != known.segment.sha256 {
            return Ok(None);
        }
        match pack::proven_object(store, &known.segment) {
            Ok(_) => Ok(Some(Placed { segment: known.segment.clone(), is_new: false })),
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => Ok(None),
            Err(e) => Err(e),
        }
    }
}
