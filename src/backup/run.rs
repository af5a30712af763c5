//! One backup: from a path to a snapshot that is there.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::alive::Alive;
use super::apart::must_lie_apart;
use super::beside::Beside;
use super::capture::{self, Captured, Means};
use super::compose::{Facts, entry};
use super::entry::{Entry, FileEntry, ManifestEntry, Mark, Method};
use super::find::newest_readable;
use super::identity::Identity;
use super::keys::Before;
use super::made::{Backup, made};
use super::manifest::manifest_of;
use super::moment::Moment;
use super::numbers::{self, Numbers};
use super::options::BackupOptions;
use super::repository::Repository;
use super::task::{Task, refuse_a_crowd};
use super::trust::Trust;
use super::{as_is, marks, moment};
use crate::aof::{Aof, OpenOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::neighbours::Suspects;
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

/// The clocks of a file system and of this machine tell apart at least so much.
const SETTLED_MS: i64 = 2000;

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
        let Identity { source, unread } = self.0.source_of(&aof, &place)?;
        let alone = repository.lock_source(&source)?;
        let mut known = self.known(source)?;
        let unreadable = std::mem::take(&mut known.unreadable);
        let keys = Before::new(repository, known.parent.as_ref());
        let (mut captured, damaged) = self.capture(&aof, &known, &keys)?;
        if let (Some(beside), Some(before)) = (beside, &before) {
            beside.must_write_here(before, &aof)?;
        }
        let place = capture::path_text(&place);
        if let Some(parent) = &known.parent {
            self.refuse_a_stranger(parent, &captured, &place)?;
        }
        let is_same =
            |parent: &&Entry| is_unchanged(parent, &captured, manifest.as_ref(), &options.tags);
        let unchanged = known.parent.as_ref().filter(is_same).filter(|_| !options.always).cloned();
        let began_anew = self.began_anew(&aof, taken, unchanged.as_ref())?;
        for held in shared.into_iter().chain(&alone) {
            held.must_still_hold()?;
        }
        if unchanged.is_none() && captured.is_still {
            captured.alive = keys.alive().cloned();
        }
        let uncounted = keys.trouble();
        let elsewhere = before.as_ref().and_then(|before| before.elsewhere(&aof));
        let needs_modules = captured.needs.clone().sorted();
        let made = |entry| {
            let made = made(&aof, entry, unreadable, elsewhere);
            Backup { damaged, uncounted, unread_sources: unread, needs_modules, ..made }
        };
        let mut marks: Vec<_> = began_anew.into_iter().collect();
        if let Some(parent) = unchanged {
            self.noted_again(&known)?;
            let reused_bytes = parent.logical_bytes();
            return Ok(Backup { unchanged: true, reused_bytes, marks, ..made(parent) });
        }
        marks.extend(marks::of_lost_includes(&captured.lost_extras));
        let facts = Facts { taken, source: known.source.clone(), place, seq: known.next() };
        let (alive, is_akin) = (captured.alive.clone(), captured.is_akin);
        let mut entry = entry(&aof, facts, manifest, captured, known.parent.as_ref(), options);
        if let Some(before) = &before {
            (entry.method, entry.server) = (Method::Connected, Some(before.entry()));
        }
        mark(&mut entry, marks, is_akin, &known, options);
        self.publish(entry, alive.as_ref(), known).map(|published| published.of(made))
    }

    /// The files of the set, and objects that were found not to be what they were.
    fn capture(
        &self,
        aof: &Aof,
        known: &Known,
        before: &Before<'_>,
    ) -> Result<(Captured, Vec<String>)> {
        let &Task { repository, options, progress, .. } = &self.0;
        let parent = known.parent.as_ref();
        let trust = Trust::new(repository, &known.source, parent, options.paranoid)?;
        let source = &known.source;
        let means = Means { repository, source, options, parent, before, trust: &trust, progress };
        let captured = capture::capture(aof, &means)?;
        trust.end_turn()?;
        let damaged = trust.damaged();
        let damaged = damaged.into_iter().filter(|one| !is_only_of(one, &captured, parent));
        let damaged = damaged.collect();
        Ok((captured, damaged))
    }

    /// The mark of a set that a server began anew. Of one that is `still` as that snapshot has it, nothing is read for that
    /// which lay beside it when the snapshot was taken.
    fn began_anew(&self, aof: &Aof, taken: Moment, still: Option<&Entry>) -> Result<Option<Mark>> {
        let suspects = Suspects::of(aof);
        let changed = suspects.changed_at().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let changed = changed.and_then(|since| i64::try_from(since.as_millis()).ok());
        let seen = still.filter(|parent| {
            let taken = Moment::parse(&parent.taken).map(Moment::milliseconds);
            changed.zip(taken).is_some_and(|(changed, taken)| changed + SETTLED_MS < taken)
        });
        if let Some(parent) = seen {
            let mut marks = parent.marks.iter();
            return Ok(marks.find(|mark| mark.kind == Mark::STARTED_EMPTY).cloned());
        }
        let pace = &self.0.options.pace;
        suspects.open(taken.milliseconds(), pace, &Silent).map(|found| marks::of_neighbours(&found))
    }

    /// Writes down once more which snapshots must be there, where the last run could not.
    fn noted_again(&self, known: &Known) -> Result<()> {
        let repository = self.0.repository;
        repository.note_numbers(known.numbers.as_ref(), &known.source, &known.there)?;
        repository.forget_unfinished(&known.source)
    }

    /// Another server's set under a source's name would end its history unseen.
    fn refuse_a_stranger(&self, parent: &Entry, captured: &Captured, place: &str) -> Result<()> {
        let Task { options, repository, .. } = &self.0;
        // The name of the machine says nothing: a container has another one each time.
        if parent.path == place || captured.is_akin || options.new_history {
            return Ok(());
        }
        let why = format!(
            "source '{}' was {}:{} so far, and this set has nothing in common with it; use another --source, or \
             --new-history if it is meant to take over",
            parent.source, parent.host, parent.path
        );
        Err(Error::new(ErrorKind::Refused(why.into()), repository.store().name()))
    }

    /// Makes the snapshot visible. What fails after that the next backup does.
    fn publish(&self, entry: Entry, alive: Option<&Alive>, known: Known) -> Result<Published> {
        let repository = self.0.repository;
        let entry = repository.publish(entry)?;
        let mut numbers = known.there;
        numbers.insert(entry.seq);
        let noted = repository.note_numbers(known.numbers.as_ref(), &entry.source, &numbers);
        let noted = noted.and(repository.forget_unfinished(&entry.source));
        let unnoted = noted.err().map(|e| e.to_string());
        let uncounted = repository.keep_alive(&entry, alive).err().map(|e| e.to_string());
        let other_host = known.parent.filter(|parent| {
            entry.reused_bytes == 0 && parent.host != entry.host && parent.path == entry.path
        });
        let other_host = other_host.map(|parent| parent.host);
        Ok(Published { entry, unnoted, uncounted, other_host })
    }
}

