//! What a log says, record by record, in a form in which the logs of two nodes can be compared.
//!
//! Left out are records that only steer a connection or are framing: SELECT, PING, REPLCONF, MULTI and EXEC. The database is a
//! part of each record instead. The time of an expiry is told apart, because servers before 7.0 reckon it each by its own clock.

use super::hash::Hash;
use crate::aof::{Aof, Event, Role, Segment};
use crate::command::{CommandId, Kind};
use crate::disk::{Source, pieces};
use crate::error::Result;
use crate::format::resp::Record;
use crate::scan::{Context, Observer, Wants};

/// A place in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The segment's position in the set.
    pub segment: usize,
    /// Offset in its file.
    pub offset: u64,
    /// Seconds of the last `#TS` before it.
    pub time: Option<i64>,
}

/// A damaged range of a log, or a file of it that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Where it begins.
    pub place: Place,
    /// Bytes it takes; `None` of a missing file.
    pub bytes: Option<u64>,
}

/// One thing in a log.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// A record.
    Record(Said),
    /// Bytes that say nothing.
    Damaged(Damaged),
}

/// What a record says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// Its database, name and arguments, without the time of an expiry.
    pub hash: u128,
    /// That time, Unix milliseconds; 0 where it has none.
    pub expires: i64,
    pub place: Place,
}

/// Expiries that two nodes reckoned by their own clocks may be so far apart, milliseconds.
const CLOCKS: u64 = 10_000;

impl Said {
    /// Whether both say the same.
    pub fn is(&self, other: &Self) -> bool {
        self.hash == other.hash && self.expires == other.expires
    }

    /// Whether both say the same but for an expiry that each node reckoned by its own clock.
    pub fn is_like(&self, other: &Self) -> bool {
        self.hash == other.hash && self.expires.abs_diff(other.expires) <= CLOCKS
    }
}

/// Tells of the marks of a set's log, base excluded, until it is told to stop.
pub(super) struct Marks<F> {
    each: F,
    stopped: bool,
    /// A record larger than a window, which is read again.
    large: Option<(u64, u64)>,
    /// Live files that are not there.
    missing: Vec<usize>,
}

impl<F: FnMut(Mark) -> bool> Marks<F> {
    pub fn new(aof: &Aof, each: F) -> Self {
        let is_gone = |s: &Segment| s.role != Role::Base && (s.is_missing() || s.is_directory());
        let missing = aof.live().filter(|(_, s)| is_gone(s)).map(|(position, _)| position);
        Self { each, stopped: false, large: None, missing: missing.collect() }
    }

    fn tell(&mut self, mark: Mark) {
        self.stopped = self.stopped || !(self.each)(mark);
    }

    /// Tells of missing files before this one.
    fn tell_missing(&mut self, before: usize) {
        while let Some(&segment) = self.missing.first().filter(|first| **first < before) {
            self.missing.remove(0);
            let place = Place { segment, ..Place::default() };
            self.tell(Mark::Damaged(Damaged { place, bytes: None }));
        }
    }

    fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        if is_framing(id) {
            return;
        }
        if record.args().any(|arg| !arg.is_whole()) || record.args().count() as u32 != record.argc {
            self.large = Some((record.start, record.end()));
            return;
        }
        let name = name_of(record, id);
        let time_at = time_place(&name, record);
        let (mut hash, mut expires) = (Hash::default(), 0);
        hash.add(&at.db.to_le_bytes());
        hash.add(&name);
        for (position, arg) in record.args().enumerate().skip(1) {
            match (Some(position) == time_at).then(|| milliseconds(&name, arg.head)).flatten() {
                Some(time) => expires = time,
                None => hash.add(arg.head),
            }
        }
        let place = place(at, record.start);
        self.tell(Mark::Record(Said { hash: hash.end(), expires, place }));
    }
}

fn place(at: &Context, offset: u64) -> Place {
    Place { segment: at.segment, offset, time: at.time }
}

/// Whether a record is no part of the history: it steers a connection, or frames a transaction.
pub(super) fn is_framing(id: Option<CommandId>) -> bool {
    id.is_some_and(|id| {
        matches!(id.kind(), Kind::Multi | Kind::Exec | Kind::Select)
            || matches!(id.command().name.as_str(), "PING" | "REPLCONF")
    })
}

/// The name of a command: that of the table, or as the log has it.
pub(super) fn name_of(record: &Record<'_>, id: Option<CommandId>) -> Vec<u8> {
    let name = id.map_or(record.name, |id| id.command().name.as_bytes());
    name.to_ascii_uppercase()
}

/// Which argument is the time of an expiry.
fn time_place(name: &[u8], record: &Record<'_>) -> Option<usize> {
    match name {
        b"PEXPIREAT" | b"EXPIREAT" => Some(2),
        b"SET" => {
            let is_time = |head: &[u8]| head.eq_ignore_ascii_case(b"PXAT");
            record.args().nth(3).filter(|arg| is_time(arg.head)).map(|_| 4)
        }
        _ => None,
    }
}

fn milliseconds(name: &[u8], text: &[u8]) -> Option<i64> {
    let number: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // One that is written in another way than a number is has a hash of its own.
    let is_plain = number.to_string().as_bytes() == text && number > 0;
    let factor = if name == b"EXPIREAT" { 1000 } else { 1 };
    number.checked_mul(factor).filter(|_| is_plain)
}

impl<F: FnMut(Mark) -> bool> Observer for Marks<F> {
    type Report = ();

    fn wants(&self) -> Wants {
        Wants { reads_again: true, ..Wants::default() }
    }

    fn begin(&mut self, segment: usize) {
        self.tell_missing(segment);
    }

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if self.stopped || at.in_base {
            return;
        }
        match event {
            Event::Record(record, id) => self.record(at, record, *id),
            Event::Damage(damage) => {
                let (place, bytes) = (place(at, damage.start), damage.end - damage.start);
                self.tell(Mark::Damaged(Damaged { place, bytes: Some(bytes) }));
            }
            _ => {}
        }
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        let Some((start, end)) = self.large.take() else { return Ok(()) };
        let mut hash = Hash::default();
        hash.add(&at.db.to_le_bytes());
        pieces(source, start, end, &mut |piece| {
            hash.add_raw(piece);
            Ok(())
        })?;
        let place = place(at, start);
        self.tell(Mark::Record(Said { hash: hash.end(), expires: 0, place }));
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.stopped
    }

    fn finish(mut self) {
        self.tell_missing(usize::MAX);
    }
}
