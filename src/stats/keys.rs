//! What is written to which keys: the heaviest of them, families of keys, and hash slots.
//!
//! One table of keys carries all of it. A record of a known key costs one look into that table; family
//! and slot are worked out when a key enters it, and credited when it leaves. Memory is bounded however
//! many keys there are: sums by family and slot stay exact, single keys get a stated error.

use foldhash::quality::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::aof::Event;
use crate::command::{self, CommandId};
use crate::format::resp::{Arg, Record};
use crate::limits;
use crate::scan::{Context, Merge, Observer};

use super::key_report::{KeyReport, KeyRow, PrefixRow, SlotRow};
use super::pattern::Grouping;
use super::prefixes::{Families, Family, REST};
use super::sketch::{HyperLogLog, Row, SpaceSaving};
use super::slots::{SLOTS, slot};

/// Keys counted one by one: up to here everything is exact, and beyond it no error exceeds a
/// 32,768th of all bytes.
const KEYS: usize = 1 << 16;

/// Bytes of a key that are kept to show it. Longer keys are told apart all the same.
const SHOWN: usize = 256;

/// What to count.
#[derive(Clone, Debug)]
pub struct KeyOptions {
    /// The heaviest keys.
    pub keys: bool,
    /// Families of keys, and how they are made.
    pub prefixes: Option<Grouping>,
    /// Hash slots.
    pub slots: bool,
    /// Rows to answer at most, of keys, slots, and families per depth (whose rest is summed up).
    pub top: usize,
    /// Keys are whatever clients chose, so nobody may know how they are hashed.
    seed: RandomState,
}

impl Default for KeyOptions {
    fn default() -> Self {
        let seed = RandomState::default();
        Self { keys: false, prefixes: None, slots: false, top: 20, seed }
    }
}

/// What the table remembers of a key.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    family: u32,
    db: u32,
    /// Not a slot at all when the key was not seen whole.
    slot: u16,
    is_cut: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    commands: u64,
    bytes: u64,
}

impl Tally {
    fn add(&mut self, commands: u64, bytes: u64) {
        self.commands += commands;
        self.bytes += bytes;
    }
}

/// Counts records by their first key.
#[derive(Clone, Debug)]
pub struct KeyTraffic {
    options: KeyOptions,
    keys: SpaceSaving<Known>,
    families: Option<Families>,
    slots: Option<Vec<Tally>>,
    different: HyperLogLog,
    total: Tally,
    queue: Vec<Waiting>,
    /// The keys of those in the queue, one after the other.
    waiting_keys: Vec<u8>,
}

/// Records that wait to be counted together.
const QUEUE: usize = 32;

/// A record that waits to be counted.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    hash: u64,
    bytes: u64,
    key_at: usize,
    /// The length of the whole key, of which a long one's beginning is kept.
    key_len: u64,
    db: u32,
}

impl KeyTraffic {
    /// An observer that counts this. Only observers with clones of the same options can be merged.
    pub fn new(options: KeyOptions) -> Self {
        let seed = options.seed.clone();
        let families = options.prefixes.clone().map(|grouping| Families::new(grouping, seed));
        let slots = options.slots.then(|| vec![Tally::default(); usize::from(SLOTS)]);
        Self {
            keys: SpaceSaving::new(KEYS),
            families,
            slots,
            different: HyperLogLog::default(),
            total: Tally::default(),
            queue: Vec::with_capacity(QUEUE),
            waiting_keys: Vec::new(),
            options,
        }
    }

    #[inline]
    fn record(&mut self, db: u64, record: &Record<'_>, id: CommandId) {
        let Some(key) = command::first_key(id, record) else { return };
        let hash = self.hash(db, &key);
        let db = u32::try_from(db).unwrap_or(u32::MAX);
        self.queue.push(Waiting {
            hash,
            bytes: record.len,
            key_at: self.waiting_keys.len(),
            key_len: key.len,
            db,
        });
        self.waiting_keys.extend_from_slice(&key.head[..key.head.len().min(limits::OUTLINE_HEAD)]);
        if self.queue.len() == QUEUE {
            self.work_off();
        }
    }

