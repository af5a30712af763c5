//! Tells a journal how the old files of a plan are put together again.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::journal::{Journal, OldFile};
use super::place::Place;
use super::plan::{Action, Piece, Plan};
use super::recipe::{Recipe, Stays};
use crate::error::{Error, ErrorKind, Result};

/// Bytes to be kept: of which file, for which old file of the journal.
pub(super) struct ToKeep {
    pub(super) file: usize,
    pub(super) position: usize,
}

impl Plan {
    /// Tells the journal how every old file is put together again, and answers what has to be kept for that.
    pub(super) fn old_files(
        &self,
        place: &Place,
        journal: &mut Journal,
        places: &[usize],
    ) -> Result<Vec<ToKeep>> {
        let mut to_keep = Vec::new();
        for (file, mut found) in self.staying() {
            let Some(stamp) = self.files[file].stamp else { continue };
            found.sort_by_key(|stays| stays.from);
            let mut end = 0;
            // What two pieces hold is taken from the first.
            found.retain_mut(|stays| {
                let first = stays.from.max(end);
                stays.start += first.min(stays.to) - stays.from.min(first);
                stays.from = first;
                end = end.max(stays.to);
                stays.from < stays.to
            });
            found.shrink_to_fit();
            let name = self.relative(file);
            let attributes = attributes(place, &name)?;
            let (len, content) = (stamp.len, Recipe::Gaps(found, stamp.len));
            to_keep.push(ToKeep { file: places[file], position: journal.old.len() });
            journal.old.push(OldFile { name, len, attributes, content });
        }
        self.old_manifest(place, journal)?;
        Ok(to_keep)
    }

    /// The old manifest is small: it stands in the journal, as pieces of nothing else.
    fn old_manifest(&self, place: &Place, journal: &mut Journal) -> Result<()> {
        for action in &self.actions {
            if let Action::Manifest { name, before: Some(before), .. } = action {
                journal.old.push(OldFile {
                    name: name.clone(),
                    len: before.len() as u64,
                    attributes: attributes(place, name)?,
                    content: Recipe::These(before.clone()),
                });
            }
        }
        Ok(())
    }

    /// For every file that changes or goes: which of its bytes stay, and where.
    fn staying(&self) -> BTreeMap<usize, Vec<Stays>> {
        let mut found: BTreeMap<usize, Vec<Stays>> = BTreeMap::new();
        for action in &self.actions {
            match action {
                Action::Cut { file, to_bytes, .. } => {
                    let name = self.relative(*file).into();
                    let stays = Stays { from: 0, to: *to_bytes, name, start: 0 };
                    found.entry(*file).or_default().push(stays);
                }
                Action::Rewrite { file, .. } => {
                    if let Some(file) = file {
                        found.entry(*file).or_default();
                    }
                }
                Action::Remove { file, .. } => {
                    found.entry(*file).or_default();
                }
                Action::Manifest { .. } => {}
            }
        }
        for action in &self.actions {
            let Action::Rewrite { new_name, pieces, .. } = action else { continue };
            let name: Arc<[u8]> = new_name.as_slice().into();
            let mut start = 0;
            for piece in pieces {
                if let Piece::Keep { file, from, to } = piece
                    && let Some(of_file) = found.get_mut(file)
                {
                    let name = name.clone();
                    of_file.push(Stays { from: *from, to: *to, name, start });
                }
                start += piece.len();
            }
        }
        found
    }

    /// A file's name as seen from the set's directory: it may also lie in the server's.
    pub(super) fn relative(&self, file: usize) -> Vec<u8> {
        let path = self.files[file].at.path();
        let name = path.file_name().unwrap_or_default().as_bytes();
        let bare = self.dir == Path::new(".")
            && path.parent().is_none_or(|parent| parent.as_os_str().is_empty());
        match bare || path.parent() == Some(&self.dir) {
            true => name.to_vec(),
            false => [b"../", name].concat(),
        }
    }
}

/// Mode, owner and times of a file that is changed.
pub(super) fn attributes(place: &Place, name: &[u8]) -> Result<crate::disk::Attributes> {
    match place.look_at_file(name)? {
        Some(look) => Ok(look.attributes),
        None => Err(Error::new(ErrorKind::NotFound, &place.path(name))),
    }
}
