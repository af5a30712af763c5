//! What lies beside a set and no server will ever load: which of it can go, and why the rest stays.
//!
//! Knows leftovers and who has them open; writes nothing itself: what comes out is a [`Proposal`]. It never takes a
//! base or increment that the manifest names, nothing that a process has open, nothing that is young, and
//! beside a running server nothing that this server may be about to adopt.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::aof::{Aof, Leftover, LeftoverKind, ManifestState, Role, segment_name};
use crate::change::{self, Draft, Loss, Proposal, Verb};
use crate::disk::{self, Fixed, FrozenFile, Identity, Look};
use crate::error::{Error, Result};
use crate::neighbours;
use crate::progress::Progress;
use crate::scan::Pace;

/// Beside a running server nothing younger than this goes, whatever was asked for: between the last write to a
/// file of a rewrite and the moment the manifest names it, nobody has it open.
pub const LEAST_AGE: Duration = Duration::from_secs(60);

/// What may go.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Nothing last written to less than this ago.
    pub min_age: Duration,
    /// Until when ages count.
    pub now: SystemTime,
}

/// One leftover, and what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub leftover: Leftover,
    /// How long ago it was last written to; `None` when the system does not tell, or it lies ahead.
    pub age: Option<Duration>,
    /// Why it stays; `None`: it goes.
    pub spared: Option<Spared>,
}

/// Why a leftover stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spared {
    /// It is younger than asked for.
    Young,
    /// Younger than [`LEAST_AGE`], and a server runs.
    YoungBesideServer,
    /// These processes have it open.
    Open(Vec<u32>),
    /// A running server deletes its history by itself, and would write the lines again.
    OfServer,
    /// Its number is not behind those of the set: a running server may be about to name it.
    Ahead,
    /// It is a symbolic link, a pipe or a device: no file that a server left.
    NoFile,
    /// The manifest also names it as a base or increment, or it is the manifest.
    Named,
    /// Its mode has bits (octal) that no server gives to a file, and no undo.
    Mode(u32),
    /// It cannot be removed.
    Fixed(Fixed),
    /// It holds keys or commands that the set lacks, or could not be read: it may be the only copy.
    Needed,
    /// It was gone by the time it was looked at.
    Gone,
}

impl std::fmt::Display for Spared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Young => f.write_str("younger than --min-age"),
            Self::YoungBesideServer => write!(
                f,
                "younger than {} s, and a server runs: it may be part of a rewrite",
                LEAST_AGE.as_secs()
            ),
            Self::Open(pids) => {
                let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
                write!(f, "open in process {}", pids.join(", "))
            }
            Self::OfServer => f.write_str("the running server deletes its history by itself"),
            Self::Ahead => f.write_str("the running server may be about to name it"),
            Self::NoFile => f.write_str("no regular file, but a link, a pipe or a device"),
            Self::Named => {
                f.write_str("the manifest also names it as a part of the set: see `aofkit check`")
            }
            Self::Mode(mode) => {
                write!(f, "its mode is {mode:o}: no server and no undo gives such bits to a file")
            }
            Self::Fixed(fixed) => write!(f, "it is {}", fixed.name()),
            Self::Needed => f.write_str("it may be the only copy of its data: see `aofkit check`"),
            Self::Gone => f.write_str("gone meanwhile"),
        }
    }
}

/// What was found beside a set.
#[derive(Debug)]
pub struct Survey {
    /// What is to happen; empty when nothing may go.
    pub plan: Proposal,
    /// Every leftover, those that stay included.
    pub found: Vec<Found>,
    /// About how many bytes those that go take when they are kept aside, where they are packed.
    pub packed_bytes: u64,
    /// Processes that have files of the set open: a server that runs.
    pub servers: Vec<u32>,
    /// Whether all processes of this machine could be looked at.
    pub all_seen: bool,
}

