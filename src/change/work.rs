//! Carries a change out: writes beside, publishes by one step, clears up.
//!
//! Whatever happens when, the set is the old one or the new one. Up to the step nothing the set consists of
//! is touched, so an error before it is answered by removing what was written.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::journal::{Journal, MadeFile, Step};
use super::keep::{Entry, KeepDir, State};
use super::pieces::{NewBytes, write};
use super::recover::{finish, roll_back};
use crate::disk::{self, Attributes, Durable, FrozenFile, Packer, Stamp};
use crate::error::{Error, ErrorKind, Result};
use crate::format::rdb::Crc64;
use crate::progress::Progress;

/// A file to be written beside.
pub(super) struct NewFile {
    pub(super) name: Vec<u8>,
    pub(super) pieces: Vec<NewBytes>,
    pub(super) like: Attributes,
    /// What [`NewBytes::Kept`] is read from, in order.
    pub(super) kept: Option<Box<dyn Read>>,
}

/// Bytes to be kept: of which file, from where to where.
pub(super) struct ToKeep {
    pub(super) file: usize,
    pub(super) ranges: Vec<(u64, u64)>,
}

/// What stops a change before it is published.
pub(super) struct Reins<'a> {
    pub(super) stop: Option<&'a AtomicBool>,
    pub(super) progress: &'a dyn Progress,
}

impl Reins<'_> {
    pub(super) fn advance(&self, bytes: u64, path: &Path) -> Result<()> {
        self.progress.advance(bytes);
        match self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            true => Err(Error::new(ErrorKind::Interrupted, path)),
            false => Ok(()),
        }
    }
}

/// A change about to be carried out.
pub(super) struct Work<'a> {
    /// The directory names are relative to.
    pub(super) base: &'a Path,
    pub(super) keep: &'a KeepDir<'a>,
    pub(super) files: Vec<FrozenFile>,
    pub(super) journal: Journal,
    pub(super) new_files: Vec<NewFile>,
    pub(super) to_keep: Vec<ToKeep>,
    /// For a cut: how the file must still be.
    pub(super) expected: Option<Stamp>,
    pub(super) reins: Reins<'a>,
}

impl Work<'_> {
    fn disk(&self) -> &dyn Durable {
        self.keep.disk
    }

    fn at(&self, name: &[u8]) -> PathBuf {
        at(self.base, name)
    }

    /// Does it all; `still_fits` is asked once more just before the step. Answers what was kept, where.
    pub(super) fn run(mut self, still_fits: &dyn Fn() -> Result<()>) -> Result<Option<PathBuf>> {
        let entry = self.keep.new_entry(&self.journal.verb)?;
        let prepared = self.prepare(&entry).and_then(|()| still_fits());
        let prepared = prepared.and_then(|()| self.keep.put(&entry, State::Ready, &self.journal));
        if let Err(error) = prepared {
            // The first error is the one to be told; what cannot be removed now is cleared by the next run.
            let _ = roll_back(self.keep, self.base, &entry, &self.journal.stages);
            return Err(error);
        }
        if let Err(error) = self.step() {
            // Nothing was done then; after any other failure nobody knows, and the next run finds out.
            if matches!(error.kind(), ErrorKind::Stale(_)) {
                let _ = roll_back(self.keep, self.base, &entry, &self.journal.stages);
            }
            return Err(error);
        }
        finish(self.keep, self.base, &entry, &self.journal)?;
        Ok((!self.journal.unkept).then_some(entry.path))
    }

    /// Writes everything that must be there before the step.
    fn prepare(&mut self, entry: &Entry) -> Result<()> {
        self.keep.put(entry, State::Begun, &self.journal)?;
        for (position, kept) in self.to_keep.iter().enumerate() {
            let path = entry.object(position);
            if kept.ranges.is_empty() {
                continue;
            }
            let mut packer = Packer::new(self.disk().create(&path)?, &path)?;
            for &(from, to) in &kept.ranges {
                let pulse = &mut |n| self.reins.advance(n, &path);
                packer.append(&self.files[kept.file], from, to, pulse)?;
            }
            packer.seal(self.keep.file_attributes())?;
        }
        self.disk().sync_dir(&entry.path)?;
        self.write_files()?;
        self.tell_what_is_made()
    }

    pub(super) fn write_files(&mut self) -> Result<()> {
        for mut new in std::mem::take(&mut self.new_files) {
            let path = self.at(&new.name);
            let mut output = self.disk().create(&path)?;
            let kept = new.kept.as_mut();
            write(&mut *output, &path, &new.pieces, &self.files, kept, &self.reins)?;
            output.seal(new.like)?;
        }
        self.disk().sync_dir(self.base)
    }

    /// Completes the journal by how the files will be afterwards.
    fn tell_what_is_made(&mut self) -> Result<()> {
        let mut made = Vec::new();
        match &self.journal.step {
            Step::Truncation { name, to, modified_ns, .. } => {
                made.push(made_file(&self.at(name), name, *to, Some(*modified_ns))?);
            }
            Step::Rename { .. } | Step::Unlink { .. } | Step::Removal => {}
        }
        for name in &self.journal.stages {
            let known_as = match &self.journal.step {
                Step::Rename { from, to } if from == name => to,
                _ => name,
            };
            let path = self.at(name);
            made.push(made_file(&path, known_as, disk::stamp(&path)?.len, None)?);
        }
        self.journal.made = made;
        Ok(())
    }

    /// The one step.
    fn step(&self) -> Result<()> {
        match &self.journal.step {
            Step::Truncation { name, to, modified_ns, .. } => {
                let path = self.at(name);
                let expected = self.expected.map_or_else(|| disk::stamp(&path), Ok)?;
                self.disk().cut(&path, expected, *to, *modified_ns)
            }
            Step::Rename { from, to } => {
                self.disk().rename(&self.at(from), &self.at(to))?;
                self.disk().sync_dir(self.base)
            }
            Step::Unlink { name } => {
                self.disk().remove_file(&self.at(name))?;
                self.disk().sync_dir(self.base)
            }
            Step::Removal => Ok(()),
        }
    }
}

/// A name of a journal as a path.
pub(super) fn at(base: &Path, name: &[u8]) -> PathBuf {
    base.join(OsStr::from_bytes(name))
}

/// Bytes at the end of a file that tell it from others of the same length and time.
const TAIL: u64 = 4096;

/// How the file at `path` will be when it has `len` bytes.
pub(super) fn made_file(
    path: &Path,
    name: &[u8],
    len: u64,
    modified_ns: Option<i128>,
) -> Result<MadeFile> {
    let file = FrozenFile::open(path)?;
    let modified_ns = modified_ns.unwrap_or(file.stamp().modified_ns);
    let mut crc = Crc64::new();
    let mut source = file.source(disk::Access::Read);
    disk::pieces(&mut *source, len.saturating_sub(TAIL), len, &mut |piece| {
        crc.update(piece);
        Ok(())
    })?;
    Ok(MadeFile { name: name.to_vec(), len, modified_ns, crc: crc.value() })
}
