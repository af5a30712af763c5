//! From a plan to work: what is kept of each old file, what is written, which step publishes it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use super::in_use::{in_earnest, refuse, refuse_writers};
use super::journal::{Journal, Step};
use super::keep::{Keep, KeepDir};
use super::pieces::NewBytes;
use super::plan::{Action, Piece, Plan, Publication, SourceFile};
use super::recover::{Recovered, recover};
use super::work::{NewFile, Reins, Work, at};
use crate::disk::{self, Attributes, Durable, FrozenFile, Stamp};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{self, Dialect};
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
}

/// What is left after a plan was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Where what was removed is kept; `None` when it is not.
    pub kept_at: Option<PathBuf>,
}

/// Clears or finishes what a killed run left for the set at `subject` (see [`Keep::dir`]), whose files lie in
/// `base`.
///
/// # Errors
/// When another run works on the set, or the system refuses.
pub fn clear_up(
    subject: &Path,
    base: &Path,
    keep: &Keep,
    disk: &dyn Durable,
) -> Result<Vec<Recovered>> {
    let path = keep.dir(subject)?;
    if !disk::exists(&path) {
        return Ok(Vec::new());
    }
    let keep = KeepDir::open(path, base, disk)?;
    let recovered = recover(&keep, base)?;
    keep.close();
    Ok(recovered)
}

impl Plan {
    /// What the directory that keeps things stands beside.
    pub fn subject(&self) -> PathBuf {
        match (&self.manifest, self.files.first()) {
            (None, Some(file)) => file.path.clone(),
            _ => self.dir.clone(),
        }
    }

    /// Carries the plan out.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] when the set is not the one the plan was made for, [`ErrorKind::InUse`] when a
    /// process has its files open, [`ErrorKind::Interrupted`]; or when the system refuses. The set is the old
    /// one then, save after a failed sync of the last step, where the next run finds out.
    pub fn apply(
        &self,
        disk: &dyn Durable,
        options: &Options<'_>,
        progress: &dyn Progress,
    ) -> Result<Applied> {
        if self.is_empty() {
            return Ok(Applied { kept_at: None });
        }
        self.is_no_link()?;
        let still_fits = || {
            self.is_fresh()?;
            if options.force { Ok(()) } else { self.is_free() }
        };
        still_fits()?;
        let beside = Keep::Beside;
        let keep = options.keep.unwrap_or(&beside);
        let reins = Reins { stop: options.stop, progress };
        let unkept = *keep == Keep::Nowhere;
        if let (true, [Action::Cut { file, to_bytes, .. }]) = (unkept, &self.actions[..]) {
            return self.cut_only(disk, *file, *to_bytes);
        }
        let keep_dir = KeepDir::open(keep.dir(&self.subject())?, &self.dir, disk)?;
        recover(&keep_dir, &self.dir)?;
        still_fits()?;
        let kept_at = self.work(&keep_dir, unkept, options, reins)?.run(&still_fits)?;
        progress.finish();
        if unkept {
            keep_dir.close();
        }
        Ok(Applied { kept_at })
    }

    /// A file that changes must be one by that name: a new file would take the place of a link, not of the file.
    fn is_no_link(&self) -> Result<()> {
        let touched = self.actions.iter().filter_map(|action| match action {
            Action::Cut { file, .. } => Some(*file),
            Action::Rewrite { file, .. } => *file,
            // Only a name goes.
            Action::Remove { .. } | Action::Manifest { .. } => None,
        });
        for file in touched {
            let SourceFile { path, stamp, .. } = &self.files[file];
            let same = |other: &&SourceFile| match (&other.stamp, stamp) {
                (Some(other), Some(this)) => other.identity == this.identity,
                _ => false,
            };
            let why = if self.files.iter().filter(same).count() > 1 {
                "two files of the set are the same file under two names"
            } else if disk::is_link(path) {
                "it is a symbolic link, which would be replaced: name the file itself"
            } else {
                continue;
            };
            let why = format!("{why}, or use --output DIR");
            return Err(Error::new(ErrorKind::Refused(why), path));
        }
        Ok(())
    }

