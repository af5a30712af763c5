//! A manifest from the files: names say roles and order, content says which increments belong to which base.
//!
//! A base is a snapshot; an increment last written to before the snapshot began is contained in it, and one
//! first written to afterwards is not. No increment is both: a server begins a new one when it begins a base.

mod older;

use std::time::UNIX_EPOCH;

use super::manifest::{Answer, os_name};
use crate::aof::{Aof, LeftoverKind, Role as SegmentRole, Segment, segment_name};
use crate::check::{RdbFacts, Report, SegmentFacts};
use crate::disk;
use crate::error::Result;
use crate::format::manifest::{self, Dialect, Entry, Manifest, Role};
use crate::limits;
use crate::text;

/// An increment on its way into a manifest.
struct Candidate<'a> {
    entry: Entry,
    segment: &'a Segment,
    facts: Option<&'a SegmentFacts>,
}

/// The manifest these files had, as far as they can tell.
///
/// # Errors
/// When they cannot be read.
pub(super) fn rebuild(aof: &Aof, report: &Report, broken: BrokenBase) -> Result<Answer> {
    match pending(aof)? {
        Some(answer) => Ok(answer),
        None => by_names(aof, report, broken),
    }
}

/// The manifest that these files make by their names and contents, whatever manifest a server may have had in mind.
///
/// # Errors
/// When they cannot be read.
pub(super) fn by_names(aof: &Aof, report: &Report, broken: BrokenBase) -> Result<Answer> {
    let Some((position, base)) = aof.live().find(|(_, segment)| segment.role == SegmentRole::Base)
    else {
        return Ok(Answer::Doubtful(match aof.live().next() {
            Some(_) => "no base is here, and increments alone are not the data: put the base back \
                        first, from a backup"
                .to_owned(),
            None => "it names no file, and no file of a set is here: restore a backup".to_owned(),
        }));
    };
    let facts = report.segments.get(position).and_then(|s| s.facts.as_deref());
    let is_broken = matches!(facts.and_then(|f| f.rdb.as_ref()), Some(RdbFacts::Broken(_)));
    if is_broken {
        let answer = older::older(aof, base)?;
        if broken == BrokenBase::Stops || matches!(answer, Answer::Mended { .. }) {
            return Ok(answer);
        }
    }
    let mut notes = Vec::new();
    let mut increments = candidates(aof, report);
    let created = created(base, facts, &mut notes);
    sift(created, &mut increments, &mut notes);
    other_bases(aof, base, &mut notes);
    let summary = "the manifest is made from the files: roles and order by their names".to_owned();
    notes.insert(0, summary);
    Ok(Answer::Mended { manifest: manifest_of(base, increments), notes })
}

/// Whether a manifest may be made that names a broken base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokenBase {
    /// No: it stops the repair.
    Stops,
    /// What is whole in it is going to be kept.
    IsSalvaged,
}

/// All increments that are there.
fn candidates<'a>(aof: &'a Aof, report: &'a Report) -> Vec<Candidate<'a>> {
    let increments = aof.live().filter(|(_, segment)| segment.role == SegmentRole::Increment);
    increments
        .filter_map(|(position, segment)| {
            let seq = segment.seq.filter(|&seq| seq > 0)?;
            let entry = Entry::new(segment.name.to_vec(), seq, Role::Increment);
            let facts = report.segments.get(position).and_then(|s| s.facts.as_deref());
            Some(Candidate { entry, segment, facts })
        })
        .collect()
}

/// Leaves out what a base that was begun then contains, and tells what is doubtful.
fn sift(created: Option<i64>, increments: &mut Vec<Candidate<'_>>, notes: &mut Vec<String>) {
    one_per_number(increments, notes);
    if let Some(created) = created {
        drop_contained(created, increments, notes);
    }
    tell_doubts(created, increments, notes);
}

fn manifest_of(base: &Segment, increments: Vec<Candidate<'_>>) -> Manifest {
    let seq = base.seq.filter(|&seq| seq > 0).unwrap_or(1);
    let base = Entry::new(base.name.to_vec(), seq, Role::Base);
    Manifest::new(std::iter::once(base).chain(increments.into_iter().map(|c| c.entry)).collect())
}

