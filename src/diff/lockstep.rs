//! Two logs, read side by side from where both begin to say the same, up to where they part.
//!
//! Each log is read by a thread of its own, which hands marks on in small batches and waits when nobody takes them: so memory
//! does not grow with the logs. The first record that differs is the parting: what both say alike after it is no proof of
//! anything, because clients may have told it to both. Only a damaged range is passed over, where the records after it prove
//! the place in the other log.

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::marks::{Damaged, Mark, Marks, Place, Said};
use crate::aof::{Aof, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::progress::Progress;
use crate::scan::{Pace, scan_some};

/// One of the two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

/// How the common stretch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Both logs end with it.
    BothEnd,
    /// This one ends with it, and the other goes on.
    Ends(Side),
    /// Both go on, each with a record of its own.
    Parts,
    /// This one is damaged there, and nothing proves where it goes on in the other.
    Damaged(Side),
}

/// What comes of two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same base, and the same records.
    Equal,
    /// They have a stretch in common and part after it.
    Parted,
    /// The first ends where the second goes on.
    ABehind,
    /// The second ends where the first goes on.
    BBehind,
    /// Both logs end with the same records, and their bases are not proven to be equal.
    SameEnd,
    /// They hold other keys, and no log says how it came.
    Different,
    /// It is not known whether they have a history in common.
    Unknown,
}

impl Verdict {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Parted => "parted",
            Self::ABehind => "a-behind",
            Self::BBehind => "b-behind",
            Self::SameEnd => "same-end",
            Self::Different => "different",
            Self::Unknown => "unknown",
        }
    }
}

/// The stretch that two logs have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// Records in it, of both logs alike.
    pub records: u64,
    /// Of these, records whose expiry each node reckoned by its own clock.
    pub other_clocks: u64,
    /// How many records the first log has before it (negative: the second), since it begins where one of both begins.
    pub ahead: i64,
    /// Where it begins in each.
    pub begins: (Place, Place),
    /// Where what is of each alone begins; `None`: the log ends with the stretch.
    pub goes_on: (Option<Place>, Option<Place>),
    /// How it ends.
    pub ends: Break,
    /// Damaged ranges up to there, and how many records the other log has in the place of one that was passed over.
    pub damaged: Vec<(Side, Damaged, Option<u64>)>,
    /// Records that differ from one another in it, as far as they were counted.
    pub evidence: usize,
}

