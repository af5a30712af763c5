//! What can be put right in a set: its end and its manifest, where that is provable.
//!
//! Knows what a check found; writes nothing itself: what comes out is a [`Proposal`]. What needs a
//! word from a person is told, and left alone.

pub mod adopt;
mod drops;
mod from_files;
pub mod inner;
mod lines;
mod manifest;
mod propose;
mod staying;
mod tail;

pub use drops::{Drops, Place};
pub use propose::{Inner, Repair, Way, propose};
pub use staying::told as staying;

use crate::aof::Aof;
use crate::change::{Draft, Loss, Proposal, Verb};
use crate::check::Report;
use crate::error::{Error, ErrorKind, Result};
use from_files::BrokenBase;
use manifest::Answer;
use tail::Tail;

/// The set as it is looked at for a repair: with its files by their names where the manifest names none, for
/// then it is the manifest that is wrong.
///
/// # Errors
/// When a file cannot be opened.
pub fn subject(aof: Aof) -> Result<Aof> {
    let names_nothing = aof.manifest.is_some() && aof.live().next().is_none();
    if names_nothing && !aof.upgrade_pending { aof.with_files_by_name() } else { Ok(aof) }
}

/// What can be done without asking: for the end of the last file and for the manifest. `aof` is one that [`subject`] answered.
///
/// # Errors
/// When the set cannot be read again.
pub fn tail_and_manifest(aof: &Aof, report: &Report) -> Result<Proposal> {
    let mut draft = Draft::new(Verb::Repair, aof);
    let (cut, left) = end_and_manifest(aof, report, &mut draft)?;
    if let Some(Cut { segment, to, what }) = cut {
        let len = aof.segments[segment].len().unwrap_or(to);
        draft.lose(Loss::of(aof, segment, &[(to, len)])?);
        draft.note(format!("what is cut off is {what}"));
        draft.cut(segment, to);
    }
    Ok(Proposal::new(draft.finish()?).leaving(left))
}

/// Ensures that a judgement is one of this set and says what was seen in its files.
fn ensure_judged(aof: &Aof, report: &Report) -> Result<()> {
    match report.segments.len() == aof.segments.len() {
        true => Ok(()),
        false => {
            let why =
                "this judgement does not say what was seen in these files: check the set again";
            Err(Error::new(ErrorKind::Stale(why.to_owned()), &aof.path))
        }
    }
}

/// What goes at the end of the last file.
#[derive(Clone, Copy, Debug)]
struct Cut {
    segment: usize,
    to: u64,
    what: &'static str,
}

/// Puts the manifest right in `draft`; answers what is to be cut, and what stays wrong.
fn end_and_manifest(
    aof: &Aof,
    report: &Report,
    draft: &mut Draft<'_>,
) -> Result<(Option<Cut>, Vec<String>)> {
    ensure_judged(aof, report)?;
    let mut left = Vec::new();
    let is_known = match manifest::manifest(aof, report, BrokenBase::Stops)? {
        Answer::Sound => true,
        Answer::Mended { manifest, notes } => {
            draft.manifest(manifest);
            notes.into_iter().for_each(|note| draft.note(format!("manifest: {note}")));
            true
        }
        Answer::Doubtful(why) => {
            left.push(format!("manifest: {why}"));
            false
        }
    };
    let cut = match tail::tail(aof, report)? {
        Tail::Sound => None,
        Tail::Doubtful(why) => {
            left.push(why);
            None
        }
        Tail::Cut { .. } if !is_known => {
            left.push(
                "the end of the last file, as long as nobody knows which is the last".to_owned(),
            );
            None
        }
        Tail::Cut { segment, to, what } => Some(Cut { segment, to, what }),
    };
    Ok((cut, left))
}

/// A cut of the last file after `to` bytes, as somebody asked for it who has looked at that file; `loss` is what goes.
///
/// # Errors
/// When the set cannot be read again.
pub fn cut_as_told(aof: &Aof, to: u64, loss: Loss) -> Result<Option<Proposal>> {
    let Some(last) = aof.last_live() else { return Ok(None) };
    let mut draft = Draft::new(Verb::CheckAof, aof);
    draft.cut(last, to);
    draft.lose(loss);
    Ok(Some(Proposal::new(draft.finish()?)))
}