    /// Counts what waits. The table is larger than the caches near the core: looking up many keys one
    /// after the other would wait for memory every time, looking at all their places first waits once.
    #[inline(never)]
    fn work_off(&mut self) {
        let glance = self.queue.iter().fold(0, |sum, one| sum ^ self.keys.glance(one.hash));
        std::hint::black_box(glance);
        let queue = std::mem::take(&mut self.queue);
        let keys = std::mem::take(&mut self.waiting_keys);
        let mut end = keys.len();
        // From behind, where one key ends is where the next one began.
        for one in queue.iter().rev() {
            let head = &keys[one.key_at..end];
            end = one.key_at;
            if !self.keys.count(one.hash, one.bytes) {
                self.enter(one, head);
            }
        }
        (self.queue, self.waiting_keys) = (queue, keys);
        self.queue.clear();
        self.waiting_keys.clear();
    }

    /// The identity of a key. A long one is known by its length and its beginning, which is all that is
    /// seen of it in a record larger than a window.
    #[inline]
    fn hash(&self, db: u64, key: &Arg<'_>) -> u64 {
        let mut hasher = self.options.seed.build_hasher();
        hasher.write(&key.head[..key.head.len().min(limits::OUTLINE_HEAD)]);
        hasher.write_u64(key.len ^ db.rotate_left(32));
        hasher.finish()
    }

    #[inline(never)]
    fn enter(&mut self, one: &Waiting, head: &[u8]) {
        if self.keys.is_full() {
            let (families, slots) = (&mut self.families, &mut self.slots);
            self.keys.purge(|row| credit(families, slots, row));
        }
        if self.families.as_ref().is_some_and(Families::is_full) {
            self.shrink_families();
        }
        self.different.add(one.hash);
        let mut family = REST;
        if let Some(families) = &mut self.families {
            family = families.of_key(head);
            if let Some(family) = families.get_mut(family) {
                family.keys.add(one.hash);
            }
        }
        let is_whole = one.key_len == head.len() as u64;
        let slot = if is_whole && self.slots.is_some() { slot(head) } else { SLOTS };
        let is_cut = one.key_len > SHOWN as u64;
        let shown = if self.options.keys { head.len().min(SHOWN) } else { 0 };
        let known = Known { family, db: one.db, slot, is_cut };
        let row = self.keys.insert(one.hash, &head[..shown], known);
        (row.counted, row.times) = (one.bytes, 1);
    }

    /// Makes room among the families, and tells the keys in the table where theirs went.
    #[cold]
    fn shrink_families(&mut self) {
        let Some(families) = &mut self.families else { return };
        let mut weights: Vec<u64> = families.iter().map(|(_, family)| family.bytes).collect();
        for row in self.keys.rows() {
            if let Some(weight) = weights.get_mut(row.data.family as usize) {
                *weight += row.counted;
            }
        }
        let moved = families.shrink(&weights);
        for row in self.keys.rows_mut() {
            row.data.family = moved.get(row.data.family as usize).copied().unwrap_or(REST);
        }
    }

    fn heaviest_keys(&self) -> Vec<KeyRow> {
        let mut rows: Vec<_> = self.keys.rows().collect();
        let by_weight = |a: &&Row<Known>, b: &&Row<Known>| {
            let order = b.at_most().cmp(&a.at_most()).then(a.error.cmp(&b.error));
            order.then_with(|| {
                let name = |row| (self.keys.name(row), row.data.db);
                name(a).cmp(&name(b))
            })
        };
        rows.sort_unstable_by(by_weight);
        rows.truncate(self.options.top);
        let told = |row: &Row<Known>| KeyRow {
            key: self.keys.name(row).to_vec(),
            is_cut: row.data.is_cut,
            db: row.data.db.into(),
            commands: row.times,
            bytes: row.at_most(),
            error_bytes: row.error,
        };
        rows.into_iter().map(told).collect()
    }
}

