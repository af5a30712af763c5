//! What removing ranges of a set costs, counted over the bytes as they are: whole commands, transactions,
//! keys, and the keys whose later values may be wrong because of it.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::answers::Database;
use super::hidden;
use crate::aof::{Event, Mended};
use crate::change::{Broken, Loss, LostKey};
use crate::command::{self, CommandId, Effect, Kind, Renames};
use crate::disk::Source;
use crate::error::Result;
use crate::format::resp::{self, Record};

/// Keys told apart at most, of each kind; beyond that numbers are too small.
const KEYS: usize = 1 << 18;

/// Keys named for one range.
const NEAR: usize = 5;

/// Bytes of a key that are kept.
const KEY: usize = 64;

/// Bytes of a damaged record that are looked at for its name and keys.
const LOOK: usize = 4096;

/// One range that goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Offset of its first byte.
    pub from: u64,
    /// Offset after its last byte.
    pub to: u64,
    /// Whole commands in it.
    pub commands: u64,
    /// Transactions that go with it, as a whole or in part.
    pub transactions: u64,
    /// Keys of commands in it, as far as they can be read; a few of them.
    pub keys: Vec<LostKey>,
    /// The last key named before it, and the first after it.
    pub before: Option<LostKey>,
    /// See `before`.
    pub after: Option<LostKey>,
}

/// A key that later commands built on, although something before them is lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suspect {
    /// The key.
    pub key: LostKey,
    /// The first command that did.
    pub command: &'static str,
}

/// What it all costs.
#[derive(Clone, Debug, Default)]
pub struct Toll {
    /// The sums.
    pub loss: Loss,
    /// Keys that lost commands named and later commands build on: their values are probably wrong.
    pub wrong: Vec<Suspect>,
    /// How many those are.
    pub wrong_total: u64,
    /// Keys that later commands build on, while nobody can tell whether the lost bytes spoke of them.
    pub doubtful: Vec<Suspect>,
    /// How many those are.
    pub doubtful_total: u64,
}

/// Counts. One for a whole set; told of each segment in the loader's order.
pub(super) struct Meter {
    names: Renames,
    hasher: RandomState,
    toll: Toll,
    /// Keys that a lost command named, since they were last replaced as a whole.
    lost: HashSet<u64>,
    seen: HashSet<u64>,
    wrong: HashSet<u64>,
    doubtful: HashSet<u64>,
    /// Keys replaced since the last loss that cannot be read.
    replaced: HashSet<u64>,
    /// Bytes are gone of which nobody knows what keys they named.
    is_blind: bool,
}

/// One segment being counted.
pub(super) struct InSegment<'m> {
    meter: &'m mut Meter,
    gaps: &'m [(u64, u64)],
    /// What is told of the first ones.
    told: Vec<Gap>,
    /// The gap that is not over yet.
    now: usize,
    db: u64,
    databases: &'m [Database],
    in_transaction: bool,
    last_key: Option<(u64, Vec<u8>)>,
    broken: Broken,
}

impl Meter {
    pub(super) fn new(names: Renames) -> Self {
        Self {
            names,
            hasher: RandomState::new(),
            toll: Toll::default(),
            lost: HashSet::new(),
            seen: HashSet::new(),
            wrong: HashSet::new(),
            doubtful: HashSet::new(),
            replaced: HashSet::new(),
            is_blind: false,
        }
    }

