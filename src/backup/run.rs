//! One backup: from a path to a snapshot that is there.

use super::options::BackupOptions;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::apart::must_lie_apart;
use super::beside::Beside;
use super::capture::{self, Captured, Means};
use super::entry::{
    Divergence, Entry, FORMAT, FileEntry, Gap, Interval, ManifestEntry, Method, ServerEntry,
};
use super::manifest::manifest_of;
use super::moment::{self, Moment};
use super::name;
use super::numbers::Numbers;
use super::repository::{Listed, Repository};
use super::trust::Trust;
use crate::aof::{Aof, OpenOptions};
use crate::disk::{FrozenFile, Hold};
use crate::error::{Error, ErrorKind, Result};
use crate::format::rdb::Family;
use crate::limits;
use crate::progress::Progress;
use crate::rules::Needed;
use crate::store::Held;
use crate::text::thousands;

/// What became of a backup.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Nothing had changed; `entry` is the one that was there.
    pub unchanged: bool,
    /// What was backed up: the path as every verb resolves it.
    pub path: PathBuf,
    /// Its manifest, where it has one.
    pub manifest: Option<PathBuf>,
    /// The snapshot.
    pub entry: Entry,
    /// Bytes of objects that were added.
    pub new_bytes: u64,
    /// Bytes of files that are shared with the snapshot before.
    pub reused_bytes: u64,
    /// Entries of the source that could not be read and were passed over.
    pub unreadable: Vec<String>,
    /// Objects of the snapshot before that are not what they were: what they held was stored anew.
    pub damaged: Vec<String>,
    /// Why it could not be written down that the snapshot must be there; the next backup does it.
    pub unnoted: Option<String>,
    /// What the bytes that this run read need of modules; what the snapshot before has already was not read again.
    pub needs_modules: Vec<Needed>,
    /// When the set was last written to.
    pub written: Option<SystemTime>,
    /// Where the server that was asked says its log is, when that is another place.
    pub elsewhere: Option<String>,
}

/// Takes a snapshot of the set at `path`, beside a server if there is one.
///
/// # Errors
/// When the set cannot be read or is damaged ([`ErrorKind::BadBackup`]), when another run holds the
/// repository, when the repository cannot be written. Nothing is published then.
pub fn backup(
    path: &Path,
    open: &OpenOptions,
    repository: &Repository,
    options: &BackupOptions,
    progress: &dyn Progress,
) -> Result<Backup> {
    Run { path, open, repository, options, progress }.until_it_holds_still(None)
}

/// Takes a snapshot as [`backup`] does, and asks the set's server before and after.
///
/// # Errors
/// As [`backup`]; also when the server does not answer, or what lies there is not what it would load.
pub fn backup_beside(
    path: &Path,
    open: &OpenOptions,
    repository: &Repository,
    options: &BackupOptions,
    beside: &mut Beside<'_>,
    progress: &dyn Progress,
) -> Result<Backup> {
    Run { path, open, repository, options, progress }.until_it_holds_still(Some(beside))
}

/// A backup that is being taken.
struct Run<'a> {
    path: &'a Path,
    open: &'a OpenOptions,
    repository: &'a Repository,
    options: &'a BackupOptions,
    progress: &'a dyn Progress,
}

fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Shrank { .. } | ErrorKind::KeepsChanging)
}

/// Between two attempts beside a server.
const PAUSE: Duration = Duration::from_millis(20);

/// An attempt that failed each time, beside a server.
fn unproven(last: Error) -> Error {
    let why = "each time it was looked at, its server had gone over to other files, or it was not proven that the server \
               writes to these; nothing was published. Try again when no rewrite is under way, or give --exact more time";
    Error::new(ErrorKind::Refused(why.to_owned()), last.path())
}

fn refuse_too_many(tags: &[String]) -> Result<()> {
    let bytes: usize = tags.iter().map(String::len).sum();
    if tags.len() <= limits::BACKUP_TAGS && bytes <= limits::BACKUP_TEXT {
        return Ok(());
    }
    let why =
        format!("at most {} labels of {} bytes together", limits::BACKUP_TAGS, limits::BACKUP_TEXT);
    Err(Error::new(ErrorKind::Refused(why), Path::new("--tag")))
}

