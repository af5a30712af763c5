//! What is inside of the objects: decompressed, compared with its hashes, and parsed to the last command.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::entry::{Entry, FileEntry, FileType, Mark};
use super::flaw::{Flaw, FlawKind, Told};
use super::frames::Frames;
use super::pass::look_at;
use super::repository::Repository;
use crate::aof::Pulse;
use crate::disk::Source;
use crate::error::{ErrorKind, Result};
use crate::text;

/// A file as the snapshots of one history have it: the longest, and where the others end.
pub(super) struct History<'e> {
    pub(super) file: &'e FileEntry,
    /// It is no part of a set that was whole: its bytes are compared with their hashes, and not parsed.
    is_raw: bool,
    ends: BTreeSet<u64>,
    snapshots: Vec<String>,
}

/// What was seen of a history.
pub(super) struct Looked {
    pub(super) bytes: u64,
    pub(super) commands: u64,
    pub(super) flaw: Option<Flaw>,
}

/// The files of all entries, each stretch of bytes in one of them; of several slices this one.
pub(super) fn histories(entries: &[Entry], slice: u64, of: u64) -> Vec<History<'_>> {
    let (as_is, whole): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry.is_marked(Mark::AS_IS));
    let mut all = histories_of(&whole, false, slice, of);
    all.extend(histories_of(&as_is, true, slice, of));
    all
}

fn histories_of<'e>(
    entries: &[&'e Entry],
    is_as_is: bool,
    slice: u64,
    of: u64,
) -> Vec<History<'e>> {
    let mut by_objects = BTreeMap::<Vec<&str>, History<'_>>::new();
    for entry in entries {
        for file in entry.all_files().filter(|file| !file.segments.is_empty()) {
            let objects = file.segments.iter().map(|s| s.object.as_str()).collect();
            let is_raw = is_as_is || file.kind == FileType::Extra;
            let none = || History { file, is_raw, ends: BTreeSet::new(), snapshots: Vec::new() };
            let history = by_objects.entry(objects).or_insert_with(none);
            history.ends.insert(file.size);
            history.snapshots.push(entry.id.clone());
        }
    }
    // In this order a list comes right before those that begin with it.
    let mut chosen: Vec<(Vec<&str>, History<'_>)> = Vec::new();
    for (objects, mut history) in by_objects {
        if let Some((last, shorter)) = chosen.last_mut()
            && objects.starts_with(last)
        {
            history.ends.append(&mut shorter.ends);
            history.snapshots.append(&mut shorter.snapshots);
            chosen.pop();
        }
        chosen.push((objects, history));
    }
    chosen.retain(|(objects, _)| of <= 1 || number_of(objects) % of == slice - 1);
    chosen.into_iter().map(|(_, history)| history).collect()
}

/// A number that stays the same as a file grows: by the hash of its first object.
fn number_of(objects: &[&str]) -> u64 {
    let hash = objects.first().and_then(|key| super::hash::hash_in_key(key));
    hash.and_then(|hash| u64::from_str_radix(&hash[..15], 16).ok()).unwrap_or(0)
}

/// Reads a history to its end.
pub(super) fn check(repository: &Repository, history: &History<'_>, told: &mut Told) -> Looked {
    let mut looked = Looked { bytes: history.file.size, commands: 0, flaw: None };
    match read(repository, history, told) {
        Ok((commands, None)) => looked.commands = commands,
        Ok((commands, Some(why))) => {
            looked.commands = commands;
            looked.flaw = Some(flaw(history, why));
        }
        Err(e) => {
            let why = match e.kind() {
                ErrorKind::BadBackup(why) => why.clone(),
                _ => e.to_string(),
            };
            looked.flaw = Some(flaw(history, why));
        }
    }
    looked
}

fn flaw(history: &History<'_>, why: String) -> Flaw {
    // An error of an object begins with its key.
    let key = why.split_once(": ").map(|(key, _)| key).filter(|k| super::hash::is_object_key(k));
    let name = text::name(&history.file.name.bytes().unwrap_or_default());
    let first = history.file.segments.first().map_or("", |segment| &segment.object);
    let message = match key {
        Some(key) => why[key.len() + 2..].to_owned(),
        None => format!("{name}: {why}"),
    };
    let mut snapshots = history.snapshots.clone();
    snapshots.sort();
    snapshots.dedup();
    let key = key.unwrap_or(first).to_owned();
    Flaw { key, kind: FlawKind::Contents, harmless: false, message, snapshots }
}

fn read(
    repository: &Repository,
    history: &History<'_>,
    told: &mut Told,
) -> Result<(u64, Option<String>)> {
    let file = history.file;
    let name = text::name(&file.name.bytes().unwrap_or_default());
    let path = Path::new(&name).to_owned();
    let mut source = Frames::new(repository.store(), file, path).proving();
    if history.is_raw {
        source.settle()?;
        told.advance(file.size);
        return Ok((0, None));
    }
    let mut pulse = Passing { told, at: 0 };
    let (seen, unmet) = look_at(&mut source, file.size, history.ends.clone(), &mut pulse)?;
    source.settle()?;
    let why = match (seen.trouble, unmet.first()) {
        (Some((at, what)), _) => Some(format!("byte {at}: {what}")),
        (None, Some(end)) => Some(format!("a snapshot ends inside a command at byte {end}")),
        (None, None) if seen.commands != file.commands => {
            Some(format!("{} commands where there should be {}", seen.commands, file.commands))
        }
        (None, None) => None,
    };
    Ok((seen.commands, why))
}

/// Tells of the bytes of one file.
struct Passing<'t> {
    told: &'t mut Told,
    at: u64,
}

impl Pulse for Passing<'_> {
    fn reached(&mut self, offset: u64) {
        self.told.advance(offset.saturating_sub(self.at));
        self.at = self.at.max(offset);
    }
}
