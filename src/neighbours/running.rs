//! Files of a set that are gone, or have lost bytes, while a server still runs on it.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use super::counted::Sizes;
use super::shortened::{self, Shortened, Sign};
use super::still_so::is_still_so;
use crate::aof::{Aof, Layout, ManifestState, OpenedManifest, segment_name};
use crate::disk::{self, HeldFile, Holder, Identity};

/// What a running server says of itself, where it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where it was asked.
    pub address: String,
    /// Its keys.
    pub keys: u64,
    /// Keys that are alive after what is left of the set.
    pub keys_left: u64,
    /// Bytes of the set by its count, and those of the files, where both are known.
    pub sizes: Option<Sizes>,
}

/// What processes still have of a set whose files are not all there, or no longer those that they opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Names of files that the set lacks.
    pub missing: Vec<Vec<u8>>,
    /// Names under which other files lie by now than those that a process has open.
    pub replaced: Vec<Vec<u8>>,
    /// The files without a name that a process has open for writing, each once.
    pub held: Vec<HeldFile>,
    /// Files that are there and have lost bytes under their server.
    pub shortened: Vec<Shortened>,
    /// Servers that have these or other files of the set open for writing.
    pub servers: Vec<Holder>,
    /// What the server of the set says, where it was asked.
    pub answer: Option<Answer>,
    /// Bytes that a rewrite may want, and those that are free where the set lies; `None` where that cannot be told.
    pub room: Option<(u64, u64)>,
    /// Where a server of the set works: its append directory is made there.
    works_in: Option<Identity>,
    /// When the set's directory was last changed, Unix nanoseconds.
    changed_ns: Option<i128>,
}

impl Running {
    /// What a process has of the file of that name; `None` where none has it, or where there are several of that name.
    pub fn held_as(&self, name: &[u8]) -> Option<&HeldFile> {
        let mut all = self.held.iter().filter(|one| one.name.as_bytes() == name);
        all.next().filter(|_| all.next().is_none())
    }

    /// Whether every file that is gone can still be had from a process, and what lies here beside is of the same set.
    pub fn holds_all(&self) -> bool {
        self.replaced.is_empty() && self.missing.iter().all(|name| self.held_as(name).is_some())
    }

    /// Whether anything of the set is gone.
    pub fn has_lost(&self) -> bool {
        !(self.missing.is_empty() && self.replaced.is_empty() && self.shortened.is_empty())
    }

    /// Whether a server is known to have all of the set in its memory: it has a file open that is gone, or was there before
    /// the loss and has as many keys as what is left.
    pub fn has_all(&self) -> bool {
        let fits = |answer: &Answer| answer.keys > 0 && answer.keys >= answer.keys_left;
        let holds = self.missing.iter().filter_map(|name| self.held_as(name));
        // What was shortened was so under the server that has it open.
        let was_there = self.servers.iter().any(|server| self.is_older(server))
            || self.missing.is_empty() && !self.shortened.is_empty();
        holds.into_iter().any(|one| one.holder.is_server)
            || was_there && self.answer.as_ref().is_some_and(fits)
    }

    /// Bytes that the server has read and written, as far as a shortened file tells.
    pub fn counted_bytes(&self) -> Option<u64> {
        let counted = self.shortened.iter().map(|one| match one.sign {
            Sign::EndsBefore(place) => place,
            Sign::Count { counted, .. } => counted,
            Sign::Hole(_) | Sign::Damage(_) => one.len,
        });
        counted.max()
    }

    /// Whether it was started before the directory was last changed.
    fn is_older(&self, server: &Holder) -> bool {
        let started =
            server.started_at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        started.zip(self.changed_ns).is_some_and(|(at, changed)| changed >= at.as_nanos() as i128)
    }

    /// Whether the only server works where the set lies: elsewhere a rewrite goes, or fails.
    pub fn works_here(&self) -> bool {
        matches!(&self.servers[..], [one] if one.works_in.is_some() && one.works_in == self.works_in)
    }
}

/// Who writes to the files of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// What processes have of files that are gone or lost bytes.
    pub running: Option<Running>,
    /// Servers that write to the set's files, where there are several and none has started another.
    pub several: Vec<u32>,
    /// What processes have open of a set that is all there, as far as it is known.
    at_work: Running,
    /// Names of the files that servers have open as they lie there.
    open: Vec<Vec<u8>>,
}

impl Writing {
    /// The file is damaged there, with sound records behind: where a server has it open, that has not loaded it so.
    pub fn tell_damage(&mut self, name: &[u8], at: u64, len: u64) {
        if self.running.is_none() && self.open.iter().any(|open| open == name) {
            self.shorten(Shortened { name: name.to_vec(), len, sign: Sign::Damage(at) });
        }
    }

