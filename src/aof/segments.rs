//! The files of a set, by its manifest or by their names.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::leftover::{self, Leftover, LeftoverKind};
use super::locate::segment_name;
use super::set::{Input, Role, Segment};
use crate::disk::{self, Access, FilePath, FrozenFile};
use crate::error::{ErrorKind, Result};
use crate::format::manifest::{self, Manifest};

/// The files a manifest names: base, increments, history. Also whether an upgrade from one file has yet
/// to move it here.
pub(super) fn listed(dir: &Path, stem: &[u8], manifest: &Manifest) -> Result<(Vec<Segment>, bool)> {
    let mut segments = Vec::with_capacity(manifest.entries.len());
    let shared: Arc<Path> = dir.into();
    let last = manifest.live().last().map(|entry| &entry.name);
    for entry in manifest.live().chain(manifest.history()) {
        let role = match entry.role {
            manifest::Role::Base => Role::Base,
            manifest::Role::Increment => Role::Increment,
            manifest::Role::History => Role::History,
        };
        let grows = last == Some(&entry.name);
        segments.push(segment(&shared, &entry.name, (role, Some(entry.seq)), grows)?);
    }
    let live = segments.iter().filter(|s| s.is_live()).count();
    let awaits_upgrade = match live {
        0 => true,
        1 => {
            segments[0].role == Role::Base && *segments[0].name == *stem && segments[0].is_missing()
        }
        _ => false,
    };
    let old = leftover::server_dir(dir).map(|parent| parent.join(OsStr::from_bytes(stem)));
    let upgrade = awaits_upgrade && old.as_deref().is_some_and(disk::is_file);
    if let (true, Some(old)) = (upgrade, old) {
        segments.retain(|s| s.role == Role::History);
        let input = Input::File(Arc::new(FrozenFile::open_growing(&old)?), Access::Read);
        let name = stem.into();
        let base = Segment {
            name,
            at: None,
            role: Role::Base,
            seq: Some(1),
            is_link: false,
            is_held: false,
            input,
        };
        segments.insert(0, base);
    }
    closed_ones_are_mapped(&mut segments);
    Ok((segments, upgrade))
}

/// Segments by their names, where no manifest says what they are: the newest base, and all increments.
pub(super) fn by_name(dir: &Path, stem: &[u8]) -> Result<(Vec<Segment>, Vec<Leftover>)> {
    let listed = disk::list_dir(dir)?;
    let mut names: Vec<_> = listed
        .iter()
        .filter(|l| !l.is_dir)
        .filter_map(|l| Some((l.name.as_bytes(), segment_name(l.name.as_bytes())?)))
        .filter(|(_, name)| name.stem == stem)
        .collect();
    names.sort_by_key(|(_, name)| (!name.is_base, name.number));
    let newest_base = names.iter().rposition(|(_, name)| name.is_base);
    let shared: Arc<Path> = dir.into();
    let mut segments = Vec::new();
    let mut named = HashSet::new();
    for (i, (file, name)) in names.iter().enumerate() {
        if name.is_base && Some(i) != newest_base {
            continue;
        }
        let role = if name.is_base { Role::Base } else { Role::Increment };
        let grows = i + 1 == names.len();
        segments.push(segment(&shared, &Arc::from(*file), (role, Some(name.number)), grows)?);
        named.insert(*file);
    }
    closed_ones_are_mapped(&mut segments);
    Ok((segments, leftover::find(dir, stem, &named)))
}

/// Files that the manifest names as history, as leftovers.
pub(super) fn history(segments: &[Segment]) -> Vec<Leftover> {
    let files = segments.iter().filter(|s| s.role == Role::History);
    files
        .filter_map(|s| s.file())
        .map(|file| Leftover {
            path: file.path(),
            kind: LeftoverKind::History,
            len: file.len(),
            modified: file.modified(),
        })
        .collect()
}

/// One file of a set. `grows`: a server may append to it.
pub(super) fn segment(
    dir: &Arc<Path>,
    name: &Arc<[u8]>,
    (role, seq): (Role, Option<i64>),
    grows: bool,
) -> Result<Segment> {
    let path = FilePath::new(dir, name);
    let (input, is_link) = match disk::open_shared(dir, name, grows) {
        Ok((file, is_link)) => (Input::File(Arc::new(file), Access::Read), is_link),
        Err(e) if *e.kind() == ErrorKind::NotFound => (Input::Missing, false),
        Err(_) if path.path().is_dir() => (Input::Directory, false),
        // What the server would only delete need not be readable.
        Err(_) if role == Role::History => (Input::Missing, false),
        Err(e) => return Err(e),
    };
    let at = (!matches!(input, Input::File(..))).then(|| Box::new(path));
    Ok(Segment { name: Arc::clone(name), at, role, seq, is_link, is_held: false, input })
}

/// No server writes to a base or an increment once a later one is listed; the last file may grow, and
/// be cut, at any time.
fn closed_ones_are_mapped(segments: &mut [Segment]) {
    let last = segments.iter().rposition(|s| s.role != Role::History).unwrap_or(0);
    for segment in &mut segments[..last] {
        if let Input::File(file, access) = &mut segment.input
            && !file.is_remote()
        {
            *access = Access::Map;
        }
    }
}
