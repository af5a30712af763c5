//! What a log says after the parting, counted: commands, keys, families of keys, bytes.

use std::collections::HashMap;

use super::marks::{Place, is_framing, name_of};
use crate::aof::{Aof, Event, Role};
use crate::command::{self, CommandId, Effect};
use crate::error::Result;
use crate::format::resp::Record;
use crate::limits;
use crate::progress::Progress;
use crate::scan::{Context, Observer, Pace, scan_some};

/// Commands of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandCount {
    /// The name in capitals.
    pub name: Vec<u8>,
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Commands on keys of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixCount {
    /// What comes before the first `:` of the key, with it; the whole of a key without one; empty: all other families.
    pub prefix: Vec<u8>,
    /// How many commands name such a key first.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What one log says alone.
#[derive(Clone, Debug, Default)]
pub struct Alone {
    /// Records, without those that only steer a connection or are framing.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// By name, most first.
    pub commands: Vec<CommandCount>,
    /// By family of the first key, most first.
    pub prefixes: Vec<PrefixCount>,
    /// Commands of which it is not known which keys they name.
    pub unknown: u64,
    /// Commands that change keys which they do not name: FLUSHALL, FLUSHDB, SWAPDB.
    pub reach_far: u64,
    /// Seconds of the first and the last `#TS` in it.
    pub times: Option<(i64, i64)>,
    /// Damaged ranges in it, and their bytes.
    pub damaged: (u64, u64),
}

/// A key that commands after the parting name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// Its database.
    pub db: u64,
    /// Its name.
    pub key: Vec<u8>,
    /// Commands of the first log that name it.
    pub a: u64,
    /// Commands of the second.
    pub b: u64,
}

/// Keys that both logs name after the parting.
#[derive(Clone, Debug, Default)]
pub struct KeysAlone {
    /// Keys that only the first names.
    pub only_a: u64,
    /// Keys that only the second names.
    pub only_b: u64,
    /// Keys that both name: what a split brain has written twice.
    pub both: u64,
    /// Whether that is all: names beyond a bound of memory are not counted.
    pub is_complete: bool,
    /// The keys; those that both name come first, then by name.
    pub rows: Vec<NamedKey>,
}

/// Names of keys, in bounded memory.
#[derive(Default)]
struct Names {
    found: HashMap<(u64, Vec<u8>), [u64; 2]>,
    bytes: usize,
    is_full: bool,
}

/// Beside its name, what a key takes in memory.
const BESIDE: usize = 96;

impl Names {
    fn add(&mut self, db: u64, key: &[u8], side: usize) {
        // The name is copied only where it is new.
        let name = (db, key.to_vec());
        if let Some(counts) = self.found.get_mut(&name) {
            counts[side] += 1;
            return;
        }
        if self.bytes + key.len() + BESIDE > limits::DIFF_NAMES {
            self.is_full = true;
            return;
        }
        self.bytes += key.len() + BESIDE;
        let mut counts = [0; 2];
        counts[side] = 1;
        self.found.insert(name, counts);
    }

    fn keys(self) -> KeysAlone {
        let mut keys = KeysAlone { is_complete: !self.is_full, ..KeysAlone::default() };
        for ((db, key), [a, b]) in self.found {
            let count = match (a, b) {
                (_, 0) => &mut keys.only_a,
                (0, _) => &mut keys.only_b,
                _ => &mut keys.both,
            };
            *count += 1;
            keys.rows.push(NamedKey { db, key, a, b });
        }
        keys.rows.sort_unstable_by(|one, two| {
            let order = |row: &NamedKey| (row.a == 0 || row.b == 0, row.a == 0, row.db);
            order(one).cmp(&order(two)).then_with(|| one.key.cmp(&two.key))
        });
        keys
    }
}