/// The next manifest a server had written and not yet put in place: its own word.
fn pending(aof: &Aof) -> Result<Option<Answer>> {
    let Some(opened) = &aof.manifest else { return Ok(None) };
    let name = opened.path.file_name().unwrap_or_default();
    let mut temporary = std::ffi::OsString::from("temp-");
    temporary.push(name);
    let dir = aof.dir();
    let path = dir.join(temporary);
    if !disk::is_file(&path) {
        return Ok(None);
    }
    let bytes = disk::read_small(&path, limits::MANIFEST)?;
    let Ok(manifest) = manifest::parse(&bytes, Dialect::Strict) else { return Ok(None) };
    let mut live = manifest.live().peekable();
    let has_base = manifest.base().is_some();
    let all_there =
        live.peek().is_some() && live.all(|entry| disk::is_file(&dir.join(os_name(&entry.name))));
    Ok((has_base && all_there).then(|| Answer::Mended {
        manifest: Manifest::new(manifest.entries.clone()),
        notes: vec![format!(
            "the manifest is the one the server had written as {} and not yet put in its place; all files \
             it names are here",
            text::name(path.file_name().unwrap_or_default().as_encoded_bytes())
        )],
    }))
}

/// When the snapshot began, in Unix seconds.
fn created(base: &Segment, facts: Option<&SegmentFacts>, notes: &mut Vec<String>) -> Option<i64> {
    let facts = facts?;
    let in_rdb = facts.rdb.as_ref().and_then(|rdb| rdb.fields().created_s());
    let created = in_rdb.or(facts.first_ts().filter(|_| facts.rdb.is_none()));
    if created.is_none() {
        notes.push(format!(
            "doubtful: {} does not say when it was made, so no increment can be proven to be contained \
             in it",
            text::name(&base.name)
        ));
    }
    created
}

/// Two files with one number, as `2` and `02`: the one with more zeros is the later one, made by a repair.
fn one_per_number(increments: &mut Vec<Candidate<'_>>, notes: &mut Vec<String>) {
    increments.sort_by_key(|c| (c.entry.seq, c.entry.name.len()));
    let mut at = 0;
    while at + 1 < increments.len() {
        if increments[at].entry.seq == increments[at + 1].entry.seq {
            let earlier = increments.remove(at);
            notes.push(format!(
                "doubtful: {} is left out: {} has the same number and was made from it",
                text::name(&earlier.entry.name),
                text::name(&increments[at].entry.name)
            ));
        } else {
            at += 1;
        }
    }
}

/// Leaves out the increments that the base contains: up to the last one that ended before it was begun.
fn drop_contained(created: i64, increments: &mut Vec<Candidate<'_>>, notes: &mut Vec<String>) {
    let ended_before = |c: &Candidate<'_>| last_written(c).is_some_and(|last| last < created);
    let holds_something = |c: &Candidate<'_>| c.segment.len() != Some(0);
    let Some(last) = increments.iter().rposition(|c| holds_something(c) && ended_before(c)) else {
        return;
    };
    for gone in increments.drain(..=last) {
        notes.push(format!(
            "{} is left out: it was last written to before the base was begun, which contains it; the \
             file stays",
            text::name(&gone.entry.name)
        ));
    }
}

/// Unix seconds of the last write, by its own timestamps, else by the file system.
fn last_written(candidate: &Candidate<'_>) -> Option<i64> {
    candidate.facts.and_then(|f| f.last_ts()).or_else(|| {
        let modified = candidate.segment.file()?.modified()?;
        Some(modified.duration_since(UNIX_EPOCH).ok()?.as_secs() as i64)
    })
}

fn tell_doubts(created: Option<i64>, increments: &[Candidate<'_>], notes: &mut Vec<String>) {
    for pair in increments.windows(2) {
        let (before, after) = (pair[0].entry.seq, pair[1].entry.seq);
        if after - before > 1 {
            notes.push(format!(
                "doubtful: numbers jump from {before} to {after}: an increment between them may be missing"
            ));
        }
    }
    for c in increments.iter().filter(|c| c.segment.len() != Some(0)) {
        let starts = c.facts.and_then(|f| f.first_ts());
        let proven = starts.is_some_and(|first| created.is_some_and(|created| first >= created));
        if !proven && increments.len() > 1 {
            notes.push(format!(
                "doubtful: {} is taken; that it was begun after the base is told by the time of its last \
                 write alone",
                text::name(&c.entry.name)
            ));
        }
    }
}

fn other_bases(aof: &Aof, base: &Segment, notes: &mut Vec<String>) {
    for leftover in aof.leftovers.iter().filter(|l| l.kind == LeftoverKind::Orphan) {
        let name = leftover.path.file_name().unwrap_or_default().as_encoded_bytes();
        if segment_name(name).is_some_and(|n| n.is_base) {
            notes.push(format!(
                "doubtful: of several bases {} is taken, the newest; {} stays where it is",
                text::name(&base.name),
                text::name(name)
            ));
        }
    }
}
