//! What becomes of a base that is broken.

/// Whether a manifest may be made that names a broken base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokenBase {
    /// No: it stops the repair.
    Stops,
    /// What is whole in it is going to be kept.
    IsSalvaged,
}
