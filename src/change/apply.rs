//! From a plan to work: what is kept of each old file, what is written, which step publishes it.

use super::applied::Applied;
use super::control::Control;
use super::recorded::attributes;
use super::refusal::{Linked, Refusal};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use super::alike::Alike;
use super::in_use::{in_earnest, refuse, refuse_writers};
use super::journal::{Gone, Journal, Stage, Step};
use super::keep::{Keep, KeepDir};
use super::pieces::NewBytes;
use super::place::{Place, staged};
use super::plan::{Action, Piece, Plan, Publication, SourceFile};
use super::recover::{linked, recover};
use super::refusal::Most;
use super::work::{NewFile, Work};
use crate::disk::{self, Attributes, Bytes, Durable, Identity, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::progress::Progress;

/// How a plan is carried out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Where what is removed is kept; beside the set when not given.
    pub keep: Option<&'a Keep>,
    /// Also when a process has the files open.
    pub force: bool,
    /// Set by somebody else to have it stop: before the change is published it then ends with
    /// [`ErrorKind::Interrupted`] and nothing changed, afterwards it goes on to its end.
    pub stop: Option<&'a AtomicBool>,
    /// The verdict before, to be remembered in the journal.
    pub verdict_before: &'a str,
    /// The most that may be lost; any loss where it is not given.
    pub most: Option<Most>,
}

impl Plan {
    /// What the directory that keeps things stands beside.
    pub fn subject(&self) -> PathBuf {
        match (&self.manifest, self.files.first()) {
            (None, Some(file)) => file.at.path(),
            _ => self.dir.clone(),
        }
    }

    /// Carries the plan out.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] when the set is not the one the plan was made for, [`ErrorKind::InUse`] when a
    /// process has its files open, [`ErrorKind::Interrupted`]; or when the system refuses. The set is the old
    /// one then, save after a failed sync of the last step, where the next run finds out.
    pub(super) fn apply(
        &self,
        disk: &dyn Durable,
        options: &Options<'_>,
        progress: &dyn Progress,
    ) -> Result<Applied> {
        if self.is_empty() {
            return Ok(Applied { kept_at: None, left: Vec::new() });
        }
        if self.takes_held() {
            return Err(Error::refused(Refusal::OnlyElsewhere, &self.path));
        }
        let place = self.place()?;
        self.ensure_no_link(&place)?;
        let still_fits = || {
            self.ensure_fresh(&place)?;
            if options.force { Ok(()) } else { self.ensure_free(&place) }
        };
        still_fits()?;
        let beside = Keep::Beside;
        let keep = options.keep.unwrap_or(&beside);
        let control = Control { stop: options.stop, progress };
        let unkept = *keep == Keep::Nowhere;
        if let (true, [Action::Cut { file, to_bytes, .. }]) = (unkept, &self.actions[..]) {
            return self.cut_only(&place, disk, *file, *to_bytes);
        }
        let worked = || {
            let keep_dir = KeepDir::open(keep, &self.subject(), &place, disk)?;
            recover(&keep_dir, &place)?;
            still_fits()?;
            let work = self.work(&place, &keep_dir, unkept, options, control)?;
            let applied = work.run(&still_fits)?;
            progress.finish();
            if unkept {
                keep_dir.close();
            }
            Ok(applied)
        };
        match worked() {
            // Not even a journal has room, which is what the files would give back.
            Err(e) if unkept && is_full(&e) && self.removes_files_alone() => {
                still_fits()?;
                self.remove_only(&place, disk)
            }
            other => other.map_err(|e| self.without_room(&place, unkept, e)),
        }
    }

    /// Whether nothing is changed but that files lose their names.
    fn removes_files_alone(&self) -> bool {
        self.only_removes() && self.actions.iter().all(|one| matches!(one, Action::Remove { .. }))
    }

    /// Takes away what nobody needs and nothing keeps, file by file: each is one step.
    fn remove_only(&self, place: &Place, disk: &dyn Durable) -> Result<Applied> {
        for action in &self.actions {
            let Action::Remove { file, .. } = action else { continue };
            let Some(stamp) = self.files[*file].stamp else { continue };
            let name = self.relative(*file);
            let (dir, bare) = place.at(&name)?;
            disk.remove_exactly(dir, bare, stamp)?;
        }
        disk.sync_dir(&place.here)?;
        Ok(Applied { kept_at: None, left: Vec::new() })
    }

