//! Sets of another name in the directory of the same server: it wrote them before `appendfilename` or `appenddirname` was
//! changed, and does not look at them any more.
//!
//! Two servers may share a directory by intent. So only a set counts that nobody has written to since the base of this one
//! was made, and a directory beside only where this one has the name that a server of these settings gives it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::empty_base::has_empty_base;
use super::group::{Group, written_at};
use super::place::Place;
use crate::aof::{Aof, OpenOptions, Role, segment_name, server_dir};
use crate::disk;
use crate::format::{foreign, manifest};

/// Directories beside that are looked into.
const MOST: usize = 64;

/// One group for each such set: its manifest, then its live files.
pub(super) fn find(aof: &Aof) -> Vec<Group> {
    let Some(own) = aof.manifest.as_ref().map(|manifest| manifest.path.clone()) else {
        return Vec::new();
    };
    let bases = aof.live().filter(|(_, segment)| segment.role == Role::Base);
    let Some(begun) = bases.filter_map(|(_, base)| written_at(&base.path())).next() else {
        return Vec::new();
    };
    let dir = aof.dir();
    let mut manifests = manifests_in(&dir);
    manifests.retain(|manifest| manifest.file_name() != own.file_name());
    let has_own_name =
        dir.file_name().is_some_and(|name| name.as_bytes() == aof.settings.append_dir_name());
    if let Some(above) = server_dir(&dir).filter(|_| has_own_name) {
        manifests.extend(siblings(&above, &dir).iter().flat_map(|beside| manifests_in(beside)));
    }
    let mut groups: Vec<_> =
        manifests.into_iter().filter_map(|manifest| group(&manifest)).collect();
    if let Some(above) = server_dir(&dir).filter(|_| has_own_name) {
        groups.extend(single_files(&above, own.file_stem().unwrap_or_default()));
    }
    let newest = aof.live().filter_map(|(_, segment)| written_at(&segment.path())).max();
    // A backup of this set, or of one before it, is there by intent, and lacks nothing that the set has. It is looked at as a
    // dump is.
    let is_wanted = |group: &Group| match group.place {
        Place::SealedBackup => has_empty_base(aof) || group.written_at > newest,
        _ => group.written_at.is_some_and(|at| at <= begun),
    };
    groups.retain(is_wanted);
    groups.extend(inside(&dir));
    groups
}

/// Sets in directories of the set's own directory: a copy into a directory that is there lands inside of it.
fn inside(dir: &Path) -> Vec<Group> {
    let manifests = siblings(dir, Path::new("")).into_iter().flat_map(|below| manifests_in(&below));
    let group = |manifest: PathBuf| Some(Group { place: Place::Inside, ..group(&manifest)? });
    manifests.filter_map(group).collect()
}

/// The manifest of a set that a server which works in the directory of this one reads in its place: this one lies a level too
/// high.
pub(super) fn read_instead(aof: &Aof) -> Option<PathBuf> {
    let dir = aof.dir();
    let append_dir = aof.settings.append_dir_name();
    aof.manifest.as_ref()?;
    let own = disk::real_path(&dir).ok()?;
    if own.file_name().is_some_and(|name| name.as_bytes() == append_dir) {
        return None;
    }
    manifests_in(&dir.join(OsStr::from_bytes(append_dir))).into_iter().next()
}

/// Files of before 7.0 that have another name than this set: the configuration may have been changed with the upgrade.
fn single_files(above: &Path, own: &OsStr) -> Vec<Group> {
    let is_meant = |name: &OsStr| {
        let bytes = name.as_bytes();
        let is_one = bytes.ends_with(b".aof") && segment_name(bytes).is_none();
        is_one && !bytes.starts_with(b".") && !bytes.starts_with(b"temp-") && name != own
    };
    let listed = disk::list_some(above, is_meant).unwrap_or_default();
    let files = listed.into_iter().filter(|one| !one.is_dir && !one.is_link && one.len > 0);
    let group = |one: disk::Listed| {
        let mut group = Group::new(Place::SingleFile);
        group.add(&above.join(&one.name), one.len, one.modified);
        group
    };
    files.take(MOST).map(group).collect()
}

/// Directories beside this one that are no copies by their names.
fn siblings(above: &Path, own: &Path) -> Vec<PathBuf> {
    let is_meant = |name: &OsStr| {
        let bytes = name.as_bytes();
        !bytes.starts_with(b".")
            && !bytes.ends_with(b".aofkit")
            && !foreign::is_named_as_copy(bytes)
            && Some(name) != own.file_name()
    };
    let listed = disk::list_some(above, is_meant).unwrap_or_default();
    let dirs = listed.into_iter().filter(|one| one.is_dir && !one.is_link);
    dirs.take(MOST).map(|one| above.join(one.name)).collect()
}

fn manifests_in(dir: &Path) -> Vec<PathBuf> {
    let is_meant = |name: &OsStr| {
        let name = name.as_bytes();
        manifest::is_name(name) && !name.starts_with(b".")
    };
    let listed = disk::list_some(dir, is_meant).unwrap_or_default();
    let files = listed.into_iter().filter(|one| !one.is_dir && !one.is_link);
    files.map(|one| dir.join(one.name)).collect()
}

/// The set of a manifest, where it can be opened and has live files.
fn group(manifest: &Path) -> Option<Group> {
    let set = Aof::open(manifest, &OpenOptions::default()).ok()?;
    let is_backup = set.is_sealed_backup();
    let mut group = Group::new(if is_backup { Place::SealedBackup } else { Place::OtherSet });
    group.files.push(manifest.to_owned());
    for (_, segment) in set.live() {
        let path = segment.path();
        group.add(&path, segment.len().unwrap_or(0), written_at(&path));
    }
    (group.len > 0).then_some(group)
}
