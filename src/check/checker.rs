//! redis-check-aof 8.2, imagined: by its own rules, which are stricter than a loader's in some places
//! and laxer in others.

use crate::aof::{Ending, Event};
use crate::command::{CommandId, Kind};
use crate::format::rdb::{Checksum, Family};
use crate::format::resp::Record;

/// Newest RDB version that redis-check-aof 8.2 reads.
pub(super) const NEWEST_RDB: u32 = 12;

/// redis-check-aof reading one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Checker {
    in_transaction: bool,
    /// Only the base of a set and single files may begin with an RDB.
    rdb_allowed: bool,
    /// The first thing it refuses.
    pub(super) refusal: Option<Refusal>,
    /// End of the last thing outside a transaction: the `ok_up_to` it prints.
    pub(super) ok_up_to: u64,
}

/// What redis-check-aof refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Offset where the thing begins.
    pub at: u64,
    /// What it is, in a few words.
    pub why: &'static str,
}

impl Checker {
    pub(super) fn begin(&mut self, rdb_allowed: bool) {
        *self = Self { rdb_allowed, ..Self::default() };
    }

    /// Whether what comes next can be looked at without knowing what came before.
    pub(super) fn is_between(&self) -> bool {
        self.refusal.is_some() || !self.in_transaction
    }

    /// One for a piece of the same file.
    pub(super) fn fork(&self) -> Self {
        Self { rdb_allowed: self.rdb_allowed, ..Self::default() }
    }

    /// Takes over what it made of the piece behind all it has read.
    pub(super) fn join(&mut self, later: &Self) {
        if self.refusal.is_none() {
            self.refusal = later.refusal;
            self.in_transaction = later.in_transaction;
            self.ok_up_to = self.ok_up_to.max(later.ok_up_to);
        }
    }

    #[cold]
    fn refuse(&mut self, at: u64, why: &'static str) {
        self.refusal = Some(Refusal { at, why });
    }

    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, id: Option<CommandId>) {
        if self.refusal.is_some() {
            return;
        }
        if record.oddities.any() && record.oddities.refused_by_checker() {
            return self
                .refuse(record.start, "a record that is not written exactly as servers write it");
        }
        match id.map_or(Kind::Plain, CommandId::kind) {
            Kind::Multi if self.in_transaction => {
                return self.refuse(record.start, "MULTI inside MULTI");
            }
            Kind::Multi => self.in_transaction = true,
            Kind::Exec if !self.in_transaction => {
                return self.refuse(record.start, "EXEC without MULTI");
            }
            Kind::Exec => self.in_transaction = false,
            _ => {}
        }
        if !self.in_transaction {
            self.ok_up_to = record.end();
        }
    }

    #[cold]
    pub(super) fn other(&mut self, event: &Event<'_>) {
        if self.refusal.is_some() {
            return;
        }
        let (start, end) = event.span();
        match event {
            Event::Rdb(part) => {
                let header = part.walked.outcome.header;
                if header.family != Family::Redis {
                    return self.refuse(start, "an RDB whose magic it does not know");
                }
                if !self.rdb_allowed {
                    return self.refuse(start, "an RDB in an increment");
                }
                if header.version > NEWEST_RDB {
                    return self.refuse(start, "an RDB version newer than it reads");
                }
                if matches!(part.walked.checksum, Checksum::Mismatch { .. }) {
                    return self.refuse(start, "an RDB whose checksum does not fit");
                }
            }
            Event::Damage(damage) => {
                let why = match damage.ending {
                    Ending::Torn => "the file ends inside a record",
                    _ => "bytes that are no record",
                };
                return self.refuse(damage.start, why);
            }
            Event::Hollow { refused_by_checker: true, .. } => {
                return self
                    .refuse(start, "a record that is not written exactly as servers write it");
            }
            _ => {}
        }
        if !self.in_transaction {
            self.ok_up_to = end;
        }
    }

    pub(super) fn end(&mut self, len: u64) {
        if self.refusal.is_none() && self.in_transaction {
            self.refuse(len, "the file ends inside a transaction");
        }
    }
}
