//! From what each segment shall become to a plan that one step publishes.

use super::refusal::Refusal;
use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::loss::Loss;
use super::plan::{Action, Piece, Plan, SourceFile, Verb};
use crate::aof::{Aof, ManifestState, Role, Segment};
use crate::disk::{self, FrozenFile};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{self, Entry, Manifest};
use crate::limits;
use crate::text;

const HISTORY: manifest::Role = manifest::Role::History;

/// What a verb wants of a set. Speaks of segments by their position in [`Aof::segments`].
#[derive(Debug)]
pub struct Draft<'a> {
    aof: &'a Aof,
    verb: Verb,
    edits: Vec<(usize, Vec<Piece>)>,
    /// Of which segments there are edits.
    edited: HashSet<usize>,
    /// Which segments get another name, whatever is in them.
    renamed: HashSet<usize>,
    removed: Vec<usize>,
    others: Vec<SourceFile>,
    manifest: Option<Manifest>,
    loss: Loss,
    notes: Vec<String>,
}

impl<'a> Draft<'a> {
    /// A draft that wants nothing yet.
    pub fn new(verb: Verb, aof: &'a Aof) -> Self {
        Self {
            aof,
            verb,
            edits: Vec::new(),
            edited: HashSet::new(),
            renamed: HashSet::new(),
            removed: Vec::new(),
            others: Vec::new(),
            manifest: None,
            loss: Loss::default(),
            notes: Vec::new(),
        }
    }

    /// The segment ends after `to` bytes.
    pub fn cut(&mut self, segment: usize, to: u64) {
        self.rewrite(segment, vec![Piece::Keep { file: segment, from: 0, to }]);
    }

    /// The segment consists of these pieces from now on. Neighbouring pieces that continue each other are
    /// joined; the last word on a segment counts.
    pub fn rewrite(&mut self, segment: usize, pieces: Vec<Piece>) {
        let pieces = joined(pieces);
        if !self.edited.insert(segment) {
            self.edits.retain(|(s, _)| *s != segment);
        }
        self.edits.push((segment, pieces));
    }

    /// The segment keeps its bytes and gets a name of a segment of its role and number.
    pub fn rename(&mut self, segment: usize) {
        let to = self.aof.segments[segment].len().unwrap_or(0);
        self.renamed.insert(segment);
        self.rewrite(segment, vec![Piece::Keep { file: segment, from: 0, to }]);
    }

    /// The segment leaves the set: its manifest line goes, and so does the file.
    pub fn remove(&mut self, segment: usize) {
        self.removed.push(segment);
    }

    /// A file that is no segment goes, such as a leftover.
    ///
    /// # Errors
    /// When it cannot be looked at, or is no regular file.
    pub fn remove_other(&mut self, path: &Path) -> Result<()> {
        let name = path.file_name().unwrap_or_default().as_bytes().into();
        let dir = disk::Dir::open(disk::parent(path))?;
        let Some(look) = dir.look(path.file_name().unwrap_or_default())? else {
            return Err(Error::new(ErrorKind::NotFound, path));
        };
        if look.kind != disk::Kind::File {
            return Err(Error::refused(Refusal::NoFile(look.kind), path));
        }
        let stamp = Some(look.stamp);
        self.others.push(SourceFile { name, at: path.into(), stamp, is_held: false });
        Ok(())
    }

    /// The set has this manifest from now on, with the names that files have now; edits and removals of
    /// this draft are worked into it.
    pub fn manifest(&mut self, manifest: Manifest) {
        self.manifest = Some(manifest);
    }

    /// Something is lost.
    pub fn lose(&mut self, loss: Loss) {
        self.loss.add(loss);
    }

    /// Something should be known.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The plan. Empty when nothing would change.
    ///
    /// # Errors
    /// When the manifest cannot be read again, or says nothing that the changes could be worked into.
    pub fn finish(mut self) -> Result<Plan> {
        let gone: HashSet<usize> = self.removed.iter().copied().collect();
        let mut seen = HashSet::new();
        self.removed.retain(|segment| seen.insert(*segment));
        let mut edits = std::mem::take(&mut self.edits);
        let is_changed =
            |s, pieces: &[Piece]| self.renamed.contains(&s) || !self.is_same(s, pieces);
        edits.retain(|(s, pieces)| !gone.contains(s) && is_changed(*s, pieces));
        self.edits = edits;
        self.tell_shared()?;
        let dir = self.aof.dir();
        let mut actions = Vec::new();
        if self.aof.manifest.is_none() {
            self.single_file(&mut actions)?;
        } else {
            self.multi_part(&dir, &mut actions)?;
        }
        let segments = self.aof.segments.iter().map(|segment| source_file(segment, &dir));
        let first_other = self.aof.segments.len();
        for (i, other) in self.others.iter().enumerate() {
            let from_bytes = other.stamp.map_or(0, |s| s.len);
            actions.push(Action::Remove { file: first_other + i, from_bytes });
        }
        Ok(Plan {
            verb: self.verb,
            manifest: self.manifest_name(),
            path: self.aof.path.clone(),
            target: self.aof.target(),
            files: segments.chain(self.others.iter().cloned()).collect(),
            dir,
            actions,
            loss: self.loss,
            notes: self.notes,
        })
    }

