//! Puts a snapshot's files into a directory: builds them aside, makes them durable, and publishes them by one
//! rename. What was there stays beside.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::entry::{Entry, FileEntry, SegmentEntry};
use super::repository::Repository;
use super::verify::{Told, in_parallel};
use super::{hash, pack};
use crate::disk::{self, Attributes, FrozenFile, Hold, NewFile};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;

/// Lies in a directory that is being built, so that nobody takes it for a set, and the next run may remove it.
const MARK: &str = "restore-not-finished";

/// Permission bits of a directory that replaces none, as servers make theirs.
const DIR_MODE: u32 = 0o755;

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
    let target = absolute(target)?;
    let old = Old::look(&target, options.replace)?;
    let extra_dir = beside(&target, "extra");
    if !entry.extras.is_empty() && disk::exists(&extra_dir) && !options.replace {
        let why = "it is there already, and files beside the set would go there".to_owned();
        return Err(Error::new(ErrorKind::Refused(why), &extra_dir));
    }
    has_room(entry, disk::parent(&target))?;
    let staging = beside(&target, &format!("restore-{}", entry.id));
    sweep(&staging, &target, &entry.id)?;
    let build = Build { repository, entry, staging: &staging, old: &old };
    let reused_bytes = match build.run(options.threads, progress) {
        Ok(reused) => reused,
        Err(e) => {
            // The first error is the one to tell; what is left is marked.
            let _ = disk::remove_tree(&staging);
            return Err(e);
        }
    };
    old.refuse_when_held()?;
    let extras_at = publish_extras(entry, &staging, &extra_dir)?;
    let kept_old_at = publish(&staging, &target, &old, &entry.id)?;
    Ok(Restored {
        bytes: entry.logical_bytes(),
        files: names_and_sizes(entry),
        reused_bytes,
        kept_old_at,
        extras_at,
        target,
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

/// The target by a path that stays right, its parent directory being there.
fn absolute(target: &Path) -> Result<PathBuf> {
    if disk::is_there(target)? {
        return disk::real_path(target);
    }
    let Some(name) = target.file_name() else {
        let why = "it names no directory".to_owned();
        return Err(Error::new(ErrorKind::Refused(why), target));
    };
    Ok(disk::real_path(disk::parent(target))?.join(name))
}

/// `appendonlydir` becomes `appendonlydir.what`.
fn beside(target: &Path, what: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    disk::parent(target).join(name)
}

/// What is there before.
struct Old {
    is_there: bool,
    is_empty: bool,
    files: Vec<FrozenFile>,
    owner: Option<Attributes>,
    mode: u32,
}

impl Old {
    fn look(target: &Path, may_replace: bool) -> Result<Self> {
        let is_there = disk::is_there(target)?;
        let mut old =
            Self { is_there, is_empty: true, files: Vec::new(), owner: None, mode: DIR_MODE };
        if !is_there {
            // Only root gives files away: to whom the place belongs.
            old.owner = Some(disk::attributes(disk::parent(target))?);
            return Ok(old);
        }
        for listed in disk::list_dir(target)? {
            old.is_empty = false;
            if !listed.is_dir {
                old.files.push(FrozenFile::open(&target.join(&listed.name))?);
            }
        }
        if !old.is_empty && !may_replace {
            let why =
                "it is not empty; --replace puts the snapshot in its place and keeps it beside";
            return Err(Error::new(ErrorKind::Refused(why.to_owned()), target));
        }
        let attributes = disk::attributes(target)?;
        old.owner = Some(attributes);
        old.mode = attributes.mode;
        old.refuse_when_held()?;
        Ok(old)
    }

    fn refuse_when_held(&self) -> Result<()> {
        let held = |file: &&FrozenFile| disk::held_for_writing(file.identity()) == Some(true);
        match self.files.iter().find(held) {
            None => Ok(()),
            Some(file) => {
                let why = "a process has it open for writing; stop the server first".to_owned();
                Err(Error::new(ErrorKind::InUse(why), file.path()))
            }
        }
    }

    /// The file of this name that was there.
    fn file(&self, name: &[u8]) -> Option<&FrozenFile> {
        self.files.iter().find(|f| f.path().file_name().is_some_and(|n| n.as_bytes() == name))
    }
}

fn has_room(entry: &Entry, dir: &Path) -> Result<()> {
    let needed = entry.all_files().map(|file| file.size).sum();
    let free = disk::room(dir)?.free;
    if free < needed {
        return Err(Error::new(ErrorKind::NoRoom { needed, free }, dir));
    }
    Ok(())
}

/// Makes way: removes what a run that was killed left half done. Without the mark it is a whole directory: the one
/// that was replaced, or one that was not put in its place yet. Nobody can tell which, so it is kept beside.
fn sweep(staging: &Path, target: &Path, id: &str) -> Result<()> {
    if !disk::is_there(staging)? || disk::remove_empty_dir(staging) {
        return Ok(());
    }
    if disk::is_there(&staging.join(MARK))? {
        return disk::remove_tree(staging);
    }
    disk::publish_new(staging, &free_name(target, "before", id)).map(drop)
}

struct Build<'b> {
    repository: &'b Repository,
    entry: &'b Entry,
    staging: &'b Path,
    old: &'b Old,
}

/// A file that is being filled.
struct Target<'b> {
    new: NewFile,
    old: Option<&'b FrozenFile>,
    /// The old file has other bytes: it is not tried again.
    differs: AtomicBool,
}

