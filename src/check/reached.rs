//! How far a loader comes in a file.

/// How far whole records go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// End of the last whole record or RDB part.
    pub record_end: u64,
    /// The same, never inside a transaction.
    pub safe_cut: u64,
    /// Records before `record_end`.
    pub commands: u64,
    /// Records before `safe_cut`.
    pub commands_to_cut: u64,
}

impl Reached {
    /// How far it comes with the records behind these.
    pub(super) fn followed_by(self, later: Self) -> Self {
        let mut all = self;
        if later.commands > 0 {
            (all.record_end, all.commands) = (later.record_end, self.commands + later.commands);
        }
        if later.commands_to_cut > 0 {
            all.safe_cut = later.safe_cut;
            all.commands_to_cut = self.commands + later.commands_to_cut;
        }
        all
    }
}
