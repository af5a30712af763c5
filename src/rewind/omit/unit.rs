//! A command with all that goes with it, and what is left of it.

use std::collections::BTreeSet;

use super::touched::{Name, Touched};
use crate::change::Piece;
use crate::command::{self, Renames};

/// A command, or the transaction that holds it.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    pub(super) segment: usize,
    pub(super) start: u64,
    pub(super) end: u64,
    /// The database that is selected before it.
    pub(super) db: u64,
    /// The name of the command that was asked for.
    pub(super) asked: Vec<u8>,
    pub(super) records: Vec<Member>,
}

/// A record of the unit.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Its name as the log has it.
    pub(super) name: Vec<u8>,
    pub(super) does: Does,
    pub(super) keys: Vec<Name>,
}

/// What a record of the unit does, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// MULTI or EXEC.
    Brackets,
    Selects(u64),
    /// Empties one database, or all.
    Flushes(Option<u64>),
    /// Removes the keys that it names, each by itself.
    Removes,
    /// Anything else.
    Else,
}

/// What is left of the unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Becomes {
    pub(super) pieces: Vec<Piece>,
    /// Records that go, whole or in part, by their place in the unit; in ascending order.
    pub(super) gone: Vec<usize>,
    /// Keys for which it stays in force.
    pub(super) keeping: BTreeSet<Name>,
    /// Whether anything but MULTI and EXEC goes.
    pub(super) is_changed: bool,
}

impl Member {
    /// Whether it stays or goes for all of its keys alike.
    pub(super) fn is_indivisible(&self) -> bool {
        self.does == Does::Else
    }
}

impl Unit {
    pub(super) fn is_transaction(&self) -> bool {
        self.records.first().is_some_and(|record| record.does == Does::Brackets)
    }

    pub(super) fn flushes(&self) -> bool {
        self.records.iter().any(|record| matches!(record.does, Does::Flushes(_)))
    }

    /// Whether all that it does is to remove keys.
    pub(super) fn only_removes(&self) -> bool {
        self.records.iter().all(|record| record.does != Does::Else)
    }

    /// The database that is selected behind it.
    fn db_behind(&self) -> u64 {
        let selects = self.records.iter().rev().find_map(|record| match record.does {
            Does::Selects(db) => Some(db),
            _ => None,
        });
        selects.unwrap_or(self.db)
    }

    /// What is left of it where it stays in force for the keys that were touched; or nothing of it stays.
    pub(super) fn without(&self, touched: &Touched, whole: bool, names: &Renames) -> Becomes {
        let mut left =
            Left { unit: self, names, db: self.db, out: Becomes::default(), inner: Vec::new() };
        for (place, record) in self.records.iter().enumerate() {
            match record.does {
                Does::Selects(_) | Does::Brackets => {}
                _ if whole => left.out.gone.push(place),
                _ => left.member(place, record, touched),
            }
        }
        left.finish()
    }
}

/// Writes what is left.
struct Left<'a> {
    unit: &'a Unit,
    names: &'a Renames,
    /// The database that is selected in what was written so far.
    db: u64,
    out: Becomes,
    /// Records that stay, or what stands for them.
    inner: Vec<Piece>,
}

impl Left<'_> {
    fn member(&mut self, place: usize, record: &Member, touched: &Touched) {
        let stay = || record.keys.iter().filter(|key| touched.has(key));
        match record.does {
            Does::Flushes(db) => {
                self.out.gone.push(place);
                for (db, keys) in touched.sorted(db) {
                    self.out.keeping.extend(keys.iter().map(|key| (db, (*key).into())));
                    self.remove(b"DEL", db, keys.into_iter());
                }
            }
            Does::Removes if stay().count() < record.keys.len() => {
                self.out.gone.push(place);
                self.out.keeping.extend(stay().cloned());
                let db = record.keys.first().map_or(self.db, |(db, _)| *db);
                self.remove(&record.name, db, stay().map(|(_, name)| &**name));
            }
            _ if stay().count() > 0 => {
                self.out.keeping.extend(record.keys.iter().cloned());
                self.stays(record);
            }
            _ => self.out.gone.push(place),
        }
    }

    fn stays(&mut self, record: &Member) {
        if let Some((db, _)) = record.keys.first() {
            self.select(*db);
        }
        let (file, from, to) = (self.unit.segment, record.start, record.end);
        self.inner.push(Piece::Keep { file, from, to });
    }

    fn select(&mut self, db: u64) {
        if self.db != db {
            self.db = db;
            self.inner.push(Piece::Insert(command::select(db, self.names)));
        }
    }

    /// A record for each key, as servers log what has expired: keys of several slots may stand in no record together.
    fn remove<'k>(&mut self, name: &[u8], db: u64, keys: impl Iterator<Item = &'k [u8]>) {
        let name = self.names.called(name).to_vec();
        let mut bytes = Vec::new();
        for key in keys {
            for part in
                [b"*2\r\n$".as_slice(), name.len().to_string().as_bytes(), b"\r\n", &name, b"\r\n$"]
            {
                bytes.extend_from_slice(part);
            }
            for part in [key.len().to_string().as_bytes(), b"\r\n", key, b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        if !bytes.is_empty() {
            self.select(db);
            self.inner.push(Piece::Insert(bytes));
        }
    }

    fn finish(mut self) -> Becomes {
        let (unit, last) = (self.unit, self.unit.records.len().saturating_sub(1));
        self.out.is_changed = !self.out.gone.is_empty();
        match (unit.is_transaction(), self.inner.is_empty()) {
            (false, _) => self.out.pieces = self.inner,
            (true, true) => {
                self.out.gone.insert(0, 0);
                self.out.gone.push(last);
            }
            (true, false) => {
                let keep = |record: &Member| {
                    let (file, from, to) = (unit.segment, record.start, record.end);
                    Piece::Keep { file, from, to }
                };
                self.out.pieces.extend(unit.records.first().map(keep));
                self.out.pieces.append(&mut self.inner);
                self.out.pieces.extend(unit.records.last().map(keep));
            }
        }
        let behind = unit.db_behind();
        if self.db != behind {
            self.out.pieces.push(Piece::Insert(command::select(behind, self.names)));
        }
        self.out
    }
}
