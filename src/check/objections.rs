//! What loaders do not take in a file.

use super::state::State;

/// What the loader of one target does not take in a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Objections {
    /// What it refuses before damage stops it, and what it may refuse.
    pub(super) refused: Option<State>,
    pub(super) perhaps: Option<State>,
    pub(super) own_cut: Option<u64>,
}
