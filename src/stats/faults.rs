//! How much of a set makes no sense: enough to warn by, not to judge.

use crate::aof::Event;
use crate::scan::{Context, Merge, Observer};

/// Counts damaged ranges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Ranges that no record, annotation or RDB part accounts for.
    pub ranges: u64,
    /// Their bytes.
    pub bytes: u64,
    /// RDB parts that aofkit has not learnt to read to their end.
    pub not_understood: u64,
    /// Commands among the keys of RDB parts: what they change is counted as it was before.
    pub inline_commands: u64,
    /// Files that end inside a transaction.
    pub open_transactions: u64,
}

impl Faults {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        self.ranges > 0
            || self.open_transactions > 0
            || self.not_understood > 0
            || self.inline_commands > 0
    }
}

impl Observer for Faults {
    type Report = Self;

    #[inline]
    fn observe(&mut self, _: &Context, event: &Event<'_>) {
        match event {
            Event::Damage(damage) if damage.is_not_understood() => self.not_understood += 1,
            Event::Damage(damage) => {
                self.ranges += 1;
                self.bytes += damage.end - damage.start;
            }
            Event::Rdb(part) => self.inline_commands += part.walked.outcome.inline_commands(),
            _ => {}
        }
    }

    fn end(&mut self, at: &Context, _: u64) {
        self.open_transactions += u64::from(at.transaction.is_some());
    }

    fn finish(self) -> Self {
        self
    }
}

impl Merge for Faults {
    fn merge(&mut self, later: Self) {
        self.ranges += later.ranges;
        self.bytes += later.bytes;
        self.not_understood += later.not_understood;
        self.inline_commands += later.inline_commands;
        self.open_transactions += later.open_transactions;
    }
}
