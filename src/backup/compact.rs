//! Joins small objects that follow each other in a file: byte by byte, for zstd frames stand one after the
//! other as well.
//!
//! An entry never changes, so one with joined objects is a new one that supersedes the old. Objects are not
//! joined over a place where another snapshot that stays ends, so that all of them go on sharing what they
//! share.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::entry::{Entry, FileEntry, SegmentEntry};
use super::moment::Moment;
use super::repository::{self, Repository};
use super::{compress, name};
use crate::error::Result;
use crate::limits;

/// Pieces of at least so many bytes stay as they are: joining them again and again would cost more than it gives.
const LARGE: u64 = limits::BACKUP_SEGMENT / 8;

/// What is going to be joined.
#[derive(Debug, Default)]
pub struct Compaction {
    /// Entries that get a successor.
    entries: Vec<Entry>,
    /// Segments that become one.
    joins: BTreeMap<Run, Vec<Arc<SegmentEntry>>>,
}

/// Where a run of segments begins in its file, and their objects.
type Run = (u64, Vec<String>);

fn name_of(segments: &[Arc<SegmentEntry>]) -> Run {
    let begin = segments.first().map_or(0, |first| first.offset);
    (begin, segments.iter().map(|segment| segment.object.clone()).collect())
}

/// Runs of small segments that may become one.
fn runs(file: &FileEntry, ends: &BTreeSet<&str>) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut from = 0;
    let (mut size, mut stored) = (0, 0);
    for (at, segment) in file.segments.iter().enumerate() {
        let fits = segment.size < LARGE
            && size + segment.size <= limits::BACKUP_SEGMENT
            && stored + segment.stored <= limits::BACKUP_OBJECT;
        if !fits {
            runs.push(from..at);
            (from, size, stored) = (at, 0, 0);
        }
        size += segment.size;
        stored += segment.stored;
        if ends.contains(segment.object.as_str()) || segment.size >= LARGE {
            runs.push(from..at + 1);
            (from, size, stored) = (at + 1, 0, 0);
        }
    }
    runs.push(from..file.segments.len());
    runs.retain(|run| run.len() > 1);
    runs
}

impl Compaction {
    /// Looks for what can be joined in snapshots that stay. `before` are those that an earlier run, which was
    /// killed, had given successors: it is joined as that run would have gone on.
    pub(super) fn plan(entries: Vec<Entry>, before: &[Entry]) -> Self {
        let mut joins = BTreeMap::new();
        let files = || entries.iter().flat_map(Entry::all_files);
        let all = files().chain(before.iter().flat_map(Entry::all_files));
        let ends = all.filter_map(|file| file.segments.last()).map(|s| s.object.as_str());
        let ends: BTreeSet<&str> = ends.collect();
        for file in files() {
            for run in runs(file, &ends) {
                let segments = &file.segments[run];
                joins.insert(name_of(segments), segments.to_vec());
            }
        }
        let changes = |entry: &Entry| entry.all_files().any(|f| !runs(f, &ends).is_empty());
        let changing: Vec<bool> = entries.iter().map(changes).collect();
        let mut changing = changing.into_iter();
        let entries = entries.into_iter().filter(|_| changing.next() == Some(true)).collect();
        Self { entries, joins }
    }

    /// Snapshots that get a successor.
    pub fn snapshots(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many objects become how many.
    pub fn objects(&self) -> (usize, usize) {
        let before: BTreeSet<&String> =
            self.joins.keys().flat_map(|(_, objects)| objects).collect();
        (before.len(), self.joins.len())
    }

    /// Bytes that are written anew.
    pub fn bytes(&self) -> u64 {
        self.joins.values().flatten().map(|segment| segment.stored).sum()
    }

    /// The objects that the successors still need of those that are there.
    pub(super) fn still_needed(&self) -> BTreeSet<String> {
        let mut needed = BTreeSet::new();
        let joined: BTreeSet<&String> =
            self.joins.keys().flat_map(|(_, objects)| objects).collect();
        for segment in self.entries.iter().flat_map(Entry::segments) {
            if !joined.contains(&segment.object) {
                needed.insert(segment.object.clone());
            }
        }
        needed
    }

    /// Stores the joined objects, then publishes the successors. Answers the joined objects and the successors' lists:
    /// one may have been there, of a run that was killed or of a snapshot that goes, and needed by nobody when it was
    /// planned what goes.
    ///
    /// # Errors
    /// When an object is not what it was; when the repository cannot be written. Nothing is lost then.
    pub(super) fn apply(&self, repository: &Repository) -> Result<BTreeSet<String>> {
        let mut joined = BTreeMap::new();
        for (run, segments) in &self.joins {
            let Some(first) = segments.first() else { continue };
            let packed = compress::joined(repository.store(), segments)?;
            let placed = compress::place(packed, first.offset, repository.store())?;
            joined.insert(run, Arc::new(placed.segment));
        }
        let mut put: BTreeSet<_> = joined.values().map(|one| one.object.clone()).collect();
        let mut renamed = BTreeMap::new();
        for old in &self.entries {
            let taken = Moment::parse(&old.taken).unwrap_or_else(super::moment::now);
            renamed.insert(&old.id, name::id(taken, old.seq));
        }
        for old in &self.entries {
            let mut new = old.clone();
            new.supersedes = Some(old.id.clone());
            new.id.clone_from(&renamed[&old.id]);
            // The snapshot before may have got another name as well.
            new.parent = old.parent.as_ref().map(|id| renamed.get(id).unwrap_or(id).clone());
            for file in new.files.iter_mut().chain(&mut new.extras) {
                replace(file, &joined);
            }
            let new = repository.publish(new)?;
            put.extend(new.lists().map(|one| one.list.clone()));
        }
        Ok(put)
    }

    /// Where the entries that get a successor lie, without what their names end with.
    pub(super) fn superseded(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|entry| repository::key_of(&entry.source, &entry.id))
    }
}

/// Puts joined segments in the place of those that they consist of.
fn replace(file: &mut FileEntry, joined: &BTreeMap<&Run, Arc<SegmentEntry>>) {
    let mut segments = Vec::with_capacity(file.segments.len());
    let mut rest = &file.segments[..];
    while let Some(first) = rest.first() {
        let fits = |(run, _): &(&&Run, _)| {
            let there = rest.iter().map(|s| &s.object).take(run.1.len());
            !run.1.is_empty() && there.eq(run.1.iter())
        };
        let from: Run = (first.offset, Vec::new());
        let mut here =
            joined.range::<&Run, _>(&from..).take_while(|(run, _)| run.0 == first.offset);
        let (segment, len) = match here.find(fits) {
            Some((run, segment)) => (segment, run.1.len()),
            None => (first, 1),
        };
        segments.push(Arc::clone(segment));
        rest = &rest[len..];
    }
    file.segments = segments;
    if let [only] = &file.segments[..] {
        file.sha256 = Some(only.sha256.clone());
    }
}
