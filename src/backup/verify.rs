//! Is all of a repository there, as it was written, and does it hold what it says?

use super::flaw::{Flaw, FlawKind, Told, Verified, flaw};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use sha2::{Digest, Sha256};

use super::catalog::Catalog;
use super::entry::Entry;
use super::repository::Repository;
use super::{contents, hash, threads};
use crate::disk::Hold;
use crate::error::Result;
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
    // Before the listing: a backup may publish meanwhile.
    let numbers = repository.all_numbers(true)?;
    let all = repository.store().list("")?;
    let mut verified = Verified::default();
    let mut catalog = Catalog::read(repository, numbers, &all, &mut verified)?;
    for one in &all {
        catalog.document(repository, one, &mut verified.flaws)?;
    }
    let entries = catalog.finish(repository, &all, &mut verified)?;
    let objects: Vec<_> = all.iter().filter(|o| hash::is_object_key(&o.key)).collect();
    referenced(&entries, &objects, &mut verified);
    let contents = match depth {
        Depth::Objects => Vec::new(),
        Depth::Contents { slice, of } => contents::histories(&entries, slice, of),
    };
    let bytes_of_contents: u64 = contents.iter().map(|history| history.file.size).sum();
    let of_objects = objects.iter().map(|object| object.len.min(limits::BACKUP_OBJECT));
    let bytes_of_objects: u64 = of_objects.sum();
    progress.begin(Some(bytes_of_objects + bytes_of_contents));
    verified.objects_checked += objects.len() as u64;
    verified.bytes_checked += bytes_of_objects;
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
    let mut by_object: BTreeMap<String, BTreeSet<&str>> =
        flaws.iter().map(|flaw| (flaw.key.clone(), BTreeSet::new())).collect();
    for entry in entries {
        for segment in entry.segments() {
            if let Some(ids) = by_object.get_mut(&segment.object) {
                ids.insert(&entry.id);
            }
        }
    }
    for flaw in &mut *flaws {
        let of_object = by_object.get(&flaw.key).into_iter().flatten();
        flaw.snapshots.extend(of_object.map(|id| (*id).to_owned()));
        if hash::is_shared_key(&flaw.key) && flaw.snapshots.is_empty() {
            flaw.message.push_str("; no snapshot needs it");
        }
    }
    flaws.sort();
    flaws.dedup();
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
    verified.unreferenced += there.len() as u64;
}

/// An object against its name.
fn object(store: &dyn Store, object: &Stored, told: &mut Told) -> Option<Flaw> {
    let damaged = |message: String| Some(flaw(&object.key, FlawKind::Damaged, message));
    if object.len > limits::BACKUP_OBJECT {
        return damaged(format!("it has {} bytes, and no object has so many", object.len));
    }
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

/// Does `count` pieces of work on several threads, at most so many, and tells the progress on this one. Answers come in order.
pub(super) fn in_parallel<T: Send>(
    most: usize,
    count: usize,
    progress: &dyn Progress,
    work: impl Fn(usize, &mut Told) -> T + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let (send, receive) = channel();
    std::thread::scope(|scope| {
        let (next, done, work) = (&next, &done, &work);
        let started = threads::start(scope, most.min(count), || {
            let mut told = Told(send.clone());
            move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    let answer = work(at, &mut told);
                    done.lock().unwrap_or_else(|p| p.into_inner()).push((at, answer));
                }
            }
        })?;
        drop(send);
        receive.iter().for_each(|bytes| progress.advance(bytes));
        // The scope waits for the work alone; a thread may outlive it by what it still has to give back.
        started.into_iter().for_each(threads::ended);
        Ok(())
    })?;
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, answer)| answer).collect())
}
