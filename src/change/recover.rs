//! Finishes or clears what a change that was cut short left behind, and what every change leaves to be cleared up.
//!
//! A change is ready once its journal says so; from then on its step may have been taken. Whether it has is read
//! off the files: so before anything that was written beside is removed, the journal must say "ready" no more.

use std::path::{Path, PathBuf};

use super::journal::{Journal, Step};
use super::keep::{Entry, KeepDir, State};
use super::work::at;
use crate::disk;
use crate::error::Result;
use crate::format::manifest::{self, Dialect};
use crate::limits;

/// What remains to be done once the step is taken.
pub(super) fn finish(
    keep: &KeepDir<'_>,
    base: &Path,
    entry: &Entry,
    journal: &Journal,
) -> Result<()> {
    let named = named(base, &journal.gone);
    for name in &journal.gone {
        let path = at(base, name);
        // A file that is not the old one any more is somebody else's by now.
        if is_old(journal, name, &path) && !named.contains(name) {
            keep.disk.remove_file(&path)?;
        }
    }
    if !journal.gone.is_empty() {
        for dir in dirs(base, journal.gone.iter()) {
            keep.disk.sync_dir(&dir)?;
        }
    }
    if let Some(undone) = journal.undoes.as_ref().map(|id| keep.path.join(id)) {
        let undone = Entry { path: undone, state: State::Done, journal: None };
        if disk::exists(&undone.file(State::Done)) {
            keep.advance(&undone, State::Done, State::Undone)?;
        }
    }
    if journal.unkept {
        // What is begun and not ready would be cleared, with the files that count by now.
        if disk::exists(&entry.file(State::Begun)) {
            keep.disk.remove_file(&entry.file(State::Begun))?;
            keep.disk.sync_dir(&entry.path)?;
        }
        return keep.forget(entry);
    }
    keep.advance(entry, State::Ready, State::Done)?;
    if disk::exists(&entry.file(State::Begun)) {
        keep.disk.remove_file(&entry.file(State::Begun))?;
    }
    Ok(())
}

/// The directories that names lie in.
fn dirs<'n>(base: &Path, names: impl Iterator<Item = &'n Vec<u8>>) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> =
        names.filter_map(|name| Some(at(base, name).parent()?.to_owned())).collect();
    dirs.sort();
    dirs.dedup();
    dirs
}

fn is_old(journal: &Journal, name: &[u8], path: &Path) -> bool {
    let Ok(now) = disk::stamp(path) else { return false };
    journal.old.iter().any(|old| {
        old.name == name
            && old.len == now.len
            && old.attributes.modified_ns == Some(now.modified_ns)
    })
}

/// Those of `names` that a manifest of the set names as it is now: whatever a journal says, they stay.
fn named(base: &Path, names: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let Ok(listed) = disk::list_dir(base) else { return names.to_vec() };
    let mut named = Vec::new();
    for listed in listed.iter().filter(|l| !l.is_dir) {
        let name = listed.name.as_encoded_bytes();
        if !name.ends_with(b".manifest") || name.starts_with(b"temp-") {
            continue;
        }
        let Ok(bytes) = disk::read_small(&base.join(&listed.name), limits::MANIFEST) else {
            continue;
        };
        let read = manifest::parse(&bytes, Dialect::Strict)
            .or_else(|_| manifest::parse(&bytes, Dialect::Concatenating));
        if let Ok(read) = read {
            let live = read.live().map(|entry| entry.name.clone());
            named.extend(live.filter(|name| names.contains(name)));
        }
    }
    named
}

/// Removes what was written beside.
pub(super) fn roll_back(
    keep: &KeepDir<'_>,
    base: &Path,
    entry: &Entry,
    stages: &[Vec<u8>],
) -> Result<()> {
    // Ready and without its files it would look as if it had been published.
    if disk::exists(&entry.file(State::Ready)) {
        keep.disk.remove_file(&entry.file(State::Ready))?;
        keep.disk.sync_dir(&entry.path)?;
    }
    let named = named(base, stages);
    let stages: Vec<_> = stages.iter().filter(|name| !named.contains(name)).collect();
    for path in stages.iter().map(|name| at(base, name)).filter(|path| disk::exists(path)) {
        keep.disk.remove_file(&path)?;
    }
    if !stages.is_empty() {
        keep.disk.sync_dir(base)?;
    }
    keep.forget(entry)
}

/// What became of a change that was not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// It had been published; what remained is done.
    Completed(String),
    /// It had not; what was written beside is removed, and the set is the old one.
    Cleared(String),
}

/// Finishes or clears every change in `keep` that was cut short.
pub(super) fn recover(keep: &KeepDir<'_>, base: &Path) -> Result<Vec<Recovered>> {
    let mut recovered = Vec::new();
    for entry in super::keep::entries(&keep.path)? {
        let id = entry.id();
        match (entry.state, &entry.journal) {
            (State::Done | State::Undone, _) => continue,
            (State::Ready, Some(journal)) if is_published(base, journal) => {
                make_last(keep, base, journal)?;
                finish(keep, base, &entry, journal)?;
                recovered.push(Recovered::Completed(id));
            }
            (State::Begun | State::Ready, journal) => {
                let stages = journal.as_ref().map_or(&[][..], |j| &j.stages);
                roll_back(keep, base, &entry, stages)?;
                recovered.push(Recovered::Cleared(id));
            }
        }
    }
    Ok(recovered)
}

/// Whether the step of a change that was ready has been taken.
fn is_published(base: &Path, journal: &Journal) -> bool {
    match &journal.step {
        Step::Truncation { name, from, modified_ns, .. } => {
            let now = disk::stamp(&at(base, name));
            now.is_ok_and(|now| now.len != *from || now.modified_ns != *modified_ns)
        }
        // It was there when the change became ready.
        Step::Rename { from, .. } => !disk::exists(&at(base, from)),
        Step::Unlink { name } => !disk::exists(&at(base, name)),
        // All that goes is kept: going on is as good as going back.
        Step::Removal => true,
    }
}

/// The step may have been taken without being on the disk yet.
fn make_last(keep: &KeepDir<'_>, base: &Path, journal: &Journal) -> Result<()> {
    match &journal.step {
        Step::Truncation { name, to, modified_ns, .. } => {
            let path = at(base, name);
            let now = disk::stamp(&path)?;
            if now.len == *to {
                // For its time and its sync, which the step may not have come to.
                return keep.disk.cut(&path, now, *to, *modified_ns);
            }
            Ok(())
        }
        Step::Rename { .. } | Step::Unlink { .. } => keep.disk.sync_dir(base),
        Step::Removal => Ok(()),
    }
}
