//! What a check did not look at, so that no verdict is taken for more than it is.

use crate::format::rdb::deep;

/// What was not looked at in one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Values of an RDB.
    pub values: bool,
    /// Whether keys of an RDB stand twice.
    pub duplicate_keys: bool,
    /// Strings of an RDB too large to be opened, and values with too many members to be compared.
    pub large: u64,
    /// Keys too long to tell their slot.
    pub slots: u64,
    /// Payloads of RESTORE that a stream has passed.
    pub payloads: u64,
    /// Values in payloads of RESTORE.
    pub payload_values: u64,
}

/// How much was seen inside of an RDB part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inside {
    values: bool,
    keys: bool,
    left_out: u64,
}

impl Inside {
    pub(super) fn of(report: &deep::Report) -> Self {
        Self {
            values: report.values_opened,
            keys: report.keys_compared,
            left_out: report.unopened + report.uncompared,
        }
    }
}

impl Unseen {
    pub(super) const NOTHING: Self = Self {
        values: false,
        duplicate_keys: false,
        large: 0,
        slots: 0,
        payloads: 0,
        payload_values: 0,
    };

    /// An RDB part with so many keys, and what was seen inside of it.
    pub(super) fn rdb(&mut self, keys: u64, inside: Option<Inside>) {
        let Inside { values, keys: compared, left_out } =
            inside.unwrap_or(Inside { values: false, keys: false, left_out: 0 });
        self.values |= keys > 0 && !values;
        self.duplicate_keys |= keys > 1 && !compared;
        self.large += left_out;
    }
}
