//! A snapshot as it stood at a moment: what lies behind it is left out.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::entry::{Entry, FileEntry, FileType, Words};
use super::frames::open_snapshot;
use super::hash;
use super::moment::Moment as Instant;
use super::repository::Repository;
use crate::aof::OpenOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{self, Dialect};
use crate::moment::{Boundary, Cutter, Moment};
use crate::progress::{Progress, Silent};
use crate::scan::{Pace, scan};

/// The entry of what a snapshot was at a moment, and where it is cut; it is the same entry where nothing lies
/// behind the moment. `options` say which server's, with the names that its configuration gives to commands.
///
/// # Errors
/// [`ErrorKind::Refused`] when the moment cannot be reached in this snapshot; when it cannot be read.
pub fn cut_at(
    repository: &Arc<Repository>,
    entry: &Entry,
    moment: &Moment,
    path: &Path,
    options: &OpenOptions,
    progress: &dyn Progress,
) -> Result<(Entry, Option<Boundary>)> {
    let aof = open_snapshot(Arc::clone(repository), entry, path, options)?;
    let found = scan(&aof, Cutter::new(moment.clone()), &Pace::default(), progress)?;
    let refused = |why: String| Error::new(ErrorKind::Refused(why.into()), path);
    let created = entry.files.first().and_then(|base| base.created);
    match (moment, found.boundary) {
        (Moment::Until(until), _) if created.is_some_and(|created| *until < created) => {
            let base = created.map(|at| Instant::of_seconds(at).seconds_text()).unwrap_or_default();
            Err(refused(format!("its base was made later, at {base}: take an older snapshot")))
        }
        (Moment::Until(_), None) if found.last_ts.is_none() => {
            Err(refused("it has no #TS annotations, so only its end can be restored".to_owned()))
        }
        (Moment::Until(_), None) => Ok((entry.clone(), None)),
        (Moment::At(_), None) => Err(refused("the file ends before this place".to_owned())),
        (Moment::Before(..), None) => Err(refused("it has no such command".to_owned())),
        (_, Some(Boundary { place: (0, 0), .. })) => {
            Err(refused("nothing lies before this moment in it".to_owned()))
        }
        (_, Some(boundary)) => Ok((cut(entry, boundary.place), Some(boundary))),
    }
}

/// The first of the later snapshots of the same source that has a command before which something is to be restored, where
/// this one has none.
///
/// # Errors
/// When one of them cannot be read.
pub fn later_with(
    repository: &Arc<Repository>,
    entry: &Entry,
    moment: &Moment,
    path: &Path,
    options: &OpenOptions,
) -> Result<Option<Entry>> {
    if !matches!(moment, Moment::Before(..)) {
        return Ok(None);
    }
    for listed in repository.list_source(&entry.source)? {
        if listed.seq <= entry.seq {
            continue;
        }
        let later = repository.entry(&listed)?;
        let aof = open_snapshot(Arc::clone(repository), &later, path, options)?;
        let found = scan(&aof, Cutter::new(moment.clone()), &Pace::default(), &Silent)?;
        if found.boundary.is_some() {
            return Ok(Some(later));
        }
    }
    Ok(None)
}

/// The entry without what lies behind a place.
fn cut(entry: &Entry, (position, offset): (usize, u64)) -> Entry {
    let mut cut = entry.clone();
    cut.files.truncate(position + 1);
    match cut.files.last_mut() {
        Some(last) if offset == 0 && last.kind == FileType::Increment => drop(cut.files.pop()),
        Some(last) => shorten(last, offset),
        None => {}
    }
    if let Some(manifest) = &mut cut.manifest {
        let text = without_files(&manifest.text.bytes().unwrap_or_default(), &cut.files);
        manifest.sha256 = hash::hex_of(&text);
        manifest.text = Words::new(&text);
    }
    cut
}

/// Restores of it end at `size`; the segment that this lies in is still needed as a whole.
fn shorten(file: &mut FileEntry, size: u64) {
    file.segments.retain(|segment| segment.offset < size);
    file.lists.clear();
    file.size = size;
    file.sha256 = None;
}

/// The manifest's bytes without the lines of files that are not there.
fn without_files(bytes: &[u8], files: &[FileEntry]) -> Vec<u8> {
    let names: HashSet<_> = files.iter().filter_map(|file| file.name.bytes()).collect();
    // It was valid when the snapshot was taken.
    let Ok(manifest) = manifest::parse(bytes, Dialect::Concatenating) else {
        return bytes.to_vec();
    };
    let mut kept = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut lines: Vec<_> = manifest.entries.iter().collect();
    lines.sort_by_key(|entry| entry.span.start);
    for gone in lines.into_iter().filter(|entry| !names.contains(&*entry.name)) {
        let [from, to] = [gone.span.start, gone.span.end].map(|at| bytes.len().min(at as usize));
        kept.extend_from_slice(bytes.get(at..from).unwrap_or_default());
        at = to;
    }
    kept.extend_from_slice(&bytes[at..]);
    kept
}

/// The newest of these, which are of one source and in their order, from which every second up to `until` can
/// be restored.
pub fn covering(entries: &[Entry], until: i64) -> Option<&Entry> {
    let until = Instant::of_seconds(until);
    entries.iter().rev().find(|entry| {
        entry.covers.iter().any(|covered| {
            let (from, to) = (Instant::parse(&covered.from), Instant::parse(&covered.to));
            from.is_some_and(|from| from <= until) && to.is_some_and(|to| until <= to)
        })
    })
}
