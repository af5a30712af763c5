//! A set as it would be with files that lie beside it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::locate::segment_name;
use super::preview::Changes;
use super::segments::segment;
use super::set::{Aof, Input, ManifestState, OpenedManifest, Role};
use crate::disk::{self, Access, HeldFile};
use crate::error::Result;

impl Aof {
    /// The set that would consist of these files of its directory alone, if its manifest were lost: of several bases the
    /// newest.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub(crate) fn of_files(&self, files: &[PathBuf]) -> Result<Self> {
        let mut shown = self.preview(&Changes::default())?;
        let mut named: Vec<_> = files
            .iter()
            .filter_map(|file| {
                let name = file.file_name()?.as_encoded_bytes();
                let told = segment_name(name)?;
                Some((name, told.is_base, told.number))
            })
            .collect();
        named.sort_by_key(|(_, is_base, number)| (!is_base, *number));
        let newest = named.iter().rposition(|(_, is_base, _)| *is_base);
        shown.segments.clear();
        let dir = Arc::from(self.dir());
        for (place, (name, is_base, number)) in named.iter().enumerate() {
            if *is_base && Some(place) != newest {
                continue;
            }
            let role = if *is_base { Role::Base } else { Role::Increment };
            shown.segments.push(segment(&dir, &Arc::from(*name), (role, Some(*number)), false)?);
        }
        shown.leftovers.clear();
        shown.manifest = self.manifest.as_ref().map(|manifest| {
            let state = ManifestState::Missing;
            let path = manifest.path.clone();
            Arc::new(OpenedManifest { path, bytes: Vec::new(), state, for_checker: None })
        });
        Ok(shown)
    }

    /// The set with what a process still has open in the place of files that are gone. A file that is there stays.
    ///
    /// # Errors
    /// When one of them cannot be opened any more.
    pub(crate) fn with_held(mut self, held: &[HeldFile]) -> Result<Self> {
        for segment in self.segments.iter_mut().filter(|segment| segment.is_missing()) {
            let is_it = |one: &&HeldFile| *segment.name == *one.name.as_bytes();
            let Some(one) = held.iter().find(is_it) else { continue };
            let file = disk::open_held(&one.path, one.identity)?;
            (segment.input, segment.at) = (Input::File(Arc::new(file), Access::Read), None);
            segment.is_held = true;
        }
        Ok(self)
    }

    /// The set with a file of its directory as a further increment, behind all files that it has.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn with_increment(mut self, file: &Path, seq: i64) -> Result<Self> {
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        let increment =
            segment(&Arc::from(self.dir()), &Arc::from(name), (Role::Increment, Some(seq)), false)?;
        self.segments.push(increment);
        self.leftovers.retain(|leftover| leftover.path != file);
        Ok(self)
    }
}
