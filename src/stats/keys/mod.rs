//! What is written to which keys: the heaviest of them, families of keys, and hash slots.
//!
//! One table of keys carries all of it. A record of a known key costs one look into that table; family
//! and slot are worked out when a key enters it, and credited when it leaves. Memory is bounded however
//! many keys there are: sums by family and slot stay exact, single keys get a stated error.

use foldhash::quality::{FixedState, RandomState};
use std::hash::{BuildHasher, Hasher};

use crate::aof::{Event, RdbItem};
use crate::command::{CommandId, FirstKeys};
use crate::format::resp::Record;
use crate::scan::{Context, Depth, Merge, Observer, Wants};

use super::base_runs::{BaseRun, BaseRuns};
use super::key_report::KeyReport;
use super::pattern::Grouping;
use super::prefixes::{Families, REST};
use super::sketch::{HyperLogLog, Row, Sample, SpaceSaving};
use super::written::{LogClock, UNKNOWN, Written};
use crate::format::slot::{SLOTS, slot};

mod queue;
mod rows;

use queue::{QUEUE, Queue, Waiting};

/// Keys counted one by one: up to here everything is exact, and beyond it errors stay about a
/// 16,384th of all bytes.
const KEYS: usize = 1 << 16;

/// Keys of the base whose bytes are remembered one by one.
const BASE_KEYS: usize = 1 << 18;

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
    /// Rows to answer at most, of keys, and of families per depth (whose rest is summed up).
    pub top: usize,
    /// Keys are whatever clients chose, so no client may know how they are hashed.
    seed: FixedState,
}

impl Default for KeyOptions {
    fn default() -> Self {
        let seed = FixedState::with_seed(RandomState::default().hash_one(0));
        Self { keys: false, prefixes: None, slots: false, top: 20, seed }
    }
}

impl KeyOptions {
    /// With keys hashed by this number, as [`crate::aof::seed_of`] gives it, so that estimates of the same input are the same
    /// in every run. Without it they are by chance.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = FixedState::with_seed(seed);
        self
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
    first_keys: FirstKeys,
    keys: SpaceSaving<Known>,
    families: Option<Families>,
    slots: Option<Vec<Tally>>,
    /// Different keys; unless families count them.
    different: HyperLogLog,
    sample: Sample,
    total: Tally,
    queue: Queue,
    runs: BaseRuns,
    /// Bytes of keys in the base.
    base: SpaceSaving<()>,
    base_total: Tally,
    clock: LogClock,
    /// When records without a key were written.
    keyless: Written,
}

impl KeyTraffic {
    /// An observer that counts this. Only observers with clones of the same options can be merged.
    pub fn new(options: KeyOptions) -> Self {
        let of_table = RandomState::default();
        let families = options.prefixes.clone().map(|grouping| Families::new(grouping, of_table));
        let slots = options.slots.then(|| vec![Tally::default(); usize::from(SLOTS)]);
        Self {
            first_keys: FirstKeys::default(),
            keys: SpaceSaving::new(KEYS),
            families,
            slots,
            different: HyperLogLog::default(),
            sample: Sample::default(),
            total: Tally::default(),
            queue: Queue::default(),
            runs: BaseRuns::default(),
            base: SpaceSaving::new(BASE_KEYS),
            base_total: Tally::default(),
            clock: LogClock::default(),
            keyless: Written::NEVER,
            options,
        }
    }

    #[inline(always)]
    fn record(&mut self, db: u64, record: &Record<'_>, id: CommandId) {
        let Some(key) = self.first_keys.of(id, record) else {
            return self.keyless.join(Written::once(self.clock.now()));
        };
        let hash = self.hash(db, queue::seen(&key), key.len);
        let db = u32::try_from(db).unwrap_or(u32::MAX);
        if self.queue.push(hash, record.len, db, &key) {
            self.work_off();
        }
    }

