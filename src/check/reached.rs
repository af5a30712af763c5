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
