//! Where a loader stands in a file.

use super::halt::Halt;
use super::reached::Reached;

/// Kept once for all, as far as damage goes; and of each that does not take something, as it was there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    pub(super) transaction: Option<u64>,
    pub(super) discard_queued: bool,
    /// Which loaders die when EXEC runs what is queued.
    pub(super) death_queued: u64,
    /// What stops it.
    pub(super) halt: Option<Halt>,
    /// How far whole records go.
    pub(super) reached: Reached,
    /// End of the RDB part, 0 without one.
    pub(super) rdb_end: u64,
    /// End of what it took for a record although its line end was none, where it stops behind that.
    pub(super) ran_on: Option<u64>,
}

impl State {
    /// Whether it is that of a loader outside a transaction, nothing of which is left over.
    pub(super) fn is_between(&self) -> bool {
        self.transaction.is_none() && !self.discard_queued && self.death_queued == 0
    }

    /// The state at a place in the piece that begins here, by the records of that piece.
    pub(super) fn followed_by(self, later: Self) -> Self {
        let reached = self.reached.followed_by(later.reached);
        Self { reached, rdb_end: self.rdb_end, ..later }
    }
}