    /// On a full disk: nothing is written at all.
    fn cut_only(&self, disk: &dyn Durable, file: usize, to: u64) -> Result<Applied> {
        let file = &self.files[file];
        let Some(stamp) = file.stamp else {
            return Err(Error::new(ErrorKind::NotFound, &file.path));
        };
        disk.cut(&file.path, stamp, to, stamp.modified_ns)?;
        Ok(Applied { kept_at: None })
    }

    /// Whether the set is still the one the plan was made for.
    pub(super) fn is_fresh(&self) -> Result<()> {
        self.has_same(|now, then| now == then)
    }

    /// Whether files and manifest are the same as `same` sees it.
    pub(super) fn has_same(&self, same: impl Fn(&Stamp, &Stamp) -> bool) -> Result<()> {
        for file in self.concerned() {
            let now = match disk::stamp(&file.path) {
                Ok(now) => Some(now),
                Err(e) if *e.kind() == ErrorKind::NotFound => None,
                Err(e) => return Err(e),
            };
            let is_same = match (&now, &file.stamp) {
                (Some(now), Some(then)) => same(now, then),
                (now, then) => now.is_none() && then.is_none(),
            };
            if !is_same {
                let why = "it has changed since the plan was made; make a new one".to_owned();
                return Err(Error::new(ErrorKind::Stale(why), &file.path));
            }
        }
        if self.only_removes()
            && let Some(path) = self.is_named()?
        {
            let why = "the manifest speaks of it by now; make a new plan".to_owned();
            return Err(Error::new(ErrorKind::Stale(why), &path));
        }
        for action in &self.actions {
            let Action::Manifest { name, before, .. } = action else { continue };
            let path = at(&self.dir, name);
            let now = match disk::read_small(&path, limits::MANIFEST) {
                Ok(bytes) => Some(bytes),
                Err(e) if *e.kind() == ErrorKind::NotFound => None,
                Err(e) => return Err(e),
            };
            if now != *before {
                let why = "it has changed since the plan was made; make a new one".to_owned();
                return Err(Error::new(ErrorKind::Stale(why), &path));
            }
        }
        Ok(())
    }

    fn is_free(&self) -> Result<()> {
        let identities: Vec<_> = self.concerned().filter_map(|f| Some(f.stamp?.identity)).collect();
        if self.only_removes() {
            return refuse(&in_earnest(&identities, disk::openers), "open", &self.path);
        }
        refuse_writers(&identities, &self.path)
    }

