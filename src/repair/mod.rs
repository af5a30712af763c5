//! What can be put right in a set: its end and its manifest, where that is provable.
//!
//! Knows what a check found; writes nothing itself: what comes out is a [`crate::change::Proposal`]. What needs a
//! word from a person is told, and left alone.

pub mod adopt;
mod broken_base;
mod drops;
mod from_files;
pub mod inner;
mod join;
mod lines;
mod manifest;
mod manifest_answer;
mod outer;
mod propose;
mod remaining;
mod staying;
mod tail;

pub use drops::{Drops, Place};
pub use outer::{cut_as_told, tail_and_manifest};
pub use propose::{Inner, Repair, Way, propose};
pub use staying::told as staying;

use crate::aof::Aof;
use crate::error::Result;

/// The set as it is looked at for a repair: with its files by their names where the manifest names none, for
/// then it is the manifest that is wrong.
///
/// # Errors
/// When a file cannot be opened.
pub fn subject(aof: Aof) -> Result<Aof> {
    let names_nothing = aof.manifest.is_some() && aof.live().next().is_none();
    if names_nothing && !aof.upgrade_pending { aof.with_files_by_name() } else { Ok(aof) }
}
