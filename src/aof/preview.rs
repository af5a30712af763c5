//! A set as it would be if some of its files were others.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::leftover::Leftover;
use super::open::judged;
use super::segments::segment;
use super::set::{Aof, Input, OpenedManifest, Role, Segment};
use crate::disk::{FilePath, FrozenFile, Part, Splice};
use crate::error::Result;
use crate::format::manifest;

/// What some files of a set would be.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The bytes of the manifest, where they would be others.
    pub manifest: Option<Vec<u8>>,
    /// New content by name; the file numbers of its parts are positions in [`Aof::segments`].
    pub files: Vec<(Vec<u8>, Vec<Part>)>,
    /// Names of files that would be gone.
    pub gone: HashSet<Vec<u8>>,
}

/// A file's name, what it is for, and its number.
type Named = (Arc<[u8]>, Role, Option<i64>);

impl Aof {
    /// The set as it would be with `changes`. Nothing is written.
    ///
    /// # Errors
    /// When a file it would consist of cannot be opened.
    pub fn preview(&self, changes: &Changes) -> Result<Self> {
        let named = self.named_by(changes);
        let mut segments = Vec::with_capacity(named.len());
        let mut places = HashMap::with_capacity(self.segments.len());
        for (place, segment) in self.segments.iter().enumerate() {
            places.entry(&*segment.name).or_insert(place);
        }
        let mut new = HashMap::with_capacity(changes.files.len());
        for (name, parts) in &changes.files {
            new.entry(name.as_slice()).or_insert(parts.as_slice());
        }
        for (name, role, seq) in named {
            let old = places.get(&*name).map(|&place| &self.segments[place]);
            let name = old.map_or(name, |old| Arc::clone(&old.name));
            let parts = new.get(&*name).copied();
            segments.push(self.previewed(changes, (old, parts), &name, role, seq)?);
        }
        let leftovers = self.leftovers_beside(&segments, changes);
        Ok(Self {
            path: self.path.clone(),
            layout: self.layout,
            manifest: self.previewed_manifest(changes),
            segments,
            leftovers,
            writer: self.writer.clone(),
            target: self.target.clone(),
            target_given: self.target_given,
            stands_in: self.stands_in,
            settings: self.settings.clone(),
            modules: self.modules.clone(),
            configured: self.configured,
            configuration: self.configuration.clone(),
            names: self.names.clone(),
            upgrade_pending: self.upgrade_pending && changes.manifest.is_none(),
            has_empty_append_dir: self.has_empty_append_dir,
            heard: OnceCell::new(),
            look: self.look.clone(),
        })
    }

    /// Names, roles and numbers of the files it would consist of.
    fn named_by(&self, changes: &Changes) -> Vec<Named> {
        let new = changes.manifest.as_deref();
        let new = new.and_then(|bytes| manifest::parse(bytes, self.target().rules.dialect()).ok());
        let Some(new) = new else {
            let same = self.segments.iter().map(|s| (Arc::clone(&s.name), s.role, s.seq));
            return same.collect();
        };
        let role = |role| match role {
            manifest::Role::Base => Role::Base,
            manifest::Role::Increment => Role::Increment,
            manifest::Role::History => Role::History,
        };
        let entries = new.live().chain(new.history());
        entries.map(|e| (Arc::clone(&e.name), role(e.role), Some(e.seq))).collect()
    }

    fn previewed(
        &self,
        changes: &Changes,
        (old, parts): (Option<&Segment>, Option<&[Part]>),
        name: &Arc<[u8]>,
        role: Role,
        seq: Option<i64>,
    ) -> Result<Segment> {
        let is_link = old.is_some_and(|s| s.is_link);
        let input = if let Some(parts) = parts {
            Input::Splice(Box::new(self.splice(parts)?))
        } else if changes.gone.contains(&**name) {
            Input::Missing
        } else if let Some((file, access)) = old.and_then(Segment::plain) {
            Input::File(Arc::clone(file), access)
        } else {
            let opened = segment(&self.dir().into(), name, (role, seq), false)?;
            return Ok(Segment { is_link, ..opened });
        };
        let at = (!matches!(input, Input::File(..))).then(|| {
            let new = || FilePath::new(&self.dir().into(), name);
            Box::new(old.map_or_else(new, Segment::file_path))
        });
        let is_held = old.is_some_and(|s| s.is_held);
        Ok(Segment { name: Arc::clone(name), at, role, seq, is_link, is_held, input })
    }

    /// What would lie beside those files.
    fn leftovers_beside(&self, segments: &[Segment], changes: &Changes) -> Vec<Leftover> {
        let live: HashMap<_, _> =
            segments.iter().map(|segment| (&*segment.name, segment)).collect();
        let stays = |leftover: &&Leftover| {
            let name = leftover.path.file_name().unwrap_or_default().as_encoded_bytes();
            let is_live = live.get(name).is_some_and(|segment| segment.path() == leftover.path);
            !is_live && !changes.gone.contains(name)
        };
        self.leftovers.iter().filter(stays).cloned().collect()
    }

    fn splice(&self, parts: &[Part]) -> Result<Splice> {
        let mut files: Vec<FrozenFile> = Vec::new();
        let mut places = vec![None; self.segments.len()];
        let mut renumbered = Vec::with_capacity(parts.len());
        for part in parts {
            let part = match part {
                Part::Range { file, from, to } => {
                    let Some(open) = self.segments.get(*file).and_then(Segment::file) else {
                        continue;
                    };
                    let place = match places[*file] {
                        Some(place) => place,
                        None => {
                            files.push(open.duplicate()?);
                            *places[*file].insert(files.len() - 1)
                        }
                    };
                    Part::Range { file: place, from: *from, to: *to }
                }
                Part::Bytes(bytes) => Part::Bytes(bytes.clone()),
            };
            renumbered.push(part);
        }
        Ok(Splice::new(files, renumbered))
    }

    fn previewed_manifest(&self, changes: &Changes) -> Option<Arc<OpenedManifest>> {
        let opened = self.manifest.as_ref()?;
        let Some(bytes) = &changes.manifest else { return Some(Arc::clone(opened)) };
        Some(Arc::new(judged(opened.path.clone(), bytes.clone(), self.target())))
    }
}