fn refuse_twice(includes: &[PathBuf]) -> Result<()> {
    let mut names: Vec<_> = includes.iter().filter_map(|p| p.file_name()).collect();
    names.sort();
    match names.windows(2).find(|two| two[0] == two[1]) {
        None => Ok(()),
        Some(two) => {
            let why = "two files to include have this name".to_owned();
            Err(Error::new(ErrorKind::Refused(why), Path::new(two[0])))
        }
    }
}

fn refuse_a_crowd(aof: &Aof) -> Result<()> {
    let files = aof.segments.len();
    if files <= limits::BACKUP_FILES {
        return Ok(());
    }
    let why = format!(
        "a snapshot holds at most {} files, and this set has {}: a rewrite (BGREWRITEAOF) makes them few",
        thousands(limits::BACKUP_FILES as u64),
        thousands(files as u64)
    );
    Err(Error::new(ErrorKind::Refused(why), &aof.path))
}

impl Run<'_> {
    fn until_it_holds_still(&self, mut beside: Option<&mut Beside<'_>>) -> Result<Backup> {
        let shared = self.repository.lock(Hold::Shared)?;
        refuse_twice(&self.options.includes)?;
        refuse_too_many(&self.options.tags)?;
        let patience = beside.as_ref().and_then(|beside| beside.exact);
        let (mut attempt, started) = (0, Instant::now());
        loop {
            // A file that shrank, or a set that was rewritten too fast, is another set by now.
            match self.once(beside.as_deref_mut(), shared.as_ref()) {
                Err(e) if is_passing(&e) => {
                    attempt += 1;
                    let is_patient = patience.is_some_and(|patience| started.elapsed() < patience);
                    if attempt > limits::OPEN_ATTEMPTS / 10 && !is_patient {
                        return Err(if beside.is_some() { unproven(e) } else { e });
                    }
                    if beside.is_some() {
                        std::thread::sleep(PAUSE);
                    }
                }
                other => return other,
            }
        }
    }

    fn once(&self, mut beside: Option<&mut Beside<'_>>, shared: Option<&Held>) -> Result<Backup> {
        let &Run { path, open, repository, options, progress } = self;
        let taken = moment::now();
        // Asked before the set is opened, so that the files have at least what it has answered for.
        let before = beside.as_mut().map(|beside| beside.before(path)).transpose()?;
        let aof = Aof::open(path, open)?;
        refuse_a_crowd(&aof)?;
        must_lie_apart(&aof, self.repository.store().name())?;
        if let (Some(beside), Some(before)) = (beside.as_mut(), &before) {
            before.fits(&aof)?;
            beside.must_write_here(before, &aof)?;
        }
        let manifest = manifest_of(&aof)?;
        let place = capture::place_of(&aof)?;
        let host = crate::disk::host_name();
        let source = options.source.clone().unwrap_or_else(|| name::default_source(&host, &place));
        let alone = repository.lock_source(&source)?;
        let known = repository.numbers(&source)?;
        let listed = repository.list_source(&source)?;
        if let Some(known) = known.as_ref().filter(|known| listed.is_empty() && known.last() > 0) {
            return Err(all_gone(repository, &source, known.last()));
        }
        let (parent, unreadable) = newest_readable(repository, &listed)?;
        let trust = Trust::new(repository, &source, parent.as_ref(), options.paranoid)?;
        let means = Means {
            repository,
            source: &source,
            options,
            parent: parent.as_ref(),
            trust: &trust,
            progress,
        };
        let captured = capture::capture(&aof, &means)?;
        trust.end_turn()?;
        if let (Some(beside), Some(before)) = (beside, &before) {
            beside.must_write_here(before, &aof)?;
        }
        for held in shared.into_iter().chain(&alone) {
            held.must_still_hold()?;
        }
        let mut numbers: BTreeSet<u64> = listed.iter().map(|one| one.seq).collect();
        let elsewhere = before.as_ref().and_then(|before| before.elsewhere(&aof));
        let damaged = trust.damaged();
        let needs_modules = captured.needs.clone().sorted();
        let made =
            |entry| Backup { damaged, needs_modules, ..made(&aof, entry, unreadable, elsewhere) };
        let place = capture::path_text(&place);
        if let Some(parent) = &parent {
            refuse_a_stranger(parent, &captured, &host, &place, options, repository)?;
            let unchanged = is_unchanged(parent, &captured, manifest.as_ref(), &options.tags);
            if unchanged && !options.always {
                repository.note_numbers(known.as_ref(), &source, &numbers)?;
                repository.forget_unfinished(&source)?;
                let reused_bytes = parent.logical_bytes();
                return Ok(Backup { unchanged, reused_bytes, ..made(parent.clone()) });
            }
        }
        // The number of one that is lost is not given again, so that the loss can be seen.
        let last = numbers.last().copied().max(known.as_ref().map(Numbers::last)).unwrap_or(0);
        let seq = last.saturating_add(1);
        let facts = Facts { taken, source, host, place, seq };
        let (new_bytes, reused_bytes) = (captured.new_bytes, captured.reused_bytes);
        let mut entry = entry(&aof, facts, manifest, captured, parent.as_ref(), options);
        if let Some(before) = &before {
            (entry.method, entry.server) = (Method::Connected, Some(before.entry()));
        }
        let entry = repository.publish(entry)?;
        numbers.insert(entry.seq);
        // The snapshot is there and lasts. What fails now the next backup does.
        let noted = repository.note_numbers(known.as_ref(), &entry.source, &numbers);
        let unnoted = noted.err().map(|e| e.to_string());
        repository.forget_unfinished(&entry.source)?;
        Ok(Backup { new_bytes, reused_bytes, unnoted, ..made(entry) })
    }
}

