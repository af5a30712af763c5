//! The keys that are followed: all of them as long as they fit, then a sample that large ones are always in.
//!
//! Every key draws a number from its name once and for all: its coin. A key of `size` bytes is followed when its
//! coin is within a limit that is in proportion to its size, and stands for as many bytes as that limit is
//! rare. Whenever memory is full the limits are halved. So keys up to a size are chosen by chance, larger ones
//! stand for themselves, and every sum has an error that can be told.

use foldhash::quality::{FixedState, RandomState};
use std::hash::{BuildHasher, Hasher};

use super::cost::Scales;
use super::doubt::Doubt;
use super::hashed::ByHash;
use super::held::{Changed, Held, PLACE};
use super::sizes::Limits;
use super::value::{Fresh, Value};
use crate::format::rdb::pack;
use crate::format::resp::Arg;
use crate::limits;

/// Bytes that every key is reckoned to have beside its value.
const FLOOR: u64 = 128;

/// Bytes written into one key after which it is followed whatever its coin says.
const ADOPTED: u64 = 1 << 20;

/// Bytes of memory that every large value may keep however short memory is.
const SHARE: usize = 64 << 10;

/// Counters of what is written into keys that are not followed.
const COUNTERS: usize = 1 << 16;

/// Bits that tell which keys may be followed although their coin is high: many times as many as such keys, and
/// few enough to stay in the nearest cache.
const BITS: usize = 1 << 17;

/// A key as a record names it.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    pub bytes: &'a [u8],
    pub len: u64,
    /// Tells it apart, and is its coin.
    hash: u64,
    db: u64,
}

/// A value that is being loaded from a base.
#[derive(Debug)]
pub struct Loading {
    identity: u64,
    held: Held,
}

/// The keys that are followed.
#[derive(Debug)]
pub struct Keys {
    map: ByHash<Held>,
    seed: FixedState,
    /// Keys of this size stand for themselves, as a power of two; the measure of all limits.
    tau_log: u32,
    budget: usize,
    used: usize,
    /// Which databases were exchanged: number to what it was at first.
    databases: Vec<(u64, u64)>,
    /// Of followed keys whose coin is above the limit of small keys.
    high: Vec<u64>,
    seen: Vec<u32>,
    /// What is read now is a base of commands.
    pub in_base: bool,
    pub scales: Scales,
}

impl Keys {
    /// Follows keys in so many bytes of memory, chosen by this number where not all of them fit; by one that
    /// nobody knows when there is none.
    pub fn new(budget: usize, seed: Option<u64>, limits: Limits) -> Self {
        let seed = seed.unwrap_or_else(|| RandomState::default().hash_one(0));
        Self {
            map: ByHash::default(),
            seed: FixedState::with_seed(seed),
            tau_log: FLOOR.ilog2(),
            budget,
            used: 0,
            databases: Vec::new(),
            high: vec![0; BITS / 64],
            seen: Vec::new(),
            in_base: false,
            scales: Scales::by(limits),
        }
    }

    /// Whether all keys are followed.
    pub fn is_complete(&self) -> bool {
        self.tau() == FLOOR
    }

    /// All that are followed.
    pub fn all(&self) -> impl Iterator<Item = &Held> {
        self.map.values()
    }

