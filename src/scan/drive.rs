//! Drives observers over a set, at a pace.

use std::time::{Duration, Instant, SystemTime};

use super::pieces::{self, Pieces, Split};
use super::{Context, Observer};
use crate::aof::{Aof, Event, Pulse, Role, Segment, walk_from};
use crate::disk::{self, Access, FrozenFile};
use crate::error::{ErrorKind, Result};
use crate::progress::Progress;

/// How fast to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// At most this many bytes a second; as fast as possible when not given.
    pub bytes_per_second: Option<u64>,
    /// Into which pieces large files are divided, for observers that see them apart; by default, into none.
    pub pieces: Pieces,
}

/// Reads every live segment of `aof` once and answers what `observer` made of it.
///
/// # Errors
/// When bytes cannot be read. A segment that does not exist is skipped: the set knows that it is missing.
pub fn scan<O: Observer>(
    aof: &Aof,
    observer: O,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<O::Report> {
    scan_some(aof, |_| true, observer, pace, progress)
}

/// As [`scan`], of those segments alone that `which` takes.
///
/// # Errors
/// As [`scan`].
pub fn scan_some<O: Observer>(
    aof: &Aof,
    which: impl Fn(&Segment) -> bool,
    observer: O,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<O::Report> {
    each_file(aof, which, observer, pace, progress, |position, meter, at, observer| {
        aof.show(position, meter, at, observer)
    })
}

/// As [`scan`], by several threads where files are large and the pace has no limit. The answer is the same.
///
/// # Errors
/// As [`scan`].
pub fn scan_in_pieces<O: Split>(
    aof: &Aof,
    observer: O,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<O::Report> {
    if pace.bytes_per_second.is_some() {
        return scan(aof, observer, pace, progress);
    }
    each_file(
        aof,
        |_| true,
        observer,
        pace,
        progress,
        |position, meter, at, observer| {
            pieces::show(aof, position, &pace.pieces, meter, at, observer)
        },
    )
}

/// Shows each of these files to `observer`, as `show` does it with one of them.
fn each_file<O: Observer>(
    aof: &Aof,
    which: impl Fn(&Segment) -> bool,
    mut observer: O,
    pace: &Pace,
    progress: &dyn Progress,
    mut show: impl FnMut(usize, &mut Meter<'_>, &mut Context, &mut O) -> Result<u64>,
) -> Result<O::Report> {
    let wanted = || aof.live().filter(|(_, segment)| which(segment));
    progress.begin(wanted().map(|(_, segment)| segment.len()).sum());
    let mut meter = Meter::new(progress, pace);
    let mut time = None;
    for (position, segment) in wanted() {
        if segment.is_missing() || segment.is_directory() {
            continue;
        }
        if observer.is_done() {
            break;
        }
        observer.begin(position);
        let mut at = Context::at_start(position, segment.role == Role::Base, time);
        meter.begin_at(0);
        let len = show(position, &mut meter, &mut at, &mut observer)?;
        time = at.time;
        meter.reached(len);
        observer.end(&at, len);
    }
    progress.finish();
    Ok(observer.finish())
}

/// Counts bytes, tells of them, and waits where there is a limit.
pub struct Meter<'p> {
    progress: &'p dyn Progress,
    limit: Option<u64>,
    started: Instant,
    done: u64,
    here: u64,
}

impl<'p> Meter<'p> {
    /// A meter that tells `progress` and keeps to `pace`.
    pub fn new(progress: &'p dyn Progress, pace: &Pace) -> Self {
        let limit = pace.bytes_per_second.filter(|&rate| rate > 0);
        Self { progress, limit, started: Instant::now(), done: 0, here: 0 }
    }

    /// Another file begins, at this offset of it.
    pub fn begin_at(&mut self, offset: u64) {
        self.here = offset;
    }
}

impl Pulse for Meter<'_> {
    fn reached(&mut self, offset: u64) {
        let step = offset.saturating_sub(self.here);
        if step == 0 {
            return;
        }
        self.here = offset;
        self.done += step;
        self.progress.advance(step);
        if let Some(rate) = self.limit {
            let due = Duration::from_secs_f64(self.done as f64 / rate as f64);
            if let Some(wait) = due.checked_sub(self.started.elapsed()) {
                std::thread::sleep(wait);
            }
        }
    }
}

/// How long a file that ends inside a record is watched for its rest to arrive.
const PATIENCE: Duration = Duration::from_millis(300);

/// A write that was under way this long ago is not under way any more.
const RECENT: Duration = Duration::from_secs(5);

/// Whether the end of a segment, which is not sound from `from` on, was only a write under way when it
/// was opened: the file has grown since, and what it says now is sound beyond the old end.
///
/// # Errors
/// When the file cannot be read again.
pub fn in_flight(segment: &Segment, from: u64) -> Result<bool> {
    let Some(file) = segment.file().filter(|_| segment.is_plain()) else { return Ok(false) };
    let age = file.modified().and_then(|at| SystemTime::now().duration_since(at).ok());
    // A clock that runs behind the file's time counts as recent.
    let is_old = age.is_some_and(|age| age > RECENT);
    // Nobody can be in the middle of a write to a file that nobody has open.
    let may_grow = !is_old && disk::held_for_writing(file.identity()) != Some(false);
    let started = Instant::now();
    loop {
        let now = file.frozen_again()?;
        if now.len() > file.len() && goes_beyond(&now, from, file.len())? {
            return Ok(true);
        }
        if !may_grow || started.elapsed() > PATIENCE {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether records and whole transactions from `from` on reach beyond `old_end`.
fn goes_beyond(file: &FrozenFile, from: u64, old_end: u64) -> Result<bool> {
    let mut source = file.source(Access::Read);
    let mut context = Context::default();
    // End of the last sound thing outside a transaction, as long as there was no damage before it.
    let mut reached = from;
    let mut broken = false;
    let outcome = walk_from(&mut *source, from, &mut (), &mut |event: Event<'_>| {
        broken |= matches!(event, Event::Damage(_) | Event::Hollow { .. });
        context.follow(&event);
        if !broken && context.transaction.is_none() {
            reached = event.span().1;
        }
    });
    match outcome {
        Ok(_) => Ok(reached >= old_end),
        // Cut shorter again meanwhile, as a server does after a failed write.
        Err(e) if matches!(e.kind(), ErrorKind::Shrank { .. }) => Ok(false),
        Err(e) => Err(e),
    }
}
