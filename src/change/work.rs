//! Carries a change out: writes beside, publishes by one step, clears up.
//!
//! Whatever happens when, the set is the old one or the new one. Up to the step nothing the set consists of
//! is touched, so an error before it is answered by removing what was written.

use super::control::Control;
use super::recorded::ToKeep;
use super::staged::put_in_place;
use crate::disk::{self, Attributes, Dir, Durable, FrozenFile, Packer, Stamp};
use std::ffi::OsStr;
use std::io::Read;

use super::alike::Alike;
use super::applied::Applied;
use super::journal::{Format, Journal, MadeFile, Stage, Step};
use super::keep::{KeepDir, State, object};
use super::pieces::{NewBytes, write};
use super::place::Place;
use super::recover::{finish, roll_back};
use crate::disk::Extended;
use crate::error::{Error, ErrorKind, Result};
use crate::format::rdb::Crc64;

/// Opens a file in which bytes are kept.
pub(super) type Kept<'a> = Box<dyn FnOnce() -> Result<FrozenFile> + 'a>;

/// A file to be written beside.
pub(super) struct NewFile<'a> {
    pub(super) stage: Stage,
    pub(super) pieces: Box<dyn Iterator<Item = Result<NewBytes>> + 'a>,
    pub(super) like: Attributes,
    /// What [`NewBytes::Kept`] is read from, in order: opened when it is needed, for there may be very many.
    pub(super) kept: Option<Kept<'a>>,
    pub(super) alike: Alike,
}

/// A change about to be carried out.
pub(super) struct Work<'a> {
    /// Where the names of the journal lie.
    pub(super) place: &'a Place,
    pub(super) keep: &'a KeepDir<'a>,
    pub(super) files: Vec<FrozenFile>,
    pub(super) journal: Journal,
    pub(super) new_files: Vec<NewFile<'a>>,
    pub(super) to_keep: Vec<ToKeep>,
    /// How files that are cut or go must still be.
    pub(super) expected: Vec<(Vec<u8>, Stamp)>,
    pub(super) control: Control<'a>,
    /// What files have not got that those had in whose place they come.
    pub(super) left: Vec<String>,
}

