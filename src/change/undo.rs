//! Takes a change back: every old file is put together again from what is there and what was kept.
//!
//! The journal is input from outside. Before anything is done all of its names are looked at, every file it calls made is
//! compared with it by length, time and checksum, and what comes back gets modes and owners that the set has already.

use super::content::Content;
use super::control::Control;
use super::not_ours::NotOurs;
use super::refusal::Linked;
use crate::disk::{self, Attributes, Durable, FrozenFile, Kind, Stamp};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::alike::Alike;
use super::applied::Applied;
use super::apply::Options;
use super::in_use::refuse_writers;
use super::journal::{Gone, Journal, OldFile, Stage, Step};
use super::keep::{Entry, Keep, KeepDir, State, find, listed, object, owners};
use super::pieces::NewBytes;
use super::place::{Place, staged};
use super::recover::{admit, linked, recover};
use super::work::{Kept, NewFile, Work, made_file};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest;
use crate::progress::Progress;

/// The last change of a set that can be taken back.
#[derive(Clone, Debug)]
pub struct Undo {
    /// The change.
    pub entry: Entry,
    /// What it did.
    pub journal: Journal,
    base: PathBuf,
    subject: PathBuf,
}

impl Undo {
    /// The last change that is kept of the set at `subject` (see [`Keep::dir`]), whose files lie in `base`;
    /// `None` when there is none that was not taken back already.
    ///
    /// # Errors
    /// When the directory that keeps things or the journal cannot be read, or is not as we write it.
    pub fn last(subject: &Path, base: &Path, keep: &Keep) -> Result<Option<Self>> {
        let Some((_, kept)) = find(keep, subject)? else { return Ok(None) };
        let all = listed(&kept, &owners(subject)?)?;
        let last = all.into_iter().rev().find(|e| e.state == State::Done);
        let Some(mut entry) = last else { return Ok(None) };
        let journal = entry.read(&kept)?;
        if !journal.is_complete() {
            return Err(Error::refused(NotOurs::Incomplete, &entry.path));
        }
        admit(&Place::open(subject, base)?, &entry, &journal)?;
        entry.journal = Some(journal.clone());
        let (base, subject) = (base.to_owned(), subject.to_owned());
        Ok(Some(Self { entry, journal, base, subject }))
    }

    /// Whether everything is still as the change left it.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] when it is not: what was kept would not fit any more.
    pub fn fits(&self) -> Result<()> {
        let place = self.place()?;
        self.is_as_left(&place).map(|_| ())?;
        self.ensure_free_for_old(&place)
    }

    fn place(&self) -> Result<Place> {
        Place::open(&self.subject, &self.base)
    }

    fn ensure_free_for_old(&self, place: &Place) -> Result<()> {
        for old in &self.journal.old {
            if self.journal.made_as(&old.name).is_none() && place.look(&old.name)?.is_some() {
                let why = "there is a file with the name of one that would come back".to_owned();
                return Err(Error::new(ErrorKind::Stale(why), &place.path(&old.name)));
            }
        }
        Ok(())
    }

    /// What the change made, open, as long as it still is as it was.
    fn is_as_left(&self, place: &Place) -> Result<Vec<FrozenFile>> {
        let mut files = Vec::with_capacity(self.journal.made.len());
        for made in &self.journal.made {
            let (dir, bare) = place.at(&made.name)?;
            let file = dir.file_if_there(bare)?;
            let is_same = |file: &FrozenFile| -> Result<bool> {
                if file.len() != made.len || file.stamp().modified_ns() != made.modified_ns {
                    return Ok(false);
                }
                let now = made_file(file, &made.name, made.len, self.journal.format)?;
                Ok(now.crc == made.crc)
            };
            match file {
                Some(file) if is_same(&file)? => files.push(file),
                _ => return Err(self.stale(place, &made.name)),
            }
        }
        Ok(files)
    }

    #[cold]
    fn stale(&self, place: &Place, name: &[u8]) -> Error {
        let why = format!(
            "it has changed since {}: what was kept does not fit any more, and stays in {}",
            self.entry.id(),
            crate::text::path(&self.entry.path)
        );
        Error::new(ErrorKind::Stale(why), &place.path(name))
    }

    /// Takes the change back, byte for byte, with names, modes, owners and times.
    ///
    /// # Errors
    /// As [`super::Proposal::apply`]; also when what was kept is damaged.
    pub fn apply(
        &self,
        disk: &dyn Durable,
        options: &Options<'_>,
        progress: &dyn Progress,
    ) -> Result<Applied> {
        let place = self.place()?;
        self.ensure_no_link(&place)?;
        let beside = Keep::Beside;
        let keep = options.keep.unwrap_or(&beside);
        let keep_dir = KeepDir::open(keep, &self.subject, &place, disk)?;
        recover(&keep_dir, &place)?;
        let files = self.is_as_left(&place)?;
        self.ensure_free_for_old(&place)?;
        let stamps: Vec<Stamp> = files.iter().map(FrozenFile::stamp).collect();
        // Just before the step, files that come back are beside already.
        let still_fits = || {
            for (made, stamp) in self.journal.made.iter().zip(&stamps) {
                if place.stamp(&made.name)? != Some(*stamp) {
                    return Err(self.stale(&place, &made.name));
                }
            }
            let identities: Vec<_> = stamps.iter().map(|s| s.identity).collect();
            match options.force {
                true => Ok(()),
                false => refuse_writers(&identities, &place, &self.subject),
            }
        };
        still_fits()?;
        let total = self.journal.old.iter().fold(0, |sum: u64, old| sum.saturating_add(old.len));
        progress.begin(Some(total));
        let control = Control { stop: options.stop, progress };
        let applied = self.work(&place, &keep_dir, files, control)?.run(&still_fits)?;
        progress.finish();
        Ok(applied)
    }