    /// A segment that loses these ranges, of which the first `told` are told of.
    pub(super) fn segment<'m>(
        &'m mut self,
        gaps: &'m [(u64, u64)],
        databases: &'m [Database],
        told: usize,
    ) -> InSegment<'m> {
        let first = gaps.iter().take(told);
        InSegment {
            meter: self,
            gaps,
            told: first.map(|&(from, to)| Gap { from, to, ..Gap::default() }).collect(),
            now: 0,
            db: 0,
            databases,
            in_transaction: false,
            last_key: None,
            broken: Broken::default(),
        }
    }

    pub(super) fn finish(mut self) -> Toll {
        self.toll.loss.keys_total = self.seen.len() as u64;
        self.toll.wrong_total = self.wrong.len() as u64;
        self.toll.doubtful_total = self.doubtful.len() as u64;
        self.toll
    }

    fn hash(&self, db: u64, key: &[u8]) -> u64 {
        self.hasher.hash_one((db, key))
    }

    fn lose_key(&mut self, db: u64, key: &[u8]) {
        let hash = self.hash(db, key);
        if self.lost.len() < KEYS {
            self.lost.insert(hash);
        }
        if self.seen.len() < KEYS
            && self.seen.insert(hash)
            && self.toll.loss.keys.len() < Loss::KEYS
        {
            self.toll.loss.keys.insert(lost_key(db, key));
        }
    }

    /// A command that stays, after something was lost.
    fn stays(&mut self, db: u64, record: &Record<'_>, id: CommandId) {
        let (effect, name) = effect(record, id);
        match effect {
            Effect::None | Effect::SetsParts => {}
            Effect::Flushes => {
                self.lost.clear();
                self.is_blind &= !name.eq_ignore_ascii_case("FLUSHALL");
            }
            Effect::Replaces => {
                for key in command::keys(id, record) {
                    let hash = self.hash(db, key.arg.head);
                    self.lost.remove(&hash);
                    if self.is_blind && self.replaced.len() < KEYS {
                        self.replaced.insert(hash);
                    }
                }
            }
            Effect::BuildsOn | Effect::Derives => self.builds_on(db, record, id, effect, name),
        }
    }

    fn builds_on(
        &mut self,
        db: u64,
        record: &Record<'_>,
        id: CommandId,
        effect: Effect,
        name: &'static str,
    ) {
        let suspect = |key: &[u8]| Suspect { key: lost_key(db, key), command: name };
        let mut any = false;
        for key in command::keys(id, record) {
            let hash = self.hash(db, key.arg.head);
            if self.lost.contains(&hash) {
                any = true;
                if self.wrong.len() < KEYS
                    && self.wrong.insert(hash)
                    && self.toll.wrong.len() < Loss::KEYS
                {
                    self.toll.wrong.push(suspect(key.arg.head));
                }
            } else if self.is_blind
                && effect == Effect::BuildsOn
                && !self.replaced.contains(&hash)
                && self.doubtful.len() < KEYS
                && self.doubtful.insert(hash)
                && self.toll.doubtful.len() < NEAR
            {
                self.toll.doubtful.push(suspect(key.arg.head));
            }
        }
        if any && effect == Effect::Derives {
            // What is written from a wrong key is wrong, too.
            for key in command::keys(id, record) {
                let hash = self.hash(db, key.arg.head);
                if self.lost.len() < KEYS {
                    self.lost.insert(hash);
                }
            }
        }
    }
}

fn effect(record: &Record<'_>, id: CommandId) -> (Effect, &'static str) {
    let command = id.command();
    let sub = record.args().nth(1).filter(|_| command.container);
    let command =
        sub.and_then(|s| command::lookup_sub(id, s.head)).map_or(command, CommandId::command);
    (command.effect, &command.name)
}

fn lost_key(db: u64, key: &[u8]) -> LostKey {
    LostKey { db: Some(db), name: key[..key.len().min(KEY)].to_vec() }
}

