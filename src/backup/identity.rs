//! Which source of a repository a set is, where nobody says it by name.
//!
//! A set that goes on from what a source's newest snapshot has is that source, wherever it lies by now; else the source
//! whose set lay at the same path. Of several that it goes on from it is the one that has most of it, and of those that
//! have as much the one whose path is most like its own. Of sets that are looked at together no two are one source. What machine it is on says nothing: a container has another name each time.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::capture::{path_text, place_of};
use super::entry::{Entry, FileEntry, FileType, Words};
use super::made::UnreadSource;
use super::prefix;
use super::repository::Repository;
use super::{find, name};
use crate::aof::{Aof, Role};
use crate::error::Result;
use crate::{disk, text};

/// Which source a set is.
pub(super) struct Identity {
    /// Its name.
    pub(super) source: String,
    /// Sources whose newest snapshot cannot be read: whether the set is one of them nobody knows.
    pub(super) unread: Vec<UnreadSource>,
}

/// The source that this set is; a new one where it is none that is there. Those of `others` are other sets.
pub(super) fn source_of(
    repository: &Repository,
    aof: &Aof,
    place: &Path,
    others: &BTreeSet<String>,
) -> Result<Identity> {
    let (mut newest, unread) = newest_of_all(repository)?;
    let elsewhere = newest.iter().filter(|entry| !is_written_so(place, &entry.path));
    let mut taken: BTreeSet<_> = elsewhere.map(|entry| entry.source.clone()).collect();
    taken.extend(others.iter().cloned());
    newest.retain(|entry| !others.contains(&entry.source));
    let own = among(aof, place, &newest)?;
    let new = || free(name::default_source(place), &taken);
    Ok(Identity { source: own.map_or_else(new, |entry| entry.source.clone()), unread })
}

/// The newest snapshot of every source, and the sources whose newest one cannot be read.
fn newest_of_all(repository: &Repository) -> Result<(Vec<Entry>, Vec<UnreadSource>)> {
    let (mut newest, mut unread) = (Vec::new(), Vec::new());
    for source in repository.sources()?.into_iter().filter(|source| !name::is_as_is(source)) {
        let listed = repository.list_source(&source);
        match listed.and_then(|listed| find::newest_readable(repository, &listed)) {
            Ok((entry, _)) => newest.extend(entry),
            Err(e) => unread.push(UnreadSource { source, why: e.to_string() }),
        }
    }
    Ok((newest, unread))
}

/// Which sources of a repository several sets are, each source at most one of them; `None` of a set that is none that is
/// there, or of which that cannot be told.
///
/// # Errors
/// When the sources cannot be listed.
pub fn shared_out<'a>(
    repository: &Repository,
    sets: impl Iterator<Item = &'a Aof>,
) -> Result<Vec<Option<String>>> {
    let (newest, _) = newest_of_all(repository)?;
    // A set that cannot be read fails when its turn comes.
    let fits = sets.map(|aof| Fits::of(aof, &newest).unwrap_or_default());
    Ok(share_out(&fits.collect::<Vec<_>>()))
}

/// The sources that a set may be, each with how well it fits.
#[derive(Clone, Debug, Default)]
pub struct Fits(Vec<(Fit, String)>);

impl Fits {
    /// Which of the sources of these snapshots, the newest of each, a set may be.
    ///
    /// # Errors
    /// When the set cannot be read.
    pub fn of(aof: &Aof, newest: &[Entry]) -> Result<Self> {
        let fits = fitting(aof, &place_of(aof)?, newest)?.into_iter();
        Ok(Self(fits.map(|(fit, entry)| (fit, entry.source.clone())).collect()))
    }

    /// The sources, in no order.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, source)| &**source)
    }
}

/// Gives each source to one of several sets at most: to the one that it fits best.
pub fn share_out(sets: &[Fits]) -> Vec<Option<String>> {
    let of_sets = sets.iter().enumerate();
    let mut fits: Vec<_> =
        of_sets.flat_map(|(set, fits)| fits.0.iter().map(move |fit| (set, fit))).collect();
    fits.sort_by(|(_, one), (_, other)| other.0.cmp(&one.0));
    let (mut own, mut given) = (vec![None; sets.len()], BTreeSet::new());
    for (set, (_, source)) in fits {
        if own[set].is_none() && given.insert(source) {
            own[set] = Some(source.clone());
        }
    }
    own
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
    // The only source there is needs no bytes of the set to be compared.
    if let [only] = newest
        && is_written_so(place, &only.path)
    {
        return Ok(Some(only));
    }
    let fits = fitting(aof, place, newest)?.into_iter();
    Ok(fits.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, entry)| entry))
}

