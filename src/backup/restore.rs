//! Puts a snapshot's files into a directory: builds them aside, makes them durable, and publishes them by one
//! rename. What was there stays beside.
//!
//! Everything is reached from the directory that the target lies in, which is held, and no link is followed there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::entry::{Entry, FileEntry, SegmentEntry};
use super::flaw::Told;
use super::repository::Repository;
use super::target::{EXTRAS, MARK, Old, Place};
use super::verify::in_parallel;
use super::{compress, hash};
use crate::disk::{Attributes, Dir, FrozenFile, Hold, NewFile, Parents};
use crate::error::Result;
use crate::progress::Progress;

/// Permission bits of the manifest, as servers make theirs.
const MANIFEST_MODE: u32 = 0o644;

/// Bytes copied at a time.
const STEP: usize = 1 << 20;

/// How to restore.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// A directory that is not empty may be replaced; it is kept beside.
    pub replace: bool,
    /// Threads that decompress.
    pub threads: usize,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The directory.
    pub target: PathBuf,
    /// Names and sizes of the set's files, the manifest included.
    pub files: Vec<(Vec<u8>, u64)>,
    /// Bytes of them.
    pub bytes: u64,
    /// Bytes that were copied from the directory that was replaced.
    pub reused_bytes: u64,
    /// Where the directory that was replaced is now.
    pub kept_old_at: Option<PathBuf>,
    /// Where the files beside the set are.
    pub extras_at: Option<PathBuf>,
}

/// Restores a snapshot as the directory `target`, its files directly in it.
///
/// # Errors
/// When something is there and may not be replaced, a server uses it, there is no room, or an object is not
/// what it was. Nothing is changed then.
pub fn restore(
    repository: &Repository,
    entry: &Entry,
    target: &Path,
    options: RestoreOptions,
    progress: &dyn Progress,
) -> Result<Restored> {
    let _shared = repository.lock(Hold::Shared)?;
    let parents = Parents::make(target, Parents::OPEN)?;
    let place = Place::of(target)?;
    place.is_apart_from(repository)?;
    place.may_change_hands()?;
    let old = Old::look(&place, entry, options.replace)?;
    place.has_room_for(entry)?;
    if !entry.extras.is_empty() && !options.replace {
        place.must_be_free(
            "extra",
            "it is there already, and files beside the set would go there",
        )?;
    }
    let staging = format!("restore-{}", entry.id);
    place.make_way(&staging, repository, entry)?;
    let dir = place.make(&staging)?;
    let build = Build { repository, entry, staging: &dir, old: &old };
    let reused_bytes = match build.run(options.threads, progress) {
        Ok(reused) => reused,
        Err(e) => return Err(place.with_what_is_left((&staging, &dir), entry, None, e)),
    };
    let ready = old.refuse_when_used(&place).and_then(|()| place.publish_extras(entry, &dir));
    let extras_at = ready.map_err(|e| place.with_what_is_left((&staging, &dir), entry, None, e))?;
    let published = place.publish(&staging, &dir, &old, entry);
    let kept_old_at = published
        .map_err(|e| place.with_what_is_left((&staging, &dir), entry, extras_at.as_deref(), e))?;
    parents.stay();
    Ok(Restored {
        bytes: entry.logical_bytes(),
        files: names_and_sizes(entry),
        reused_bytes,
        kept_old_at,
        extras_at,
        target: place.path(),
    })
}

fn names_and_sizes(entry: &Entry) -> Vec<(Vec<u8>, u64)> {
    let files = entry.files.iter().map(|f| (f.name.bytes().unwrap_or_default(), f.size));
    let manifest = entry.manifest.iter().map(|manifest| {
        let text = manifest.text.bytes().unwrap_or_default();
        (manifest.name.bytes().unwrap_or_default(), text.len() as u64)
    });
    files.chain(manifest).collect()
}

struct Build<'b> {
    repository: &'b Repository,
    entry: &'b Entry,
    staging: &'b Dir,
    old: &'b Old,
}

/// A file that is being filled.
struct Target<'b> {
    new: NewFile,
    old: Option<&'b FrozenFile>,
    /// The old file has other bytes: it is not tried again.
    differs: AtomicBool,
}

/// Files that are open to be filled at a time: a set may have more than a process may hold, and those of the directory that
/// is replaced are held as well.
const AT_A_TIME: usize = 24;

