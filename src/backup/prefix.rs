//! Is it still the same file, up to where the parent has it?
//!
//! A name is no identity: servers are restored over, wiped, cut. Inodes and times are none either. What
//! counts are bytes: the first 4 KiB and the last 64 KiB before the parent's end. Where they differ, the
//! parent's segments are compared one by one from the beginning, because a later one that fits proves
//! nothing of those before it.

use std::sync::Arc;

use super::compress;
use super::entry::{Divergence, FileEntry, SegmentEntry, Stretch};
use crate::disk::FrozenFile;
use crate::error::Result;

/// First bytes that are compared.
const HEAD: u64 = 4 * 1024;

/// Last bytes that are compared.
const TAIL: u64 = 64 * 1024;

/// What of a parent's file can be taken over.
pub(super) enum Prefix {
    /// All of it.
    Whole,
    /// These segments.
    Part(Vec<Arc<SegmentEntry>>, Divergence),
}

/// Compares a file with the parent's of the same name; all of its bytes when `paranoid`.
pub(super) fn compare(file: &FrozenFile, parent: &FileEntry, paranoid: bool) -> Result<Prefix> {
    if !paranoid
        && file.len() >= parent.size
        && head(file, parent.size)? == parent.head
        && tail(file, parent.size)? == parent.tail
    {
        return Ok(Prefix::Whole);
    }
    let mut same = Vec::new();
    for segment in &parent.segments {
        let inside = segment.offset + segment.size <= file.len();
        if !inside || compress::hash_of_range(file, segment.offset, segment.size)? != segment.sha256
        {
            break;
        }
        same.push(segment.clone());
    }
    let same_up_to = same.last().map_or(0, |s| s.offset + s.size);
    if same_up_to == parent.size && same.len() == parent.segments.len() && file.len() >= parent.size
    {
        return Ok(Prefix::Whole);
    }
    let (file, parent_size) = (parent.name.clone(), parent.size);
    Ok(Prefix::Part(same, Divergence { file, same_up_to, parent_size }))
}

/// The first bytes of the first `size`.
pub(super) fn head(file: &FrozenFile, size: u64) -> Result<Stretch> {
    let bytes = size.min(HEAD);
    Ok(Stretch { bytes, sha256: compress::hash_of_range(file, 0, bytes)? })
}

/// The last bytes of the first `size`.
pub(super) fn tail(file: &FrozenFile, size: u64) -> Result<Stretch> {
    let bytes = size.min(TAIL);
    Ok(Stretch { bytes, sha256: compress::hash_of_range(file, size - bytes, bytes)? })
}
