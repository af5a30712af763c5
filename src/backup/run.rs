//! One backup: from a path to a snapshot that is there.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::alive::Alive;
use super::apart::must_lie_apart;
use super::beside::Beside;
use super::capture::{self, Captured, Means};
use super::compose::{Facts, entry};
use super::entry::{Entry, FileEntry, ManifestEntry, Mark, Method};
use super::find::newest_readable;
use super::made::{Backup, made};
use super::manifest::manifest_of;
use super::numbers::{self, Numbers};
use super::options::BackupOptions;
use super::repository::Repository;
use super::task::{Task, refuse_a_crowd};
use super::trust::Trust;
use super::{as_is, marks, moment};
use crate::aof::{Aof, OpenOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::neighbours::survey;
use crate::progress::{Progress, Silent};
use crate::store::Held;

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
    let task = Task { path, open, repository, options, progress };
    if options.as_is { as_is::keep(&task) } else { Run(task).until_it_holds_still(None) }
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
    let task = Task { path, open, repository, options, progress };
    if options.as_is { as_is::keep(&task) } else { Run(task).until_it_holds_still(Some(beside)) }
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
    Error::new(ErrorKind::Refused(why.to_owned().into()), last.path())
}

/// A backup of a set as a server would load it.
struct Run<'a>(Task<'a>);

/// The source that a set is, and what the repository has of it.
struct Known {
    source: String,
    /// Which snapshots must be there; `None` where that cannot be read.
    numbers: Option<Numbers>,
    there: BTreeSet<u64>,
    parent: Option<Entry>,
    unreadable: Vec<String>,
}

impl Known {
    /// The number of the next one. That of one that is lost is not given again, so that the loss can be seen.
    fn next(&self) -> u64 {
        numbers::next(&self.there, self.numbers.as_ref())
    }
}

impl Run<'_> {
    fn until_it_holds_still(&self, mut beside: Option<&mut Beside<'_>>) -> Result<Backup> {
        let shared = self.0.begin()?;
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

    /// What the repository has of this source, which must be held.
    fn known(&self, source: String) -> Result<Known> {
        let repository = self.0.repository;
        let numbers = repository.numbers(&source)?;
        let listed = repository.list_source(&source)?;
        self.0.must_not_be_gone(&source, numbers.as_ref(), &listed)?;
        let (parent, unreadable) = newest_readable(repository, &listed)?;
        let there = listed.iter().map(|one| one.seq).collect();
        Ok(Known { source, numbers, there, parent, unreadable })
    }

    fn once(&self, mut beside: Option<&mut Beside<'_>>, shared: Option<&Held>) -> Result<Backup> {
        let &Task { path, open, repository, options, .. } = &self.0;
        let taken = moment::now();
        // Asked before the set is opened, so that the files have at least what it has answered for.
        let before = beside.as_mut().map(|beside| beside.before(path)).transpose()?;
        let aof = Aof::open(path, open)?;
        refuse_a_crowd(&aof)?;
        must_lie_apart(&aof, repository.store().name())?;
        if let (Some(beside), Some(before)) = (beside.as_mut(), &before) {
            before.fits(&aof)?;
            beside.must_write_here(before, &aof)?;
        }
        let manifest = manifest_of(&aof)?;
        let place = capture::place_of(&aof)?;
        let source = self.0.source_of(&aof, &place)?;
        let alone = repository.lock_source(&source)?;
        let mut known = self.known(source)?;
        let (captured, damaged) = self.capture(&aof, &known)?;
        if let (Some(beside), Some(before)) = (beside, &before) {
            beside.must_write_here(before, &aof)?;
        }
        let neighbours = survey(&aof, taken.milliseconds(), &options.pace, &Silent)?;
        for held in shared.into_iter().chain(&alone) {
            held.must_still_hold()?;
        }
        let elsewhere = before.as_ref().and_then(|before| before.elsewhere(&aof));
        let needs_modules = captured.needs.clone().sorted();
        let unreadable = std::mem::take(&mut known.unreadable);
        let made =
            |entry| Backup { damaged, needs_modules, ..made(&aof, entry, unreadable, elsewhere) };
        let place = capture::path_text(&place);
        let began_anew = marks::of_neighbours(&neighbours);
        if let Some(parent) = &known.parent {
            refuse_a_stranger(parent, &captured, &place, options, repository)?;
            let unchanged = is_unchanged(parent, &captured, manifest.as_ref(), &options.tags);
            if unchanged && !options.always {
                repository.note_numbers(known.numbers.as_ref(), &known.source, &known.there)?;
                repository.forget_unfinished(&known.source)?;
                let reused_bytes = parent.logical_bytes();
                let marks = began_anew.into_iter().collect();
                return Ok(Backup { unchanged, reused_bytes, marks, ..made(parent.clone()) });
            }
        }
        let facts = Facts { taken, source: known.source.clone(), place, seq: known.next() };
        let alive = captured.alive.clone();
        let mut entry = entry(&aof, facts, manifest, captured, known.parent.as_ref(), options);
        if let Some(before) = &before {
            (entry.method, entry.server) = (Method::Connected, Some(before.entry()));
        }
        mark(&mut entry, began_anew, &known, options);
        self.publish(entry, alive.as_ref(), known).map(|published| published.of(made))
    }

    /// The files of the set, and objects that were found not to be what they were.
    fn capture(&self, aof: &Aof, known: &Known) -> Result<(Captured, Vec<String>)> {
        let &Task { repository, options, progress, .. } = &self.0;
        let parent = known.parent.as_ref();
        let trust = Trust::new(repository, &known.source, parent, options.paranoid)?;
        let alive = parent.map(|parent| repository.alive_after(parent)).transpose()?.flatten();
        let source = &known.source;
        let means = Means { repository, source, options, parent, alive, trust: &trust, progress };
        let captured = capture::capture(aof, &means)?;
        trust.end_turn()?;
        Ok((captured, trust.damaged()))
    }

    /// Makes the snapshot visible. What fails after that the next backup does.
    fn publish(&self, entry: Entry, alive: Option<&Alive>, known: Known) -> Result<Published> {
        let repository = self.0.repository;
        let entry = repository.publish(entry)?;
        let mut numbers = known.there;
        numbers.insert(entry.seq);
        let noted = repository.note_numbers(known.numbers.as_ref(), &entry.source, &numbers);
        let noted = noted.and_then(|()| repository.keep_alive(&entry, alive));
        let unnoted = noted.err().map(|e| e.to_string());
        repository.forget_unfinished(&entry.source)?;
        let other_host = known.parent.filter(|parent| {
            entry.reused_bytes == 0 && parent.host != entry.host && parent.path == entry.path
        });
        Ok(Published { entry, unnoted, other_host: other_host.map(|parent| parent.host) })
    }
}