impl Build<'_> {
    /// Fills the directory, the manifest last; answers how many bytes came from the old one.
    fn run(&self, threads: usize, progress: &dyn Progress) -> Result<u64> {
        NewFile::create_in(self.staging, MARK, 0o600)?.sync()?;
        let extras = match self.entry.extras.is_empty() {
            true => None,
            false => Some(self.staging.make_dir(EXTRAS, 0o700)?),
        };
        progress.begin(Some(self.entry.all_files().map(|file| file.size).sum()));
        let mut reused = 0;
        for files in self.entry.files.chunks(AT_A_TIME) {
            let targets = self.targets(files, self.staging, true)?;
            reused += self.fill_all(&targets, threads, progress)?;
        }
        if let Some(extras) = &extras {
            for files in self.entry.extras.chunks(AT_A_TIME) {
                let targets = self.targets(files, extras, false)?;
                reused += self.fill_all(&targets, threads, progress)?;
            }
            extras.sync()?;
        }
        progress.finish();
        self.manifest()?;
        let now = self.staging.look_at_itself()?.attributes;
        self.staging.give(Attributes { mode: self.old.mode, ..now })?;
        // Only root gives directories away.
        let _ = self.staging.give(Attributes { mode: self.old.mode, ..self.old.owner });
        self.staging.sync()?;
        Ok(reused)
    }

    /// Fills and syncs some files; answers how many bytes of them the old ones had.
    fn fill_all(
        &self,
        targets: &[(&FileEntry, Target<'_>)],
        threads: usize,
        progress: &dyn Progress,
    ) -> Result<u64> {
        let jobs: Vec<(&Target<'_>, &SegmentEntry)> = targets
            .iter()
            .flat_map(|(file, target)| file.segments.iter().map(move |s| (target, &**s)))
            .collect();
        let done = in_parallel(threads, jobs.len(), progress, |at, told| {
            let (target, segment) = jobs[at];
            self.fill(target, segment, told)
        })?;
        let reused = done.into_iter().sum::<Result<u64>>()?;
        for (file, target) in targets {
            // A snapshot that is cut at a moment may end inside a segment.
            target.new.set_len(file.size)?;
            target.new.sync()?;
        }
        Ok(reused)
    }

    fn targets<'e>(
        &'e self,
        files: &'e [FileEntry],
        dir: &Dir,
        is_of_set: bool,
    ) -> Result<Vec<(&'e FileEntry, Target<'e>)>> {
        let target = |file: &'e FileEntry| {
            let name = file.name.bytes().unwrap_or_default();
            // Neither set-id bits nor an owner come from an entry: it may be anybody's.
            let new = NewFile::create_in(dir, OsStr::from_bytes(&name), file.mode & 0o777)?;
            new.set_len(file.size)?;
            new.give_to(self.old.owner);
            let old = self.old.file(&name).filter(|_| is_of_set);
            Ok((file, Target { new, old, differs: AtomicBool::new(false) }))
        };
        files.iter().map(target).collect()
    }

    /// Fills a segment; answers how many bytes of it the old file had.
    fn fill(&self, target: &Target<'_>, segment: &SegmentEntry, told: &mut Told) -> Result<u64> {
        let reused = from_old(target, segment)?;
        if !reused {
            let mut at = segment.offset;
            compress::unpack(self.repository.store(), segment, &mut |bytes| {
                target.new.write_at(bytes, at)?;
                at += bytes.len() as u64;
                Ok(())
            })?;
        }
        target.new.begin_writing_out(segment.offset, segment.size);
        told.advance(segment.size);
        Ok(if reused { segment.size } else { 0 })
    }

    fn manifest(&self) -> Result<()> {
        let Some(manifest) = &self.entry.manifest else { return Ok(()) };
        let name = manifest.name.bytes().unwrap_or_default();
        let file = NewFile::create_in(self.staging, OsStr::from_bytes(&name), MANIFEST_MODE)?;
        file.write_at(&manifest.text.bytes().unwrap_or_default(), 0)?;
        file.give_to(self.old.owner);
        file.sync()
    }
}

/// Copies a segment from the directory that is being replaced, if it has the same bytes there.
fn from_old(target: &Target<'_>, segment: &SegmentEntry) -> Result<bool> {
    let end = segment.offset + segment.size;
    let Some(old) = target.old.filter(|old| old.len() >= end) else { return Ok(false) };
    if target.differs.load(Ordering::Relaxed) {
        return Ok(false);
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; STEP];
    let mut at = segment.offset;
    while at < end {
        let n = usize::try_from(end - at).unwrap_or(STEP).min(STEP);
        if old.read_exact_at(&mut buffer[..n], at).is_err() {
            return Ok(false);
        }
        hash.update(&buffer[..n]);
        target.new.write_at(&buffer[..n], at)?;
        at += n as u64;
    }
    let same = hash::hex(&hash.finalize()) == segment.sha256;
    target.differs.fetch_or(!same, Ordering::Relaxed);
    Ok(same)
}