    /// How many are followed.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// A name in a database.
    #[inline]
    pub fn name<'a>(&self, db: u64, bytes: &'a [u8], len: u64) -> Name<'a> {
        let db = self.first_number(db);
        let mut hasher = self.seed.build_hasher();
        hasher.write(&bytes[..bytes.len().min(limits::OUTLINE_HEAD)]);
        hasher.write_u64(len ^ db.rotate_left(32));
        let hash = hasher.finish();
        Name { bytes, len, hash, db }
    }

    /// The hash of a name inside of a value.
    pub fn inner(&self, bytes: &[u8], len: u64) -> u64 {
        inner(&self.seed, bytes, len)
    }

    /// As [`Self::inner`], for arguments, apart from the keys.
    pub fn inner_hasher(&self) -> impl Fn(&Arg<'_>) -> u64 + use<> {
        let seed = self.seed.clone();
        move |arg| inner(&seed, arg.head, arg.len)
    }

    fn first_number(&self, db: u64) -> u64 {
        self.databases.iter().find(|(now, _)| *now == db).map_or(db, |(_, first)| *first)
    }

    /// SWAPDB
    pub fn swap(&mut self, a: u64, b: u64) {
        /// Databases that are told apart when they were exchanged.
        const SWAPPED: usize = 1024;
        let (was_a, was_b) = (self.first_number(a), self.first_number(b));
        self.databases.retain(|(now, _)| *now != a && *now != b);
        if self.databases.len() < SWAPPED {
            self.databases.extend([(a, was_b), (b, was_a)]);
        }
    }

    fn tau(&self) -> u64 {
        1 << self.tau_log
    }

    /// The highest coin that is followed at this size.
    #[inline]
    fn limit(&self, size: u64) -> u64 {
        let size = size.saturating_add(FLOOR);
        if size >> self.tau_log > 0 { u64::MAX } else { size << (64 - self.tau_log) }
    }

    #[inline]
    fn may_be_high(&self, identity: u64) -> bool {
        let bit = identity as usize % BITS;
        self.high[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn mark_high(&mut self, identity: u64) {
        let bit = identity as usize % BITS;
        self.high[bit / 64] |= 1 << (bit % 64);
    }

    /// Whether a command that writes `growth` bytes to this key can matter.
    #[inline]
    pub fn matters(&self, name: &Name<'_>, growth: u64) -> bool {
        name.hash <= self.limit(growth) || self.may_be_high(name.hash)
    }

    /// Changes the value of a key, which a command makes when it is not there.
    pub fn change(
        &mut self,
        name: &Name<'_>,
        growth: u64,
        fresh: Option<Fresh>,
        apply: impl FnOnce(&mut Held, &mut Scales),
    ) {
        let mut limit = self.limit(growth);
        let is_high = name.hash > limit;
        if is_high && !self.may_be_high(name.hash) && !self.adopts(name, growth, fresh) {
            return;
        }
        let adopted = ADOPTED.max(8 * self.tau());
        let limits = self.scales.limits;
        let made = fresh.map(|kind| (kind, &limits));
        let changed = match self.map.get_mut(&name.hash) {
            Some(held) => {
                held.change(growth, limit, made, adopted, |held| apply(held, &mut self.scales))
            }
            None => {
                let Some(kind) = fresh else { return };
                if is_high {
                    limit = u64::MAX;
                }
                let mut held = self.fresh(name, limit, kind.value(&limits));
                let changed =
                    held.change(growth, limit, made, adopted, |held| apply(held, &mut self.scales));
                self.insert(name.hash, held);
                // All of it is counted by now.
                Changed { before: changed.after, ..changed }
            }
        };
        self.used = (self.used + changed.after).saturating_sub(changed.before);
        if changed.is_gone {
            self.remove(name);
        } else if name.hash > self.limit(0) {
            self.mark_high(name.hash);
        }
        if self.used > self.budget {
            self.shrink();
        }
    }

    fn fresh(&mut self, name: &Name<'_>, limit: u64, value: Value) -> Held {
        let key_rdb = self.key_rdb(name);
        Held {
            coin: name.hash,
            limit,
            db: name.db,
            expire_ms: None,
            key_len: name.len,
            key_rdb,
            doubt: Doubt::None,
            traffic: 0,
            value,
        }
    }

    /// Bytes of a name in an RDB. Names are too short to be worth compressing, as a rule.
    fn key_rdb(&mut self, name: &Name<'_>) -> f64 {
        /// From so many bytes on it may be worth it.
        const LONG: u64 = 40;
        match pack::integer_bytes(name.bytes) {
            Some(bytes) => bytes as f64,
            None if name.len < LONG => (pack::length_bytes(name.len) + name.len) as f64,
            None => self.scales.cut(name.bytes, name.len).rdb,
        }
    }

    /// Whether so much was written into a key that is not followed that it has to be from now on.
    fn adopts(&mut self, name: &Name<'_>, growth: u64, fresh: Option<Fresh>) -> bool {
        if fresh.is_none_or(|kind| kind == Fresh::Text) {
            return false;
        }
        if self.seen.is_empty() {
            self.seen = vec![0; COUNTERS];
        }
        let heavy = ADOPTED.max(8 * self.tau());
        let counter = &mut self.seen[name.hash as usize % COUNTERS];
        *counter = counter.saturating_add(u32::try_from(growth).unwrap_or(u32::MAX));
        let is_heavy = u64::from(*counter) > heavy;
        if is_heavy {
            *counter = 0;
        }
        is_heavy
    }

    /// A key may hold anything from now on.
    pub fn doubt(&mut self, db: u64, key: Arg<'_>) {
        let name = self.name(db, key.head, key.len);
        self.change(&name, 0, None, |held, _| held.doubt = Doubt::Open);
    }

    /// Takes a key away.
    pub fn remove(&mut self, name: &Name<'_>) -> Option<Held> {
        let held = self.map.remove(&name.hash)?;
        self.used = self.used.saturating_sub(held.kept());
        Some(held)
    }

    /// The key, when it is followed.
    pub fn get(&self, name: &Name<'_>) -> Option<&Held> {
        self.map.get(&name.hash)
    }

    /// Puts a value that another key had under this name. It keeps its coin.
    pub fn put(&mut self, name: &Name<'_>, mut held: Held) {
        self.remove(name);
        (held.key_len, held.db) = (name.len, name.db);
        held.key_rdb = self.key_rdb(name);
        self.mark_high(name.hash);
        self.insert(name.hash, held);
        if self.used > self.budget {
            self.shrink();
        }
    }

    /// FLUSHALL, or FLUSHDB of one database.
    pub fn flush(&mut self, db: Option<u64>) {
        let db = db.map(|db| self.first_number(db));
        self.map.retain(|_, held| db.is_some_and(|db| held.db != db));
        self.used = self.map.values().map(Held::kept).sum();
    }

    /// Databases that have keys.
    pub fn databases(&self) -> usize {
        let all: std::collections::BTreeSet<u64> = self.map.values().map(|held| held.db).collect();
        all.len()
    }

    /// Begins to load a key of a base that has at least so many bytes, when it is to be followed.
    pub fn load(&mut self, name: &Name<'_>, bytes: u64, kind: Fresh) -> Option<Loading> {
        let (limit, limits) = (self.limit(bytes), self.scales.limits);
        let held = (name.hash <= limit).then(|| self.fresh(name, limit, kind.value(&limits)))?;
        Some(Loading { identity: name.hash, held })
    }

    /// A key of a base is there.
    pub fn loaded(&mut self, loading: Loading) {
        let Loading { identity, held } = loading;
        if held.value.is_gone() {
            return;
        }
        if held.coin > self.limit(0) {
            self.mark_high(identity);
        }
        self.insert(identity, held);
        if self.used > self.budget {
            self.shrink();
        }
    }

    fn insert(&mut self, identity: u64, held: Held) {
        // A table that grows is there twice for a moment.
        let is_full = self.map.len() == self.map.capacity();
        if is_full && self.map.capacity() / 7 * 16 * PLACE > self.budget {
            self.shrink();
        }
        self.used += held.kept();
        self.map.insert(identity, held);
    }

    /// Follows fewer keys: at most half of the small ones, and as few as it takes to fit well.
    #[cold]
    fn shrink(&mut self) {
        let mut is_first = true;
        while std::mem::take(&mut is_first)
            || self.used > self.budget / 4 * 3 && !self.map.is_empty()
        {
            // A key larger than that does not exist.
            if self.tau_log >= 62 {
                return self.flush(None);
            }
            self.tau_log += 1;
            let mut map = std::mem::take(&mut self.map);
            let share = ((self.budget / 8) >> (self.tau_log - FLOOR.ilog2())).max(SHARE);
            map.retain(|_, held| {
                if let Value::Members(members) = &mut held.value {
                    members.thin(share);
                }
                held.limit = held.limit.min(self.limit(held.value.bytes()));
                held.coin <= held.limit
            });
            map.shrink_to_fit();
            self.map = map;
            self.used = self.map.values().map(Held::kept).sum();
        }
        let small = self.limit(0);
        self.high.fill(0);
        let high: Vec<u64> =
            self.map.iter().filter(|(_, held)| held.coin > small).map(|(id, _)| *id).collect();
        high.into_iter().for_each(|identity| self.mark_high(identity));
    }
}

fn inner(seed: &FixedState, bytes: &[u8], len: u64) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(&bytes[..bytes.len().min(limits::OUTLINE_HEAD)]);
    hasher.write_u64(!len);
    hasher.finish()
}

impl Loading {
    /// What was read so far.
    pub fn held(&mut self) -> &mut Held {
        &mut self.held
    }
}
