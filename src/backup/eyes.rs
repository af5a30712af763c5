//! Looks at the events of a file: where it may be cut, and what is in it.

use super::alive::Alive;
use super::entry::Stamps;
use crate::aof::{Damage, Ending, Event};
use crate::format::annotation::Kind;
use crate::format::rdb::{self, Checksum};
use crate::rules::{Needs, OfModules};
use crate::scan;

/// What a pass saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The last place to cut: after something whole, outside a transaction.
    pub(super) boundary: u64,
    /// Records up to there.
    pub(super) commands: u64,
    /// Annotations up to there.
    pub(super) stamps: Option<Stamps>,
    /// What the base says of when it was begun.
    pub(super) created: Option<i64>,
    /// The first bytes that are neither whole nor merely unfinished, and what is wrong with them.
    pub(super) trouble: Option<(u64, String)>,
    /// What it needs of modules.
    pub(super) needs: Needs,
    /// The keys that are there after it, where that is followed.
    pub(super) alive: Option<Alive>,
}

/// Looks for places to cut, and counts.
pub(super) struct Eyes {
    context: scan::Context,
    len: u64,
    seen: Seen,
    /// Counted since the last place to cut.
    pending: u64,
    pending_stamps: Option<Stamps>,
    of_modules: OfModules,
}

impl Eyes {
    /// From a place where a record begins; where keys are followed, `alive` has those of what lies before.
    pub(super) fn new(from: u64, len: u64, alive: Option<Alive>) -> Self {
        // Each file begins with the first database.
        let db = alive.as_ref().filter(|_| from > 0).map_or(0, |alive| alive.db);
        let seen = Seen { boundary: from, alive, ..Seen::default() };
        let context = scan::Context { db, ..scan::Context::default() };
        let of_modules = OfModules::default();
        Self { context, len, seen, pending: 0, pending_stamps: None, of_modules }
    }

    #[inline]
    pub(super) fn event(&mut self, event: &Event<'_>) {
        let db = self.context.db;
        self.context.follow(event);
        match event {
            Event::Record(record, id) => {
                if let Some(alive) = &mut self.seen.alive {
                    alive.record(db, record, *id);
                    alive.bound();
                }
                self.of_modules.record(*id, record.name);
                self.pending += 1;
            }
            // What a server appends to a line that is not whole would become a part of it.
            Event::Annotation { is_open: true, .. } => return,
            Event::Annotation { kind: Kind::Timestamp(seconds), .. } => self.stamp(*seconds),
            Event::Annotation { .. } | Event::Hollow { .. } => {}
            Event::Rdb(part) => {
                let outcome = &part.walked.outcome;
                self.seen.created = outcome.fields.created_s();
                self.seen.needs.add_rdb(&outcome.modules);
                if let Checksum::Mismatch { .. } = part.walked.checksum {
                    self.trouble(part.start, "the RDB's checksum does not fit".to_owned());
                }
            }
            Event::Damage(damage) => return self.damage(damage),
        }
        if self.context.transaction.is_none() {
            self.whole_up_to(event.span().1);
        }
    }

    fn whole_up_to(&mut self, end: u64) {
        if self.seen.trouble.is_some() {
            return;
        }
        self.seen.boundary = end;
        self.seen.commands += std::mem::take(&mut self.pending);
        if self.pending_stamps.is_some() {
            self.seen.stamps = self.pending_stamps;
        }
        if let Some(alive) = &mut self.seen.alive {
            alive.whole(self.context.db);
        }
    }

    /// A key of an RDB.
    pub(super) fn entry(&mut self, entry: &rdb::Entry<'_>) {
        if let Some(alive) = &mut self.seen.alive {
            alive.entry(entry);
        }
    }

    /// Whether keys of an RDB are wanted.
    pub(super) fn wants_entries(&self) -> bool {
        self.seen.alive.is_some()
    }

    fn trouble(&mut self, at: u64, what: String) {
        self.seen.trouble.get_or_insert((at, what));
    }

    fn stamp(&mut self, seconds: i64) {
        let so_far = self.pending_stamps.or(self.seen.stamps);
        self.pending_stamps = Some(added(so_far, seconds));
    }

    fn damage(&mut self, damage: &Damage) {
        let reaches_the_end = damage.end == self.len;
        let unknown_but_intact = damage.rdb.as_ref().is_some_and(|stop| stop.intact == Some(true));
        if let Some(alive) = self.seen.alive.as_mut().filter(|_| damage.rdb.is_some()) {
            alive.doubt();
        }
        if let Some(stop) = damage.rdb.as_ref().filter(|_| unknown_but_intact) {
            self.seen.needs.add_rdb(&stop.modules);
            return self.whole_up_to(damage.end);
        }
        if damage.ending != Ending::Torn || damage.rdb.is_some() || !reaches_the_end {
            self.trouble(damage.fault.at, damage.fault.reason.to_string());
        }
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn finish(mut self) -> Seen {
        self.of_modules.take(&mut self.seen.needs);
        self.seen
    }
}

/// These annotations and one more.
fn added(stamps: Option<Stamps>, seconds: i64) -> Stamps {
    match stamps {
        None => Stamps { first: seconds, last: seconds, monotonic: true },
        Some(s) => Stamps { last: seconds, monotonic: s.monotonic && seconds >= s.last, ..s },
    }
}

/// Annotations of two stretches that follow each other.
pub(super) fn joined(first: Option<Stamps>, second: Option<Stamps>) -> Option<Stamps> {
    match (first, second) {
        (Some(a), Some(b)) => Some(Stamps {
            first: a.first,
            last: b.last,
            monotonic: a.monotonic && b.monotonic && a.last <= b.first,
        }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_join_as_one_pass_would_have_seen_them() {
        let one = |seconds: &[i64]| seconds.iter().fold(None, |s, &t| Some(added(s, t)));
        for (a, b) in
            [(&[1, 2][..], &[3][..]), (&[1], &[]), (&[], &[]), (&[5, 4], &[6]), (&[5], &[4])]
        {
            assert_eq!(joined(one(a), one(b)), one(&[a, b].concat()));
        }
    }
}