    /// Where the files lie that the plan speaks of.
    pub(super) fn place(&self) -> Result<Place> {
        Place::open(&self.subject(), &self.dir)
    }

    /// On a full disk a file is cut in place as the last resort, but never one that has another name.
    fn without_room(&self, place: &Place, unkept: bool, error: Error) -> Error {
        let is_full = is_full(&error);
        let mut changed = self.actions.iter().filter_map(|action| match action {
            Action::Rewrite { file: Some(file), .. } => Some(self.relative(*file)),
            _ => None,
        });
        let has_links = |name: &Vec<u8>| {
            place.look(name).is_ok_and(|look| look.is_some_and(|look| look.links > 1))
        };
        match changed.find(has_links).filter(|_| is_full && unkept) {
            Some(name) => Error::refused(Refusal::NoRoomAndLinked, &place.path(&name)),
            None => error,
        }
    }

    /// A file that changes must be one by that name: a new file would take the place of a link, not of the file.
    fn ensure_no_link(&self, place: &Place) -> Result<()> {
        if let Some(manifest) = &self.manifest
            && place.here.look(os_name(manifest))?.is_some_and(|look| look.kind == Kind::Link)
        {
            return Err(linked(&place.path(manifest), Linked::Manifest));
        }
        let touched = self.actions.iter().filter_map(|action| match action {
            Action::Cut { file, .. } | Action::Remove { file, .. } => Some(*file),
            Action::Rewrite { file, .. } => *file,
            Action::Manifest { .. } => None,
        });
        let goes: HashSet<usize> = self.actions.iter().filter_map(Action::removes).collect();
        let mut names: HashMap<Identity, usize> = HashMap::new();
        for stamp in self.files.iter().filter_map(|file| file.stamp) {
            *names.entry(stamp.identity).or_default() += 1;
        }
        for file in touched {
            let SourceFile { at, stamp, .. } = &self.files[file];
            let names = stamp.and_then(|stamp| names.get(&stamp.identity).copied());
            let why = if !goes.contains(&file) && names > Some(1) {
                Refusal::TwoNames
            } else if place.look(&self.relative(file))?.is_some_and(|l| l.kind == Kind::Link) {
                Refusal::Link { what: Linked::Itself, has_output: true }
            } else {
                continue;
            };
            return Err(Error::refused(why, &at.path()));
        }
        Ok(())
    }

    /// On a full disk: nothing is written at all.
    fn cut_only(&self, place: &Place, disk: &dyn Durable, file: usize, to: u64) -> Result<Applied> {
        let Some(stamp) = self.files[file].stamp else {
            return Err(Error::new(ErrorKind::NotFound, &self.files[file].at.path()));
        };
        let name = self.relative(file);
        let (dir, bare) = place.at(&name)?;
        disk.cut(dir, bare, stamp, to, stamp.modified_ns())?;
        Ok(Applied { kept_at: None, left: Vec::new() })
    }

    /// Whether the set is still the one the plan was made for.
    pub(super) fn ensure_fresh(&self, place: &Place) -> Result<()> {
        let changed = |name: &[u8], why: &str| {
            Err(Error::new(ErrorKind::Stale(why.to_owned()), &place.path(name)))
        };
        let made_anew = "it has changed since the plan was made; make a new one";
        // What a process alone has may grow; of that as much is copied as there is when it is opened.
        for (position, file) in self.concerned().filter(|(_, file)| !file.is_held) {
            let name = self.relative(position);
            if place.source_stamp(&name)? != file.stamp {
                return changed(&name, made_anew);
            }
        }
        if self.only_removes()
            && let Some(name) = self.is_named(place)?
        {
            return changed(&name, "the manifest names it now; make a new plan");
        }
        for action in &self.actions {
            let Action::Manifest { name, before, .. } = action else { continue };
            let now = place.here.read_small_if_there(os_name(name), limits::MANIFEST)?;
            if now != *before {
                return changed(name, made_anew);
            }
        }
        Ok(())
    }