    fn manifest_name(&self) -> Option<Vec<u8>> {
        let path = &self.aof.manifest.as_ref()?.path;
        Some(path.file_name().unwrap_or_default().as_bytes().to_vec())
    }

    /// Whether the pieces are the segment as it is.
    fn is_same(&self, segment: usize, pieces: &[Piece]) -> bool {
        let len = self.aof.segments[segment].len();
        match pieces {
            [] => len == Some(0),
            [Piece::Keep { file, from: 0, to }] => *file == segment && len == Some(*to),
            _ => false,
        }
    }

    /// Where the pieces are the segment's beginning: its new length.
    fn as_cut(&self, segment: usize, pieces: &[Piece]) -> Option<u64> {
        match pieces {
            [] => Some(0),
            [Piece::Keep { file, from: 0, to }] if *file == segment => Some(*to),
            _ => None,
        }
    }

    /// Whether a file has other names, which a cut in place would cut as well.
    fn is_shared(&self, segment: usize) -> Result<bool> {
        let file = self.aof.segments[segment].file();
        Ok(file.map(FrozenFile::links).transpose()?.is_some_and(|links| links > 1))
    }

    /// Says why a file is written anew where a cut would do.
    fn tell_shared(&mut self) -> Result<()> {
        for (segment, pieces) in &self.edits {
            let would_be_cut = match self.aof.manifest {
                None => self.as_cut(*segment, pieces).is_some(),
                Some(_) => self.plain_cut().is_some(),
            };
            if would_be_cut && self.is_shared(*segment)? {
                let name = text::name(&self.aof.segments[*segment].name);
                self.notes.push(format!(
                    "{name} has other names (hard links), which a cut in place would cut as well: a new file \
                     takes its place, and they stay as they are"
                ));
            }
        }
        Ok(())
    }

    fn single_file(&self, actions: &mut Vec<Action>) -> Result<()> {
        for (segment, pieces) in &self.edits {
            let of = &self.aof.segments[*segment];
            let from_bytes = of.len().unwrap_or(0);
            let is_shared = self.is_shared(*segment)?;
            actions.push(match self.as_cut(*segment, pieces).filter(|_| !is_shared) {
                Some(to_bytes) => Action::Cut { file: *segment, from_bytes, to_bytes },
                None => Action::Rewrite {
                    file: Some(*segment),
                    new_name: of.name.to_vec(),
                    from_bytes,
                    pieces: pieces.clone(),
                },
            });
        }
        Ok(())
    }

    fn multi_part(&mut self, dir: &Path, actions: &mut Vec<Action>) -> Result<()> {
        if self.manifest.is_none() && self.edits.is_empty() && self.removed.is_empty() {
            return Ok(());
        }
        let mut manifest = match (&self.manifest, self.aof.manifest.as_ref().map(|m| &m.state)) {
            (Some(new), _) => new.clone(),
            (None, Some(ManifestState::Valid(manifest))) => manifest.clone(),
            (None, _) => return Err(Error::refused(Refusal::ManifestFirst, &self.aof.path)),
        };
        if let Some((segment, to_bytes)) = self.plain_cut()
            && !self.is_shared(segment)?
        {
            let from_bytes = self.aof.segments[segment].len().unwrap_or(0);
            actions.push(Action::Cut { file: segment, from_bytes, to_bytes });
            return Ok(());
        }
        let aof = self.aof;
        let mut renamed = HashMap::new();
        for (segment, pieces) in std::mem::take(&mut self.edits) {
            let of = &aof.segments[segment];
            let new_name = free_name(dir, &self.stem(), of);
            renamed.entry(&*of.name).or_insert_with(|| new_name.clone());
            let from_bytes = of.len().unwrap_or(0);
            actions.push(Action::Rewrite { file: Some(segment), new_name, from_bytes, pieces });
        }
        // A file that the manifest lists as history as well stays history under its old name: servers delete that.
        for entry in manifest.entries.iter_mut().filter(|entry| entry.role != HISTORY) {
            if let Some(new_name) = renamed.get(&*entry.name) {
                entry.name = new_name.as_slice().into();
                entry.end_offset = None;
            }
        }
        let of = |segment: &usize| {
            let segment = &self.aof.segments[*segment];
            (&*segment.name, segment.role == Role::History)
        };
        let gone: HashSet<(&[u8], bool)> = self.removed.iter().map(of).collect();
        let stays = |entry: &Entry| !gone.contains(&(&entry.name, entry.role == HISTORY));
        manifest.entries.retain(stays);
        for &segment in &self.removed {
            let of = &self.aof.segments[segment];
            if let Some(from_bytes) = of.len() {
                actions.push(Action::Remove { file: segment, from_bytes });
            }
        }
        self.manifest_action(&manifest, actions)
    }

