//! Where bytes of an old file are now.

use std::sync::Arc;

/// Where bytes of an old file are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// In a file of the set.
    From { name: Arc<[u8]>, start: u64, end: u64 },
    /// Here: a manifest is small.
    These(Vec<u8>),
    /// In the object, behind those of the kept pieces before.
    Kept(u64),
}