fn made(aof: &Aof, entry: Entry, unreadable: Vec<String>, elsewhere: Option<String>) -> Backup {
    let files = aof.live().filter_map(|(_, segment)| segment.file());
    Backup {
        unchanged: false,
        path: aof.path.clone(),
        manifest: aof.manifest.as_ref().map(|manifest| manifest.path.clone()),
        entry,
        new_bytes: 0,
        reused_bytes: 0,
        unreadable,
        damaged: Vec::new(),
        unnoted: None,
        needs_modules: Vec::new(),
        written: files.filter_map(FrozenFile::modified).max(),
        elsewhere,
    }
}

/// A source whose snapshots are all gone is not taken for a new one: more likely a disk is not there.
fn all_gone(repository: &Repository, source: &str, last: u64) -> Error {
    repository.bad(format!(
        "sources/{source}: up to number {last} its snapshots are missing, and no prune removed them; is a disk not \
         mounted? If they are gone for good, `aofkit prune --accept-missing --apply` writes that down"
    ))
}

/// The newest entry that can be read, and the names of those after it.
fn newest_readable(
    repository: &Repository,
    listed: &[Listed],
) -> Result<(Option<Entry>, Vec<String>)> {
    let mut unreadable = Vec::new();
    for one in listed.iter().rev() {
        match repository.entry(one) {
            Ok(entry) => return Ok((Some(entry), unreadable)),
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
                unreadable.push(one.id.clone())
            }
            Err(e) => return Err(e),
        }
    }
    Ok((None, unreadable))
}

/// Another server's set under a source's name would end its history unseen.
fn refuse_a_stranger(
    parent: &Entry,
    captured: &Captured,
    host: &str,
    place: &str,
    options: &BackupOptions,
    repository: &Repository,
) -> Result<()> {
    let same_place = (parent.host.as_str(), parent.path.as_str()) == (host, place);
    let shares = captured.reused_bytes > 0 || parent.logical_bytes() == 0;
    if same_place || shares || options.new_history {
        return Ok(());
    }
    let why = format!(
        "source '{}' was {}:{} so far, and this set has nothing in common with it; use another \
         --source, or --new-history if it is meant to take over",
        parent.source, parent.host, parent.path
    );
    Err(Error::new(ErrorKind::Refused(why), repository.store().name()))
}

