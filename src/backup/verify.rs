//! Is all of a repository there, as it was written, and does it hold what it says?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use sha2::{Digest, Sha256};

use super::contents;
use super::entry::Entry;
use super::repository::{self, Repository, Unfinished};
use super::{hash, script};
use crate::disk::Hold;
use crate::error::{ErrorKind, Result};
use crate::limits;
use crate::progress::Progress;
use crate::store::{Store, Stored};

/// Bytes of an object read at a time.
const STEP: usize = 1 << 20;

/// How deep to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// Names against hashes, entries against objects.
    #[default]
    Objects,
    /// Also decompress everything and parse every command and RDB entry; of several slices, this one, both
    /// counted from 1.
    Contents {
        /// Which slice.
        slice: u64,
        /// Of how many.
        of: u64,
    },
}

/// What is wrong with a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// Its key.
    pub key: String,
    /// What kind of flaw.
    pub kind: FlawKind,
    /// It says nothing against any snapshot.
    pub harmless: bool,
    /// For people.
    pub message: String,
    /// Snapshots that cannot be restored as they were because of it.
    pub snapshots: Vec<String>,
}

/// Kinds of flaws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// It is not there.
    Missing,
    /// Its bytes are not those that were written.
    Damaged,
    /// What it holds is not what a server would load.
    Contents,
    /// Nothing of a repository has such a name.
    Unknown,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Entries read.
    pub snapshots_checked: u64,
    /// Objects hashed.
    pub objects_checked: u64,
    /// Bytes of objects hashed.
    pub bytes_checked: u64,
    /// Bytes of files decompressed and parsed.
    pub contents_checked: u64,
    /// Commands parsed.
    pub commands_checked: u64,
    /// Objects that no snapshot needs.
    pub unreferenced: u64,
    /// What is wrong, by key.
    pub flaws: Vec<Flaw>,
}

impl Verified {
    /// Whether every snapshot is as it was.
    pub fn is_good(&self) -> bool {
        self.flaws.iter().all(|flaw| flaw.harmless)
    }
}

