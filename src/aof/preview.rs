//! A set as it would be if some of its files were others.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::open::{judged, segment};
use super::set::{Aof, Input, OpenedManifest, Role, Segment};
use crate::disk::{FrozenFile, Part, Splice};
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
            let (input, path, is_link) = self.previewed(changes, (old, parts), &name, role, seq)?;
            segments.push(Segment { name, path, role, seq, is_link, input });
        }
        let live: HashSet<&Path> = segments.iter().map(|s| &*s.path).collect();
        let leftovers = self.leftovers.iter().filter(|l| {
            let name = l.path.file_name().unwrap_or_default().as_encoded_bytes();
            !live.contains(l.path.as_path()) && !changes.gone.contains(name)
        });
        let leftovers = leftovers.cloned().collect();
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
        entries.map(|e| (e.name.as_slice().into(), role(e.role), Some(e.seq))).collect()
    }

    fn previewed(
        &self,
        changes: &Changes,
        (old, parts): (Option<&Segment>, Option<&[Part]>),
        name: &[u8],
        role: Role,
        seq: Option<i64>,
    ) -> Result<(Input, Arc<Path>, bool)> {
        let dir = self.dir();
        let path = old.map_or_else(|| dir.join(os_name(name)).into(), |s| Arc::clone(&s.path));
        let is_link = old.is_some_and(|s| s.is_link);
        let input = if let Some(parts) = parts {
            Input::Splice(self.splice(parts)?)
        } else if changes.gone.contains(name) {
            Input::Missing
        } else if let Some((file, access)) = old.and_then(Segment::plain) {
            Input::File(Arc::clone(file), access)
        } else {
            segment(&dir, name, (role, seq), false)?.input
        };
        Ok((input, path, is_link))
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

fn os_name(name: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name)
}