impl InSegment<'_> {
    /// The next event of the segment. `bytes` reads the same segment.
    pub(super) fn event(&mut self, event: &Event<'_>, bytes: &mut dyn Source) -> Result<()> {
        let (start, end) = event.span();
        while self.gaps.get(self.now).is_some_and(|gap| gap.1 <= start) {
            self.now += 1;
        }
        // The stretch begins behind the range, where more than one event may lie in between.
        while let Some(database) = self.databases.first().filter(|d| d.from <= start) {
            self.db = database.db;
            self.databases = &self.databases[1..];
        }
        let is_lost = self.gaps.get(self.now).is_some_and(|gap| gap.0 < end);
        match event {
            Event::Record(record, id) => {
                self.broken.record(record.len);
                let is_whole = self.gaps.get(self.now).is_none_or(|gap| gap.1 >= end);
                match (is_lost, is_whole) {
                    (true, true) => self.lost(record, *id),
                    // Its end was that of another record; it is broken.
                    (true, false) => {}
                    (false, _) => self.stays(record, *id),
                }
                if id.map(CommandId::kind) == Some(Kind::Select) {
                    let argument = record.args().nth(1);
                    let number = argument.and_then(|a| std::str::from_utf8(a.head).ok());
                    self.db = number.and_then(|n| n.parse().ok()).unwrap_or(self.db);
                }
            }
            Event::Damage(damage) if is_lost => {
                self.broken.damage(damage);
                let is_one = damage.mended == Some(Mended::Record);
                let window = bytes.window(start, LOOK)?;
                let window = &window[..window.len().min(LOOK).min((end - start) as usize)];
                self.broken(window, is_one);
            }
            _ => {}
        }
        Ok(())
    }

    /// The first ranges, counted.
    pub(super) fn finish(self) -> Vec<Gap> {
        let bytes: u64 = self.gaps.iter().map(|(from, to)| to - from).sum();
        self.meter.toll.loss.bytes += bytes;
        self.broken.add_to(&mut self.meter.toll.loss);
        self.told
    }

    fn lost(&mut self, record: &Record<'_>, id: Option<CommandId>) {
        let loss = &mut self.meter.toll.loss;
        let mut spare = Gap::default();
        let gap = self.told.get_mut(self.now).unwrap_or(&mut spare);
        loss.commands += 1;
        gap.commands += 1;
        let kind = id.map(CommandId::kind);
        let is_stray = kind == Some(Kind::Exec) && !self.in_transaction;
        if kind == Some(Kind::Multi) || is_stray {
            loss.transactions += 1;
            gap.transactions += 1;
        }
        self.in_transaction = match kind {
            Some(Kind::Multi) => true,
            Some(Kind::Exec) => false,
            _ => self.in_transaction,
        };
        let Some(id) = id else {
            // An unknown command: its first argument is most often its key.
            if let Some(key) = record.args().nth(1) {
                let key = key.head.to_vec();
                self.lose_key(&key);
            }
            return;
        };
        if effect(record, id).0 == Effect::Flushes {
            self.meter.is_blind = true;
        }
        let keys: Vec<Vec<u8>> = command::keys(id, record).map(|k| k.arg.head.to_vec()).collect();
        for key in keys {
            self.lose_key(&key);
        }
    }

    fn lose_key(&mut self, key: &[u8]) {
        self.meter.lose_key(self.db, key);
        let Some(gap) = self.told.get_mut(self.now) else { return };
        let named = lost_key(self.db, key);
        if gap.before.is_none() {
            gap.before = self.last_key.as_ref().map(|(db, key)| lost_key(*db, key));
        }
        if gap.keys.len() < NEAR && !gap.keys.contains(&named) {
            gap.keys.push(named);
        }
    }

    /// Broken bytes, of which this is the beginning.
    fn broken(&mut self, bytes: &[u8], is_one: bool) {
        if let Some(gap) = self.told.get_mut(self.now).filter(|gap| gap.before.is_none()) {
            gap.before = self.last_key.as_ref().map(|(db, key)| lost_key(*db, key));
        }
        let mut is_named = false;
        if let Some(rebuilt) = hidden::readable(bytes, &self.meter.names)
            && let Ok(shape) = resp::record(&rebuilt)
            && let Some(id) = self.meter.names.lookup(shape.name)
        {
            let record = Record::canonical(shape, &rebuilt, 0);
            let keys: Vec<Vec<u8>> =
                command::keys(id, &record).map(|k| k.arg.head.to_vec()).collect();
            is_named = !keys.is_empty();
            for key in keys {
                self.lose_key(&key);
            }
        }
        self.meter.is_blind |= !(is_one && is_named);
    }

    fn stays(&mut self, record: &Record<'_>, id: Option<CommandId>) {
        let Some(id) = id else { return };
        let first = command::first_key(id, record);
        if let Some(key) = first {
            let kept = &key.head[..key.head.len().min(KEY)];
            let last = self.last_key.get_or_insert_default();
            last.0 = self.db;
            last.1.clear();
            last.1.extend_from_slice(kept);
            let last = self.now.checked_sub(1);
            if let Some(gap) = last.and_then(|gap| self.told.get_mut(gap)) {
                gap.after.get_or_insert_with(|| lost_key(self.db, kept));
            }
        }
        let meter = &mut self.meter;
        if meter.is_blind || !meter.lost.is_empty() {
            meter.stays(self.db, record, id);
        }
    }
}
