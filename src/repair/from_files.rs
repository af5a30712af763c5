//! A manifest from the files: names say roles and order, content says which increments belong to which base.
//!
//! A base is a snapshot; an increment last written to before the snapshot began is contained in it, and one
//! first written to afterwards is not. No increment is both: a server begins a new one when it begins a base.

mod candidates;
mod older;

use super::broken_base::BrokenBase;
use super::manifest_answer::{Answer, os_name};
use crate::aof::{Aof, LeftoverKind, Role as SegmentRole, Segment, segment_name};
use crate::check::{RdbFacts, Report};
use crate::disk;
use crate::error::Result;
use crate::format::manifest::{self, Dialect, Manifest};
use crate::limits;
use crate::text;
use candidates::{candidates, created, manifest_of, sift};

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