    /// A server says that it has read and written so many bytes of this set, which is more than the files have, and not because
    /// it cut them itself.
    pub fn tell_count(&mut self, counted: u64, files: u64) {
        if self.running.is_none() {
            let sign = Sign::Count { counted, files };
            self.shorten(Shortened { name: Vec::new(), len: files, sign });
        }
    }

    fn shorten(&mut self, one: Shortened) {
        self.running = Some(Running { shortened: vec![one], ..self.at_work.clone() });
    }
}

/// Looks at who writes to the set. Reads none of its files, but the first bytes of one that a server has open.
pub fn writing(aof: &Aof) -> Writing {
    let Some(manifest) = aof.manifest.as_ref().filter(|_| aof.layout == Layout::MultiPart) else {
        return Writing::default();
    };
    let dir = aof.dir();
    let all = aof.processes().held_in(&dir);
    let stem = manifest.stem();
    let several = several(&all, stem);
    if !is_still_so(manifest) {
        return Writing { several, ..Writing::default() };
    }
    let is_missing = matches!(manifest.state, ManifestState::Missing);
    let live: HashSet<&[u8]> = aof.live().map(|(_, segment)| &*segment.name).collect();
    let of_set = |one: &HeldFile| match is_missing {
        false => live.contains(one.name.as_bytes()),
        true => segment_name(one.name.as_bytes()).is_some_and(|name| name.stem == stem),
    };
    let of_set: Vec<HeldFile> = all.into_iter().filter(of_set).collect();
    let servers = by_process(&of_set);
    let open = of_set.iter().filter(|one| one.holder.is_server && !one.is_deleted);
    let open = open.map(|one| one.name.as_bytes().to_vec()).collect();
    let shortened = shortened::find(aof, &of_set);
    let held = by_identity(of_set);
    let (missing, replaced) = gone(aof, manifest, &held);
    let wanted = aof.live().filter_map(|(_, segment)| segment.len()).sum::<u64>()
        + held.iter().map(|one| one.len).sum::<u64>();
    let identity = |path: &Path| disk::stamp(path).ok().map(|stamp| stamp.identity);
    let seen = Running {
        missing,
        replaced,
        held,
        shortened,
        servers,
        answer: None,
        room: disk::room(&dir).ok().map(|room| (wanted, room.free)),
        works_in: identity(&dir.join("..")),
        changed_ns: disk::stamp(&dir).ok().map(|stamp| stamp.modified_ns()),
    };
    let running = seen.has_lost().then(|| seen.clone());
    Writing { running, several, at_work: seen, open }
}

/// Names of the set's files that are gone, and of those in whose place others lie.
fn gone(aof: &Aof, manifest: &OpenedManifest, held: &[HeldFile]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let live: HashSet<&[u8]> = aof.live().map(|(_, segment)| &*segment.name).collect();
    let gone = aof.live().filter(|(_, segment)| segment.is_missing());
    let mut missing: Vec<_> = gone.map(|(_, segment)| segment.name.to_vec()).collect();
    let mut replaced = Vec::new();
    for one in held {
        let name = one.name.as_bytes().to_vec();
        let is_there = live.contains(&name[..]) && !missing.contains(&name);
        let of_its_kind = if is_there { &mut replaced } else { &mut missing };
        if !of_its_kind.contains(&name) {
            of_its_kind.push(name);
        }
    }
    if matches!(manifest.state, ManifestState::Missing) {
        missing.push(manifest.path.file_name().unwrap_or_default().as_bytes().to_vec());
    }
    (missing, replaced)
}

/// The servers among those that have files open, each once.
fn by_process(all: &[HeldFile]) -> Vec<Holder> {
    let mut servers: Vec<Holder> = Vec::new();
    for one in all.iter().filter(|one| one.holder.is_server) {
        if servers.iter().all(|server| server.pid != one.holder.pid) {
            servers.push(one.holder.clone());
        }
    }
    servers
}

/// The files without a name, each once: a child has open what its parent has. A server is named before others.
fn by_identity(mut all: Vec<HeldFile>) -> Vec<HeldFile> {
    all.retain(|one| one.is_deleted);
    all.sort_by_key(|one| !one.holder.is_server);
    let mut seen = HashSet::new();
    all.retain(|one| seen.insert(one.identity));
    all
}

/// Servers that have segments of this name open for writing, where there are several.
fn several(all: &[HeldFile], stem: &[u8]) -> Vec<u32> {
    let is_live = |one: &&HeldFile| {
        !one.is_deleted && segment_name(one.name.as_bytes()).is_some_and(|n| n.stem == stem)
    };
    let live: Vec<_> = all.iter().filter(is_live).cloned().collect();
    let servers = by_process(&live);
    let is_child = |one: &Holder| servers.iter().any(|other| Some(other.pid) == one.parent);
    let pids: Vec<_> = servers.iter().filter(|one| !is_child(one)).map(|one| one.pid).collect();
    if pids.len() > 1 { pids } else { Vec::new() }
}