fn is_unchanged(
    parent: &Entry,
    captured: &Captured,
    manifest: Option<&ManifestEntry>,
    tags: &[String],
) -> bool {
    let same = |ours: &[FileEntry], theirs: &[FileEntry]| {
        let key = |f: &FileEntry| (f.name.clone(), f.kind, f.closed, f.segments.clone());
        ours.iter().map(key).eq(theirs.iter().map(key))
    };
    same(&captured.files, &parent.files)
        && same(&captured.extras, &parent.extras)
        && manifest == parent.manifest.as_ref()
        && tags.iter().all(|tag| parent.tags.contains(tag))
}

struct Facts {
    taken: Moment,
    source: String,
    host: String,
    place: String,
    seq: u64,
}

fn entry(
    aof: &Aof,
    facts: Facts,
    manifest: Option<ManifestEntry>,
    captured: Captured,
    parent: Option<&Entry>,
    options: &BackupOptions,
) -> Entry {
    let covers = covers(&captured.files);
    let gaps = parent.and_then(|p| gap(p, &captured.files)).into_iter().collect();
    let mut diverged = captured.diverged;
    diverged.extend(parent.and_then(|p| went_back(p, &captured.files)));
    Entry {
        format: FORMAT,
        id: name::id(facts.taken, facts.seq),
        source: facts.source,
        seq: facts.seq,
        parent: parent.map(|p| p.id.clone()),
        taken: facts.taken.text(),
        host: facts.host,
        path: facts.place,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        server: aof.writer.as_ref().map(|writer| ServerEntry {
            kind: match writer.family {
                Family::Redis => "redis".to_owned(),
                Family::Valkey => "valkey".to_owned(),
            },
            version: writer.version.clone(),
            running: None,
        }),
        method: Method::OfflineDirectory,
        manifest,
        files: captured.files,
        extras: captured.extras,
        covers,
        gaps,
        tags: options.tags.clone(),
        new_bytes: captured.new_bytes,
        reused_bytes: captured.reused_bytes,
        diverged,
        script_sha256: String::new(),
        supersedes: None,
    }
}

/// From the beginning of the base to the last annotation; nothing without annotations.
fn covers(files: &[FileEntry]) -> Vec<Interval> {
    let stamps = || files.iter().filter_map(|f| f.ts);
    let Some(to) = stamps().map(|ts| ts.last).max() else { return Vec::new() };
    let created = files.iter().find_map(|f| f.created);
    let from = created.or(stamps().map(|ts| ts.first).min()).unwrap_or(to).min(to);
    let text = |seconds| Moment::of_seconds(seconds).seconds_text();
    vec![Interval { from: text(from), to: text(to) }]
}

/// A rewrite starts anew: what was appended between the last snapshot and the rewrite is in no snapshot as
/// a history.
fn gap(parent: &Entry, files: &[FileEntry]) -> Option<Gap> {
    let base = |files: &[FileEntry]| files.first().map(|f| (f.name.clone(), f.kind));
    if base(files) == base(&parent.files) {
        return None;
    }
    let from = parent.covers.last().map_or(parent.taken.clone(), |interval| interval.to.clone());
    let created = files.iter().find_map(|f| f.created);
    let to = created.map(|seconds| Moment::of_seconds(seconds).seconds_text());
    let reason = "a rewrite discarded the log of that time: only its end can be restored";
    Some(Gap { from, to, reason: reason.to_owned() })
}

/// The numbers of a set only rise; a base with a smaller one has another history.
fn went_back(parent: &Entry, files: &[FileEntry]) -> Option<Divergence> {
    let (ours, theirs) = (files.first()?, parent.files.first()?);
    let back = ours.seq? < theirs.seq?;
    let file = theirs.name.clone();
    back.then_some(Divergence { file, same_up_to: 0, parent_size: theirs.size })
}
