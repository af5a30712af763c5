//! Files beside a set taken into it, where somebody asks for that: they hold what the set lacks.
//!
//! Orphans, or a file that holds all keys of its moment, take the place of the set's files, which are kept aside and
//! count as loss. A temporary increment is what came after the set, and becomes its last increment.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::broken_base::BrokenBase;
use super::from_files;
use super::manifest_answer::Answer;
use crate::aof::{Aof, ManifestState, OpenOptions, Role as SegmentRole};
use crate::change::{Draft, Looking, Loss, Proposal, Verb};
use crate::check::{Check, Verdict, check, judge};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{Entry, Manifest, Role};
use crate::neighbours::{Neighbour, Neighbours, Place, Running, Standing};
use crate::scan::scan_in_pieces;
use crate::text;

/// The neighbours that may be adopted: those that may be the only copy of something, or those with a file of that name.
pub fn candidates<'n>(neighbours: &'n Neighbours, name: Option<&OsStr>) -> Vec<&'n Neighbour> {
    let is_named = |one: &Neighbour| match name {
        None => one.is_needed(),
        Some(name) => one.files.iter().any(|file| file.file_name() == Some(name)),
    };
    neighbours.found.iter().filter(|one| is_named(one)).collect()
}

/// Proposes to adopt one of [`candidates`]. Answers the set as the proposal counts its files.
///
/// # Errors
/// When a file cannot be read.
pub fn adopt(aof: Aof, one: &Neighbour, looking: &Looking<'_>) -> Result<(Aof, Proposal)> {
    match one.place {
        Place::Orphans => {
            let proposal = orphans(&aof, one, looking)?;
            Ok((aof, proposal))
        }
        Place::TemporaryIncrement => increment(aof, one),
        Place::TemporaryBase | Place::SingleFile | Place::Dump => whole(aof, one),
        Place::OtherSet | Place::Inside | Place::SealedBackup => {
            let proposal = Proposal::nothing(Verb::Repair, &aof)?.leaving(vec![one.way_back()]);
            Ok((aof, proposal))
        }
    }
}

/// Proposes a copy of the set with the files that are gone and that a process still has open. They go into a directory of
/// their own alone (`is_copy`): the set itself is left to its server.
///
/// # Errors
/// When a file cannot be read.
pub fn held(aof: Aof, running: &Running, is_copy: bool) -> Result<(Aof, Proposal)> {
    let mut left = Vec::new();
    for name in running.missing.iter().filter(|name| running.held_as(name).is_none()) {
        let name = text::name(name);
        left.push(format!(
            "{name} is gone, and no process has it open, or there are several files of that name"
        ));
    }
    for name in &running.replaced {
        let name = text::name(name);
        left.push(format!(
            "another file has the name of {name}: aofkit does not know which of both belongs to the set"
        ));
    }
    if !is_copy {
        left.push(
            "a copy of what only a process still has needs a new directory: give --output DIR"
                .to_owned(),
        );
    }
    if !left.is_empty() {
        let proposal = Proposal::nothing(Verb::Repair, &aof)?.leaving(left);
        return Ok((aof, proposal));
    }
    let aof = aof.with_held(&running.held)?;
    let mut draft = Draft::new(Verb::Repair, &aof);
    draft.note("the files that are there are taken as the set's by their names".to_owned());
    for one in &running.held {
        draft.note(format!(
            "{}: {} come from process {}, which has the file open and may write on; what it writes after this is not in \
             the copy",
            text::name(one.name.as_bytes()),
            text::count(one.len, "byte"),
            one.holder.pid
        ));
    }
    let proposal = draft.finish().map(Proposal::new)?;
    Ok((aof, proposal))
}

fn orphans(aof: &Aof, one: &Neighbour, looking: &Looking<'_>) -> Result<Proposal> {
    let shown = aof.of_files(&one.files)?;
    let facts = scan_in_pieces(&shown, Check::new(&shown), &looking.pace, looking.progress)?;
    let report = judge(&shown, facts, &looking.wording)?;
    let (manifest, notes) = match from_files::by_names(&shown, &report, BrokenBase::Stops)? {
        Answer::Mended { manifest, notes } => (manifest, notes),
        Answer::Doubtful(why) => {
            return Ok(Proposal::nothing(Verb::Repair, aof)?.leaving(vec![why]));
        }
        Answer::Sound => return Proposal::nothing(Verb::Repair, aof),
    };
    let mut draft = Draft::new(Verb::Repair, aof);
    draft.manifest(manifest);
    notes.into_iter().for_each(|note| draft.note(format!("manifest: {note}")));
    if let Some(hole) = one.hole() {
        draft.note(hole.to_string());
    }
    let mut files = 0;
    for (position, segment) in aof.live() {
        draft.remove(position);
        if let Some(len) = segment.len() {
            draft.lose(Loss::of(aof, position, &[(0, len)])?);
            files += 1;
        }
    }
    if files > 0 {
        draft.note(format!(
            "the present set ({}) goes; `aofkit repair --undo` brings it back",
            text::count(files, "file")
        ));
    }
    draft.finish().map(Proposal::new)
}

