//! A changed copy of a set in a directory of its own. The original stays as it is.
//!
//! Files that do not change and that no server appends to are one file with two names where the file system
//! allows it; of others the bytes are shared where it can do that, else copied. The directory appears as a whole.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::apply::{Options, like_a_file_in, new_bytes};
use super::pieces::{NewBytes, write};
use super::plan::{Action, Piece, Plan};
use super::work::{Reins, at};
use crate::disk::{self, Attributes, Durable, FrozenFile, Stamp};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{self, Dialect};
use crate::limits;
use crate::progress::Progress;

/// What the name of a copy ends with while it is not whole.
const PARTIAL: &str = ".aofkit-partial";

/// A file of the copy.
enum Copy {
    /// As it is; nobody appends to it.
    Same(usize),
    /// Put together anew.
    Pieces(Vec<NewBytes>, Attributes),
}

impl Plan {
    /// Writes the set as it would be into `dir`, which must not exist or be empty. An empty plan gives a plain
    /// copy.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when there is something in `dir`, [`ErrorKind::Stale`] when the set is not the
    /// one the plan was made for, or when the system refuses. `dir` is as before then.
    pub fn write_to(
        &self,
        dir: &Path,
        disk: &dyn Durable,
        options: &Options<'_>,
        progress: &dyn Progress,
    ) -> Result<()> {
        self.is_fresh()?;
        if disk::exists(dir) && !disk::list_dir(dir)?.is_empty() {
            let why = "it must not exist, or be empty".to_owned();
            return Err(Error::new(ErrorKind::Refused(why), dir));
        }
        let mut partial = dir.as_os_str().to_owned();
        partial.push(PARTIAL);
        let partial = PathBuf::from(partial);
        clear(&partial, disk)?;
        let like = Attributes { modified_ns: None, ..disk::attributes(&self.dir)? };
        disk.make_dir(&partial, like)?;
        let reins = Reins { stop: options.stop, progress };
        // One more name for a file changes its time of change, and nothing else.
        let same =
            |now: &Stamp, then: &Stamp| *now == Stamp { changed_ns: now.changed_ns, ..*then };
        let done = self.fill(&partial, disk, &reins).and_then(|()| self.has_same(same));
        let done = done.and_then(|()| disk.sync_dir(&partial)).and_then(|()| {
            disk.rename(&partial, dir)?;
            disk.sync_dir(parent(dir))
        });
        progress.finish();
        if done.is_err() {
            // The first error is the one to be told.
            let _ = clear(&partial, disk);
        }
        done
    }

    fn fill(&self, into: &Path, disk: &dyn Durable, reins: &Reins<'_>) -> Result<()> {
        let mut files = Vec::with_capacity(self.files.len());
        let mut places = Vec::with_capacity(self.files.len());
        for file in &self.files {
            places.push(files.len());
            if file.stamp.is_some() {
                files.push(FrozenFile::open(&file.path)?);
            }
        }
        let copies = self.copies(&places, &files)?;
        let bytes = |copy: &Copy| match copy {
            Copy::Same(file) => files[*file].len(),
            Copy::Pieces(pieces, _) => pieces.iter().map(NewBytes::len).sum(),
        };
        reins.progress.begin(Some(copies.iter().map(|(_, copy)| bytes(copy)).sum()));
        for (name, copy) in copies {
            let path = at(into, &name);
            let (pieces, like) = match copy {
                // A symbolic link is followed: its own words would mean another place over there.
                Copy::Same(file)
                    if disk.link(&disk::real_path(files[file].path())?, &path).is_ok() =>
                {
                    reins.advance(files[file].len(), &path)?;
                    continue;
                }
                Copy::Same(file) => {
                    let whole = NewBytes::Range { file, from: 0, to: files[file].len() };
                    (vec![whole], disk::attributes(files[file].path())?)
                }
                Copy::Pieces(pieces, like) => (pieces, like),
            };
            let mut output = disk.create(&path)?;
            write(&mut *output, &path, &pieces, &files, None, reins)?;
            output.seal(like)?;
        }
        Ok(())
    }

