//! Where a walk is in its file, and how far it may go.

use super::reason::Reason;
use crate::format::fault::Fault;

/// Offsets of a walk, all of them file offsets.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// Of the header.
    pub(super) start: u64,
    /// Of the next byte to show.
    pub(super) at: u64,
    /// Of the token that is not whole yet, or of the one that is wrong.
    pub(super) token_at: u64,
    /// Behind what was asked for last.
    pub(super) wanted_end: u64,
    /// End of the data, when it is known.
    pub(super) limit: Option<u64>,
    /// Behind the last thing that was read whole.
    pub(super) proven: u64,
}

impl Cursor {
    pub(super) const fn new(base: u64) -> Self {
        Self { start: base, at: base, token_at: base, wanted_end: base, limit: None, proven: base }
    }

    /// The end of the data, when what was asked for lies behind it.
    pub(super) fn passed_limit(&self) -> Option<u64> {
        self.limit.filter(|limit| self.wanted_end > *limit)
    }

    /// The fault that it is when the data end at `end`.
    pub(super) fn torn(&self, end: u64) -> Fault<Reason> {
        let missing = self.wanted_end.saturating_sub(end).max(1);
        Fault::new(self.token_at, Reason::Torn { missing })
    }

    /// Refuses a count of things of which each takes at least `least` bytes, when they cannot all be there.
    pub(super) fn ensure_room(&self, count: u64, least: u64, at: u64) -> Result<(), Reason> {
        let least = count.checked_mul(least).filter(|least| *least <= i64::MAX as u64);
        let least = least.ok_or(Reason::CountImpossible(count))?;
        let left = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(at));
        if least > left {
            return Err(Reason::CountPastEnd { count, least, left });
        }
        Ok(())
    }
}