/// Verifies a repository. A flaw never stops it.
///
/// # Errors
/// When the repository cannot be read, or is being pruned.
pub fn verify(
    repository: &Repository,
    depth: Depth,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Verified> {
    let _shared = repository.lock(Hold::Shared)?;
    let all = repository.store().list("")?;
    let mut verified = Verified::default();
    let mut entries = Vec::new();
    for one in &all {
        document(repository, one, &mut entries, &mut verified.flaws)?;
    }
    verified.snapshots_checked = entries.len() as u64;
    always_there(&all, &mut verified.flaws);
    scripts(repository, &entries, &all, &mut verified.flaws)?;
    let objects: Vec<_> = all.iter().filter(|o| hash::is_object_key(&o.key)).collect();
    referenced(&entries, &objects, &mut verified);
    let contents = match depth {
        Depth::Objects => Vec::new(),
        Depth::Contents { slice, of } => contents::histories(&entries, slice, of),
    };
    let bytes_of_contents: u64 = contents.iter().map(|history| history.file.size).sum();
    let bytes_of_objects: u64 = objects.iter().map(|object| object.len).sum();
    progress.begin(Some(bytes_of_objects + bytes_of_contents));
    verified.objects_checked = objects.len() as u64;
    verified.bytes_checked = bytes_of_objects;
    let found = in_parallel(threads, objects.len(), progress, |at, told| {
        object(repository.store(), objects[at], told)
    })?;
    verified.flaws.extend(found.into_iter().flatten());
    let found = in_parallel(threads, contents.len(), progress, |at, told| {
        contents::check(repository, &contents[at], told)
    })?;
    for looked in found {
        verified.contents_checked += looked.bytes;
        verified.commands_checked += looked.commands;
        verified.flaws.extend(looked.flaw);
    }
    progress.finish();
    name_snapshots(&mut verified.flaws, &entries);
    Ok(verified)
}

/// Which snapshots a flaw of an object concerns.
fn name_snapshots(flaws: &mut Vec<Flaw>, entries: &[Entry]) {
    let mut by_object = BTreeMap::<&str, BTreeSet<&str>>::new();
    for entry in entries {
        for segment in entry.segments() {
            by_object.entry(&segment.object).or_default().insert(&entry.id);
        }
    }
    for flaw in &mut *flaws {
        let of_object = by_object.get(flaw.key.as_str()).into_iter().flatten();
        flaw.snapshots.extend(of_object.map(|id| (*id).to_owned()));
        let is_garbage = hash::is_object_key(&flaw.key) && flaw.snapshots.is_empty();
        if is_garbage {
            flaw.message.push_str("; no snapshot needs it");
        }
    }
    flaws.sort();
    flaws.dedup();
}

/// Reads a file that is no object.
fn document(
    repository: &Repository,
    one: &Stored,
    entries: &mut Vec<Entry>,
    flaws: &mut Vec<Flaw>,
) -> Result<()> {
    let key = one.key.as_str();
    if hash::is_object_key(key) || key.starts_with(repository::TMP) || key.ends_with(".sh") {
        return Ok(());
    }
    let bytes = match repository.store().get(key, limits::CATALOG_DOCUMENT) {
        Ok(bytes) => bytes,
        Err(e) if matches!(e.kind(), ErrorKind::Io | ErrorKind::TooLarge { .. }) => {
            flaws.push(flaw(key, FlawKind::Damaged, e.to_string()));
            return Ok(());
        }
        Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
            flaws.push(unknown(key));
            return Ok(());
        }
        Err(e) => return Err(e),
    };
    if let Some(listed) = repository::listed(key) {
        match repository::read_entry(&bytes, &listed) {
            Ok(entry) => entries.push(entry),
            Err(why) => {
                let snapshots = vec![listed.id];
                flaws.push(Flaw { snapshots, ..flaw(key, FlawKind::Damaged, why) });
            }
        }
        return Ok(());
    }
    let in_source = key.strip_prefix(repository::SOURCES).and_then(|rest| rest.split_once('/'));
    let changed = match (key, in_source.map(|(_, name)| name)) {
        (repository::FORMAT, _) => false,
        (repository::README, _) => !repository.readme_fits(&bytes)?,
        (repository::LOCK, _) | (_, Some("lock")) => !bytes.is_empty(),
        (_, Some("unfinished.json")) => hash::unsealed::<Unfinished>(&bytes).is_err(),
        _ => {
            flaws.push(unknown(key));
            false
        }
    };
    if changed {
        flaws.push(flaw(key, FlawKind::Damaged, "its bytes are not those written".to_owned()));
    }
    Ok(())
}

fn flaw(key: &str, kind: FlawKind, message: String) -> Flaw {
    Flaw { key: key.to_owned(), kind, harmless: false, message, snapshots: Vec::new() }
}

fn unknown(key: &str) -> Flaw {
    let message = "it does not belong to a repository".to_owned();
    Flaw { harmless: true, ..flaw(key, FlawKind::Unknown, message) }
}

fn always_there(all: &[Stored], flaws: &mut Vec<Flaw>) {
    for key in [repository::README, repository::LOCK] {
        if !all.iter().any(|o| o.key == key) {
            flaws.push(flaw(key, FlawKind::Missing, "it is missing".to_owned()));
        }
    }
}

