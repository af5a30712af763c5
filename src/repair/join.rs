//! Records and transactions that stand in two increments, put together: the rest moves from the start of one file to the end of
//! the one before. Nothing is lost by that.

use std::collections::BTreeMap;

use super::tail::{self, Cut, Tail};
use crate::aof::{Aof, Changes};
use crate::change::{Draft, Piece};
use crate::check::{self, Report, Split};
use crate::disk::Part;
use crate::error::Result;
use crate::text;

/// Why nothing else is done about damage before.
pub(super) const FIRST: &str = "a record or a transaction stands in two increments, and is whole once they are joined: first run \
                                `aofkit repair` without --truncate, --salvage and --drop-command, which loses nothing";

/// Joins what is split. `cut` is what goes at the end of one of these files.
pub(super) fn join(aof: &Aof, report: &Report, cut: Option<&Cut>, draft: &mut Draft<'_>) {
    let name = |position: usize| text::name(&aof.segments[position].name);
    for split in &report.splits {
        draft.note(format!(
            "{} at byte {} of {} is joined: {} move there from the start of {}",
            split.what.words(),
            split.start,
            name(split.first),
            text::count(split.moves, "byte"),
            name(split.second)
        ));
        if split.moves > split.rest {
            draft.note(format!(
                "{} of them are the rest of {}; what follows it went to the same database, or stands in the \
                 same transaction",
                text::thousands(split.rest),
                split.what.words()
            ));
        }
    }
    for (file, ranges) in joined(aof, report) {
        let end = cut.filter(|cut| cut.segment == file).map(|cut| cut.to);
        let piece = |(of, from, to): &(usize, u64, u64)| Piece::Keep {
            file: *of,
            from: *from,
            to: if *of == file { end.unwrap_or(*to) } else { *to },
        };
        draft.rewrite(file, ranges.iter().map(piece).collect());
    }
}

/// Ranges of files, each as its file and from where to where: what the files consist of that are joined.
type Joined = BTreeMap<usize, Vec<(usize, u64, u64)>>;

fn joined(aof: &Aof, report: &Report) -> Joined {
    let mut files: BTreeMap<usize, (u64, Option<&Split>)> = BTreeMap::new();
    for split in &report.splits {
        files.entry(split.first).or_default().1 = Some(split);
        files.entry(split.second).or_default().0 = split.moves;
    }
    let ranges = |(file, (from, next)): (usize, (u64, Option<&Split>))| {
        let own = (file, from, aof.segments[file].len().unwrap_or(from));
        let moved = next.map(|split| (split.second, 0, split.moves));
        (file, [own].into_iter().chain(moved).collect())
    };
    files.into_iter().map(ranges).collect()
}

/// What goes at the end of the last file once what is split is joined, where the rest of a split record is at its start.
///
/// # Errors
/// When the set cannot be read again.
pub(super) fn end_behind(aof: &Aof, report: &Report) -> Result<Option<Cut>> {
    let Some(split) = report.splits.iter().find(|split| Some(split.second) == aof.last_live())
    else {
        return Ok(None);
    };
    let part = |&(file, from, to): &(usize, u64, u64)| Part::Range { file, from, to };
    let file = |(file, ranges): (usize, Vec<_>)| {
        (aof.segments[file].name.to_vec(), ranges.iter().map(part).collect())
    };
    let files = joined(aof, report).into_iter().map(file).collect();
    let shown = aof.preview(&Changes { files, ..Changes::default() })?;
    let cut = match tail::end(&shown, &check::check(&shown)?)? {
        Tail::Cut { to, what, .. } => Cut { segment: split.second, to: split.moves + to, what },
        Tail::Sound | Tail::Doubtful(_) => return Ok(None),
    };
    Ok(Some(cut))
}