/// Looks at what lies beside the set, and into it: what may be the only copy of something stays.
///
/// # Errors
/// [`crate::error::ErrorKind::Refused`] when the manifest is missing or invalid: then nothing here is known to be left over.
/// Also when files cannot be looked at.
pub fn survey(aof: &Aof, options: Options, pace: &Pace, progress: &dyn Progress) -> Result<Survey> {
    let refusal = match aof.manifest.as_ref().map(|manifest| &manifest.state) {
        Some(ManifestState::Missing) => Some(Refusal::ManifestMissing),
        Some(ManifestState::Invalid(_)) => Some(Refusal::ManifestInvalid),
        _ if aof.upgrade_pending => Some(Refusal::UpgradePending),
        _ => None,
    };
    if let Some(why) = refusal {
        return Err(Error::refused(why, &aof.path));
    }
    let live = || aof.live().filter_map(|(_, segment)| segment.file());
    let identities: Vec<Identity> = live().map(|file| file.identity()).collect();
    // Also one that only reads: a server that is still loading writes the manifest when it is done.
    let processes = aof.processes();
    let mut servers = processes.openers(&identities);
    // Or one that runs in these directories and has none of the files open.
    let near = processes.servers(&change::haunt(&aof.dir(), &aof.dir())?);
    servers.pids.extend(
        near.pids.iter().filter(|pid| !servers.pids.contains(pid)).copied().collect::<Vec<_>>(),
    );
    let mut all = Vec::new();
    let mut draft = Draft::new(Verb::Clean, aof);
    let of_set = OfSet::new(aof);
    let found = || aof.leftovers.iter().filter(|l| l.kind != LeftoverKind::Kept);
    // All at once: most often none has any of them open.
    let stamps = found().filter_map(|leftover| disk::stamp(&leftover.path).ok());
    let identities: Vec<_> = stamps.map(|stamp| stamp.identity).collect();
    let any_open = !processes.openers(&identities).pids.is_empty();
    let beside = Beside { server: !servers.pids.is_empty(), any_open };
    let neighbours = neighbours::survey(aof, unix_ms(options.now), pace, progress)?;
    let needed = neighbours.found.iter().filter(|one| one.is_needed()).flat_map(|one| &one.files);
    let needed: HashSet<_> = needed.collect();
    for leftover in found() {
        let spared = spared(aof, &of_set, leftover, (options, beside));
        let spared = spared.or(needed.contains(&leftover.path).then_some(Spared::Needed));
        if spared.is_none() {
            take(&of_set, leftover, &mut draft)?;
        }
        let age = age(leftover, options.now);
        all.push(Found { leftover: leftover.clone(), age, spared });
    }
    if servers.pids.is_empty() {
        lines_without_files(aof, &mut draft);
    }
    let all_seen = servers.all_seen && disk::sees_all_processes();
    let packed_bytes = all.iter().filter(|one| one.spared.is_none()).map(packed).sum();
    let (plan, servers) = (Proposal::new(draft.finish()?), servers.pids);
    Ok(Survey { plan, found: all, packed_bytes, all_seen, servers })
}

/// What a file takes once it is packed; as much as now where that cannot be told.
fn packed(found: &Found) -> u64 {
    let leftover = &found.leftover;
    let packed = FrozenFile::open(&leftover.path).and_then(|file| disk::packed_len(&file));
    packed.unwrap_or(leftover.len)
}

