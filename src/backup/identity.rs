//! Which source of a repository a set is, where nobody says it by name.
//!
//! A set that goes on from what a source's newest snapshot has is that source, wherever it lies by now; else the source
//! whose set lay at the same path. What machine it is on says nothing: a container has another name each time.

use std::collections::BTreeSet;
use std::path::Path;

use super::capture::{path_text, place_of};
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
    let (mut newest, mut unread) = (Vec::new(), Vec::new());
    for source in repository.sources()?.into_iter().filter(|source| !name::is_as_is(source)) {
        let listed = repository.list_source(&source);
        match listed.and_then(|listed| find::newest_readable(repository, &listed)) {
            Ok((entry, _)) => newest.extend(entry),
            Err(e) => unread.push(UnreadSource { source, why: e.to_string() }),
        }
    }
    let path = path_text(place);
    let elsewhere = newest.iter().filter(|entry| entry.path != path);
    let taken = elsewhere.map(|entry| entry.source.clone()).collect();
    let own = among(aof, place, &newest)?;
    let new = || free(name::default_source(place), &taken);
    Ok(Identity { source: own.map_or_else(new, |entry| entry.source.clone()), unread })
}

/// Of the newest snapshots of all sources the one that this set goes on from, or that was taken where it lies; `None` where
/// it is none of these sources.
///
/// # Errors
/// When the set cannot be read.
pub fn continued<'e>(aof: &Aof, newest: &'e [Entry]) -> Result<Option<&'e Entry>> {
    among(aof, &place_of(aof)?, newest)
}

fn among<'e>(aof: &Aof, place: &Path, newest: &'e [Entry]) -> Result<Option<&'e Entry>> {
    let path = path_text(place);
    let here = newest.iter().filter(|entry| entry.path == path).fold(None, later);
    if let Some(here) = here
        && goes_on(aof, here)?
    {
        return Ok(Some(here));
    }
    let mut elsewhere = None;
    for entry in newest.iter().filter(|entry| entry.path != path) {
        if goes_on(aof, entry)? && !is_a_copy(entry, place) {
            elsewhere = later(elsewhere, entry);
        }
    }
    Ok(elsewhere.or(here))
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
fn later<'e>(one: Option<&'e Entry>, other: &'e Entry) -> Option<&'e Entry> {
    match one {
        Some(one) if one.taken > other.taken => Some(one),
        _ => Some(other),
    }
}

/// Whether a set has all bytes of a snapshot, as far as their ends tell.
///
/// # Errors
/// When the set cannot be read.
pub fn goes_on(aof: &Aof, entry: &Entry) -> Result<bool> {
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