    /// What changes must be files by their own names.
    fn ensure_no_link(&self, place: &Place) -> Result<()> {
        let is_link = |look: Option<disk::Look>| look.is_some_and(|l| l.kind == Kind::Link);
        if self.subject != self.base && disk::is_link(&self.subject) {
            return Err(linked(&self.subject, Linked::Itself));
        }
        for name in place.here.names()? {
            let bytes = name.as_encoded_bytes();
            let is_manifest = manifest::is_name(bytes);
            if is_manifest && is_link(place.here.look(&name)?) {
                return Err(linked(&place.here.at(&name), Linked::Manifest));
            }
        }
        Ok(())
    }

    fn work<'a>(
        &'a self,
        place: &'a Place,
        keep: &'a KeepDir<'a>,
        files: Vec<FrozenFile>,
        control: Control<'a>,
    ) -> Result<Work<'a>> {
        let done = &self.journal;
        let was_there = |name: &[u8]| done.old.iter().any(|old| old.name == name);
        let mut journal = Journal {
            verb: "undo".to_owned(),
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64),
            target: done.target.clone(),
            undoes: Some(self.entry.id()),
            unkept: true,
            ..Journal::default()
        };
        // What the step renames now is what it renamed, cut or put there then.
        let published = match &done.step {
            Step::Truncation { name, .. } | Step::Rename { to: name, .. } => Some(name),
            Step::Unlink { .. } | Step::Removal => None,
        };
        let mut new_files = Vec::new();
        let given = self.given(place)?;
        for (position, old) in done.old.iter().enumerate() {
            let staged = staged(keep.number, position + 1, &old.name);
            let stage = Stage { staged, name: old.name.clone() };
            if published == Some(&old.name) {
                journal.step = Step::Rename { from: stage.staged.clone(), to: old.name.clone() };
            }
            journal.stages.push(stage.clone());
            new_files.push(self.old_file(keep, position, old, stage, &given)?);
        }
        let expected: Vec<_> =
            done.made.iter().map(|m| m.name.clone()).zip(files.iter().map(|f| f.stamp())).collect();
        for (name, stamp) in expected.iter().filter(|(name, _)| !was_there(name)) {
            if published == Some(name) {
                journal.step = Step::Unlink { name: name.clone() };
                continue;
            }
            let seen = Some((stamp.identity.inode, stamp.changed_ns()));
            journal.gone.push(Gone { name: name.clone(), seen });
        }
        let (to_keep, left) = (Vec::new(), Vec::new());
        Ok(Work { place, keep, files, journal, new_files, to_keep, expected, control, left })
    }

    /// Modes and owners that the set has: no other is given to a file because a journal says so.
    fn given(&self, place: &Place) -> Result<Given> {
        let dir = place.here.look_at_itself()?.attributes;
        let mut given = Given { dir, mode: dir.mode & 0o777 | 0o600, owners: Vec::new() };
        given.owners.push((dir.uid, dir.gid));
        for name in self.journal.made.iter().map(|made| &made.name) {
            if let Some(look) = place.look(name)? {
                given.mode |= look.attributes.mode & 0o777;
                given.owners.push((look.attributes.uid, look.attributes.gid));
            }
        }
        Ok(given)
    }

    /// One old file, as it is written again.
    fn old_file<'a>(
        &'a self,
        keep: &'a KeepDir<'_>,
        position: usize,
        old: &'a OldFile,
        stage: Stage,
        given: &Given,
    ) -> Result<NewFile<'a>> {
        let made = &self.journal.made;
        let piece = move |content: Result<Content>| {
            Ok(match content? {
                Content::From { name, start, end } => {
                    match made.iter().position(|made| made.name[..] == name[..]) {
                        Some(file) => NewBytes::Range { file, from: start, to: end },
                        None => return Err(Error::refused(NotOurs::NotMade, &self.entry.path)),
                    }
                }
                Content::These(bytes) => NewBytes::These(bytes),
                Content::Kept(n) => NewBytes::Kept(n),
            })
        };
        let kept = (old.content.kept_bytes() > 0).then(|| -> Kept<'a> {
            let open = move || self.entry.dir(&keep.dir)?.file(object(position));
            Box::new(open)
        });
        // Begun when it is needed: each reads the journal once more, and there may be very many.
        let contents = move || old.content.contents(self.journal.source.as_deref());
        let contents = std::iter::once_with(contents).flatten();
        let like = given.like(old.attributes);
        let alike = self.alike(old);
        Ok(NewFile { stage, pieces: Box::new(contents.map(piece)), like, kept, alike })
    }

    /// The file that came in its place, where there is one.
    fn alike(&self, old: &OldFile) -> Alike {
        let made = |name: &[u8]| self.journal.made.iter().position(|made| made.name[..] == *name);
        let by_bytes = || {
            let mut contents = old.content.contents(self.journal.source.as_deref()).take(2);
            contents.find_map(|content| match content {
                Ok(Content::From { name, .. }) => made(&name),
                _ => None,
            })
        };
        made(&old.name).or_else(by_bytes).map_or(Alike::Nothing, Alike::File)
    }
}

/// Modes and owners of a set.
struct Given {
    dir: Attributes,
    mode: u32,
    owners: Vec<(u32, u32)>,
}

impl Given {
    fn like(&self, told: Attributes) -> Attributes {
        let is_of_set = self.owners.contains(&(told.uid, told.gid));
        let (uid, gid) =
            if is_of_set { (told.uid, told.gid) } else { (self.dir.uid, self.dir.gid) };
        Attributes { mode: told.mode & self.mode, uid, gid, modified_ns: told.modified_ns }
    }
}