    /// The files that must be as they were, and free. Where files only go, a server may run on with the others.
    fn concerned(&self) -> impl Iterator<Item = &SourceFile> {
        let concerned = self.concerns();
        let files = self.files.iter().enumerate();
        files.filter(move |(i, _)| concerned.contains(*i)).map(|(_, file)| file)
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

    /// Whether the manifest names a file that is to go, although it did not when the plan was made.
    fn is_named(&self) -> Result<Option<PathBuf>> {
        let Some(manifest) = self.manifest.as_ref().map(|name| at(&self.dir, name)) else {
            return Ok(None);
        };
        let bytes = disk::read_small(&manifest, limits::MANIFEST)?;
        let read = manifest::parse(&bytes, Dialect::Strict)
            .or_else(|_| manifest::parse(&bytes, Dialect::Concatenating));
        let Ok(read) = read else { return Ok(Some(manifest)) };
        let names: HashSet<&[u8]> = read.entries.iter().map(|e| e.name.as_slice()).collect();
        let named = |file: &&SourceFile| {
            let is_here = file.path.parent().is_some_and(|parent| same_dir(parent, &self.dir));
            is_here && names.contains(file.name.as_slice())
        };
        Ok(self.concerned().find(named).map(|file| file.path.clone()))
    }

    fn work<'a>(
        &'a self,
        keep: &'a KeepDir<'a>,
        unkept: bool,
        options: &Options<'_>,
        reins: Reins<'a>,
    ) -> Result<Work<'a>> {
        let concerned = self.concerns();
        let mut files = Vec::with_capacity(self.files.len());
        let mut places = Vec::with_capacity(self.files.len());
        for (position, file) in self.files.iter().enumerate() {
            places.push(files.len());
            if file.stamp.is_some() && concerned.contains(position) {
                files.push(FrozenFile::open(&file.path)?);
            }
        }
        let mut journal = Journal {
            verb: self.verb.as_str().to_owned(),
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64),
            target: self.target.to_string(),
            verdict: options.verdict_before.to_owned(),
            loss: [self.loss.bytes, self.loss.commands, self.loss.transactions],
            unkept,
            ..Journal::default()
        };
        let mut new_files = Vec::new();
        let mut expected = None;
        for action in &self.actions {
            self.write_or_cut(action, &mut journal, &mut new_files, &places)?;
            if let Action::Cut { file, .. } = action {
                expected = self.files[*file].stamp;
            }
        }
        let to_keep = self.old_files(&mut journal, &places)?;
        let total = to_keep.iter().flat_map(|k| &k.ranges).map(|(from, to)| to - from).sum::<u64>()
            + new_files.iter().flat_map(|n| &n.pieces).map(NewBytes::len).sum::<u64>();
        reins.progress.begin(Some(total));
        let to_keep = if unkept { Vec::new() } else { to_keep };
        let base = &self.dir;
        Ok(Work { base, keep, files, journal, new_files, to_keep, expected, reins })
    }

    /// What one action writes, publishes or removes.
    fn write_or_cut(
        &self,
        action: &Action,
        journal: &mut Journal,
        new_files: &mut Vec<NewFile>,
        places: &[usize],
    ) -> Result<()> {
        match action {
            Action::Cut { file, from_bytes, to_bytes } => {
                let stamp = self.files[*file].stamp;
                journal.step = Step::Truncation {
                    name: self.relative(*file),
                    from: *from_bytes,
                    to: *to_bytes,
                    modified_ns: stamp.map_or(0, |s| s.modified_ns),
                };
            }
            Action::Rewrite { file, new_name, pieces, .. } => {
                let like = match file {
                    Some(file) => disk::attributes(&self.files[*file].path)?,
                    None => like_a_file_in(&self.dir)?,
                };
                let mut name = new_name.clone();
                if self.publication() == Publication::FileRename {
                    name = [TEMPORARY, new_name].concat();
                    journal.step = Step::Rename { from: name.clone(), to: new_name.clone() };
                } else if let Some(file) = file {
                    journal.gone.push(self.relative(*file));
                }
                journal.stages.push(name.clone());
                let pieces = pieces.iter().map(|p| new_bytes(p, places)).collect();
                new_files.push(NewFile { name, pieces, like, kept: None });
            }
            Action::Manifest { name, before, after } => {
                let like = match before {
                    Some(_) => disk::attributes(&at(&self.dir, name))?,
                    None => like_a_file_in(&self.dir)?,
                };
                let temp = [TEMPORARY, name].concat();
                journal.step = Step::Rename { from: temp.clone(), to: name.clone() };
                journal.stages.push(temp.clone());
                let pieces = vec![NewBytes::These(after.clone())];
                // A manifest's time says when the set last changed, which is now.
                let like = Attributes { modified_ns: None, ..like };
                new_files.push(NewFile { name: temp, pieces, like, kept: None });
            }
            Action::Remove { file, .. } => journal.gone.push(self.relative(*file)),
        }
        Ok(())
    }
}

/// What the name of a file that is written beside begins with; servers and aofkit know such files as
/// temporary.
const TEMPORARY: &[u8] = b"temp-aofkit-";

/// The temporary name of a file.
pub(super) fn temporary(name: &[u8]) -> Vec<u8> {
    [TEMPORARY, name].concat()
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
pub(super) fn like_a_file_in(dir: &Path) -> Result<Attributes> {
    Ok(Attributes { mode: 0o644, modified_ns: None, ..disk::attributes(dir)? })
}

/// Whether both lead to one directory.
fn same_dir(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| {
        disk::real_path(if path.as_os_str().is_empty() { Path::new(".") } else { path })
    };
    matches!((real(a), real(b)), (Ok(a), Ok(b)) if a == b)
}

/// Positions of the files that a plan has to do with; `None`: all of them.
struct Concerned(Option<HashSet<usize>>);

impl Concerned {
    fn contains(&self, position: usize) -> bool {
        self.0.as_ref().is_none_or(|these| these.contains(&position))
    }
}
