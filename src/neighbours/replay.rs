//! What is alive after the files of a set or beside it: keys by their names, not their values.

use crate::aof::{Ending, Event, RdbItem};
use crate::command::{self, CommandId, Deed, deadline, deed};
use crate::format::rdb;
use crate::format::resp::Record;
use crate::scan::{Context, Depth, Observer, Wants};

use super::sample::{Names, Sample};

/// A key that does not expire.
const FOR_EVER: i64 = i64::MAX;

/// A key that is alive: until when, Unix milliseconds, and its database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alive {
    until: i64,
    db: u64,
}

/// Follows which keys are alive.
#[derive(Clone, Debug)]
pub(super) struct Replay<'a> {
    names: Names<'a>,
    deeds: Vec<Deed>,
    /// By name and database.
    pub(super) alive: Sample<Alive>,
    /// Names that are looked for, in whatever database: each that is met is taken out.
    pub(super) wanted: Sample<()>,
    /// Keys of RDB parts.
    pub(super) rdb_keys: u64,
    /// Records that write.
    pub(super) writes: u64,
    /// Whether there was an RDB part, whole or not.
    pub(super) has_rdb: bool,
    /// When the first RDB part was begun, Unix seconds.
    pub(super) saved_at: Option<i64>,
    /// There may be more in it than was understood: it is damaged otherwise than by ending too early, or has commands that
    /// no server is known to have.
    pub(super) is_doubtful: bool,
}

impl<'a> Replay<'a> {
    pub(super) fn new(names: &Names<'a>) -> Self {
        Self {
            names: names.clone(),
            deeds: command::all().iter().map(deed).collect(),
            alive: Sample::default(),
            wanted: Sample::default(),
            rdb_keys: 0,
            writes: 0,
            has_rdb: false,
            saved_at: None,
            is_doubtful: false,
        }
    }

    /// Keys alive at `now_ms`, as a sample of their names.
    pub(super) fn alive_at(&self, now_ms: i64) -> impl Iterator<Item = u64> + '_ {
        let alive = self.alive.iter().filter(move |(_, alive)| alive.until > now_ms);
        alive.map(|(place, alive)| place ^ alive.db)
    }

    fn record(&mut self, db: u64, record: &Record<'_>, id: CommandId) {
        let deed = self.deeds[id.index()];
        self.writes += u64::from(deed != Deed::Reads);
        match deed {
            Deed::Flushes => return self.alive.retain(|_| false),
            Deed::FlushesOne => return self.alive.retain(|alive| alive.db != db),
            _ => {}
        }
        let until = deadline(record, id, deed);
        for (place, key) in command::keys(id, record).enumerate() {
            let name = self.names.of(key.arg.head, key.arg.len);
            self.wanted.remove(name);
            // A database changes the last bits alone: a sample takes names alike in all of them.
            let here = name ^ db;
            match deed {
                Deed::Reads | Deed::Flushes | Deed::FlushesOne => {}
                Deed::Removes => self.alive.remove(here),
                Deed::Renames if place == 0 => self.alive.remove(here),
                Deed::Expires => {
                    if let (Some(known), Some(until)) = (self.alive.get_mut(here), until) {
                        known.until = until;
                    }
                }
                Deed::Writes | Deed::Renames => {
                    self.alive.put(here, Alive { until: until.unwrap_or(FOR_EVER), db });
                }
            }
        }
    }

    fn rdb(&mut self, fields: &rdb::Fields) {
        self.has_rdb = true;
        self.saved_at = self.saved_at.or(fields.created_s());
    }
}

impl Observer for Replay<'_> {
    type Report = Self;

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        match event {
            Event::Record(record, Some(id)) => self.record(at.db, record, *id),
            // Nobody knows what it does, and to which keys: it is taken for a write.
            Event::Record(_, None) => {
                self.writes += 1;
                self.is_doubtful = true;
            }
            Event::Rdb(part) => self.rdb(&part.walked.outcome.fields),
            Event::Damage(damage) => {
                if let Some(stop) = &damage.rdb {
                    self.rdb(&stop.fields);
                }
                self.is_doubtful |= damage.ending != Ending::Torn;
            }
            Event::Hollow { .. } | Event::Annotation { .. } => {}
        }
    }

    fn wants(&self) -> Wants {
        Depth::Entries.into()
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        let RdbItem::Key(entry) = item else { return };
        self.rdb_keys += 1;
        let name = self.names.of(entry.key, entry.key_len);
        self.wanted.remove(name);
        let until = entry.expire_ms.unwrap_or(FOR_EVER);
        self.alive.put(name ^ entry.db, Alive { until, db: entry.db });
    }

    fn finish(self) -> Self {
        self
    }
}
