//! One pass by several threads: each reads pieces of a file for itself, and what they saw is joined in the file's order.
//!
//! A piece begins where a record seems to begin. It counts only if the piece before it ends exactly there, outside a
//! transaction, and if its observer does not depend on what came before. Otherwise it is read again from the true place. So
//! the answer is that of one thread, whatever the bytes are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope};

use super::{Again, Context, Observer, Wants};
use crate::aof::{Aof, Apart, Bounds, Event, Heard, Piecewise, Pulse, Start};
use crate::command::Kind;
use crate::disk::Source;
use crate::error::Result;
use crate::format::{annotation, rdb};

/// How a file is divided among threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// Threads that read; with one, nothing is divided.
    pub threads: usize,
    /// Bytes of a piece, at least 1.
    pub bytes: u64,
}

impl Default for Pieces {
    fn default() -> Self {
        Self::of(1)
    }
}

impl Pieces {
    /// Bytes of a piece where nobody says how many: it takes a thread a few milliseconds.
    pub const BYTES: u64 = 4 << 20;

    /// For so many threads.
    pub fn of(threads: usize) -> Self {
        Self { threads, bytes: Self::BYTES }
    }

    /// Whether a file of so many bytes is worth being divided.
    fn divide(&self, len: u64) -> bool {
        self.threads > 1 && len / 2 >= self.bytes.max(1)
    }
}

/// An observer that can see pieces of a file apart from each other.
pub trait Split: Observer + Send + Sized {
    /// One for a piece of the file that this one is in. That piece begins outside a transaction.
    #[must_use]
    fn fork(&self) -> Self;

    /// Whether `later`, a fork that saw the piece behind all that this one saw, can be joined to it: nothing in it
    /// depends on what came before.
    fn can_join(&self, later: &Self) -> bool;

    /// Takes over what such a fork saw.
    fn join(&mut self, later: Self);
}

/// Pieces that a thread may be ahead.
const AHEAD: usize = 2;

/// So many pieces in a row that could not be joined, and the rest of the file is read by one thread.
const FAILURES: u32 = 4;

/// What a thread found of a piece.
struct Piece<O> {
    /// The piece ends at the first thing that begins here or behind.
    until: u64,
    seen: Option<Seen<O>>,
}

/// What a thread saw from a place on.
struct Seen<O> {
    from: u64,
    end: Start,
    at: Context,
    heard: Heard,
    fork: Fork<O>,
}

/// Where the pieces of a file are.
#[derive(Clone, Copy)]
struct Plan {
    begin: u64,
    len: u64,
    bytes: u64,
    at: Context,
}

impl Plan {
    fn count(&self) -> u64 {
        (self.len - self.begin).div_ceil(self.bytes)
    }

    /// Offset at or behind which a piece begins.
    fn near(&self, piece: u64) -> u64 {
        (self.begin + piece * self.bytes).min(self.len)
    }
}

/// What threads tell each other.
#[derive(Default)]
struct Shared {
    /// Everything before this offset was dealt with.
    reached: AtomicU64,
    is_over: AtomicBool,
}

/// As [`Aof::show`], by several threads where the file can be divided. Answers its length in bytes.
pub(super) fn show<O: Split>(
    aof: &Aof,
    position: usize,
    pieces: &Pieces,
    pulse: &mut impl Pulse,
    at: &mut Context,
    observer: &mut O,
) -> Result<u64> {
    let Some(apart) = aof.apart(position).filter(|apart| pieces.divide(apart.len())) else {
        return aof.show(position, pulse, at, observer);
    };
    let mut reader = aof.piecewise(position)?;
    // The RDB part, or the first record.
    let first = Bounds { until: 1, past_damage: true };
    let begin = reader.show(Start::default(), first, pulse, at, observer)?;
    let (len, bytes) = (apart.len(), pieces.bytes.max(1));
    let plan = Plan { begin: begin.offset.min(len), len, bytes, at: *at };
    let mut joining = Joining { reader, place: begin, pulse, at, observer };
    if pieces.divide(len - plan.begin) {
        let shared = Shared::default();
        std::thread::scope(|scope| {
            let forks = (0..pieces.threads).map(|_| joining.observer.fork()).collect();
            let told = start(scope, &apart, plan, forks, &shared);
            let outcome = joining.join_all(plan, told, &shared);
            shared.is_over.store(true, Ordering::Relaxed);
            outcome
        })?;
    }
    joining.go_on(Bounds::NONE)?;
    Ok(joining.place.offset)
}

/// Starts a thread for each of these forks; the system may give fewer.
fn start<'scope, O: Split + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    apart: &'scope Apart<'_>,
    plan: Plan,
    forks: Vec<O>,
    shared: &'scope Shared,
) -> Vec<Receiver<Piece<O>>> {
    let step = forks.len();
    let mut told = Vec::new();
    for (first, fork) in forks.into_iter().enumerate() {
        let (tell, hear) = sync_channel(AHEAD);
        // Pieces of a thread that is not there are read by the one that joins.
        let _ = Builder::new().spawn_scoped(scope, move || {
            let mine = (first as u64..plan.count()).step_by(step);
            read(&mut apart.reader(), plan, mine, &fork, shared, &tell);
        });
        told.push(hear);
    }
    told
}