    /// The files of the copy by their names.
    fn copies(&self, places: &[usize], files: &[FrozenFile]) -> Result<Vec<(Vec<u8>, Copy)>> {
        let mut copies = Vec::new();
        let mut names: Option<Vec<Vec<u8>>> = None;
        if let Some(name) = &self.manifest {
            let path = at(&self.dir, name);
            let (bytes, like) = match self.new_manifest() {
                Some(new) => (new.to_vec(), like_a_file_in(&self.dir)?),
                None => (disk::read_small(&path, limits::MANIFEST)?, disk::attributes(&path)?),
            };
            let read = manifest::parse(&bytes, Dialect::Strict)
                .or_else(|_| manifest::parse(&bytes, Dialect::Concatenating));
            names = read.ok().map(|m| m.live().map(|e| e.name.clone()).collect());
            copies.push((name.clone(), Copy::Pieces(vec![NewBytes::These(bytes)], like)));
        }
        let old = || self.files.iter().filter(|f| f.stamp.is_some()).map(|f| f.name.clone());
        let new = || {
            self.actions.iter().filter_map(|action| match action {
                Action::Rewrite { file: None, new_name, .. } => Some(new_name.clone()),
                _ => None,
            })
        };
        // Without a manifest: the files as they are, or those that take the place of them all.
        let is_new = self.manifest.is_none() && new().next().is_some();
        let names = names.unwrap_or_else(|| if is_new { new().collect() } else { old().collect() });
        let last = names.last().cloned();
        let changed = self.new_names();
        let there = self.files.iter().zip(places).filter(|(file, _)| file.stamp.is_some());
        // The first one of a name counts.
        let there: HashMap<_, _> =
            there.rev().map(|(file, &place)| (file.name.as_slice(), place)).collect();
        for name in names {
            let action = changed.get(name.as_slice()).copied();
            if let Some(new) = action.map(|action| self.new_content(action, places)).transpose()? {
                copies.push((name, new));
                continue;
            }
            let Some(&file) = there.get(name.as_slice()) else { continue };
            let is_last = last.as_ref() == Some(&name);
            let copy = if is_last {
                let whole = NewBytes::Range { file, from: 0, to: files[file].len() };
                Copy::Pieces(vec![whole], disk::attributes(files[file].path())?)
            } else {
                Copy::Same(file)
            };
            copies.push((name, copy));
        }
        Ok(copies)
    }

    fn new_manifest(&self) -> Option<&[u8]> {
        self.actions.iter().find_map(|action| match action {
            Action::Manifest { after, .. } => Some(after.as_slice()),
            _ => None,
        })
    }

    /// The actions that give files new content, the first one of each name.
    fn new_names(&self) -> HashMap<&[u8], &Action> {
        let named = self.actions.iter().filter_map(|action| match action {
            Action::Cut { file, .. } => Some((self.files[*file].name.as_slice(), action)),
            Action::Rewrite { new_name, .. } => Some((new_name.as_slice(), action)),
            _ => None,
        });
        let mut all = HashMap::new();
        for (name, action) in named {
            all.entry(name).or_insert(action);
        }
        all
    }

    /// The new content that an action gives to a file.
    fn new_content(&self, action: &Action, places: &[usize]) -> Result<Copy> {
        let (file, pieces) = match action {
            Action::Cut { file, to_bytes, .. } => {
                (Some(*file), vec![Piece::Keep { file: *file, from: 0, to: *to_bytes }])
            }
            Action::Rewrite { file, pieces, .. } => (*file, pieces.clone()),
            Action::Manifest { .. } | Action::Remove { .. } => (None, Vec::new()),
        };
        let like = match file {
            Some(file) => disk::attributes(&self.files[file].path)?,
            None => like_a_file_in(&self.dir)?,
        };
        let pieces = pieces.iter().map(|piece| new_bytes(piece, places)).collect();
        Ok(Copy::Pieces(pieces, like))
    }
}

fn parent(dir: &Path) -> &Path {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes what a killed run left of a copy.
fn clear(partial: &Path, disk: &dyn Durable) -> Result<()> {
    if !disk::exists(partial) {
        return Ok(());
    }
    for listed in disk::list_dir(partial)? {
        disk.remove_file(&partial.join(listed.name))?;
    }
    disk.remove_dir(partial)
}
