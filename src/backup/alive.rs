//! Which keys are there after a set, as a sample of their names that goes on from one snapshot to the next: a run reads
//! only what was appended, and must still see that a set has lost most of its keys.

use std::collections::HashMap;

use super::key_count::{Counted, KeyCount};
use crate::command::{self, CommandId, Deed, deadline, deed, swapped};
use crate::format::rdb;
use crate::format::resp::Record;

/// Names that are kept at most. More are told as an estimate, by a sample of half of them at least.
pub(super) const MOST: usize = 1 << 12;

/// Changes of an open transaction that are kept back at most.
const MOST_PENDING: usize = 1 << 16;

/// A key that does not expire.
const FOR_EVER: i64 = i64::MAX;

/// Bytes of a name that count, with its length: as many as a reader shows of any key.
const NAMED_BY: usize = 128;

/// What a record does to one key, or to all.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The key is there; where it was, it goes on to expire when it did.
    Put {
        name: u64,
        db: u64,
        until: Option<i64>,
        is_anew: bool,
        is_sure: bool,
    },
    Remove(u64),
    Expire(u64, i64),
    Flush(Option<u64>),
    Swap(u64, u64),
}

/// Until when a key is there, Unix milliseconds, and its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Until {
    pub(super) at: i64,
    pub(super) db: u64,
    /// Nobody has taken an element out of it since: servers do not log that a key goes with its last one.
    pub(super) is_sure: bool,
}

/// Follows which keys are there.
#[derive(Clone, Debug)]
pub(super) struct Alive {
    deeds: Vec<Deed>,
    pub(super) kept: Kept,
    /// Names whose number is above it are passed over.
    pub(super) limit: u64,
    /// Of a transaction that has not ended yet.
    pending: Vec<Step>,
    /// There was something that nobody knows.
    pub(super) is_unknown: bool,
    /// The database that is selected at the end.
    pub(super) db: u64,
}

impl Default for Alive {
    fn default() -> Self {
        Self {
            deeds: command::all().iter().map(deed).collect(),
            kept: HashMap::default(),
            limit: u64::MAX,
            pending: Vec::new(),
            is_unknown: false,
            db: 0,
        }
    }
}

/// Keys that are there, by the number of their name.
pub(super) type Kept = HashMap<u64, Until, foldhash::fast::RandomState>;

impl Alive {
    /// Goes on from these keys, of the names up to `limit`, with this database selected.
    pub(super) fn after(kept: Kept, limit: u64, db: u64) -> Self {
        Self { kept, limit, db, ..Self::default() }
    }

    /// A key of a base.
    pub(super) fn entry(&mut self, entry: &rdb::Entry<'_>) {
        let name = number_of(entry.key, entry.key_len) ^ entry.db;
        let until = Some(entry.expire_ms.unwrap_or(FOR_EVER));
        self.step(Step::Put { name, db: entry.db, until, is_anew: true, is_sure: true });
    }

    /// A record, by the database that is selected.
    pub(super) fn record(&mut self, db: u64, record: &Record<'_>, id: Option<CommandId>) {
        let Some(id) = id else {
            self.is_unknown = true;
            return;
        };
        let deed = self.deeds[id.index()];
        match deed {
            Deed::Reads => return self.swap(id, record),
            Deed::Flushes => return self.pending.push(Step::Flush(None)),
            Deed::FlushesOne => return self.pending.push(Step::Flush(Some(db))),
            _ => {}
        }
        let command = &id.command().name;
        let is_sure = deed != Deed::Writes || !may_empty(command);
        self.swap(id, record);
        let until = deadline(record, id, deed);
        for (place, key) in command::keys(id, record).enumerate() {
            let name = number_of(key.arg.head, key.arg.len) ^ db;
            self.pending.push(match deed {
                Deed::Removes => Step::Remove(name),
                Deed::Renames if place == 0 => Step::Remove(name),
                Deed::Expires => Step::Expire(name, until.unwrap_or(FOR_EVER)),
                _ => Step::Put { name, db, until, is_anew: is_anew(command), is_sure },
            });
        }
    }

    /// There was something that cannot be followed.
    pub(super) fn doubt(&mut self) {
        self.is_unknown = true;
    }

    fn swap(&mut self, id: CommandId, record: &Record<'_>) {
        self.pending.extend(swapped(id, record).map(|(one, other)| Step::Swap(one, other)));
    }

    /// Everything so far is whole, and outside of a transaction; `db` is selected.
    #[inline]
    pub(super) fn whole(&mut self, db: u64) {
        self.db = db;
        self.carry_out();
    }