/// Reads these pieces, and tells what was seen of each.
fn read<O: Split>(
    reader: &mut Piecewise<'_>,
    plan: Plan,
    pieces: impl Iterator<Item = u64>,
    first: &O,
    shared: &Shared,
    tell: &SyncSender<Piece<O>>,
) {
    for piece in pieces {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        let until = plan.near(piece + 1);
        let is_passed = until <= shared.reached.load(Ordering::Relaxed);
        let nothing = Piece { until, seen: None };
        // What cannot be read is told by the thread that joins, which then reads the same.
        let found = match is_passed {
            true => nothing,
            false => look(reader, plan, piece, first).unwrap_or(nothing),
        };
        if tell.send(found).is_err() {
            return;
        }
    }
}

/// One piece, from where it seems to begin to where the next one does.
fn look<O: Split>(
    reader: &mut Piecewise<'_>,
    plan: Plan,
    piece: u64,
    first: &O,
) -> Result<Piece<O>> {
    let end = plan.near(piece + 1);
    let until = match end < plan.len {
        true => reader.likely_start(end)?.unwrap_or(end),
        false => plan.len,
    };
    let from = match piece {
        0 => Some(plan.begin),
        _ => reader.likely_start(plan.near(piece))?,
    };
    let Some(from) = from.filter(|&from| from < until) else {
        return Ok(Piece { until, seen: None });
    };
    let mut fork = Fork { inner: first.fork(), selects: false, dates: false };
    let mut at = Context { transaction: None, ..plan.at };
    let bounds = Bounds { until, past_damage: false };
    let start = Start { offset: from, last_record: None };
    let end = reader.show(start, bounds, &mut (), &mut at, &mut fork)?;
    let heard = reader.take_heard();
    Ok(Piece { until, seen: Some(Seen { from, end, at, heard, fork }) })
}

/// The one that joins, at its place in the file.
struct Joining<'a, 'f, O, P> {
    reader: Piecewise<'f>,
    place: Start,
    pulse: &'a mut P,
    at: &'a mut Context,
    observer: &'a mut O,
}

impl<O: Split, P: Pulse> Joining<'_, '_, O, P> {
    /// Reads on within these bounds.
    fn go_on(&mut self, bounds: Bounds) -> Result<()> {
        let Self { reader, place, pulse, at, observer } = self;
        *place = reader.show(*place, bounds, *pulse, at, *observer)?;
        Ok(())
    }

    /// Joins all pieces, and reads those that cannot be joined.
    fn join_all(
        &mut self,
        plan: Plan,
        told: Vec<Receiver<Piece<O>>>,
        shared: &Shared,
    ) -> Result<()> {
        let mut failures = 0;
        for (piece, hear) in (0..plan.count()).zip(told.iter().cycle()) {
            let nothing = |_| Piece { until: plan.near(piece + 1), seen: None };
            let Piece { until, seen } = hear.recv().unwrap_or_else(nothing);
            if let Some(seen) = seen.filter(|seen| self.fits(seen)) {
                self.join(seen)?;
            }
            failures = if self.place.offset < until { failures + 1 } else { 0 };
            if failures == FAILURES {
                return Ok(());
            }
            self.go_on(Bounds { until, past_damage: true })?;
            shared.reached.store(self.place.offset, Ordering::Relaxed);
        }
        Ok(())
    }

    fn fits(&self, seen: &Seen<O>) -> bool {
        seen.from == self.place.offset
            && self.at.transaction.is_none()
            && self.reader.has_room_for(&seen.heard)
            && self.observer.can_join(&seen.fork.inner)
    }

    fn join(&mut self, seen: Seen<O>) -> Result<()> {
        let Seen { end, at, heard, fork, .. } = seen;
        self.reader.pass(heard, end.offset)?;
        self.observer.join(fork.inner);
        self.at.transaction = at.transaction;
        self.at.db = if fork.selects { at.db } else { self.at.db };
        self.at.time = if fork.dates { at.time } else { self.at.time };
        let last_record = end.last_record.or(self.place.last_record);
        self.place = Start { last_record, ..end };
        self.pulse.reached(end.offset);
        Ok(())
    }
}

/// A fork, and which parts of the state do not depend any more on what came before.
struct Fork<O> {
    inner: O,
    selects: bool,
    dates: bool,
}

impl<O: Observer> Observer for Fork<O> {
    type Report = ();

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        match event {
            Event::Record(_, Some(id)) => self.selects |= id.kind() == Kind::Select,
            Event::Annotation { kind: annotation::Kind::Timestamp(_), .. } => self.dates = true,
            _ => {}
        }
        self.inner.observe(at, event);
    }

    fn finish(self) {}

    fn wants(&self) -> Wants {
        self.inner.wants()
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.inner.again(at, source)
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.inner.looks_again(walked)
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }
}