/// Counts what the logs say from these places on; `None`: nothing.
pub(super) fn alone(
    sets: (&Aof, &Aof),
    from: (Option<Place>, Option<Place>),
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<(Alone, Alone, KeysAlone)> {
    let mut names = Names::default();
    let mut of = |aof: &Aof, from: Option<Place>, side| match from {
        None => Ok(Alone::default()),
        Some(from) => {
            let counter = Counter::new(from, side, &mut names);
            scan_some(aof, |s| s.role != Role::Base, counter, pace, progress)
        }
    };
    let a = of(sets.0, from.0, 0)?;
    let b = of(sets.1, from.1, 1)?;
    Ok((a, b, names.keys()))
}

struct Counter<'n> {
    from: Place,
    side: usize,
    names: &'n mut Names,
    alone: Alone,
    commands: HashMap<Vec<u8>, [u64; 2]>,
    prefixes: HashMap<Vec<u8>, [u64; 2]>,
}

impl<'n> Counter<'n> {
    fn new(from: Place, side: usize, names: &'n mut Names) -> Self {
        let alone = Alone::default();
        Self { from, side, names, alone, commands: HashMap::new(), prefixes: HashMap::new() }
    }

    fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        self.alone.records += 1;
        self.alone.bytes += record.len;
        if let Some(time) = at.time {
            let (first, _) = self.alone.times.unwrap_or((time, time));
            self.alone.times = Some((first, time));
        }
        count(&mut self.commands, &name_of(record, id), record.len);
        let Some(id) = id else {
            self.alone.unknown += 1;
            return count_family(&mut self.prefixes, b"", record.len);
        };
        let command = id.command();
        if command.effect == Effect::Flushes || command.name == "SWAPDB" {
            self.alone.reach_far += 1;
        }
        let mut keys = command::keys(id, record);
        let mut first = true;
        for key in keys.by_ref() {
            if std::mem::take(&mut first) {
                count_family(&mut self.prefixes, family(key.arg.head), record.len);
            }
            match key.arg.is_whole() {
                true => self.names.add(at.db, key.arg.head, self.side),
                false => self.names.is_full = true,
            }
        }
        self.names.is_full |= keys.ran_out();
        if first {
            count_family(&mut self.prefixes, b"", record.len);
        }
    }
}

fn count(all: &mut HashMap<Vec<u8>, [u64; 2]>, name: &[u8], bytes: u64) {
    let place = match all.get_mut(name) {
        Some(place) => place,
        None => all.entry(name.to_vec()).or_default(),
    };
    place[0] += 1;
    place[1] += bytes;
}

/// The same, where there may be too many of them.
fn count_family(all: &mut HashMap<Vec<u8>, [u64; 2]>, name: &[u8], bytes: u64) {
    let is_new = !all.contains_key(name) && all.len() >= limits::DIFF_PREFIXES;
    count(all, if is_new { b"" } else { name }, bytes);
}

/// The family of a key: what comes before its first colon, with it.
fn family(key: &[u8]) -> &[u8] {
    memchr::memchr(b':', key).map_or(key, |end| &key[..=end])
}

/// Most bytes first, then by name.
fn sorted(all: HashMap<Vec<u8>, [u64; 2]>) -> Vec<(Vec<u8>, u64, u64)> {
    let mut all: Vec<_> =
        all.into_iter().map(|(name, [count, bytes])| (name, count, bytes)).collect();
    all.sort_unstable_by(|one, two| two.2.cmp(&one.2).then_with(|| one.0.cmp(&two.0)));
    all
}

impl Observer for Counter<'_> {
    type Report = Alone;

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        let is_before = (at.segment, event.span().0) < (self.from.segment, self.from.offset);
        if is_before || at.in_base {
            return;
        }
        match event {
            Event::Record(record, id) if !is_framing(*id) => self.record(at, record, *id),
            Event::Damage(damage) => {
                self.alone.damaged.0 += 1;
                self.alone.damaged.1 += damage.end - damage.start;
            }
            _ => {}
        }
    }

    fn finish(self) -> Alone {
        let command = |(name, count, bytes)| CommandCount { name, count, bytes };
        let prefix = |(prefix, count, bytes)| PrefixCount { prefix, count, bytes };
        Alone {
            commands: sorted(self.commands).into_iter().map(command).collect(),
            prefixes: sorted(self.prefixes).into_iter().map(prefix).collect(),
            ..self.alone
        }
    }
}