    fn ensure_free(&self, place: &Place) -> Result<()> {
        let concerned = self.concerned();
        let identities: Vec<_> = concerned.filter_map(|(_, f)| Some(f.stamp?.identity)).collect();
        if self.only_removes() {
            // A server may run on with the others.
            let look = || disk::openers(&identities);
            return refuse(&in_earnest(look(), &look), "has it open", &self.path);
        }
        refuse_writers(&identities, place, &self.path)
    }

    /// The files that must be as they were, and free. Where files only go, a server may run on with the others.
    fn concerned(&self) -> impl Iterator<Item = (usize, &SourceFile)> {
        let concerned = self.concerns();
        self.files.iter().enumerate().filter(move |(i, _)| concerned.contains(*i))
    }

    /// Whether files go, and nothing else happens.
    fn only_removes(&self) -> bool {
        self.publication() == Publication::Removal && !self.is_empty()
    }

    fn concerns(&self) -> Concerned {
        let goes = |a: &Action| match a {
            Action::Remove { file, .. } => Some(*file),
            _ => None,
        };
        Concerned(self.only_removes().then(|| self.actions.iter().filter_map(goes).collect()))
    }

    /// A file that is to go and that a manifest names, although it did not when the plan was made.
    fn is_named(&self, place: &Place) -> Result<Option<Vec<u8>>> {
        let live = place.live()?;
        let listed = |name: &Vec<u8>| live.may_name(name) || live.lists(name);
        Ok(self.concerned().map(|(i, _)| self.relative(i)).find(listed))
    }

    fn work<'a>(
        &'a self,
        place: &'a Place,
        keep: &'a KeepDir<'a>,
        unkept: bool,
        options: &Options<'_>,
        control: Control<'a>,
    ) -> Result<Work<'a>> {
        let concerned = self.concerns();
        let mut files = Vec::with_capacity(self.files.len());
        let mut places = Vec::with_capacity(self.files.len());
        let mut expected = Vec::new();
        for (position, file) in self.files.iter().enumerate() {
            places.push(files.len());
            if let Some(stamp) = file.stamp.filter(|_| concerned.contains(position)) {
                let name = self.relative(position);
                let opened = place.open_source(&name)?;
                if opened.stamp() != stamp {
                    let why = "it has changed since the plan was made; make a new one".to_owned();
                    return Err(Error::new(ErrorKind::Stale(why), &file.at.path()));
                }
                files.push(opened);
                expected.push((name, stamp));
            }
        }
        let journal = Journal {
            verb: self.verb.as_str().to_owned(),
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64),
            target: self.target.to_string(),
            verdict: options.verdict_before.to_owned(),
            loss: [self.loss.bytes, self.loss.commands, self.loss.transactions],
            unkept,
            ..Journal::default()
        };
        let mut made =
            Made { plan: self, place, number: keep.number, journal, new_files: Vec::new() };
        let places: Rc<[usize]> = places.into();
        for action in &self.actions {
            made.write_or_cut(action, &places)?;
        }
        let Made { mut journal, new_files, .. } = made;
        let to_keep = self.old_files(place, &mut journal, &places)?;
        let lens = self.actions.iter().map(|action| action.lengths().1);
        let is_new = |action: &&Action| matches!(action, Action::Rewrite { .. });
        let new = self.actions.iter().filter(is_new).map(|action| action.lengths().1);
        place.here.may_hold(new.sum(), Bytes::Copied)?;
        control.progress.begin(Some(journal.kept_bytes() + lens.sum::<u64>()));
        let to_keep = if unkept { Vec::new() } else { to_keep };
        let left = Vec::new();
        Ok(Work { place, keep, files, journal, new_files, to_keep, expected, control, left })
    }
}

/// What a plan writes, publishes and removes.
struct Made<'a> {
    plan: &'a Plan,
    place: &'a Place,
    number: u64,
    journal: Journal,
    new_files: Vec<NewFile<'a>>,
}