fn unix_ms(now: SystemTime) -> i64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Why nothing beside a set is known to be left over. In words by `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no manifest.
    ManifestMissing,
    /// The manifest is not valid.
    ManifestInvalid,
    /// The next start of a server completes an upgrade.
    UpgradePending,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::ManifestMissing => "is missing",
            Self::ManifestInvalid => "is not valid",
            Self::UpgradePending => {
                return f.write_str("an upgrade is to be completed by a server's next start");
            }
        };
        write!(f, "the manifest {why}: what is left over cannot be known; see `aofkit check`")
    }
}

/// The files of a set, to be found by their names: there may be as many of them as of what lies beside them.
struct OfSet<'a> {
    aof: &'a Aof,
    /// The first of a name; and the first that is live.
    by_name: HashMap<&'a [u8], (usize, Option<usize>)>,
    live: HashSet<Identity>,
}

impl<'a> OfSet<'a> {
    fn new(aof: &'a Aof) -> Self {
        let mut by_name = HashMap::with_capacity(aof.segments.len());
        for (place, segment) in aof.segments.iter().enumerate() {
            let (_, live) = by_name.entry(&*segment.name).or_insert((place, None));
            *live = live.or(segment.is_live().then_some(place));
        }
        let files = aof.live().filter_map(|(_, segment)| segment.file());
        Self { aof, by_name, live: files.map(|file| file.identity()).collect() }
    }

    /// The first one that lies at this path; and whether one is live.
    fn at(&self, path: &Path) -> Option<(usize, bool)> {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let (first, live) = *self.by_name.get(name)?;
        (self.aof.segments[first].path() == path).then_some((first, live.is_some()))
    }
}

/// The leftover is to go.
fn take(of_set: &OfSet<'_>, leftover: &Leftover, draft: &mut Draft<'_>) -> Result<()> {
    draft.lose(Loss { bytes: leftover.len, ..Loss::default() });
    if leftover.kind == LeftoverKind::History
        && let Some((segment, _)) = of_set.at(&leftover.path)
    {
        draft.remove(segment);
        return Ok(());
    }
    draft.remove_other(&leftover.path)
}

/// Lines of the manifest that list history whose file is gone.
fn lines_without_files(aof: &Aof, draft: &mut Draft<'_>) {
    for (position, segment) in aof.segments.iter().enumerate() {
        if segment.role == Role::History && segment.is_missing() {
            draft.remove(position);
        }
    }
}

fn age(leftover: &Leftover, now: SystemTime) -> Option<Duration> {
    now.duration_since(leftover.modified?).ok()
}

/// What runs beside the set.
#[derive(Clone, Copy)]
struct Beside {
    /// A server of this set.
    server: bool,
    /// A process that has one of the leftovers open.
    any_open: bool,
}

/// Why it stays, if it does.
fn spared(
    aof: &Aof,
    of_set: &OfSet<'_>,
    leftover: &Leftover,
    (options, beside): (Options, Beside),
) -> Option<Spared> {
    let server = beside.server;
    let name = leftover.path.file_name().unwrap_or_default();
    let Ok(dir) = disk::Dir::open(disk::parent(&leftover.path)) else { return Some(Spared::Gone) };
    let Ok(Some(look)) = dir.look(name) else { return Some(Spared::Gone) };
    let for_good = for_good(of_set, leftover, &look);
    let for_good = for_good.or_else(|| dir.fixed(name).ok()?.map(Spared::Fixed));
    if for_good.is_some() {
        return for_good;
    }
    let stamp = look.stamp;
    // A time that lies ahead says nothing, and nothing is young.
    let age = age(leftover, options.now).unwrap_or(Duration::ZERO);
    if age < options.min_age {
        return Some(Spared::Young);
    }
    if server && age < LEAST_AGE {
        return Some(Spared::YoungBesideServer);
    }
    if server && leftover.kind == LeftoverKind::History {
        return Some(Spared::OfServer);
    }
    if server && leftover.kind == LeftoverKind::Orphan && is_ahead(aof, leftover) {
        return Some(Spared::Ahead);
    }
    if !beside.any_open {
        return None;
    }
    let open = aof.processes().openers(&[stamp.identity]).pids;
    (!open.is_empty()).then_some(Spared::Open(open))
}

/// Why it stays whoever runs beside it and however old it is.
fn for_good(of_set: &OfSet<'_>, leftover: &Leftover, look: &Look) -> Option<Spared> {
    if look.kind != disk::Kind::File {
        return Some(Spared::NoFile);
    }
    let manifest = of_set.aof.manifest.as_ref();
    let is_manifest = manifest.is_some_and(|one| one.path == leftover.path);
    // Names may differ in nothing but their case, to a file system that does not tell them apart: the file has one then.
    let is_same = look.links == 1 && of_set.live.contains(&look.stamp.identity);
    let is_live = is_same || of_set.at(&leftover.path).is_some_and(|(_, is_live)| is_live);
    if is_manifest || is_live {
        return Some(Spared::Named);
    }
    let mode = look.attributes.mode;
    (mode & !0o777 != 0).then_some(Spared::Mode(mode))
}

/// Whether an orphan's number is one the set has not come to yet: servers only count up.
fn is_ahead(aof: &Aof, leftover: &Leftover) -> bool {
    let name = leftover.path.file_name().unwrap_or_default().as_encoded_bytes();
    let Some(name) = segment_name(name) else { return true };
    let of_its_kind =
        |role| if name.is_base { role == Role::Base } else { role == Role::Increment };
    let numbers = aof.live().filter(|(_, s)| of_its_kind(s.role)).filter_map(|(_, s)| s.seq);
    numbers.max().is_none_or(|last| name.number >= last)
}