/// How well a snapshot fits a set, the worst first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It was taken where the set lies, of something else.
    SamePlace,
    /// The set goes on from it, and lay elsewhere: the bytes of the snapshot, how much its path is like that of the set,
    /// and when it was taken.
    Moved(u64, Likeness, String),
    /// The set goes on from it, where it lay: the bytes of the snapshot, and when it was taken.
    Here(u64, String),
}

/// How much two paths are like one another: the names that both end with, and the bytes that both begin with. A directory
/// that got another name keeps what lies below it.
type Likeness = (usize, usize);

fn likeness(one: &str, other: &str) -> Likeness {
    let names = one.rsplit('/').zip(other.rsplit('/'));
    let bytes = one.bytes().zip(other.bytes());
    (names.take_while(|(a, b)| a == b).count(), bytes.take_while(|(a, b)| a == b).count())
}

/// The snapshots that a set may be of.
fn fitting<'e>(aof: &Aof, place: &Path, newest: &'e [Entry]) -> Result<Vec<(Fit, &'e Entry)>> {
    let is_here = |entry: &&Entry| is_written_so(place, &entry.path);
    let mut fits = Vec::new();
    // Sets of several machines may have been taken at one path.
    for entry in newest.iter().filter(is_here) {
        if goes_on(aof, entry)? {
            fits.push((Fit::Here(entry.logical_bytes(), entry.taken.clone()), entry));
        }
    }
    if !fits.is_empty() {
        return Ok(fits);
    }
    let here = newest.iter().filter(is_here).fold(None, later);
    fits.extend(here.map(|here| (Fit::SamePlace, here)));
    let path = path_text(place);
    for entry in newest.iter().filter(|entry| !is_here(entry)) {
        if goes_on(aof, entry)? && !is_a_copy(entry, place) {
            let like = likeness(&entry.path, &path);
            fits.push((Fit::Moved(entry.logical_bytes(), like, entry.taken.clone()), entry));
        }
    }
    Ok(fits)
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
/// has a history of its own from here on. A set whose manifest is lost is another than one whose manifest lies there.
fn is_a_copy(entry: &Entry, place: &Path) -> bool {
    let here = disk::stamp(place).map(|stamp| stamp.identity).ok();
    let there = meant_by(&entry.path).into_iter().find_map(|path| disk::stamp(&path).ok());
    there.is_some_and(|there| here != Some(there.identity))
}

/// The paths that an entry may mean: one with a backslash, or with bytes that a terminal obeys, is escaped. Entries of former
/// versions have a backslash as it is where there are no such bytes.
fn meant_by(text: &str) -> Vec<PathBuf> {
    let escaped = text::unescape(text).map(|bytes| PathBuf::from(OsString::from_vec(bytes)));
    let escaped = escaped.filter(|path| path_text(path) == text || former_text(path) == text);
    let plain = PathBuf::from(text);
    let is_plain = former_text(&plain) == text && escaped.as_ref() != Some(&plain);
    escaped.into_iter().chain(is_plain.then_some(plain)).collect()
}

/// Whether an entry says this path. Of a text that may mean two paths only the one that is written so today is sure.
fn is_written_so(place: &Path, text: &str) -> bool {
    path_text(place) == text || former_text(place) == text && meant_by(text).len() == 1
}

/// A path as former versions wrote it into entries: the same for a backslash and for the byte that an escape stands for.
fn former_text(path: &Path) -> String {
    text::name(path.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_paths_are_written_alike() {
        let paths = ["/a/b", "/a\\nb", "/a\nb", "/a\\\\nb", "/a\\x", "/\u{fc}\\", "/\u{fc}"];
        let texts: BTreeSet<_> = paths.iter().map(|path| path_text(Path::new(path))).collect();
        assert_eq!(texts.len(), paths.len(), "{texts:?}");
        for path in paths.map(Path::new) {
            assert_eq!(meant_by(&path_text(path)).first().map(PathBuf::as_path), Some(path));
            assert!(is_written_so(path, &path_text(path)));
        }
        // Of former entries one that cannot mean another path counts.
        assert!(is_written_so(Path::new("/a\\x"), "/a\\x"));
        assert!(is_written_so(Path::new("/a\nb"), "/a\\nb"));
        assert!(!is_written_so(Path::new("/a\\nb"), "/a\\nb"));
    }
}
