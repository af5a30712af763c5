//! One set that is looked at again and again.
//!
//! All of it is read at first, after each rewrite, and once a day; between, what was appended, and what stands behind
//! damage whose end is not known before the file ends. A look that reads what
//! was read before is made at the earliest after [`REST`] times the time that the last such look took, so these take at
//! most a hundredth of a processor, however often a server rewrites and however large the set is.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::of_set::{Figures, Files, Judged};
use crate::aof::Aof;
use crate::check::{Change, Following, Wording, judge};
use crate::error::{Error, Result};
use crate::neighbours::{Neighbours, survey};
use crate::progress::{Progress, Silent};
use crate::scan::Pace;

/// How many times longer than it took it is waited after a look that reads what was read before.
const REST: u32 = 100;

/// How often all of a set is read whatever happens: what was read may change, as a disk may.
const WHOLE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often it is looked who has the files open, which reads none of them.
const HOLDERS_EVERY: Duration = Duration::from_secs(60);

/// So many bytes may be read again at every look.
const LITTLE: u64 = 256 << 10;

/// Why a set was not looked at, where that is no matter of its files.
const CONFIGURATION: &str = "configuration";

/// How to look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Means {
    pub(super) pace: Pace,
    pub(super) now_ms: i64,
}

/// A set, and what is known of it.
#[derive(Default)]
pub(super) struct Watched {
    following: Option<Following>,
    /// When all of it was read, and the earliest time to do that again.
    whole: Option<(Instant, Instant)>,
    /// The earliest time to read again what may be something else when the file has grown.
    unsure_again: Option<Instant>,
    beside: Beside,
    /// The manifest as it was judged.
    manifest: Vec<u8>,
    pub(super) figures: Figures,
}

/// What lies beside the set, and when it was opened.
#[derive(Default)]
struct Beside {
    neighbours: Neighbours,
    /// Files as they were when they were opened, and as they were at the last look.
    opened: Vec<(PathBuf, u64)>,
    seen: Vec<(PathBuf, u64)>,
    /// When they were opened, and the earliest time to do that again.
    at: Option<(Instant, Instant)>,
}

/// Counts bytes that are read.
#[derive(Default)]
struct Counter(Cell<u64>);

impl Progress for Counter {
    fn advance(&self, bytes: u64) {
        self.0.set(self.0.get() + bytes);
    }
}

impl Watched {
    /// Looks at the set as it is now.
    pub(super) fn look(&mut self, aof: &Aof, means: &Means) {
        let started = Instant::now();
        let counter = Counter::default();
        let looked = self.judge(aof, means, &counter);
        self.figures.files = Some(Files::of(aof));
        self.figures.seconds = started.elapsed().as_secs_f64();
        self.figures.read_bytes += counter.0.get();
        match looked {
            Ok(true) => self.figures.failed = None,
            // What is known is older, and says so.
            Ok(false) => {}
            Err(e) => self.fail(&e),
        }
    }

    /// It could not be looked at.
    pub(super) fn fail(&mut self, error: &Error) {
        self.following = None;
        self.figures.failed = Some(error.kind().as_str());
    }

    /// It could not be looked for, because the configuration of its server cannot be read. Told as other faults of it are.
    pub(super) fn fail_by_conf(&mut self) {
        self.following = None;
        self.figures.failed = Some(CONFIGURATION);
    }

    /// Judges it, and answers whether that was done: it is not where all would have to be read too soon.
    fn judge(&mut self, aof: &Aof, means: &Means, counter: &Counter) -> Result<bool> {
        let Some(change) = self.go_on(aof, means, counter)? else { return Ok(false) };
        let is_whole = change == Change::Another;
        if is_whole && !self.read_all(aof, means, counter)? {
            return Ok(false);
        }
        let is_beside_new = self.beside.look(aof, means, is_whole)?;
        let manifest = aof.manifest.as_ref().map_or(&[][..], |manifest| &manifest.bytes);
        let is_same = change == Change::Nothing && !is_beside_new && self.manifest == manifest;
        manifest.clone_into(&mut self.manifest);
        let Some(following) = &self.following else { return Ok(false) };
        match &mut self.figures.judged {
            Some(judged) if is_same => judged.at_ms = means.now_ms,
            judged => {
                let facts = following.facts().with_neighbours(self.beside.neighbours.clone());
                let report = judge(aof, facts, &Wording::default())?;
                let before = judged.as_ref().filter(|_| !is_whole);
                let whole_at_ms = before.map_or(means.now_ms, |judged| judged.whole_at_ms);
                *judged = Some(Judged { report, at_ms: means.now_ms, whole_at_ms });
            }
        }
        Ok(true)
    }

    /// Reads what was appended, where that is all there is to do. `None`: much would have to be read again, too soon.
    fn go_on(&mut self, aof: &Aof, means: &Means, counter: &Counter) -> Result<Option<Change>> {
        let is_old = self.whole.is_none_or(|(read, _)| read.elapsed() > WHOLE_EVERY);
        let Some(following) = self.following.as_mut().filter(|_| !is_old) else {
            return Ok(Some(Change::Another));
        };
        let started = Instant::now();
        let is_much = following.unsure_bytes() > LITTLE;
        if is_much && self.unsure_again.is_some_and(|again| started < again) {
            return Ok(None);
        }
        let change = following.go_on(aof, &means.pace, counter)?;
        if is_much {
            self.unsure_again = Some(rested(started).1);
        }
        if change == Change::Another {
            self.following = None;
        }
        Ok(Some(change))
    }

    /// Reads all of the set, unless it was read a short while ago.
    fn read_all(&mut self, aof: &Aof, means: &Means, counter: &Counter) -> Result<bool> {
        let started = Instant::now();
        if self.whole.is_some_and(|(_, again)| started < again) {
            return Ok(false);
        }
        let following = Following::begin(aof, &means.pace, counter);
        self.whole = Some(rested(started));
        self.following = Some(following?);
        Ok(true)
    }
}

/// When something was begun that is done now, and the earliest time to do it again.
fn rested(started: Instant) -> (Instant, Instant) {
    let ended = Instant::now();
    (started, ended + (ended - started) * REST)
}

impl Beside {
    /// Opens what lies beside the set, where that is new and has come to rest. Answers whether there is anything new.
    fn look(&mut self, aof: &Aof, means: &Means, is_first: bool) -> Result<bool> {
        let files = aof.leftovers.iter().map(|left| (left.path.clone(), left.len));
        let files: Vec<_> = files.collect();
        let at_rest = files == self.seen;
        let is_new = files != self.opened;
        let started = Instant::now();
        let is_due = match self.at {
            None => true,
            Some((_, again)) if started < again => false,
            Some((last, _)) => {
                let is_nothing_read = files.is_empty() && started - last > HOLDERS_EVERY;
                is_first || is_new && at_rest || is_nothing_read
            }
        };
        if is_due {
            self.neighbours = survey(aof, means.now_ms, &means.pace, &Silent)?;
            self.at = Some(rested(started));
            self.opened.clone_from(&files);
        }
        self.seen = files;
        Ok(is_due || !at_rest)
    }
}