/// Compares from the records on that stand so many records behind one another.
pub(super) fn compare(
    a: &mut Aof,
    b: &mut Aof,
    offset: i64,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<Common> {
    let path = a.path.clone();
    let pace = &shared(pace);
    std::thread::scope(|scope| {
        let (to_a, from_a) = sync_channel(BATCHES);
        let (to_b, from_b) = sync_channel(BATCHES);
        let feed_a = scope.spawn(move || feed(a, to_a, pace, &crate::progress::Silent));
        let feed_b = scope.spawn(move || feed(b, to_b, pace, &crate::progress::Silent));
        progress.begin(None);
        let common = Walk::new(Feed::new(from_a), Feed::new(from_b), offset).run();
        progress.finish();
        for thread in [feed_a, feed_b] {
            let lost = |_| Error::new(ErrorKind::Interrupted, &path);
            thread.join().map_err(lost)??;
        }
        Ok(common)
    })
}

/// The pace of one of two readers that read at the same time: together they keep to what is allowed.
fn shared(pace: &Pace) -> Pace {
    Pace { bytes_per_second: pace.bytes_per_second.map(|rate| rate.div_ceil(2)), ..*pace }
}

/// Batches that wait, and marks in each.
const BATCHES: usize = 8;
const BATCH: usize = 512;

fn feed(
    aof: &mut Aof,
    to: SyncSender<Vec<Mark>>,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    let aof = &*aof;
    let marks = Marks::new(aof, |mark| {
        batch.push(mark);
        batch.len() < BATCH || to.send(std::mem::take(&mut batch)).is_ok()
    });
    scan_some(aof, |s| s.role != Role::Base, marks, pace, progress)?;
    // Whoever listens may have heard enough.
    let _ = to.send(batch);
    Ok(())
}

/// Marks that come from a thread.
struct Feed {
    from: Receiver<Vec<Mark>>,
    waiting: VecDeque<Mark>,
}

impl Feed {
    fn new(from: Receiver<Vec<Mark>>) -> Self {
        Self { from, waiting: VecDeque::new() }
    }

    /// The mark `ahead` marks from here.
    fn get(&mut self, ahead: usize) -> Option<Mark> {
        while self.waiting.len() <= ahead {
            self.waiting.extend(self.from.recv().ok()?);
        }
        self.waiting.get(ahead).copied()
    }

    /// The record `ahead` marks from here, if it is one.
    fn said(&mut self, ahead: usize) -> Option<Said> {
        match self.get(ahead) {
            Some(Mark::Record(said)) => Some(said),
            _ => None,
        }
    }

    fn pass(&mut self, marks: usize) {
        self.waiting.drain(..marks.min(self.waiting.len()));
    }

    /// Where the next mark is.
    fn place(&mut self) -> Option<Place> {
        self.get(0).map(|mark| match mark {
            Mark::Record(said) => said.place,
            Mark::Damaged(damaged) => damaged.place,
        })
    }
}

/// Two logs on their way.
struct Walk {
    feeds: (Feed, Feed),
    offset: i64,
    common: Common,
    /// Since the last record that is the same to the byte: records that are like one another, and the first of them.
    like: u64,
    like_from: Option<(Place, Place)>,
    distinct: HashSet<u128>,
}

impl Walk {
    fn new(a: Feed, b: Feed, offset: i64) -> Self {
        let nowhere = (Place::default(), Place::default());
        let common = Common {
            records: 0,
            other_clocks: 0,
            ahead: offset,
            begins: nowhere,
            goes_on: (None, None),
            ends: Break::BothEnd,
            damaged: Vec::new(),
            evidence: 0,
        };
        let distinct = HashSet::new();
        Self { feeds: (a, b), offset, common, like: 0, like_from: None, distinct }
    }

    fn run(mut self) -> Common {
        self.skip(Side::A, self.offset.max(0) as u64);
        self.skip(Side::B, self.offset.min(0).unsigned_abs());
        self.drop_damaged();
        let places = (self.feeds.0.place(), self.feeds.1.place());
        self.common.begins = (places.0.unwrap_or_default(), places.1.unwrap_or_default());
        let ends = loop {
            if let Some(ends) = self.step() {
                break ends;
            }
        };
        if ends == Break::BothEnd {
            // Both end with records that are like one another.
            self.settle();
        }
        let own = (self.feeds.0.place(), self.feeds.1.place());
        self.common.ends = ends;
        self.common.goes_on = match self.like_from {
            // What is only like one another before the parting may be each one's own.
            Some((a, b)) => (Some(a), Some(b)),
            None => own,
        };
        if self.like_from.is_some() && matches!(ends, Break::Ends(_)) {
            self.common.ends = Break::Parts;
        }
        self.common.evidence = self.distinct.len();
        self.common
    }

    fn feed(&mut self, side: Side) -> &mut Feed {
        match side {
            Side::A => &mut self.feeds.0,
            Side::B => &mut self.feeds.1,
        }
    }

    fn skip(&mut self, side: Side, mut records: u64) {
        while records > 0 {
            match self.feed(side).get(0) {
                None => return,
                Some(Mark::Record(_)) => records -= 1,
                Some(Mark::Damaged(damaged)) => self.tell(side, damaged, None),
            }
            self.feed(side).pass(1);
        }
    }

    /// Passes damaged ranges at the very beginning: what was in them lies before the stretch.
    fn drop_damaged(&mut self) {
        for side in [Side::A, Side::B] {
            while let Some(Mark::Damaged(damaged)) = self.feed(side).get(0) {
                self.tell(side, damaged, None);
                self.feed(side).pass(1);
            }
        }
    }

    fn tell(&mut self, side: Side, damaged: Damaged, instead: Option<u64>) {
        if self.common.damaged.len() < limits::PROBLEMS {
            self.common.damaged.push((side, damaged, instead));
        }
    }

    /// Both records are the same, and so were those before that are like one another.
    fn settle(&mut self) {
        self.common.records += self.like;
        self.common.other_clocks += self.like;
        self.like = 0;
        self.like_from = None;
    }

    /// One step; answers how the stretch ends, where it does.
    fn step(&mut self) -> Option<Break> {
        let (a, b) = (self.feeds.0.get(0), self.feeds.1.get(0));
        match (a, b) {
            (Some(Mark::Damaged(damaged)), _) => self.damaged(Side::A, damaged),
            (_, Some(Mark::Damaged(damaged))) => self.damaged(Side::B, damaged),
            (None, None) => Some(Break::BothEnd),
            (None, Some(_)) => Some(Break::Ends(Side::A)),
            (Some(_), None) => Some(Break::Ends(Side::B)),
            (Some(Mark::Record(a)), Some(Mark::Record(b))) => self.records(a, b),
        }
    }

    fn records(&mut self, a: Said, b: Said) -> Option<Break> {
        if !a.is_like(&b) {
            return Some(Break::Parts);
        }
        if a.is(&b) {
            self.settle();
            self.common.records += 1;
            if self.distinct.len() < limits::DIFF_EVIDENCE {
                self.distinct.insert(a.hash);
            }
        } else {
            self.like += 1;
            self.like_from.get_or_insert((a.place, b.place));
        }
        self.feeds.0.pass(1);
        self.feeds.1.pass(1);
        None
    }

    /// Passes over a damaged range, where the other log proves what comes after it.
    fn damaged(&mut self, side: Side, damaged: Damaged) -> Option<Break> {
        let other = if side == Side::A { Side::B } else { Side::A };
        if let Some(Mark::Damaged(theirs)) = self.feed(other).get(0) {
            // Both say nothing here.
            self.tell(other, theirs, None);
            self.feed(other).pass(1);
        }
        // The range, and those right behind it.
        self.feed(side).pass(1);
        let after: Vec<_> =
            (0..limits::DIFF_AFTER).map_while(|i| self.feed(side).said(i)).collect();
        if after.is_empty() && self.feed(side).get(0).is_none() {
            self.tell(side, damaged, None);
            let is_end = self.feed(other).get(0).is_none();
            return Some(if is_end { Break::BothEnd } else { Break::Ends(side) });
        }
        let found = (0..limits::DIFF_LOST).find(|&lost| self.fits(other, lost, &after));
        let Some(lost) = found else {
            self.tell(side, damaged, None);
            return Some(Break::Damaged(side));
        };
        self.tell(side, damaged, Some(lost as u64));
        self.feed(other).pass(lost);
        None
    }

    /// Whether these records stand in a log behind so many others, and prove that place.
    fn fits(&mut self, side: Side, lost: usize, after: &[Said]) -> bool {
        let feed = self.feed(side);
        let is_there = |(i, said): (usize, &Said)| {
            feed.said(lost + i).is_some_and(|theirs| theirs.is_like(said))
        };
        if !after.iter().enumerate().all(is_there) {
            return false;
        }
        let distinct: HashSet<_> = after.iter().map(|said| said.hash).collect();
        distinct.len() >= limits::DIFF_PROOF
            || (!after.is_empty() && self.feed(side).get(lost + after.len()).is_none())
    }
}