/// A snapshot that is there.
struct Published {
    entry: Entry,
    unnoted: Option<String>,
    other_host: Option<String>,
}

impl Published {
    fn of(self, made: impl FnOnce(Entry) -> Backup) -> Backup {
        let Self { entry, unnoted, other_host } = self;
        let (new_bytes, reused_bytes) = (entry.new_bytes, entry.reused_bytes);
        let marks = entry.marks.clone();
        Backup { new_bytes, reused_bytes, unnoted, other_host, marks, ..made(entry) }
    }
}

/// Marks what somebody should look at, and says which snapshots stay for that.
fn mark(entry: &mut Entry, began_anew: Option<Mark>, known: &Known, options: &BackupOptions) {
    let mut marks: Vec<_> = began_anew.into_iter().collect();
    if let Some(parent) = &known.parent {
        marks.extend(marks::of_history(parent, entry, options.shrink_percent));
        entry.before_shrinks = marks::before_shrinks(parent, &marks, &known.there);
    }
    entry.marks = marks;
}

/// Another server's set under a source's name would end its history unseen.
fn refuse_a_stranger(
    parent: &Entry,
    captured: &Captured,
    place: &str,
    options: &BackupOptions,
    repository: &Repository,
) -> Result<()> {
    // The name of the machine says nothing: a container has another one each time.
    let same_place = parent.path == place;
    let shares = captured.reused_bytes > 0 || parent.logical_bytes() == 0;
    if same_place || shares || options.new_history {
        return Ok(());
    }
    let why = format!(
        "source '{}' was {}:{} so far, and this set has nothing in common with it; use another \
         --source, or --new-history if it is meant to take over",
        parent.source, parent.host, parent.path
    );
    Err(Error::new(ErrorKind::Refused(why.into()), repository.store().name()))
}

fn is_unchanged(
    parent: &Entry,
    captured: &Captured,
    manifest: Option<&ManifestEntry>,
    tags: &[String],
) -> bool {
    let key = |f: &FileEntry| (f.name.clone(), f.kind, f.closed, f.segments.clone());
    let has = |all: &[FileEntry], one: &FileEntry| all.iter().any(|other| key(other) == key(one));
    let (extras, before) = (&captured.extras, &parent.extras);
    captured.files.iter().map(key).eq(parent.files.iter().map(key))
        && extras.len() == before.len()
        && extras.iter().all(|one| has(before, one))
        && manifest == parent.manifest.as_ref()
        && tags.iter().all(|tag| parent.tags.contains(tag))
}