    /// Counts what waits. The table is larger than the caches near the core: looking up many keys one
    /// after the other would wait for memory every time. So all their places are looked at first, and then
    /// all their rows, which waits twice.
    #[inline(never)]
    fn work_off(&mut self) {
        let now = self.clock.now();
        let mut queue = std::mem::replace(&mut self.queue, Queue::NONE);
        let mut places = [0; QUEUE];
        for (place, one) in places.iter_mut().zip(queue.iter()) {
            *place = self.keys.look(one.hash);
        }
        let glance = places.iter().fold(0, |sum, &place| sum ^ self.keys.glance(place));
        std::hint::black_box(glance);
        let (mut unknown, mut last) = ([0; QUEUE], 0);
        for (place, one) in queue.iter().enumerate() {
            self.sample.add(one.hash);
            if !self.keys.count(one.hash, one.bytes, now) {
                unknown[last] = place;
                last += 1;
            }
        }
        let unknown = || unknown[..last].iter().filter_map(|&place| queue.get(place));
        let glance = unknown().fold(0, |sum, one| sum ^ self.keys.glance_outside(one.hash));
        std::hint::black_box(glance);
        for one in unknown() {
            // It may have come in just before.
            if !self.keys.count(one.hash, one.bytes, now) {
                self.enter(one, queue.key(one));
            }
        }
        queue.clear();
        self.queue = queue;
    }

    /// All that waits was written at one time.
    #[cold]
    fn time_changes(&mut self, told: Option<i64>) {
        self.work_off();
        self.clock.set(told);
    }

    /// The identity of a key. A long one is known by its length and its beginning, which is all that is
    /// seen of it in a record larger than a window.
    #[inline]
    fn hash(&self, db: u64, seen: &[u8], len: u64) -> u64 {
        let mut hasher = self.options.seed.build_hasher();
        hasher.write(seen);
        hasher.write_u64(len ^ db.rotate_left(32));
        hasher.finish()
    }

    #[inline(never)]
    fn enter(&mut self, one: &Waiting, head: &[u8]) {
        let (family, now) = (self.family(head), self.clock.now());
        match self.families.as_mut().and_then(|families| families.get_mut(family)) {
            Some(family) => {
                family.keys.add(one.hash);
                family.written.join(Written::once(now));
            }
            None => self.different.add(one.hash),
        }
        let is_whole = one.key_len == head.len() as u64;
        let slot = if is_whole && self.slots.is_some() { slot(head) } else { SLOTS };
        let (families, slots) = (&mut self.families, &mut self.slots);
        if !self.keys.admits(one.hash, one.bytes, self.total.bytes) {
            credit(families, slots, family, slot, Tally { commands: 1, bytes: one.bytes });
            return;
        }
        let is_cut = one.key_len > SHOWN as u64;
        let shown = if self.options.keys { head.len().min(SHOWN) } else { 0 };
        let known = Known { family, db: one.db, slot, is_cut };
        let gone = |row: &Row<'_, Known>| credit_row(families, slots, row);
        self.keys.insert(one.hash, &head[..shown], known, (one.bytes, now), gone);
    }

    /// The number of the family of a key.
    fn family(&mut self, head: &[u8]) -> u32 {
        if self.families.as_ref().is_some_and(Families::is_full) {
            self.shrink_families();
        }
        self.families.as_mut().map_or(REST, |families| families.of_key(head))
    }

    /// A key of the base, and the bytes it takes there.
    fn in_base(&mut self, db: u64, head: &[u8], key_len: u64, bytes: u64) {
        self.base_total.add(1, bytes);
        if self.options.keys {
            let hash = self.hash(db, head, key_len);
            let (total, base) = (self.base_total.bytes, &mut self.base);
            if !base.count(hash, bytes, UNKNOWN) && base.admits(hash, bytes, total) {
                base.insert(hash, &[], (), (bytes, UNKNOWN), |_| {});
            }
        }
        let family = self.family(head);
        if let Some(family) = self.families.as_mut().and_then(|list| list.get_mut(family)) {
            family.base_keys += 1;
            family.base_bytes = family.base_bytes.saturating_add(bytes);
        }
    }

