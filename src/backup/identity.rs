//! Which source of a repository a set is, where nobody says it by name.
//!
//! A set that goes on from what a source's newest snapshot has is that source, wherever it lies by now; else the source
//! whose set lay at the same path. What machine it is on says nothing: a container has another name each time.

use std::path::Path;

use super::capture::path_text;
use super::entry::{Entry, FileEntry, FileType, Words};
use super::prefix;
use super::repository::{Listed, Repository};
use super::{find, name};
use crate::aof::{Aof, Role};
use crate::disk;
use crate::error::Result;

/// The name of the source that this set is; a new one where it is none that is there.
pub(super) fn source_of(repository: &Repository, aof: &Aof, place: &Path) -> Result<String> {
    let path = path_text(place);
    let (mut here, mut elsewhere) = (None, None);
    for listed in by_source(repository)? {
        let (Some(newest), _) = find::newest_readable(repository, &listed)? else { continue };
        if newest.path == path {
            here = later(here, newest);
        } else if goes_on(aof, &newest)? && !is_a_copy(&newest, place) {
            elsewhere = later(elsewhere, newest);
        }
    }
    let entry = match (here, elsewhere) {
        (Some(here), Some(other)) => Some(if goes_on(aof, &here)? { here } else { other }),
        (here, other) => here.or(other),
    };
    Ok(entry.map_or_else(|| name::default_source(place), |entry| entry.source))
}

/// The later of two snapshots.
fn later(one: Option<Entry>, other: Entry) -> Option<Entry> {
    match one {
        Some(one) if one.taken > other.taken => Some(one),
        _ => Some(other),
    }
}

/// The snapshots of each source, the oldest first, but for those of files as they were found.
fn by_source(repository: &Repository) -> Result<Vec<Vec<Listed>>> {
    let mut all = repository.list()?;
    all.retain(|one| !name::is_as_is(&one.source));
    Ok(all.chunk_by(|one, next| one.source == next.source).map(<[_]>::to_vec).collect())
}

/// Whether a set has all bytes of a snapshot, as far as their ends tell.
fn goes_on(aof: &Aof, entry: &Entry) -> Result<bool> {
    let mut compared = 0;
    for file in &entry.files {
        if !has(aof, file)? {
            return Ok(false);
        }
        compared += file.size;
    }
    Ok(compared > 0)
}

fn has(aof: &Aof, file: &FileEntry) -> Result<bool> {
    let is_it = |role: Role| match file.kind {
        FileType::Base => role == Role::Base,
        FileType::Increment => role == Role::Increment,
        FileType::Single | FileType::Extra => role == Role::Single,
    };
    let mut named =
        aof.live().filter(|(_, one)| is_it(one.role) && Words::new(&one.name) == file.name);
    let Some(there) = named.next().and_then(|(_, one)| one.file()) else { return Ok(false) };
    Ok(there.len() >= file.size
        && prefix::head(there, file.size)? == file.head
        && prefix::tail(there, file.size)? == file.tail)
}

/// Whether the snapshot's own set still lies where it lay, and is another than this one: then this one is a copy, which
/// has a history of its own from here on.
fn is_a_copy(entry: &Entry, place: &Path) -> bool {
    let there = disk::stamp(Path::new(&entry.path)).map(|stamp| stamp.identity);
    let here = disk::stamp(place).map(|stamp| stamp.identity);
    matches!((there, here), (Ok(there), Ok(here)) if there != here)
}
