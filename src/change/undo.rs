//! Takes a change back: every old file is put together again from what is there and what was kept.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::apply::{Options, temporary};
use super::in_use::refuse_writers;
use super::journal::{Content, Journal, OldFile, Step};
use super::keep::{Entry, Keep, KeepDir, State, entries};
use super::pieces::NewBytes;
use super::recover::recover;
use super::work::{NewFile, Reins, Work, at, made_file};
use crate::disk::{self, Attributes, Durable, FrozenFile};
use crate::error::{Error, ErrorKind, Result};
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
    /// When the directory that keeps things cannot be read.
    pub fn last(subject: &Path, base: &Path, keep: &Keep) -> Result<Option<Self>> {
        let kept = entries(&keep.dir(subject)?)?;
        let last = kept.into_iter().rev().find(|e| e.state == State::Done);
        Ok(last.and_then(|entry| {
            let journal = entry.journal.clone()?;
            let (base, subject) = (base.to_owned(), subject.to_owned());
            Some(Self { entry, journal, base, subject })
        }))
    }

    /// Whether everything is still as the change left it.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] when it is not: what was kept would not fit any more.
    pub fn fits(&self) -> Result<()> {
        self.is_as_left()?;
        for old in &self.journal.old {
            let path = at(&self.base, &old.name);
            let is_made = self.journal.made.iter().any(|made| made.name == old.name);
            if !is_made && disk::exists(&path) {
                let why = "there is a file with the name of one that would come back".to_owned();
                return Err(Error::new(ErrorKind::Stale(why), &path));
            }
        }
        Ok(())
    }

    /// Whether what the change made is still as it was.
    fn is_as_left(&self) -> Result<()> {
        for made in &self.journal.made {
            let path = at(&self.base, &made.name);
            let is_same = disk::stamp(&path).is_ok_and(|s| s.len == made.len)
                && made_file(&path, &made.name, made.len, None).is_ok_and(|now| now == *made);
            if !is_same {
                let why = format!(
                    "it has changed since {}: what was kept does not fit any more, and stays in {}",
                    self.entry.id(),
                    crate::text::path(&self.entry.path)
                );
                return Err(Error::new(ErrorKind::Stale(why), &path));
            }
        }
        Ok(())
    }

    /// Takes the change back, byte for byte, with names, modes, owners and times.
    ///
    /// # Errors
    /// As [`super::Plan::apply`]; also when what was kept is damaged.
    pub fn apply(
        &self,
        disk: &dyn Durable,
        options: &Options<'_>,
        progress: &dyn Progress,
    ) -> Result<()> {
        // Just before the step, files that come back are there already.
        let still_fits = || {
            self.is_as_left()?;
            if options.force { Ok(()) } else { self.is_free() }
        };
        let beside = Keep::Beside;
        let keep = options.keep.unwrap_or(&beside);
        let keep_dir = KeepDir::open(keep.dir(&self.subject)?, &self.base, disk)?;
        recover(&keep_dir, &self.base)?;
        self.fits()?;
        still_fits()?;
        let total = self.journal.old.iter().map(|old| old.len).sum();
        progress.begin(Some(total));
        let reins = Reins { stop: options.stop, progress };
        self.work(&keep_dir, reins)?.run(&still_fits)?;
        progress.finish();
        Ok(())
    }

    fn is_free(&self) -> Result<()> {
        let made = self.journal.made.iter();
        let stamps = made.filter_map(|m| disk::stamp(&at(&self.base, &m.name)).ok());
        let identities: Vec<_> = stamps.map(|s| s.identity).collect();
        refuse_writers(&identities, &self.subject)
    }

    fn work<'a>(&'a self, keep: &'a KeepDir<'a>, reins: Reins<'a>) -> Result<Work<'a>> {
        let done = &self.journal;
        let was_there = |name: &[u8]| done.old.iter().any(|old| old.name == name);
        let step = match &done.step {
            Step::Truncation { name, .. } => {
                Step::Rename { from: temporary(name), to: name.clone() }
            }
            Step::Rename { to, .. } if was_there(to) => {
                Step::Rename { from: temporary(to), to: to.clone() }
            }
            Step::Rename { to, .. } => Step::Unlink { name: to.clone() },
            Step::Unlink { .. } | Step::Removal => Step::Removal,
        };
        let mut journal = Journal {
            verb: "undo".to_owned(),
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64),
            target: done.target.clone(),
            undoes: Some(self.entry.id()),
            unkept: true,
            step,
            ..Journal::default()
        };
        let mut files = Vec::new();
        let mut new_files = Vec::new();
        for (position, old) in done.old.iter().enumerate() {
            let new = self.old_file(position, old, &journal.step, &mut files)?;
            journal.stages.push(new.name.clone());
            new_files.push(new);
        }
        for made in done.made.iter().filter(|made| !was_there(&made.name)) {
            if journal.step == (Step::Unlink { name: made.name.clone() }) {
                continue;
            }
            journal.gone.push(made.name.clone());
            let attributes = Attributes {
                modified_ns: Some(made.modified_ns),
                ..disk::attributes(&at(&self.base, &made.name))?
            };
            let (name, len) = (made.name.clone(), made.len);
            journal.old.push(OldFile { name, len, attributes, content: Vec::new() });
        }
        let (base, to_keep, expected) = (self.base.as_path(), Vec::new(), None);
        Ok(Work { base, keep, files, journal, new_files, to_keep, expected, reins })
    }

    /// One old file, as it is written again.
    fn old_file(
        &self,
        position: usize,
        old: &OldFile,
        step: &Step,
        files: &mut Vec<FrozenFile>,
    ) -> Result<NewFile> {
        let name = match step {
            Step::Rename { from, to } if *to == old.name => from.clone(),
            _ => old.name.clone(),
        };
        let mut pieces = Vec::with_capacity(old.content.len());
        for content in &old.content {
            pieces.push(match content {
                Content::From { name, start, end } => {
                    let path = at(&self.base, name);
                    let known = files.iter().position(|file| file.path() == path);
                    let file = match known {
                        Some(file) => file,
                        None => {
                            files.push(FrozenFile::open(&path)?);
                            files.len() - 1
                        }
                    };
                    NewBytes::Range { file, from: *start, to: *end }
                }
                Content::These(bytes) => NewBytes::These(bytes.clone()),
                Content::Kept(n) => NewBytes::Kept(*n),
            });
        }
        let kept: Option<Box<dyn Read>> = match old.kept_bytes() {
            0 => None,
            _ => Some(Box::new(disk::unpack(&self.entry.object(position))?)),
        };
        Ok(NewFile { name, pieces, like: old.attributes, kept })
    }
}