/// A file that holds all keys of its moment takes the place of the set's files.
fn whole(aof: Aof, one: &Neighbour) -> Result<(Aof, Proposal)> {
    let [file] = &one.files[..] else { return Err(not_one(&aof.path)) };
    if !is_sound(one, file)? {
        let why = format!(
            "{} is damaged or not wholly understood, so no server would load it as a base: see `aofkit check` on that file",
            text::path(file)
        );
        let proposal = Proposal::nothing(Verb::Repair, &aof)?.leaving(vec![why]);
        return Ok((aof, proposal));
    }
    let numbers = aof.live().filter_map(|(_, segment)| segment.seq);
    let Some(seq) = numbers.max().unwrap_or(0).checked_add(1) else {
        return Err(not_one(&aof.path));
    };
    let live: Vec<_> = aof.live().map(|(position, _)| position).collect();
    let (aof, source) = aof.with_source(file)?;
    let is_rdb = one.saved_at.is_some() || one.place == Place::Dump;
    let mut draft = Draft::new(Verb::Repair, &aof);
    let name = draft.add_base(source, seq, is_rdb);
    draft.manifest(Manifest::new(vec![Entry::new(name.clone(), seq, Role::Base)]));
    draft.note(format!(
        "a copy of {} becomes the base {}: {}{}, {} of them not named in the set; the file itself stays",
        text::path(file),
        text::name(&name),
        if one.is_estimate { "about " } else { "" },
        text::count(one.keys, "key"),
        text::thousands(one.missing_keys)
    ));
    let mut gone = 0;
    for position in live {
        draft.remove(position);
        if let Some(len) = aof.segments[position].len() {
            draft.lose(Loss::of(&aof, position, &[(0, len)])?);
            gone += 1;
        }
    }
    draft.note(format!(
        "the set as it is ({}) is kept aside, and what was written to it alone is lost to the server; the other branch, \
         the set as it is, loses what is in {} alone",
        text::count(gone, "file"),
        text::path(file)
    ));
    let proposal = draft.finish().map(Proposal::new)?;
    Ok((aof, proposal))
}

/// Whether nothing is wrong with the file itself.
fn is_sound(one: &Neighbour, file: &Path) -> Result<bool> {
    if one.is_doubtful || matches!(one.standing, Standing::Unknown(_)) {
        return Ok(false);
    }
    let file = Aof::open(file, &OpenOptions::default())?;
    Ok(check(&file)?.verdict == Verdict::Healthy)
}

fn increment(aof: Aof, one: &Neighbour) -> Result<(Aof, Proposal)> {
    let [file] = &one.files[..] else { return Err(not_one(&aof.path)) };
    let Some(ManifestState::Valid(manifest)) = aof.manifest.as_ref().map(|opened| &opened.state)
    else {
        let left =
            vec!["first repair the manifest: run `aofkit repair` without --adopt".to_owned()];
        let proposal = Proposal::nothing(Verb::Repair, &aof)?.leaving(left);
        return Ok((aof, proposal));
    };
    let increments = aof.live().filter(|(_, segment)| segment.role == SegmentRole::Increment);
    let last = increments.filter_map(|(_, segment)| segment.seq).max().unwrap_or(0);
    let Some(seq) = last.checked_add(1) else { return Err(not_one(&aof.path)) };
    let mut entries = manifest.entries.clone();
    let name = file.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
    entries.push(Entry::new(name, seq, Role::Increment));
    let aof = aof.with_increment(file, seq)?;
    let position = aof.segments.len() - 1;
    let mut draft = Draft::new(Verb::Repair, &aof);
    draft.manifest(Manifest::new(entries));
    draft.rename(position);
    draft.note(format!(
        "{} becomes the last increment: {} that change keys",
        text::path(file),
        text::count(one.commands, "command")
    ));
    let proposal = draft.finish().map(Proposal::new)?;
    Ok((aof, proposal))
}

fn not_one(path: &Path) -> Error {
    let why = "no number is left for another increment".to_owned();
    Error::new(ErrorKind::Refused(why.into()), path)
}
