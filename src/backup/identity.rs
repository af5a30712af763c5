//! Which source of a repository a set is, where nobody says it by name.
//!
//! A set that goes on from what a source's newest snapshot has is that source, wherever it lies by now; else the source
//! whose set lay at the same path. What machine it is on says nothing: a container has another name each time.

use std::collections::BTreeSet;
use std::path::Path;

use super::capture::path_text;
use super::entry::{Entry, FileEntry, FileType, Words};
use super::made::UnreadSource;
use super::prefix;
use super::repository::Repository;
use super::{find, name};
use crate::aof::{Aof, Role};
use crate::disk;
use crate::error::Result;

/// Which source a set is.
pub(super) struct Identity {
    /// Its name.
    pub(super) source: String,
    /// Sources whose newest snapshot cannot be read: whether the set is one of them nobody knows.
    pub(super) unread: Vec<UnreadSource>,
}

/// The source that this set is; a new one where it is none that is there.
pub(super) fn source_of(repository: &Repository, aof: &Aof, place: &Path) -> Result<Identity> {
    let path = path_text(place);
    let (mut here, mut elsewhere) = (None, None);
    let (mut unread, mut taken) = (Vec::new(), BTreeSet::new());
    for source in repository.sources()?.into_iter().filter(|source| !name::is_as_is(source)) {
        let listed = repository.list_source(&source);
        let newest = listed.and_then(|listed| find::newest_readable(repository, &listed));
        let newest = match newest {
            Ok((Some(newest), _)) => newest,
            Ok((None, _)) => continue,
            Err(e) => {
                unread.push(UnreadSource { source, why: e.to_string() });
                continue;
            }
        };
        if newest.path == path {
            here = later(here, newest);
            continue;
        }
        taken.insert(newest.source.clone());
        if goes_on(aof, &newest)? && !is_a_copy(&newest, place) {
            elsewhere = later(elsewhere, newest);
        }
    }
    let entry = match (here, elsewhere) {
        (Some(here), Some(other)) => Some(if goes_on(aof, &here)? { here } else { other }),
        (here, other) => here.or(other),
    };
    let new = || free(name::default_source(place), &taken);
    Ok(Identity { source: entry.map_or_else(new, |entry| entry.source), unread })
}

/// The name of a new source: another one where a set that lies elsewhere by now has this.
fn free(name: String, taken: &BTreeSet<String>) -> String {
    let numbered = |number: u64| format!("{name}-{number}");
    let mut others = (2..).map(numbered).filter(|name| !taken.contains(name));
    match taken.contains(&name) {
        true => others.next().unwrap_or(name),
        false => name,
    }
}

/// The later of two snapshots.
fn later(one: Option<Entry>, other: Entry) -> Option<Entry> {
    match one {
        Some(one) if one.taken > other.taken => Some(one),
        _ => Some(other),
    }
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
