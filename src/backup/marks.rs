//! What somebody should look at before relying on a snapshot: that the set has lost much, that its history is another, that
//! a server began it anew.

use std::collections::BTreeSet;

use super::entry::{Entry, FileEntry, Mark};
use super::key_count::{Counted, KeyCount, lost};
use super::moment::Moment;
use super::name::short_id;
use crate::neighbours::{Neighbour, Neighbours, Standing};
use crate::text::{count, size, thousands};

/// A set that has lost at least so many in a hundred of its keys or bytes is marked, where nobody asks for less.
const SHRUNK_BY: u64 = 50;

/// What a run knows of a new snapshot and the one before it.
pub(super) struct Step<'a> {
    pub(super) parent: &'a Entry,
    pub(super) new: &'a Entry,
    /// It has bytes of the one before that tell that it is the same set.
    pub(super) is_akin: bool,
    /// What a caller takes for a loss, where one asks.
    pub(super) percent: Option<u64>,
}

/// The marks of a snapshot by what the snapshot before has.
pub(super) fn of_history(step: &Step<'_>) -> Vec<Mark> {
    let least = step.percent.map_or(SHRUNK_BY, |percent| percent.min(SHRUNK_BY)).max(1);
    let shrunk = shrunk(step.parent, step.new, least);
    let is_asked = step.percent.is_some() && shrunk.is_none();
    let uncounted = if is_asked { uncounted(step.parent, step.new, least) } else { None };
    shrunk.into_iter().chain(uncounted).chain(another_history(step)).collect()
}

/// A loss, in words.
struct Lost {
    percent: u64,
    is: String,
    was: String,
    /// It is surely one, and not only a base that another rewrite has written smaller.
    is_sure: bool,
}

fn lost_keys(parent: &Entry, new: &Entry) -> Option<Lost> {
    let (was, is) = (parent.keys?, new.keys?);
    let percent = is.lost_since(&was)?;
    let about = |count: KeyCount, number: String| match count.counted {
        Counted::Sampled => format!("about {number}"),
        Counted::All => number,
    };
    let least = if was.at_least < was.alive { "at least " } else { "" };
    let most = if is.at_least < is.alive { "at most " } else { "" };
    Some(Lost {
        percent,
        is: format!("{most}{}", about(is, count(is.alive, "key"))),
        was: format!("{least}{}", about(was, thousands(was.at_least))),
        is_sure: true,
    })
}

fn lost_bytes(parent: &Entry, new: &Entry) -> Option<Lost> {
    let (was, is, is_sure) = comparable_bytes(parent, new)?;
    Some(Lost { percent: lost(was, is)?, is: size(is), was: size(was), is_sure })
}

fn shrunk(parent: &Entry, new: &Entry, least: u64) -> Option<Mark> {
    let all = lost_keys(parent, new).into_iter().chain(lost_bytes(parent, new));
    let worst = all.max_by_key(|one| one.percent).filter(|one| one.percent >= least)?;
    let Lost { percent, is, was, is_sure } = worst;
    let (before, short) = (before(parent), short_id(&parent.id));
    let advice = match is_sure {
        true => format!("If nobody meant that, {short} is the one to restore; `prune` keeps it"),
        false => format!(
            "A rewrite wrote these bytes, and how many keys there are or were is not known: look before you rely on it; \
             `prune` keeps {short}"
        ),
    };
    let message = format!(
        "it has {is} where the snapshot before, {before}, has {was}: {percent} % less. {advice}"
    );
    Some(Mark { kind: Mark::SHRUNK.to_owned(), message, percent: Some(percent) })
}

/// Why nobody can tell whether the set has lost as much as was asked for, where that is so.
fn uncounted(parent: &Entry, new: &Entry, least: u64) -> Option<Mark> {
    let what = match (parent.keys, new.keys) {
        (Some(was), Some(is)) => {
            is.may_be_lost_since(&was).filter(|percent| *percent >= least)?;
            format!(
                "it has {}, and the snapshot before, {}, has {} at most and {} at least: servers do not log which keys go \
                 with their last element",
                count(is.alive, "key"),
                before(parent),
                thousands(was.alive),
                thousands(was.at_least)
            )
        }
        (was, _) => {
            let whose = if was.is_none() { "the snapshot before has" } else { "it has" };
            format!("how many keys {whose} is not known")
        }
    };
    let message = format!("whether it has lost keys is not known: {what}");
    Some(Mark { kind: Mark::UNCOUNTED.to_owned(), message, percent: None })
}

/// `20261124T140812Z-7 of 2026-11-24T14:08:12Z`
fn before(parent: &Entry) -> String {
    let taken = Moment::parse(&parent.taken);
    let taken = taken.map_or_else(|| parent.taken.clone(), Moment::seconds_text);
    format!("{} of {taken}", short_id(&parent.id))
}

/// Bytes of both that can be compared, and whether fewer are surely a loss. A rewrite makes a set smaller, which is what it
/// is for: then the bases alone count, where a number of keys is not known, they are of one format and not so small that
/// their size says nothing.
fn comparable_bytes(parent: &Entry, new: &Entry) -> Option<(u64, u64, bool)> {
    let (was, is) = (parent.files.first()?, new.files.first()?);
    if (&was.name, was.kind) == (&is.name, is.kind) && was.head == is.head {
        return Some((parent.logical_bytes(), new.logical_bytes(), true));
    }
    if parent.keys.is_some() && new.keys.is_some() {
        return None;
    }
    let ending = |file: &FileEntry| {
        let name = file.name.bytes()?;
        name.rsplit(|byte| *byte == b'.').next().map(<[u8]>::to_vec)
    };
    let is_telling = was.size >= LEAST_BASE && was.kind == is.kind && ending(was) == ending(is);
    is_telling.then_some((was.size, is.size, false))
}

/// Bytes of a base from which on its size tells something.
const LEAST_BASE: u64 = 64 * 1024;

fn another_history(step: &Step<'_>) -> Option<Mark> {
    let &Step { parent, new, is_akin, .. } = step;
    let message = match new.diverged.is_empty() {
        false => format!(
            "bytes that the snapshot before, {}, has are no longer those of the set: its history was rewritten, or it is \
             another set",
            before(parent)
        ),
        true if !is_akin && parent.path != new.path => {
            format!("it has nothing in common with the snapshot before, {}", before(parent))
        }
        true => return None,
    };
    Some(Mark { kind: Mark::ANOTHER_HISTORY.to_owned(), message, percent: None })
}

/// The mark of files beside the set that the snapshot before has, whose objects are not what they were.
pub(super) fn of_lost_includes(lost: &[FileEntry]) -> Option<Mark> {
    if lost.is_empty() {
        return None;
    }
    let name = |file: &FileEntry| crate::text::name(&file.name.bytes().unwrap_or_default());
    let mut names: Vec<_> = lost.iter().take(SHOWN).map(name).collect();
    names.extend((lost.len() > SHOWN).then(|| format!("{} more", lost.len() - SHOWN)));
    let message = format!(
        "not kept of the snapshot before, because what the repository has of it is missing or damaged: {}. Give it again by \
         --include",
        names.join(", ")
    );
    Some(Mark { kind: Mark::INCLUDE_LOST.to_owned(), message, percent: None })
}

/// Names that a mark shows at most.
pub(super) const SHOWN: usize = 8;

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