impl Work<'_> {
    fn disk(&self) -> &dyn Durable {
        self.keep.disk
    }

    /// Does it all; `still_fits` is asked once more just before the step.
    pub(super) fn run(mut self, still_fits: &dyn Fn() -> Result<()>) -> Result<Applied> {
        // What lies there already is not ours to remove.
        for stage in &self.journal.stages {
            if self.place.look(&stage.staged)?.is_some() {
                let why = "there is a file with the name of one to be written".to_owned();
                return Err(Error::new(ErrorKind::Stale(why), &self.place.path(&stage.staged)));
            }
        }
        self.ensure_possible()?;
        let (entry, dir) = self.keep.new_entry(&self.journal.verb)?;
        let prepared = self.prepare(&dir).and_then(|()| still_fits());
        let prepared = prepared.and_then(|()| self.keep.put(&dir, State::Ready, &self.journal));
        let prepared = prepared.and_then(|()| put_in_place(self.keep, self.place, &self.journal));
        if let Err(error) = prepared {
            // The first error is the one to be told; what cannot be removed now is cleared by the next run.
            let _ = roll_back(self.keep, self.place, &entry, &self.journal);
            return Err(error);
        }
        if let Err(error) = self.step() {
            // Nothing was done then; after any other failure nobody knows, and the next run finds out.
            if matches!(error.kind(), ErrorKind::Stale(_)) {
                let _ = roll_back(self.keep, self.place, &entry, &self.journal);
            }
            return Err(error);
        }
        finish(self.keep, self.place, &entry, &self.journal)?;
        let kept_at = (!self.journal.unkept).then_some(entry.path);
        Ok(Applied { kept_at, left: self.left })
    }

    /// Writes everything that must be there before the step.
    fn prepare(&mut self, dir: &Dir) -> Result<()> {
        self.keep.put(dir, State::Begun, &self.journal)?;
        for kept in &self.to_keep {
            let old = &self.journal.old[kept.position].content;
            let name = object(kept.position);
            let path = dir.at(&name);
            let mut ranges = old.gaps().peekable();
            if ranges.peek().is_none() {
                continue;
            }
            let mut output = self.disk().create(dir, OsStr::new(&name))?;
            // To be given back; there it need not be possible.
            output.take_over(&self.files[kept.file], Extended::OfUsers)?;
            let mut packer = Packer::new(output, &path)?;
            let pulse = &mut |n| self.control.advance(n, &path);
            packer.append(&self.files[kept.file], &mut ranges, pulse)?;
            packer.seal(self.keep.file_attributes())?;
        }
        self.disk().sync_dir(dir)?;
        self.write_files()?;
        self.tell_what_is_made()
    }

    fn write_files(&mut self) -> Result<()> {
        for mut new in std::mem::take(&mut self.new_files) {
            let (dir, name) = self.place.at(&new.stage.staged)?;
            let path = dir.at(name);
            let mut output = self.disk().create(dir, name)?;
            let kept = new.kept.map(|open| open()).transpose()?;
            let alike = match &kept {
                Some(kept) => new.alike.or_kept(kept)?,
                None => new.alike,
            };
            let mut kept: Option<Box<dyn Read>> = match kept {
                Some(kept) => Some(Box::new(disk::unpack(kept)?)),
                None => None,
            };
            let kept = kept.as_mut();
            write(&mut *output, &path, &mut new.pieces, &self.files, kept, &self.control)?;
            alike.hand_on(&mut *output, &new.stage.name, &self.files, &mut self.left)?;
            output.seal(new.like)?;
        }
        for dir in self.place.dirs(self.journal.stages.iter().map(|stage| &stage.staged)) {
            self.disk().sync_dir(dir)?;
        }
        Ok(())
    }

    /// Completes the journal by how the files will be afterwards.
    fn tell_what_is_made(&mut self) -> Result<()> {
        let mut made = Vec::new();
        if let Step::Truncation { name, to, modified_ns, .. } = &self.journal.step {
            let file = MadeFile { len: *to, modified_ns: *modified_ns, ..self.made(name, *to)? };
            made.push(file);
        }
        for Stage { staged, name } in &self.journal.stages {
            let len = self.place.look_at_file(staged)?.map_or(0, |look| look.stamp.len);
            made.push(MadeFile { name: name.clone(), ..self.made(staged, len)? });
        }
        self.journal.made = made;
        Ok(())
    }

    fn made(&self, name: &[u8], len: u64) -> Result<MadeFile> {
        let (dir, bare) = self.place.at(name)?;
        made_file(&dir.file(bare)?, name, len, Format::Second)
    }

    /// The one step.
    fn step(&self) -> Result<()> {
        let place = self.place;
        match &self.journal.step {
            Step::Truncation { name, to, modified_ns, .. } => {
                let (dir, bare) = place.at(name)?;
                let expected = self.expected.iter().find(|(of, _)| of == name);
                let Some((_, expected)) = expected else {
                    return Err(Error::new(ErrorKind::NotFound, &place.path(name)));
                };
                self.disk().cut(dir, bare, *expected, *to, *modified_ns)
            }
            Step::Rename { from, to } => {
                self.disk().rename(place.at(from)?, place.at(to)?)?;
                self.disk().sync_dir(place.at(to)?.0)
            }
            Step::Unlink { name } => {
                let (dir, bare) = place.at(name)?;
                self.disk().remove_file(dir, bare)?;
                self.disk().sync_dir(dir)
            }
            Step::Removal => Ok(()),
        }
    }
}

/// Bytes at the end of a file by which 0.1.0 told it from others of the same length and time.
const TAIL: u64 = 4096;

/// How a file will be when it has `len` bytes.
pub(super) fn made_file(
    file: &FrozenFile,
    name: &[u8],
    len: u64,
    format: Format,
) -> Result<MadeFile> {
    let stamp = file.stamp();
    let (from, inode) = match format {
        Format::First => (len.saturating_sub(TAIL), None),
        Format::Second => (0, Some(stamp.identity.inode)),
    };
    let mut crc = Crc64::new();
    let mut source = file.source(disk::Access::Read);
    disk::pieces(&mut *source, from, len, &mut |piece| {
        crc.update(piece);
        Ok(())
    })?;
    let (name, modified_ns, crc) = (name.to_vec(), stamp.modified_ns(), crc.value());
    Ok(MadeFile { name, len, modified_ns, crc, inode })
}
