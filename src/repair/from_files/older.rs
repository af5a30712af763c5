//! An older base in place of a broken one: with every increment since it says the same.

use super::super::manifest_answer::{Answer, os_name};
use super::candidates::{candidates, created, manifest_of, sift};
use crate::aof::{Aof, Changes, Role, Segment, segment_name};
use crate::check::{Check, Wording, judge};
use crate::disk;
use crate::error::Result;
use crate::format::manifest::{self, Entry, Manifest, Role as LineRole};
use crate::progress::Silent;
use crate::scan::{Pace, scan};
use crate::text;

/// The manifest with the newest base that is whole and that is followed by every increment; or why there is
/// none.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn older(aof: &Aof, broken: &Segment) -> Result<Answer> {
    let broken_name = text::name(&broken.name);
    let mut why = format!("{broken_name}, the newest base, is broken: put a sound one back first");
    let mut others = other_bases(aof, broken)?;
    others.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    if others.is_empty() {
        why += " (--salvage keeps its whole keys, if it has any)";
    }
    for (number, name) in others {
        match with_base(aof, number, &name)? {
            Ok((manifest, mut notes)) => {
                notes.insert(
                    0,
                    format!(
                        "doubtful: {broken_name}, the newest base, is broken; {} is taken, an older one \
                         that is whole, with every increment from then on: what the newer base held \
                         comes from these",
                        text::name(&name)
                    ),
                );
                return Ok(Answer::Mended { manifest, notes });
            }
            Err(not) => why += &format!("; {} does not help: {not}", text::name(&name)),
        }
    }
    Ok(Answer::Doubtful(why))
}

/// The other bases of the set, by number.
fn other_bases(aof: &Aof, broken: &Segment) -> Result<Vec<(i64, Vec<u8>)>> {
    let Some(of) = segment_name(&broken.name) else { return Ok(Vec::new()) };
    let listed = disk::list_dir(&aof.dir())?;
    let names = listed.iter().filter(|l| !l.is_dir).map(|l| l.name.as_encoded_bytes());
    let bases = names.filter_map(|name| Some((name, segment_name(name)?)));
    let others = bases.filter(|(name, found)| {
        found.is_base && found.stem == of.stem && **name != *broken.name && found.number < of.number
    });
    Ok(others.map(|(name, found)| (found.number, name.to_vec())).collect())
}

type Made = std::result::Result<(Manifest, Vec<String>), String>;

/// The manifest with this base, when it is whole and no increment is missing.
fn with_base(aof: &Aof, number: i64, name: &[u8]) -> Result<Made> {
    let line = |name: &[u8], seq, role| Entry::new(name.to_vec(), seq, role);
    let increments = aof.live().filter(|(_, segment)| segment.role == Role::Increment);
    let lines =
        std::iter::once(line(name, number, LineRole::Base)).chain(increments.filter_map(
            |(_, segment)| Some(line(&segment.name, segment.seq?, LineRole::Increment)),
        ));
    if number <= 0 || !disk::is_file(&aof.dir().join(os_name(name))) {
        return Ok(Err("it has no number, or is no file".to_owned()));
    }
    let manifest = Some(manifest::print(&Manifest::new(lines.collect())));
    let shown = aof.preview(&Changes { manifest, ..Changes::default() })?;
    let facts = scan(&shown, Check::new(&shown), &Pace::default(), &Silent)?;
    let report = judge(&shown, facts, &Wording::default())?;
    let Some((position, base)) =
        shown.live().find(|(_, s)| s.role == Role::Base && *s.name == *name)
    else {
        return Ok(Err("the names of the increments are no set with it".to_owned()));
    };
    let facts = report.segments.get(position).and_then(|s| s.facts.as_deref());
    if facts.is_none_or(|facts| !facts.is_whole()) {
        return Ok(Err("it is not whole".to_owned()));
    }
    let mut notes = Vec::new();
    let mut increments = candidates(&shown, &report);
    let created = created(base, facts, &mut notes);
    sift(created, &mut increments, &mut notes);
    let numbers: Vec<i64> = increments.iter().map(|c| c.entry.seq).collect();
    let Some(&first) = numbers.first() else {
        return Ok(Err("no increment since it is here".to_owned()));
    };
    // Servers begin an increment with every base, and count both up.
    if first > number {
        return Ok(Err(format!(
            "the first increment here is number {first}, and those from {number} on are needed"
        )));
    }
    if let Some(gap) = numbers.windows(2).find(|pair| pair[1] - pair[0] > 1) {
        return Ok(Err(format!("between increments {} and {} one is missing", gap[0], gap[1])));
    }
    Ok(Ok((manifest_of(base, increments), notes)))
}