    fn run_in_base(&mut self, run: &BaseRun) {
        self.in_base(run.db, &run.key, run.key_len, run.bytes);
    }

    /// Makes room among the families, and tells the keys in the table where theirs went.
    #[cold]
    fn shrink_families(&mut self) {
        let Some(families) = &mut self.families else { return };
        let mut weights: Vec<u64> = families.iter().map(|(_, family)| family.weight()).collect();
        for row in self.keys.rows() {
            if let Some(weight) = weights.get_mut(row.data.family as usize) {
                *weight += row.counted;
            }
        }
        let moved = families.shrink(&weights);
        for data in self.keys.data_mut() {
            data.family = moved.get(data.family as usize).copied().unwrap_or(REST);
        }
    }
}

/// Gives a family and a slot what was counted of a key that leaves the table.
fn credit_row(
    families: &mut Option<Families>,
    slots: &mut Option<Vec<Tally>>,
    row: &Row<'_, Known>,
) {
    let tally = Tally { commands: row.times, bytes: row.counted };
    if let Some(family) = families.as_mut().and_then(|list| list.get_mut(row.data.family)) {
        family.written.join(row.written);
    }
    credit(families, slots, row.data.family, row.data.slot, tally);
}

/// Gives a family and a slot what was counted.
fn credit(
    families: &mut Option<Families>,
    slots: &mut Option<Vec<Tally>>,
    family: u32,
    slot: u16,
    tally: Tally,
) {
    if let Some(family) = families.as_mut().and_then(|list| list.get_mut(family)) {
        family.commands += tally.commands;
        family.bytes += tally.bytes;
    }
    if let Some(sum) = slots.as_mut().and_then(|slots| slots.get_mut(usize::from(slot))) {
        sum.add(tally.commands, tally.bytes);
    }
}

impl Observer for KeyTraffic {
    type Report = KeyReport;

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if let Event::Record(record, id) = event {
            // What a rewrite wrote was written at another time.
            let told = if at.in_base { None } else { at.time };
            if self.clock.differs(told) {
                self.time_changes(told);
            }
            self.total.add(1, record.len);
            match id {
                Some(id) => self.record(at.db, record, *id),
                None => self.keyless.join(Written::once(self.clock.now())),
            }
        }
        if !at.in_base {
            return;
        }
        if let Some(run) = self.runs.observe(at, event) {
            self.run_in_base(&run);
        }
    }

    fn wants(&self) -> Wants {
        let wants_base = self.options.keys || self.families.is_some();
        Wants::from(if wants_base { Depth::Entries } else { Depth::Structure })
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        if let RdbItem::Key(entry) = item {
            self.in_base(entry.db, entry.key, entry.key_len, entry.bytes());
        }
    }

    fn finish(mut self) -> KeyReport {
        self.work_off();
        for run in self.runs.take() {
            self.run_in_base(&run);
        }
        self.report()
    }
}

impl Merge for KeyTraffic {
    fn merge(&mut self, mut later: Self) {
        self.work_off();
        later.work_off();
        let before = self.clock.latest();
        self.clock.follow(&later.clock);
        self.keyless.join(later.keyless.behind(before));
        self.total.add(later.total.commands, later.total.bytes);
        self.base_total.add(later.base_total.commands, later.base_total.bytes);
        self.different.merge(&later.different);
        self.sample.merge(&later.sample);
        let mut numbers = Vec::new();
        if let (Some(mine), Some(theirs)) = (&mut self.families, &later.families) {
            numbers = mine.merge(theirs, before);
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
        self.keys.merge(&later.keys, before, adopt, |row| credit_row(families, slots, row));
        self.base.merge(&later.base, UNKNOWN, |()| (), |_| {});
        for run in self.runs.merge(later.runs) {
            self.run_in_base(&run);
        }
        while self.families.as_ref().is_some_and(Families::is_full) {
            self.shrink_families();
        }
    }
}