impl<'a> Made<'a> {
    fn write_or_cut(&mut self, action: &'a Action, places: &Rc<[usize]>) -> Result<()> {
        let plan = self.plan;
        match action {
            Action::Cut { file, from_bytes, to_bytes } => {
                let stamp = plan.files[*file].stamp;
                self.journal.step = Step::Truncation {
                    name: plan.relative(*file),
                    from: *from_bytes,
                    to: *to_bytes,
                    modified_ns: stamp.map_or(0, |s| s.modified_ns()),
                };
            }
            Action::Rewrite { file, new_name, pieces, .. } => {
                let like = match file {
                    Some(file) => attributes(self.place, &plan.relative(*file))?,
                    None => like_a_file_in(self.place)?,
                };
                let replaces = plan.publication() == Publication::FileRename;
                if let (false, Some(file)) = (replaces, file) {
                    self.gone(*file)?;
                }
                let places = places.clone();
                let pieces = pieces.iter().map(move |p| Ok(new_bytes(p, &places)));
                let old = file.map(|file| plan.relative(file));
                let alike = alike(self.place, old.as_deref())?;
                self.write(new_name, Box::new(pieces), (like, alike), replaces);
            }
            Action::Manifest { name, before, after } => {
                let like = match before {
                    Some(_) => attributes(self.place, name)?,
                    None => like_a_file_in(self.place)?,
                };
                let pieces = std::iter::once_with(|| Ok(NewBytes::These(after.clone())));
                // A manifest's time says when the set last changed, which is now.
                let like = Attributes { modified_ns: None, ..like };
                let alike = alike(self.place, before.as_ref().map(|_| &name[..]))?;
                self.write(name, Box::new(pieces), (like, alike), true);
            }
            Action::Remove { file, .. } => self.gone(*file)?,
        }
        Ok(())
    }

    fn gone(&mut self, file: usize) -> Result<()> {
        let seen = self.plan.files[file].stamp.map(|s| (s.identity.inode, s.changed_ns()));
        self.journal.gone.push(Gone { name: self.plan.relative(file), seen });
        Ok(())
    }

    /// A file that is written beside; whether its renaming is the one step.
    fn write(
        &mut self,
        name: &[u8],
        pieces: Box<dyn Iterator<Item = Result<NewBytes>> + 'a>,
        (like, alike): (Attributes, Alike),
        is_step: bool,
    ) {
        let staged = staged(self.number, self.journal.stages.len() + 1, name);
        let stage = Stage { staged, name: name.to_vec() };
        if is_step {
            self.journal.step = Step::Rename { from: stage.staged.clone(), to: stage.name.clone() };
        }
        self.journal.stages.push(stage.clone());
        // Special bits of a mode have no place in a set.
        let like = Attributes { mode: like.mode & 0o777, ..like };
        self.new_files.push(NewFile { stage, pieces, like, kept: None, alike });
    }
}

/// The file in whose place a new one comes.
fn alike(place: &Place, old: Option<&[u8]>) -> Result<Alike> {
    let Some(old) = old else { return Ok(Alike::Nothing) };
    Ok(Alike::Of(Box::new(place.open_to_read(old)?)))
}

pub(super) fn new_bytes(piece: &Piece, places: &[usize]) -> NewBytes {
    match piece {
        Piece::Keep { file, from, to } => {
            NewBytes::Range { file: places[*file], from: *from, to: *to }
        }
        Piece::Insert(bytes) => NewBytes::These(bytes.clone()),
        Piece::Sifted { file, len, sieve } => {
            NewBytes::Sifted { file: places[*file], len: *len, sieve: sieve.clone() }
        }
    }
}

/// What a file has that comes newly into a directory: its owner, and what servers give to their files.
pub(super) fn like_a_file_in(place: &Place) -> Result<Attributes> {
    let dir = place.here.look_at_itself()?.attributes;
    Ok(Attributes { mode: 0o644, modified_ns: None, ..dir })
}

/// A name of a plan, which is plain.
pub(super) fn os_name(name: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name)
}

/// Positions of the files that a plan has to do with; `None`: all of them.
struct Concerned(Option<HashSet<usize>>);

impl Concerned {
    fn contains(&self, position: usize) -> bool {
        self.0.as_ref().is_none_or(|these| these.contains(&position))
    }
}

/// Whether a file system has no room left.
fn is_full(error: &Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let source = std::error::Error::source(error).and_then(|e| e.downcast_ref());
    matches!(error.kind(), ErrorKind::NoRoom { .. })
        || source.is_some_and(|e: &std::io::Error| [StorageFull, QuotaExceeded].contains(&e.kind()))
}
