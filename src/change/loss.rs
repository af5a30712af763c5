//! What a plan costs.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::aof::{Aof, Damage, Event};
use crate::command::{self, CommandId, Kind};
use crate::error::Result;
use crate::format::resp::Record;
use crate::scan::{Around, Context};

/// A key that a removed command named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LostKey {
    /// The database it is in; `None` where that cannot be known.
    pub db: Option<u64>,
    /// The key, or its first bytes.
    pub name: Vec<u8>,
}

/// What is gone from the set once a plan is carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Bytes.
    pub bytes: u64,
    /// Whole commands; a torn one is none.
    pub commands: u64,
    /// An estimate of how many more commands damaged bytes held, a torn one counting as one.
    pub broken_commands: u64,
    /// Damaged bytes of which nothing tells how many commands they held: no record of their file is whole.
    pub uncounted_bytes: u64,
    /// Transactions, closed by EXEC or not, that go as a whole or in part.
    pub transactions: u64,
    /// Keys those commands named; at most [`Loss::KEYS`] of them.
    pub keys: BTreeSet<LostKey>,
    /// How many different keys there are, as far as they were told apart.
    pub keys_total: u64,
}

impl Loss {
    /// Keys that are listed by name.
    pub const KEYS: usize = 20;

    /// An estimate of all commands that go, damaged and torn ones included; `None` where nothing tells.
    pub fn likely_commands(&self) -> Option<u64> {
        (self.uncounted_bytes == 0).then(|| self.commands.saturating_add(self.broken_commands))
    }

    /// The loss of both. Keys that both name are counted twice where they are not listed.
    pub fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.commands += other.commands;
        self.broken_commands += other.broken_commands;
        self.uncounted_bytes += other.uncounted_bytes;
        self.transactions += other.transactions;
        let mut shared = 0;
        for key in other.keys {
            if self.keys.len() < Self::KEYS || self.keys.contains(&key) {
                shared += u64::from(!self.keys.insert(key));
            }
        }
        self.keys_total += other.keys_total - shared.min(other.keys_total);
    }
}

/// Estimates how many commands damaged bytes held that go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Broken {
    around: Around,
    commands: u64,
    /// Bytes before all records: those behind them tell.
    before: u64,
}

impl Broken {
    /// A record of this length, whether it goes or stays.
    pub(crate) fn record(&mut self, len: u64) {
        self.around.record(len);
        if self.before > 0 {
            let likely = self.around.likely(std::mem::take(&mut self.before));
            self.commands += likely.unwrap_or_default().max(1);
        }
    }

    /// Damage that goes.
    pub(crate) fn damage(&mut self, damage: &Damage) {
        match self.around.likely_in(damage) {
            Some(likely) => self.commands += likely,
            None => self.before += damage.end - damage.start,
        }
    }

    /// Adds them to a loss.
    pub(crate) fn add_to(&self, loss: &mut Loss) {
        loss.broken_commands += self.commands;
        loss.uncounted_bytes += self.before;
    }
}

/// Bytes of a key that are kept to show it.
const SHOWN: usize = 64;

/// Different keys told apart at most.
const TOLD_APART: usize = 1 << 18;

/// Counts what goes with some ranges of a segment.
struct Count<'r> {
    ranges: &'r [(u64, u64)],
    hasher: RandomState,
    keys: HashSet<u64>,
    loss: Loss,
    broken: Broken,
    /// The transaction that was last counted, by the offset of its MULTI.
    counted: Option<u64>,
}

impl Count<'_> {
    /// Whether the record at this offset goes.
    fn goes(&self, at: u64) -> bool {
        let next = self.ranges.partition_point(|(_, to)| *to <= at);
        self.ranges.get(next).is_some_and(|(from, _)| *from <= at)
    }

    fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        if !self.goes(record.start) {
            return;
        }
        self.loss.commands += 1;
        let opens = id.is_some_and(|id| id.kind() == Kind::Multi);
        let transaction = at.transaction.or(opens.then_some(record.start));
        if transaction.is_some() && transaction != self.counted {
            self.counted = transaction;
            self.loss.transactions += 1;
        }
        for key in id.into_iter().flat_map(|id| command::keys(id, record)) {
            let hash = self.hasher.hash_one((at.db, key.arg.len, key.arg.head));
            if self.keys.len() < TOLD_APART && self.keys.insert(hash) {
                self.loss.keys_total += 1;
                if self.loss.keys.len() < Loss::KEYS {
                    let name = key.arg.head[..key.arg.head.len().min(SHOWN)].to_vec();
                    self.loss.keys.insert(LostKey { db: Some(at.db), name });
                }
            }
        }
    }
}

impl Loss {
    /// What goes with these ranges of a segment, which ascend and do not overlap: commands that begin in
    /// them, their transactions, the keys they name.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn of(aof: &Aof, segment: usize, ranges: &[(u64, u64)]) -> Result<Self> {
        let mut count = Count {
            ranges,
            hasher: RandomState::new(),
            keys: HashSet::new(),
            loss: Self::default(),
            broken: Broken::default(),
            counted: None,
        };
        let mut at = Context { segment, ..Context::default() };
        aof.walk(segment, &mut (), &mut |event: Event<'_>| {
            match &event {
                Event::Record(record, id) => {
                    count.broken.record(record.len);
                    count.record(&at, record, *id);
                }
                Event::Damage(damage) if count.goes(damage.start) => count.broken.damage(damage),
                _ => {}
            }
            at.follow(&event);
        })?;
        count.broken.add_to(&mut count.loss);
        count.loss.bytes = ranges.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        Ok(count.loss)
    }
}