    /// The new manifest, where it says something else or is written otherwise than the old one.
    fn manifest_action(&self, manifest: &Manifest, actions: &mut Vec<Action>) -> Result<()> {
        let Some(opened) = &self.aof.manifest else { return Ok(()) };
        if actions.is_empty() && self.manifest.is_none() {
            return Ok(());
        }
        let before = match opened.state {
            ManifestState::Missing => None,
            _ => Some(disk::read_small(&opened.path, limits::MANIFEST)?),
        };
        let after = manifest::print(manifest);
        if before.as_deref() != Some(&after) {
            let name = self.manifest_name().unwrap_or_default();
            actions.insert(0, Action::Manifest { name, before, after });
        }
        Ok(())
    }

    /// The one segment that is cut, when that is all that changes and it is the last one: that needs no
    /// second copy of it.
    fn plain_cut(&self) -> Option<(usize, u64)> {
        let [(segment, pieces)] = &self.edits[..] else { return None };
        let is_alone = self.manifest.is_none() && self.removed.is_empty();
        let is_last = self.aof.last_live() == Some(*segment);
        // An end offset of a clean shutdown may stay: it is a replication offset that Redis 8 removes as soon as
        // it starts, and no server compares it with the length of the file (run with 8.2.3).
        let to = self.as_cut(*segment, pieces)?;
        (is_alone && is_last).then_some((*segment, to))
    }

    /// `appendonly.aof`
    fn stem(&self) -> Vec<u8> {
        let name = self.manifest_name().unwrap_or_default();
        name.strip_suffix(b".manifest").unwrap_or(&name).to_vec()
    }
}

fn source_file(segment: &Segment, dir: &Path) -> SourceFile {
    let at = behind_link(segment, dir).map_or_else(|| segment.file_path(), |path| (&*path).into());
    let stamp = segment.file().map(|file| file.stamp());
    SourceFile { name: Arc::clone(&segment.name), at, stamp, is_held: segment.is_held }
}

/// The file in the set's directory that a link there leads to: that one is changed, and the link stays.
fn behind_link(segment: &Segment, dir: &Path) -> Option<PathBuf> {
    if !segment.is_link {
        return None;
    }
    let real = disk::real_path(&segment.path()).ok()?;
    let is_here = real.parent() == Some(&disk::real_path(dir).ok()?);
    is_here.then(|| dir.join(real.file_name().unwrap_or_default()))
}

/// Pieces that continue each other as one, empty ones left out. In place: there may be very many.
fn joined(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.retain(|piece| !piece.is_empty());
    pieces.dedup_by(|next, last| match (last, next) {
        (Piece::Keep { file, to, .. }, Piece::Keep { file: f, from, to: end })
            if *file == *f && *to == *from =>
        {
            *to = *end;
            true
        }
        _ => false,
    });
    pieces
}

/// A name for a segment's new content that no server will ever give to a file: its number with zeros before
/// it. Servers count up from the last number and write none.
fn free_name(dir: &Path, stem: &[u8], segment: &Segment) -> Vec<u8> {
    let kind: &[u8] = match segment.role {
        Role::Base if segment.name.ends_with(b".rdb") => b".base.rdb",
        Role::Base => b".base.aof",
        _ => b".incr.aof",
    };
    let number = segment.seq.unwrap_or(1).unsigned_abs().to_string();
    let mut zeros = String::from("0");
    loop {
        let name = [stem, b".", zeros.as_bytes(), number.as_bytes(), kind].concat();
        if !disk::exists(&dir.join(std::ffi::OsStr::from_bytes(&name))) {
            return name;
        }
        zeros.push('0');
    }
}
