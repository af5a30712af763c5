//! Packs pieces on several threads while one walks over the files.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard};

use super::entry::{SegmentEntry, Words};
use super::pack::{self, Placed};
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
    /// It was not in the page cache before; its pages are given back.
    pub(super) is_cold: bool,
}

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
    // One job waits while all packers are busy.
    let (send, receive) = sync_channel(1);
    let shared = Shared {
        packing,
        earlier,
        jobs: Mutex::new(receive),
        failed: AtomicBool::new(false),
        state: Mutex::default(),
    };
    let walked = std::thread::scope(|scope| {
        for _ in 0..packing.threads.max(1) {
            scope.spawn(|| shared.work());
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

struct Shared<'p, 'f> {
    packing: Packing<'p>,
    earlier: Unfinished,
    jobs: Mutex<Receiver<Job<'f>>>,
    failed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    done: Vec<Done>,
    unfinished: Unfinished,
    error: Option<Error>,
}

impl<'f> Shared<'_, 'f> {
    fn work(&self) {
        while let Some(job) = self.next() {
            // After a failure jobs are only taken, so that the walk does not wait for ever.
            if self.failed.load(Ordering::Relaxed) {
                continue;
            }
            if let Err(error) = self.pack(job) {
                self.failed.store(true, Ordering::Relaxed);
                self.state().error.get_or_insert(error);
            }
        }
    }

    fn next(&self) -> Option<Job<'f>> {
        self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv().ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn pack(&self, job: Job<'f>) -> Result<()> {
        let store = self.packing.repository.store();
        let placed = match self.stored_earlier(&job, store)? {
            Some(placed) => placed,
            None => {
                let packed = pack::pack(job.file, job.piece, self.packing.level)?;
                pack::place(packed, job.piece, store)?
            }
        };
        if job.is_cold {
            job.file.give_back(job.piece.offset, job.piece.size);
        }
        let mut state = self.state();
        // Small runs are over before anybody could profit from this.
        if job.piece.size == limits::BACKUP_SEGMENT {
            let segment = placed.segment.clone();
            state.unfinished.pieces.push(repository::Piece { file: job.name, segment });
            self.packing.repository.keep_unfinished(self.packing.source, &state.unfinished)?;
        }
        state.done.push((job.file_number, placed));
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
