//! Records that stand in two increments, put together: the rest moves from the start of one file to the end of the one
//! before. Nothing is lost by that.

use std::collections::BTreeMap;

use crate::aof::Aof;
use crate::change::{Draft, Piece};
use crate::check::{Report, Split};
use crate::text;

/// Why nothing else is done about damage before.
pub(super) const FIRST: &str = "a record stands in two increments, and is whole once they are joined: first run \
                                `aofkit repair` without --truncate, --salvage and --drop-command, which loses nothing";

/// Joins what is split.
pub(super) fn join(aof: &Aof, report: &Report, draft: &mut Draft<'_>) {
    let name = |position: usize| text::name(&aof.segments[position].name);
    let mut files: BTreeMap<usize, (u64, Option<&Split>)> = BTreeMap::new();
    for split in &report.splits {
        files.entry(split.first).or_default().1 = Some(split);
        files.entry(split.second).or_default().0 = split.moves;
        draft.note(format!(
            "the record at byte {} of {} is joined: {} move there from the start of {}",
            split.start,
            name(split.first),
            text::count(split.moves, "byte"),
            name(split.second)
        ));
        if split.moves > split.rest {
            draft.note(format!(
                "{} of them are the rest of the record; what follows it went to the same database, or stands in the \
                 same transaction",
                text::thousands(split.rest)
            ));
        }
    }
    for (file, (from, next)) in files {
        let to = aof.segments[file].len().unwrap_or(from);
        let own = Piece::Keep { file, from, to };
        let moved = next.map(|split| Piece::Keep { file: split.second, from: 0, to: split.moves });
        draft.rewrite(file, [own].into_iter().chain(moved).collect());
    }
}
