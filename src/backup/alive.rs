//! Which keys are there after a set, as a sample of their names that goes on from one snapshot to the next: a run reads
//! only what was appended, and must still see that a set has lost most of its keys.
//!
//! The sample lies in `keys/SOURCE.json`, beside the name of the snapshot it stands for. Without it, or with that of
//! another snapshot, the number of keys is not known until a rewrite makes the next run read everything.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};

use super::entry::{Entry, KeyCount};
use super::hash;
use super::name;
use super::repository::Repository;
use crate::command::{self, CommandId, Deed, deadline, deed, swapped};
use crate::error::Result;
use crate::format::rdb;
use crate::format::resp::Record;
use crate::limits;

/// Directory of these documents.
const KEYS: &str = "keys/";

/// Names that are kept at most. More are told as an estimate, whose error is then some three in a hundred.
const MOST: usize = 1 << 10;

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
    },
    Remove(u64),
    Expire(u64, i64),
    Flush(Option<u64>),
    Swap(u64, u64),
}

/// Until when a key is there, Unix milliseconds, and its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Until {
    at: i64,
    db: u64,
}

/// Follows which keys are there.
#[derive(Clone, Debug)]
pub(super) struct Alive {
    deeds: Vec<Deed>,
    kept: HashMap<u64, Until, foldhash::fast::RandomState>,
    /// Names whose number is above it are passed over.
    limit: u64,
    /// Of a transaction that has not ended yet.
    pending: Vec<Step>,
    /// A record took elements out of a value: servers do not log that a key goes with its last one.
    may_be_fewer: bool,
    /// There was something that nobody knows.
    is_unknown: bool,
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
            may_be_fewer: false,
            is_unknown: false,
            db: 0,
        }
    }
}