/// Whether nothing but files that could not be kept needs an object: what was in it was not stored anew.
fn is_only_of(object: &str, captured: &Captured, parent: Option<&Entry>) -> bool {
    let has = |file: &FileEntry| file.segments.iter().any(|segment| segment.object == object);
    let is_kept = |file: &FileEntry| captured.extras.iter().any(|one| one.name == file.name);
    let extras = parent.into_iter().flat_map(|parent| &parent.extras);
    let others = parent
        .into_iter()
        .flat_map(|parent| &parent.files)
        .chain(extras.filter(|one| is_kept(one)));
    captured.lost_extras.iter().any(has) && !others.into_iter().any(has)
}

/// A snapshot that is there.
struct Published {
    entry: Entry,
    unnoted: Option<String>,
    uncounted: Option<String>,
    other_host: Option<String>,
}

impl Published {
    fn of(self, made: impl FnOnce(Entry) -> Backup) -> Backup {
        let Self { entry, unnoted, uncounted, other_host } = self;
        let (new_bytes, reused_bytes) = (entry.new_bytes, entry.reused_bytes);
        let marks = entry.marks.clone();
        let made = made(entry);
        let uncounted = uncounted.or(made.uncounted);
        Backup { new_bytes, reused_bytes, unnoted, uncounted, other_host, marks, ..made }
    }
}

/// Marks what somebody should look at, beside these marks, and says which snapshots stay for that.
fn mark(
    entry: &mut Entry,
    mut marks: Vec<Mark>,
    is_akin: bool,
    known: &Known,
    options: &BackupOptions,
) {
    if let Some(parent) = &known.parent {
        let step = marks::Step { parent, new: entry, is_akin, percent: options.shrink_percent };
        marks.extend(marks::of_history(&step));
        entry.before_shrinks = marks::before_shrinks(parent, &marks, &known.there);
    }
    entry.marks = marks;
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
