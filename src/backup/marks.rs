//! What somebody should look at before relying on a snapshot: that the set has lost much, that its history is another, that
//! a server began it anew.

use std::collections::BTreeSet;

use super::entry::{Entry, FileEntry, Mark};
use super::moment::Moment;
use super::name::short_id;
use crate::neighbours::{Neighbour, Neighbours, Standing};
use crate::text::{count, size, thousands};

/// A set that has lost at least so many in a hundred of its keys or bytes is marked, where nobody asks for less.
const SHRUNK_BY: u64 = 50;

/// The marks of a snapshot by what the snapshot before has. `percent` is what a caller takes for a loss.
pub(super) fn of_history(parent: &Entry, new: &Entry, percent: Option<u64>) -> Vec<Mark> {
    let least = percent.map_or(SHRUNK_BY, |percent| percent.min(SHRUNK_BY));
    shrunk(parent, new, least).into_iter().chain(another_history(parent, new)).collect()
}

/// What is lost of `was`, in percent.
fn lost(was: u64, is: u64) -> Option<u64> {
    let lost = was.checked_sub(is).filter(|lost| *lost > 0)?;
    u64::try_from(u128::from(lost) * 100 / u128::from(was)).ok()
}

fn shrunk(parent: &Entry, new: &Entry, least: u64) -> Option<Mark> {
    let keys = parent.keys.zip(new.keys).and_then(|(was, is)| {
        let percent = lost(was.alive, is.alive)?;
        let about = if was.estimated || is.estimated { "about " } else { "" };
        let what = format!("{about}{}", count(is.alive, "key"));
        Some((percent, what, format!("{about}{}", thousands(was.alive))))
    });
    let bytes = comparable_bytes(parent, new)
        .and_then(|(was, is)| Some((lost(was, is)?, size(is), size(was))));
    let worst = keys.into_iter().chain(bytes).max_by_key(|(percent, ..)| *percent);
    let (percent, is, was) = worst.filter(|(percent, ..)| *percent >= least.max(1))?;
    let message = format!(
        "it has {is} where the snapshot before, {}, has {was}: {percent} % less. If nobody meant that, {} is the one to \
         restore; `prune` keeps it",
        before(parent),
        short_id(&parent.id)
    );
    Some(Mark { kind: Mark::SHRUNK.to_owned(), message, percent: Some(percent) })
}

/// `20261124T140812Z-7 of 2026-11-24T14:08:12Z`
fn before(parent: &Entry) -> String {
    let taken = Moment::parse(&parent.taken);
    let taken = taken.map_or_else(|| parent.taken.clone(), Moment::seconds_text);
    format!("{} of {taken}", short_id(&parent.id))
}

/// Bytes of both that can be compared. A rewrite makes a set smaller, which is what it is for: then the bases alone count,
/// where they are of one format and not so small that their size says nothing.
fn comparable_bytes(parent: &Entry, new: &Entry) -> Option<(u64, u64)> {
    let (was, is) = (parent.files.first()?, new.files.first()?);
    if (&was.name, was.kind) == (&is.name, is.kind) && was.head == is.head {
        return Some((parent.logical_bytes(), new.logical_bytes()));
    }
    let ending = |file: &FileEntry| {
        let name = file.name.bytes()?;
        name.rsplit(|byte| *byte == b'.').next().map(<[u8]>::to_vec)
    };
    let is_telling = was.size >= LEAST_BASE && was.kind == is.kind && ending(was) == ending(is);
    is_telling.then_some((was.size, is.size))
}

/// Bytes of a base from which on its size tells something.
const LEAST_BASE: u64 = 64 * 1024;

fn another_history(parent: &Entry, new: &Entry) -> Option<Mark> {
    let shares = new.reused_bytes > 0 || parent.logical_bytes() == 0;
    let message = match new.diverged.is_empty() {
        false => format!(
            "bytes that the snapshot before, {}, has are no longer those of the set: its history was rewritten, or it is \
             another set",
            before(parent)
        ),
        true if !shares && parent.path != new.path => {
            format!("it has nothing in common with the snapshot before, {}", before(parent))
        }
        true => return None,
    };
    Some(Mark { kind: Mark::ANOTHER_HISTORY.to_owned(), message, percent: None })
}

/// The mark of a set that a server began anew beside fuller files.
pub(super) fn of_neighbours(neighbours: &Neighbours) -> Option<Mark> {
    let fuller = |one: &&Neighbour| one.standing == Standing::Fuller;
    let one = neighbours.found.iter().find(fuller)?;
    let first = one.files.first().and_then(|file| file.file_name()).unwrap_or_default();
    let message = format!(
        "a server began this set anew: {} beside it, {} first, hold {}{}, and the set has {}. Do not let that server \
         rewrite; `aofkit check` says what to do",
        count(one.files.len() as u64, "file"),
        crate::text::name(first.as_encoded_bytes()),
        if one.is_estimate { "about " } else { "" },
        count(one.keys, "key"),
        neighbours.keys_of_set.map_or_else(|| "fewer".to_owned(), thousands)
    );
    Some(Mark { kind: Mark::STARTED_EMPTY.to_owned(), message, percent: None })
}

/// Numbers of snapshots that stay because the set shrank after them: those that the snapshot before knew of and that are
/// still there, and itself where the set has shrunk since.
pub(super) fn before_shrinks(parent: &Entry, new: &[Mark], there: &BTreeSet<u64>) -> Vec<u64> {
    let has = |marks: &[Mark], kind: &str| marks.iter().any(|mark| mark.kind == kind);
    let began_anew = has(new, Mark::STARTED_EMPTY) && !has(&parent.marks, Mark::STARTED_EMPTY);
    let mut all: BTreeSet<u64> =
        parent.before_shrinks.iter().copied().filter(|seq| there.contains(seq)).collect();
    if has(new, Mark::SHRUNK) || began_anew {
        all.insert(parent.seq);
    }
    all.into_iter().collect()
}