impl Alive {
    /// A key of a base.
    pub(super) fn entry(&mut self, entry: &rdb::Entry<'_>) {
        let name = number_of(entry.key, entry.key_len) ^ entry.db;
        let until = Some(entry.expire_ms.unwrap_or(FOR_EVER));
        self.step(Step::Put { name, db: entry.db, until, is_anew: true });
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
        self.may_be_fewer |= deed == Deed::Writes && may_empty(command);
        self.swap(id, record);
        let until = deadline(record, id, deed);
        for (place, key) in command::keys(id, record).enumerate() {
            let name = number_of(key.arg.head, key.arg.len) ^ db;
            self.pending.push(match deed {
                Deed::Removes => Step::Remove(name),
                Deed::Renames if place == 0 => Step::Remove(name),
                Deed::Expires => Step::Expire(name, until.unwrap_or(FOR_EVER)),
                _ => Step::Put { name, db, until, is_anew: is_anew(command) },
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
            Step::Put { name, db, until, is_anew } => self.put(name, db, until, is_anew),
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

    fn put(&mut self, name: u64, db: u64, until: Option<i64>, is_anew: bool) {
        if name > self.limit {
            return;
        }
        let new = Until { at: until.unwrap_or(FOR_EVER), db };
        let known = self.kept.entry(name).or_insert(new);
        if is_anew || until.is_some() {
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
        let number = self.kept.values().filter(|until| until.at > now_ms).count() as u64;
        let is_whole = self.limit == u64::MAX;
        let alive = match is_whole {
            true => number,
            false => number.saturating_mul(u64::MAX / self.limit.max(1)),
        };
        let estimated = !is_whole || self.may_be_fewer;
        (!self.is_unknown).then_some(KeyCount { alive, estimated })
    }
}

/// Whether records of a command may take away a key without naming that.
fn may_empty(command: &str) -> bool {
    ["POP", "REM", "TRIM", "MOVE", "STORE", "HDEL", "GETDEL", "HEXPIRE", "HPEXPIRE", "COPY", "SORT"]
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

/// The document of one source.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Document {
    source: String,
    /// The number of the snapshot that it stands for, which it has also when it was compacted, and when it was taken.
    seq: u64,
    taken: String,
    limit: u64,
    db: u64,
    may_be_fewer: bool,
    /// In base64, of each key its number, until when it is there and its database, 8 bytes each, the lowest first.
    kept: String,
}

/// Bytes of a key in the document.
const ROW: usize = 24;

fn key_of(source: &str) -> String {
    format!("{KEYS}{source}.json")
}

/// The source whose document this is.
pub(super) fn source_of(key: &str) -> Option<&str> {
    let source = key.strip_prefix(KEYS)?.strip_suffix(".json")?;
    name::source_name(source).is_ok().then_some(source)
}

fn read(bytes: &[u8], source: &str) -> Option<((u64, String), Alive)> {
    let document: Document = hash::unsealed(bytes).ok()?;
    let rows = BASE64_STANDARD.decode(&document.kept).ok()?;
    let is_sound =
        document.source == source && rows.len().is_multiple_of(ROW) && rows.len() <= MOST * ROW;
    let number =
        |row: &[u8], at: usize| row.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let row = |row: &[u8]| {
        let at = i64::from_le_bytes(number(row, 8)?.to_le_bytes());
        Some((number(row, 0)?, Until { at, db: number(row, 16)? }))
    };
    let kept: Option<HashMap<_, _, _>> = rows.chunks_exact(ROW).map(row).collect();
    let Document { seq, taken, limit, db, may_be_fewer, .. } = document;
    let alive = Alive { kept: kept?, limit, db, may_be_fewer, ..Alive::default() };
    is_sound.then_some(((seq, taken), alive))
}

/// Whether these bytes are such a document.
pub(super) fn is_document(bytes: &[u8], source: &str) -> bool {
    read(bytes, source).is_some()
}

impl Repository {
    /// The keys after a snapshot, where they were written down.
    pub(super) fn alive_after(&self, entry: &Entry) -> Result<Option<Alive>> {
        let key = key_of(&entry.source);
        if self.store().head(&key)?.is_none() {
            return Ok(None);
        }
        let bytes = self.store().get(&key, limits::CATALOG_DOCUMENT)?;
        let read = read(&bytes, &entry.source);
        let is_of = |of: &(u64, String)| (of.0, &of.1) == (entry.seq, &entry.taken);
        Ok(read.filter(|(of, _)| is_of(of)).map(|(_, alive)| alive))
    }

    /// Writes down which keys are there after a snapshot; what was known of the one before goes.
    pub(super) fn keep_alive(&self, entry: &Entry, alive: Option<&Alive>) -> Result<()> {
        let Some(alive) = alive.filter(|alive| !alive.is_unknown) else {
            return self.forget_alive(&entry.source);
        };
        let mut kept: Vec<_> = alive.kept.iter().collect();
        kept.sort_unstable_by_key(|(name, _)| **name);
        let row = |(name, until): (&u64, &Until)| {
            [name.to_le_bytes(), until.at.to_le_bytes(), until.db.to_le_bytes()].concat()
        };
        let rows: Vec<u8> = kept.into_iter().flat_map(row).collect();
        let document = Document {
            source: entry.source.clone(),
            seq: entry.seq,
            taken: entry.taken.clone(),
            limit: alive.limit,
            db: alive.db,
            may_be_fewer: alive.may_be_fewer,
            kept: BASE64_STANDARD.encode(rows),
        };
        self.store().put(&key_of(&entry.source), &hash::sealed(&document))
    }

    /// Forgets the keys of a source.
    pub(super) fn forget_alive(&self, source: &str) -> Result<()> {
        self.store().delete(&key_of(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(alive: &mut Alive, n: u64) {
        let name = format!("key:{n}");
        let name = number_of(name.as_bytes(), name.len() as u64);
        alive.step(Step::Put { name, db: 0, until: None, is_anew: true });
    }

    #[test]
    fn few_keys_are_counted_and_many_are_estimated() {
        let mut alive = Alive::default();
        (0..1000).for_each(|n| put(&mut alive, n));
        assert_eq!(alive.count(0), Some(KeyCount { alive: 1000, estimated: false }));
        (0..1_000_000).for_each(|n| put(&mut alive, n));
        let count = alive.count(0).unwrap();
        assert!(count.estimated && (900_000..1_100_000).contains(&count.alive), "{count:?}");
        alive.step(Step::Flush(None));
        (0..5).for_each(|n| put(&mut alive, n));
        assert_eq!(alive.count(0), Some(KeyCount { alive: 5, estimated: false }));
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

    #[test]
    fn a_document_gives_back_what_was_written_and_nothing_else_is_one() {
        let mut alive = Alive { db: 7, ..Alive::default() };
        (0..3000).for_each(|n| put(&mut alive, n));
        let rows = alive.kept.iter().flat_map(|(name, until)| {
            [name.to_le_bytes(), until.at.to_le_bytes(), until.db.to_le_bytes()].concat()
        });
        let document = Document {
            source: "s".to_owned(),
            seq: 9,
            taken: "2026-11-24T14:08:12.000Z".to_owned(),
            limit: alive.limit,
            db: 7,
            may_be_fewer: true,
            kept: BASE64_STANDARD.encode(rows.collect::<Vec<u8>>()),
        };
        let bytes = hash::sealed(&document);
        let ((seq, _), again) = read(&bytes, "s").unwrap();
        assert_eq!((seq, again.kept, again.limit, again.db), (9, alive.kept, alive.limit, 7));
        assert!(!is_document(&bytes, "t"));
        let short = Document { kept: "AAAA".to_owned(), ..document };
        assert!(!is_document(&hash::sealed(&short), "s"));
    }
}
