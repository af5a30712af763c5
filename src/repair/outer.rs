//! What can be put right without asking: the end of the last file, and the manifest.

use super::broken_base::BrokenBase;
use super::join;
use super::manifest;
use super::manifest_answer::Answer;
use super::tail::{self, Cut, Tail};
use crate::aof::Aof;
use crate::change::{Draft, Loss, Proposal, Verb};
use crate::check::Report;
use crate::error::{Error, ErrorKind, Result};

/// What can be done without asking: for the end of the last file and for the manifest. `aof` is one that [`super::subject`] answered.
///
/// # Errors
/// When the set cannot be read again.
pub fn tail_and_manifest(aof: &Aof, report: &Report) -> Result<Proposal> {
    let mut draft = Draft::new(Verb::Repair, aof);
    let (mut cut, left) = end_and_manifest(aof, report, &mut draft)?;
    let last = aof.last_live();
    let is_joined = left.is_empty() && !report.splits.is_empty();
    let ends_joined = is_joined && report.splits.iter().any(|one| Some(one.second) == last);
    if ends_joined {
        // What looks like a bad end may be the rest of such a record.
        cut = join::end_behind(aof, report)?;
    }
    if is_joined {
        join::join(aof, report, cut.as_ref(), &mut draft);
    }
    if let Some(Cut { segment, to, what }) = cut {
        let len = aof.segments[segment].len().unwrap_or(to);
        draft.lose(Loss::of(aof, segment, &[(to, len)])?);
        draft.note(format!("what is cut off is {what}"));
        if !ends_joined {
            draft.cut(segment, to);
        }
    }
    Ok(Proposal::new(draft.finish()?).leaving(left))
}

/// Ensures that a judgement is one of this set and says what was seen in its files.
pub(super) fn ensure_judged(aof: &Aof, report: &Report) -> Result<()> {
    match report.segments.len() == aof.segments.len() {
        true => Ok(()),
        false => {
            let why =
                "this judgement does not say what was seen in these files: check the set again";
            Err(Error::new(ErrorKind::Stale(why.to_owned()), &aof.path))
        }
    }
}

/// Puts the manifest right in `draft`; answers what is to be cut, and what stays wrong.
pub(super) fn end_and_manifest(
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
                "the end of the last file, because nobody knows which file is the last".to_owned(),
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