    /// Where a transaction is larger than anybody keeps back, it counts although it may never end.
    pub(super) fn bound(&mut self) {
        if self.pending.len() > MOST_PENDING {
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.drain(..).for_each(|step| self.step(step));
        self.pending = pending;
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put { name, db, until, is_anew, is_sure } => {
                let at = until.unwrap_or(FOR_EVER);
                self.put(name, Until { at, db, is_sure }, is_anew || until.is_some());
            }
            Step::Remove(name) => drop(self.kept.remove(&name)),
            Step::Expire(name, at) => {
                if let Some(until) = self.kept.get_mut(&name) {
                    until.at = at;
                }
            }
            Step::Flush(None) => {
                self.kept.clear();
                self.limit = u64::MAX;
            }
            Step::Flush(Some(db)) => self.kept.retain(|_, until| until.db != db),
            Step::Swap(one, other) => self.exchange(one, other),
        }
    }

    fn put(&mut self, name: u64, new: Until, is_anew: bool) {
        if name > self.limit {
            return;
        }
        let known = self.kept.entry(name).or_insert(new);
        known.is_sure = new.is_sure;
        if is_anew {
            *known = new;
        }
        while self.kept.len() > MOST {
            self.limit /= 2;
            let limit = self.limit;
            self.kept.retain(|name, _| *name <= limit);
        }
    }

    fn exchange(&mut self, one: u64, other: u64) {
        let kept = std::mem::take(&mut self.kept);
        self.kept.extend(kept.into_iter().map(|(name, until)| {
            let db = match until.db {
                db if db == one => other,
                db if db == other => one,
                db => db,
            };
            (name ^ until.db ^ db, Until { db, ..until })
        }));
    }

    /// How many keys are there at `now_ms`, Unix milliseconds; `None` where that is not known.
    pub(super) fn count(&self, now_ms: i64) -> Option<KeyCount> {
        let there = || self.kept.values().filter(|until| until.at > now_ms);
        let all = |number: usize| (number as u64).saturating_mul(u64::MAX / self.limit.max(1));
        let (alive, at_least) =
            (all(there().count()), all(there().filter(|until| until.is_sure).count()));
        let counted = if self.limit == u64::MAX { Counted::All } else { Counted::Sampled };
        (!self.is_unknown).then_some(KeyCount { alive, at_least, counted })
    }
}

/// Whether records of a command may take away a key without naming that.
fn may_empty(command: &str) -> bool {
    [
        "POP",
        "REM",
        "TRIM",
        "MOVE",
        "STORE",
        "HDEL",
        "GETDEL",
        "HEXPIRE",
        "HPEXPIRE",
        "COPY",
        "SORT",
        "BITOP",
        "GEORADIUS",
        "EVAL",
        "FCALL",
    ]
    .iter()
    .any(|part| command.contains(part))
}

/// Whether records of a command make the key anew, without the time to live that it had.
fn is_anew(command: &str) -> bool {
    matches!(command, "SET" | "MSET" | "GETSET" | "PERSIST" | "RESTORE" | "COPY" | "RENAME")
        || command.ends_with("STORE")
}

/// The number of a key of this length that begins with these bytes: the same for ever, since it lies in repositories
/// (FNV-1a, and the finish of splitmix64). A database changes its last bits alone.
fn number_of(head: &[u8], len: u64) -> u64 {
    let head = &head[..head.len().min(NAMED_BY)];
    let seed = 0xcbf2_9ce4_8422_2325 ^ len;
    let fnv = head
        .iter()
        .fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(alive: &mut Alive, n: u64) {
        let name = format!("key:{n}");
        let name = number_of(name.as_bytes(), name.len() as u64);
        alive.step(Step::Put { name, db: 0, until: None, is_anew: true, is_sure: true });
    }

    #[test]
    fn few_keys_are_counted_and_many_are_estimated() {
        let mut alive = Alive::default();
        let exactly = |n| Some(KeyCount { alive: n, at_least: n, counted: Counted::All });
        (0..1000).for_each(|n| put(&mut alive, n));
        assert_eq!(alive.count(0), exactly(1000));
        (0..1_000_000).for_each(|n| put(&mut alive, n));
        let count = alive.count(0).unwrap();
        assert!(
            count.counted == Counted::Sampled && (900_000..1_100_000).contains(&count.alive),
            "{count:?}"
        );
        alive.step(Step::Flush(None));
        (0..5).for_each(|n| put(&mut alive, n));
        assert_eq!(alive.count(0), exactly(5));
    }

    #[test]
    fn databases_are_told_apart_also_when_they_are_swapped() {
        let mut alive = Alive::default();
        put(&mut alive, 1);
        alive.step(Step::Swap(0, 3));
        put(&mut alive, 1);
        assert_eq!(alive.count(0).unwrap().alive, 2);
        alive.step(Step::Flush(Some(3)));
        assert_eq!(alive.count(0).unwrap().alive, 1);
    }
}