const EXTRAS: &str = "extra";

impl Build<'_> {
    /// Fills the directory, the manifest last; answers how many bytes came from the old one.
    fn run(&self, threads: usize, progress: &dyn Progress) -> Result<u64> {
        disk::make_dir(self.staging, 0o700)?;
        let mark = NewFile::create(&self.staging.join(MARK), 0o600)?;
        mark.sync()?;
        if !self.entry.extras.is_empty() {
            disk::make_dir(&self.extras(), 0o700)?;
        }
        let targets: Vec<_> = self.targets()?;
        let jobs: Vec<(&Target<'_>, &SegmentEntry)> = targets
            .iter()
            .flat_map(|(file, target)| file.segments.iter().map(move |s| (target, &**s)))
            .collect();
        progress.begin(Some(self.entry.all_files().map(|file| file.size).sum()));
        let done = in_parallel(threads, jobs.len(), progress, |at, told| {
            let (target, segment) = jobs[at];
            self.fill(target, segment, told)
        })?;
        progress.finish();
        let reused = done.into_iter().sum::<Result<u64>>()?;
        for (file, target) in &targets {
            // A snapshot that is cut at a moment may end inside a segment.
            target.new.set_len(file.size)?;
            target.new.sync()?;
        }
        if !self.entry.extras.is_empty() {
            disk::sync_dir(&self.extras())?;
        }
        self.manifest()?;
        disk::set_mode(self.staging, self.old.mode)?;
        if let Some(owner) = self.old.owner {
            disk::give_dir_to(self.staging, owner);
        }
        disk::sync_dir(self.staging)?;
        Ok(reused)
    }

    fn extras(&self) -> PathBuf {
        self.staging.join(EXTRAS)
    }

    fn targets(&self) -> Result<Vec<(&FileEntry, Target<'_>)>> {
        let in_set = self.entry.files.iter().map(|file| (file, self.staging.to_owned(), true));
        let beside = self.entry.extras.iter().map(|file| (file, self.extras(), false));
        in_set
            .chain(beside)
            .map(|(file, dir, is_of_set)| {
                let name = file.name.bytes().unwrap_or_default();
                let new = NewFile::create(&dir.join(OsStr::from_bytes(&name)), file.mode & 0o777)?;
                new.set_len(file.size)?;
                if let Some(owner) = self.old.owner {
                    new.give_to(owner);
                }
                let old = self.old.file(&name).filter(|_| is_of_set);
                Ok((file, Target { new, old, differs: AtomicBool::new(false) }))
            })
            .collect()
    }

    /// Fills a segment; answers how many bytes of it the old file had.
    fn fill(&self, target: &Target<'_>, segment: &SegmentEntry, told: &mut Told) -> Result<u64> {
        let reused = from_old(target, segment)?;
        if !reused {
            let mut at = segment.offset;
            pack::unpack(self.repository.store(), segment, &mut |bytes| {
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
        let file = NewFile::create(&self.staging.join(OsStr::from_bytes(&name)), MANIFEST_MODE)?;
        file.write_at(&manifest.text.bytes().unwrap_or_default(), 0)?;
        if let Some(owner) = self.old.owner {
            file.give_to(owner);
        }
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

/// Gives the files beside the set their place; what was there keeps lying beside.
fn publish_extras(entry: &Entry, staging: &Path, place: &Path) -> Result<Option<PathBuf>> {
    if entry.extras.is_empty() {
        return Ok(None);
    }
    let built = staging.join(EXTRAS);
    if disk::exists(place) {
        disk::publish_new(place, &free_name(place, "before", &entry.id))?;
    }
    disk::publish_new(&built, place)?;
    disk::sync_dir(disk::parent(place))?;
    Ok(Some(place.to_owned()))
}

/// A name beside the target that nothing has.
fn free_name(target: &Path, what: &str, id: &str) -> PathBuf {
    let first = beside(target, &format!("{what}-{id}"));
    let numbered = (2..).map(|n: u64| beside(target, &format!("{what}-{id}-{n}")));
    let mut names = std::iter::once(first).chain(numbered);
    names.find(|name| !disk::exists(name)).unwrap_or_default()
}

/// Puts the built directory into its place by one step; answers where the old one is now.
fn publish(staging: &Path, target: &Path, old: &Old, id: &str) -> Result<Option<PathBuf>> {
    disk::remove_file(&staging.join(MARK))?;
    disk::sync_dir(staging)?;
    let parent = disk::parent(target);
    if old.is_there && old.is_empty {
        disk::replace(staging, target)?;
        disk::sync_dir(parent)?;
        return Ok(None);
    }
    if !old.is_there {
        if !disk::publish_new(staging, target)? {
            let why = "it has appeared meanwhile; the restored set lies beside".to_owned();
            return Err(Error::new(ErrorKind::Refused(why), target));
        }
        disk::sync_dir(parent)?;
        return Ok(None);
    }
    disk::exchange(staging, target)?;
    disk::sync_dir(parent)?;
    let kept = free_name(target, "before", id);
    disk::publish_new(staging, &kept)?;
    disk::sync_dir(parent)?;
    Ok(Some(kept))
}
