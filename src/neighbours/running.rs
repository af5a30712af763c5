//! Files of a set that are gone while a server still runs on it.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use crate::aof::{Aof, Layout, ManifestState, OpenedManifest, segment_name};
use crate::disk::{self, HeldFile};
use crate::limits;

/// What a running server says of itself, where it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where it was asked.
    pub address: String,
    /// Its keys.
    pub keys: u64,
    /// Keys that are alive after what is left of the set.
    pub keys_left: u64,
}

/// A server that runs on a set whose files are not all there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Names of files that the set lacks, or that stand for other files by now.
    pub lost: Vec<Vec<u8>>,
    /// Those of them that a process still has open for writing.
    pub held: Vec<HeldFile>,
    /// Processes that have these or other files of the set open for writing.
    pub pids: Vec<u32>,
    /// One of them was started before the directory was last changed.
    pub is_older: bool,
    /// What the server of the set says, where it was asked.
    pub answer: Option<Answer>,
    /// Bytes that a rewrite may want, and those that are free where the set lies; `None` where that cannot be told.
    pub room: Option<(u64, u64)>,
}

impl Running {
    /// Whether every file that is gone can still be had from a process.
    pub fn holds_all(&self) -> bool {
        let is_held = |name: &Vec<u8>| self.held.iter().any(|one| one.name.as_bytes() == &name[..]);
        self.lost.iter().all(is_held)
    }

    /// Whether the server is known to have all of the set in its memory, so that a rewrite writes all of it.
    pub fn has_all(&self) -> bool {
        let fits = |answer: &Answer| answer.keys > 0 && answer.keys >= answer.keys_left;
        !self.held.is_empty() || self.is_older && self.answer.as_ref().is_some_and(fits)
    }

    /// Whether a rewrite finds room.
    pub fn has_room(&self) -> bool {
        self.room.is_some_and(|(wanted, free)| free >= wanted)
    }
}

/// Who writes to the files of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// The server that runs on, where files are gone.
    pub running: Option<Running>,
    /// The manifest, and processes that write to its set, where none of them has started another.
    pub two: Option<(Vec<u8>, Vec<u32>)>,
}

/// Looks at who writes to the set. Reads none of its files.
pub fn writing(aof: &Aof) -> Writing {
    let Some(manifest) = aof.manifest.as_ref().filter(|_| aof.layout == Layout::MultiPart) else {
        return Writing::default();
    };
    let dir = aof.dir();
    let (all, _) = disk::held_in(&dir);
    let own = manifest.path.file_name().unwrap_or_default().as_bytes();
    let stem = own.strip_suffix(b".manifest").unwrap_or(own);
    let is_missing = matches!(manifest.state, ManifestState::Missing);
    if !is_still_so(manifest) {
        return Writing { running: None, two: two(&all, stem).map(|pids| (own.to_vec(), pids)) };
    }
    let live: HashSet<&[u8]> = aof.live().map(|(_, segment)| &*segment.name).collect();
    let of_set = |one: &&HeldFile| match is_missing {
        false => live.contains(one.name.as_bytes()),
        true => segment_name(one.name.as_bytes()).is_some_and(|name| name.stem == stem),
    };
    let of_set: Vec<_> = all.iter().filter(of_set).collect();
    let missing = aof.live().filter(|(_, segment)| segment.is_missing());
    let mut lost: Vec<_> = missing.map(|(_, segment)| segment.name.to_vec()).collect();
    for one in of_set.iter().filter(|one| one.is_deleted) {
        let name = one.name.as_bytes().to_vec();
        if !lost.contains(&name) {
            lost.push(name);
        }
    }
    if is_missing {
        lost.push(own.to_vec());
    }
    let held: Vec<_> = of_set.iter().filter(|one| one.is_deleted).map(|&one| one.clone()).collect();
    let mut pids: Vec<_> = of_set.iter().map(|one| one.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    let is_older = of_set.iter().any(|one| is_older(one, &dir));
    let wanted = aof.live().filter_map(|(_, segment)| segment.len()).sum::<u64>()
        + held.iter().map(|one| one.len).sum::<u64>();
    let room = disk::room(&dir).ok().map(|room| (wanted, room.free));
    let running =
        (!lost.is_empty()).then_some(Running { lost, held, pids, is_older, answer: None, room });
    Writing { running, two: two(&all, stem).map(|pids| (own.to_vec(), pids)) }
}

/// Whether the manifest is the one that the set was opened by. A server deletes the files of before a rewrite once the new
/// manifest is there, and closes them a little later.
fn is_still_so(manifest: &OpenedManifest) -> bool {
    match manifest.state {
        ManifestState::Missing => !disk::exists(&manifest.path),
        _ => disk::read_small(&manifest.path, limits::MANIFEST)
            .is_ok_and(|bytes| bytes == manifest.bytes),
    }
}

/// Whether a process was started before the directory was last changed.
fn is_older(one: &HeldFile, dir: &Path) -> bool {
    let Some(started) = one.started_at else { return false };
    let since = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    disk::stamp(dir).is_ok_and(|stamp| stamp.modified_ns() >= since.as_nanos() as i128)
}

/// Processes that have segments of this name open for writing, of which none has started another: a child has open what
/// its parent has.
fn two(all: &[HeldFile], stem: &[u8]) -> Option<Vec<u32>> {
    let of_name =
        |one: &&HeldFile| segment_name(one.name.as_bytes()).is_some_and(|n| n.stem == stem);
    let of_name: Vec<_> = all.iter().filter(of_name).collect();
    let is_child = |one: &HeldFile| of_name.iter().any(|other| Some(other.pid) == one.parent);
    let mut pids: Vec<_> = of_name.iter().filter(|one| !is_child(one)).map(|one| one.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    (pids.len() > 1).then_some(pids)
}