/// Gives a family and a slot what was counted of a key that leaves the table.
fn credit(families: &mut Option<Families>, slots: &mut Option<Vec<Tally>>, row: &Row<Known>) {
    if let Some(family) = families.as_mut().and_then(|list| list.get_mut(row.data.family)) {
        family.commands += row.times;
        family.bytes += row.counted;
    }
    let place = usize::from(row.data.slot);
    if let Some(tally) = slots.as_mut().and_then(|slots| slots.get_mut(place)) {
        tally.add(row.times, row.counted);
    }
}

impl Observer for KeyTraffic {
    type Report = KeyReport;

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if let Event::Record(record, id) = event {
            self.total.add(1, record.len);
            if let Some(id) = id {
                self.record(at.db, record, *id);
            }
        }
    }

    fn finish(mut self) -> KeyReport {
        self.work_off();
        let keys = self.options.keys.then(|| self.heaviest_keys());
        for row in self.keys.rows() {
            credit(&mut self.families, &mut self.slots, row);
        }
        let total = self.total;
        let top = self.options.top;
        let prefixes = self.families.map(|families| {
            let told = families.told().into_iter();
            told.flat_map(|(depth, list)| prefix_rows(depth, list, total, top)).collect()
        });
        let slots = self.slots.as_deref().map(slot_rows);
        KeyReport {
            keys,
            prefixes,
            slots_used: slots.as_ref().map_or(0, |rows| rows.len() as u64),
            slots: slots.map(|rows| rows.into_iter().take(top).collect()),
            keys_estimate: self.different.estimate(),
            threshold_bytes: self.keys.threshold(),
        }
    }
}

/// The heaviest `top` families of one depth, and all else as `*`.
fn prefix_rows(
    depth: Option<usize>,
    mut list: Vec<Family>,
    total: Tally,
    top: usize,
) -> Vec<PrefixRow> {
    let mut rest = Family { pattern: b"*".to_vec(), ..Family::default() };
    list.retain(|family| {
        let is_rest = family.pattern == b"*";
        if is_rest {
            rest.keys.merge(&family.keys);
        }
        !is_rest
    });
    list.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.pattern.cmp(&b.pattern)));
    for family in list.drain(top.min(list.len())..) {
        rest.keys.merge(&family.keys);
    }
    // Everything else, whether it has a key or not.
    rest.commands = total.commands - list.iter().map(|family| family.commands).sum::<u64>();
    rest.bytes = total.bytes - list.iter().map(|family| family.bytes).sum::<u64>();
    list.push(rest);
    let told = |family: Family| PrefixRow {
        keys_estimate: family.keys.estimate(),
        prefix: family.pattern,
        depth,
        commands: family.commands,
        bytes: family.bytes,
    };
    list.into_iter().filter(|f| f.commands > 0).map(told).collect()
}

fn slot_rows(slots: &[Tally]) -> Vec<SlotRow> {
    let used = (0..SLOTS).zip(slots).filter(|(_, tally)| tally.commands > 0);
    let mut rows: Vec<_> = used
        .map(|(slot, tally)| SlotRow { slot, commands: tally.commands, bytes: tally.bytes })
        .collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.bytes), row.slot));
    rows
}

impl Merge for KeyTraffic {
    fn merge(&mut self, mut later: Self) {
        self.work_off();
        later.work_off();
        self.total.add(later.total.commands, later.total.bytes);
        self.different.merge(&later.different);
        let mut numbers = Vec::new();
        if let (Some(mine), Some(theirs)) = (&mut self.families, &later.families) {
            numbers = theirs.iter().map(|(_, family)| mine.adopt(family)).collect();
        }
        if let (Some(mine), Some(theirs)) = (&mut self.slots, &later.slots) {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                mine.add(theirs.commands, theirs.bytes);
            }
        }
        let adopt = |known: &Known| {
            let family = numbers.get(known.family as usize).copied().unwrap_or(REST);
            Known { family, ..*known }
        };
        let (families, slots) = (&mut self.families, &mut self.slots);
        self.keys.merge(&later.keys, adopt, |row| credit(families, slots, row));
        while self.families.as_ref().is_some_and(Families::is_full) {
            self.shrink_families();
        }
    }
}