/// The scripts, which follow from the entries; and those that have lost theirs.
fn scripts(
    repository: &Repository,
    entries: &[Entry],
    all: &[Stored],
    flaws: &mut Vec<Flaw>,
) -> Result<()> {
    let mut scripts: BTreeSet<&str> =
        all.iter().map(|o| o.key.as_str()).filter(|key| key.ends_with(".sh")).collect();
    for entry in entries {
        let key = format!("{}.sh", repository::key_of(&entry.source, &entry.id));
        if !scripts.remove(key.as_str()) {
            let message = "the script of a snapshot is missing".to_owned();
            flaws.push(flaw(&key, FlawKind::Missing, message));
            continue;
        }
        let bytes = repository.store().get(&key, limits::CATALOG_DOCUMENT);
        let fits = |bytes: &[u8]| hash::hex_of(bytes) == entry.script_sha256;
        if !bytes.is_ok_and(|bytes| fits(&bytes)) {
            let of_this_version = hash::hex_of(script::script(entry).as_bytes());
            let how =
                if of_this_version == entry.script_sha256 { "; it can be made again" } else { "" };
            let message = format!("the script is not as it was written{how}");
            flaws.push(flaw(&key, FlawKind::Damaged, message));
        }
    }
    for key in scripts {
        // A run that was killed between script and entry, or an entry that was removed.
        let message = "a script without its snapshot".to_owned();
        let entry = format!("{}.json", key.trim_end_matches(".sh"));
        let lost = Flaw { harmless: true, ..flaw(key, FlawKind::Unknown, message) };
        if !flaws.iter().any(|f| f.key == entry) {
            flaws.push(lost);
        }
    }
    Ok(())
}

/// Objects that entries name but are not there, or not as long as they were.
fn referenced(entries: &[Entry], objects: &[&Stored], verified: &mut Verified) {
    let mut there: BTreeMap<&str, u64> = objects.iter().map(|o| (o.key.as_str(), o.len)).collect();
    let mut needed = BTreeMap::new();
    for segment in entries.iter().flat_map(Entry::segments) {
        needed.entry(segment.object.as_str()).or_insert(segment.stored);
    }
    for (key, stored) in needed {
        match there.remove(key) {
            None => {
                let message = "an object is missing".to_owned();
                verified.flaws.push(flaw(key, FlawKind::Missing, message));
            }
            Some(len) if len != stored => {
                let message = format!("it has {len} bytes of {stored}");
                verified.flaws.push(flaw(key, FlawKind::Damaged, message));
            }
            Some(_) => {}
        }
    }
    verified.unreferenced = there.len() as u64;
}

/// An object against its name.
fn object(store: &dyn Store, object: &Stored, told: &mut Told) -> Option<Flaw> {
    let damaged = |message: String| Some(flaw(&object.key, FlawKind::Damaged, message));
    let mut hash = Sha256::new();
    let mut at = 0;
    while at < object.len {
        match store.get_range(&object.key, at, STEP) {
            Ok(bytes) if bytes.is_empty() => return damaged("it became shorter".to_owned()),
            Ok(bytes) => {
                hash.update(&bytes);
                at += bytes.len() as u64;
                told.advance(bytes.len() as u64);
            }
            Err(e) => return damaged(e.to_string()),
        }
    }
    let fits = hash::hash_in_key(&object.key) == Some(&hash::hex(&hash.finalize()));
    if fits { None } else { damaged("its bytes do not fit its name".to_owned()) }
}

/// How a thread tells of bytes that it has dealt with.
pub(super) struct Told(Sender<u64>);

impl Told {
    pub(super) fn advance(&mut self, bytes: u64) {
        // Nobody listens any more when the run is over.
        let _ = self.0.send(bytes);
    }
}

/// Does `count` pieces of work on several threads and tells the progress on this one. Answers come in order.
pub(super) fn in_parallel<T: Send>(
    threads: usize,
    count: usize,
    progress: &dyn Progress,
    work: impl Fn(usize, &mut Told) -> T + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let (send, receive) = channel();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            let mut told = Told(send.clone());
            let (next, done, work) = (&next, &done, &work);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    let answer = work(at, &mut told);
                    done.lock().unwrap_or_else(|p| p.into_inner()).push((at, answer));
                }
            });
        }
        drop(send);
        receive.iter().for_each(|bytes| progress.advance(bytes));
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, answer)| answer).collect())
}
