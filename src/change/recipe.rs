//! How every old file is put together again: from what stays of it, and from what is kept.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::journal::{Content, Journal, OldFile};
use super::plan::{Action, Piece, Plan};
use super::work::{ToKeep, at};
use crate::disk;
use crate::error::Result;

/// Bytes of an old file that stay, and where they will be.
struct Stays {
    from: u64,
    to: u64,
    name: Vec<u8>,
    start: u64,
}

impl Plan {
    /// Tells the journal how every old file is put together again, and answers what has to be kept for that.
    pub(super) fn old_files(&self, journal: &mut Journal, places: &[usize]) -> Result<Vec<ToKeep>> {
        let mut staying = self.staying();
        let mut to_keep = Vec::new();
        for (file, found) in &mut staying {
            let Some(stamp) = self.files[*file].stamp else { continue };
            found.sort_by_key(|stays| stays.from);
            let (mut at, mut content, mut ranges) = (0, Vec::new(), Vec::new());
            for Stays { from, to, name, start } in found {
                // What two pieces hold is taken from the first.
                let first = at.max(*from);
                if first >= *to {
                    continue;
                }
                let (start, from) = (*start + (first - *from), first);
                keep_gap(at, from, &mut content, &mut ranges);
                let end = start + (*to - from);
                content.push(Content::From { name: name.clone(), start, end });
                at = *to;
            }
            keep_gap(at, stamp.len, &mut content, &mut ranges);
            let attributes = disk::attributes(&self.files[*file].path)?;
            let name = self.relative(*file);
            journal.old.push(OldFile { name, len: stamp.len, attributes, content });
            to_keep.push(ToKeep { file: places[*file], ranges });
        }
        self.old_manifest(journal)?;
        Ok(to_keep)
    }

    /// The old manifest is small: it stands in the journal, as pieces of nothing else.
    fn old_manifest(&self, journal: &mut Journal) -> Result<()> {
        for action in &self.actions {
            if let Action::Manifest { name, before: Some(before), .. } = action {
                journal.old.push(OldFile {
                    name: name.clone(),
                    len: before.len() as u64,
                    attributes: disk::attributes(&at(&self.dir, name))?,
                    content: vec![Content::These(before.clone())],
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
                    let name = self.relative(*file);
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
            let mut start = 0;
            for piece in pieces {
                if let Piece::Keep { file, from, to } = piece
                    && let Some(of_file) = found.get_mut(file)
                {
                    let name = new_name.clone();
                    of_file.push(Stays { from: *from, to: *to, name, start });
                }
                start += piece.len();
            }
        }
        found
    }

    /// A file's name as seen from the set's directory: it may also lie in the server's.
    pub(super) fn relative(&self, file: usize) -> Vec<u8> {
        let path = &self.files[file].path;
        let name = path.file_name().unwrap_or_default().as_bytes();
        let bare = self.dir == Path::new(".")
            && path.parent().is_none_or(|parent| parent.as_os_str().is_empty());
        match bare || path.parent() == Some(&self.dir) {
            true => name.to_vec(),
            false => [b"../", name].concat(),
        }
    }
}

fn keep_gap(from: u64, to: u64, content: &mut Vec<Content>, ranges: &mut Vec<(u64, u64)>) {
    if from < to {
        content.push(Content::Kept(to - from));
        ranges.push((from, to));
    }
}
