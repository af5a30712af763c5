//! Increments on their way into a manifest: which of them belong to a base.

use std::time::UNIX_EPOCH;

use crate::aof::{Aof, Role as SegmentRole, Segment};
use crate::check::{Report, SegmentFacts};
use crate::format::manifest::{Entry, Manifest, Role};
use crate::text;

/// An increment on its way into a manifest.
pub(super) struct Candidate<'a> {
    pub(super) entry: Entry,
    pub(super) segment: &'a Segment,
    pub(super) facts: Option<&'a SegmentFacts>,
}

/// All increments that are there.
pub(super) fn candidates<'a>(aof: &'a Aof, report: &'a Report) -> Vec<Candidate<'a>> {
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
pub(super) fn sift(
    created: Option<i64>,
    increments: &mut Vec<Candidate<'_>>,
    notes: &mut Vec<String>,
) {
    one_per_number(increments, notes);
    if let Some(created) = created {
        drop_contained(created, increments, notes);
    }
    tell_doubts(created, increments, notes);
}

pub(super) fn manifest_of(base: &Segment, increments: Vec<Candidate<'_>>) -> Manifest {
    let seq = base.seq.filter(|&seq| seq > 0).unwrap_or(1);
    let base = Entry::new(base.name.to_vec(), seq, Role::Base);
    Manifest::new(std::iter::once(base).chain(increments.into_iter().map(|c| c.entry)).collect())
}

/// When the snapshot began, in Unix seconds.
pub(super) fn created(
    base: &Segment,
    facts: Option<&SegmentFacts>,
    notes: &mut Vec<String>,
) -> Option<i64> {
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
