//! Which records behind a command depend on what was there, where they are replayed on another state.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::later::{changes_functions, reaches_unnamed_keys};
use super::unit::{Does, Unit};
use crate::change::LostKey;
use crate::command::{self, CommandId, Effect, Kind};
use crate::format::resp::Record;
use crate::limits;
use crate::scan::{Context, Position};

/// Records whose effect depends on what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependents {
    /// The first of them.
    pub first: Vec<Dependent>,
    /// How many there are.
    pub total: u64,
}

/// A record whose effect depends on what was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependent {
    /// The segment's position in the set, and the offset of the record.
    pub place: Position,
    /// Its name as the log has it.
    pub command: Vec<u8>,
    /// The first keys that it names, and the first bytes of each.
    pub keys: Vec<LostKey>,
}

/// Dependents that are listed.
const LISTED: usize = 1000;

/// Keys of each, and bytes of each key.
const KEYS: usize = 8;
const SHOWN: usize = 128;

/// Follows which keys are not what they were.
pub(super) struct Effects {
    hasher: RandomState,
    /// Any key may be another one now but those in `same`; else those in `other` alone.
    is_any: bool,
    other: HashSet<u64>,
    same: HashSet<u64>,
    found: Dependents,
}

impl Effects {
    pub(super) fn of(unit: &Unit) -> Self {
        let is_any = unit.records.iter().any(|record| {
            matches!(record.does, Does::Flushes(_))
                || record.does == Does::Else && record.keys.is_empty()
        });
        let hasher = RandomState::new();
        let keys = unit.records.iter().flat_map(|record| &record.keys);
        let other = keys.map(|(db, name)| hasher.hash_one((db, &**name))).collect();
        Self { hasher, is_any, other, same: HashSet::new(), found: Dependents::default() }
    }

    pub(super) fn finish(self) -> Dependents {
        self.found
    }

    /// A record behind the unit.
    pub(super) fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        let Some(id) = id else { return self.depends(at, record, &[]) };
        if id.kind() != Kind::Plain {
            return;
        }
        let keys: Vec<&[u8]> = command::keys(id, record).map(|key| key.arg.head).collect();
        let places: Vec<u64> =
            keys.iter().map(|key| self.hasher.hash_one((&at.db, *key))).collect();
        let is_other = places.iter().any(|place| self.is_other(*place));
        let reaches_far = reaches_unnamed_keys(record, id)
            || matches!(id.command().effect, Effect::Flushes)
            || matches!(id.command().name.as_str(), "SWAPDB" | "MOVE")
            || changes_functions(id)
            || keys.is_empty() && id.command().writes;
        if reaches_far || is_other && depends_on_what_was_there(record, id) {
            self.depends(at, record, &keys);
        }
        let replaces = id.command().effect == Effect::Replaces && !has_condition(record);
        for place in places {
            match (is_other, replaces) {
                (_, true) => self.is_same_now(place),
                // One key of several that is another one may make the others different.
                (true, false) => {
                    self.same.remove(&place);
                    self.other.insert(place);
                }
                (false, false) => {}
            }
        }
    }

    fn is_other(&self, place: u64) -> bool {
        self.other.contains(&place) || self.is_any && !self.same.contains(&place)
    }

    /// The key was written as a whole, whatever it was. More names than fit stay doubtful: that lists too much, never too little.
    fn is_same_now(&mut self, place: u64) {
        self.other.remove(&place);
        if self.is_any && self.same.len() < limits::NAMES_TOLD_APART {
            self.same.insert(place);
        }
    }

    fn depends(&mut self, at: &Context, record: &Record<'_>, keys: &[&[u8]]) {
        self.found.total += 1;
        if self.found.first.len() < LISTED {
            let shown = |key: &&[u8]| {
                let name = key[..key.len().min(SHOWN)].to_vec();
                LostKey { db: Some(at.db), name }
            };
            self.found.first.push(Dependent {
                place: (at.segment, record.start),
                command: record.name.to_vec(),
                keys: keys.iter().take(KEYS).map(shown).collect(),
            });
        }
    }
}

/// Whether a record does something else to a key that is not what it was.
fn depends_on_what_was_there(record: &Record<'_>, id: CommandId) -> bool {
    let command = id.command();
    matches!(command.effect, Effect::BuildsOn | Effect::Derives)
        || matches!(
            command.name.as_str(),
            "RESTORE"
                | "XADD"
                | "XSETID"
                | "XGROUP|CREATE"
                | "XGROUP|SETID"
                | "XCLAIM"
                | "XAUTOCLAIM"
                | "HINCRBYFLOAT"
        )
        || has_condition(record)
}

/// Whether one of its words is a condition on what is there. A value that is such a word lists a record too many.
fn has_condition(record: &Record<'_>) -> bool {
    const WORDS: [&[u8]; 12] = [
        b"NX", b"XX", b"GT", b"LT", b"IFEQ", b"IFNE", b"IFDEQ", b"IFDNE", b"FNX", b"FXX", b"INCR",
        b"KEEPTTL",
    ];
    record.args().skip(2).any(|arg| WORDS.iter().any(|word| arg.head.eq_ignore_ascii_case(word)))
}
