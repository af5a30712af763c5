//! Which files beside a set are worth opening, by place and name.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::empty_base::has_empty_base;
use super::group::{Group, written_at};
use super::other_sets;
use super::place::Place;
use crate::aof::{Aof, Layout, Leftover, LeftoverKind, Role, segment_name, server_dir};
use crate::disk;
use crate::format::manifest;

/// All groups of files beside the set.
pub(super) fn groups(aof: &Aof) -> Vec<Group> {
    if aof.layout != Layout::MultiPart {
        return Vec::new();
    }
    let mut groups = vec![orphans(aof)];
    for leftover in &aof.leftovers {
        let Some(place) = place(leftover) else { continue };
        groups.push(Group::new(place));
        if let Some(group) = groups.last_mut() {
            group.add(&leftover.path, leftover.len, leftover.modified);
        }
    }
    groups.extend(dumps(aof));
    groups.extend(other_sets::find(aof));
    groups.extend(misplaced(aof));
    groups.retain(|group| group.len > 0);
    groups
}

/// What kind of leftover is looked at for itself.
fn place(leftover: &Leftover) -> Option<Place> {
    let name = leftover.path.file_name().unwrap_or_default().as_bytes();
    match leftover.kind {
        LeftoverKind::OldSingleFile => Some(Place::SingleFile),
        LeftoverKind::Temporary if name.ends_with(b".incr") => Some(Place::TemporaryIncrement),
        LeftoverKind::Temporary if manifest::stem(name).is_none() => Some(Place::TemporaryBase),
        _ => None,
    }
}

/// The segments that no manifest line names, in the order a server would load them.
fn orphans(aof: &Aof) -> Group {
    let mut group = Group::new(Place::Orphans);
    let orphans = aof.leftovers.iter().filter(|leftover| leftover.kind == LeftoverKind::Orphan);
    let mut numbered: Vec<_> = orphans
        .filter_map(|leftover| {
            let name = leftover.path.file_name().unwrap_or_default().as_bytes();
            let name = segment_name(name)?;
            Some(((name.number, !name.is_base), leftover))
        })
        .collect();
    numbered.sort_by_key(|(order, _)| *order);
    for (_, leftover) in numbered {
        group.add(&leftover.path, leftover.len, leftover.modified);
    }
    group
}

/// Files by themselves in the directory of the set, where no server looks for such: a hand has put them there.
fn misplaced(aof: &Aof) -> Vec<Group> {
    let dir = aof.dir();
    let is_meant = |name: &std::ffi::OsStr| {
        let name = name.as_bytes();
        name.ends_with(b".aof")
            && segment_name(name).is_none()
            && !name.starts_with(b".")
            && !name.starts_with(b"temp-")
    };
    let mut listed = disk::list_some(&dir, is_meant).unwrap_or_default();
    listed.retain(|file| !file.is_dir && !file.is_link);
    let named: HashSet<&[u8]> = aof.segments.iter().map(|segment| &*segment.name).collect();
    let left = aof.leftovers.iter().filter_map(|left| left.path.file_name());
    let left: HashSet<_> = left.map(std::ffi::OsStr::to_owned).collect();
    listed.retain(|file| !named.contains(file.name.as_bytes()) && !left.contains(&file.name));
    let group = |file: disk::Listed| {
        let mut group = Group::new(Place::SingleFile);
        group.add(&dir.join(&file.name), file.len, file.modified);
        group
    };
    listed.into_iter().map(group).collect()
}

/// Snapshots in the server's directory that may hold what the set does not: one that was written after the set, and any
/// beside a set with an empty base: it began with that, or a rewrite followed a FLUSHALL. Where the set is older than its base, or as old, a dump only repeats it.
fn dumps(aof: &Aof) -> Vec<Group> {
    let Some(dir) = server_dir(&aof.dir()) else { return Vec::new() };
    let wanted = |name: &std::ffi::OsStr| {
        let name = name.as_bytes();
        name.ends_with(b".rdb") && !name.starts_with(b"temp-") && segment_name(name).is_none()
    };
    let newest = aof.live().filter_map(|(_, segment)| written_at(&segment.path())).max();
    let is_empty = has_empty_base(aof);
    let listed = disk::list_some(&dir, wanted).unwrap_or_default();
    let plain = listed.into_iter().filter(|file| !file.is_dir && !file.is_link);
    let dumps = plain.filter(|file| is_empty || file.modified > newest).map(|file| {
        let mut group = Group::new(Place::Dump);
        group.add(&dir.join(&file.name), file.len, file.modified);
        group
    });
    dumps.collect()
}

/// Whether the set's directory or the server's cannot be listed.
pub(super) fn is_unlisted(aof: &Aof) -> bool {
    let dir = aof.dir();
    let can_list = |dir: &Path| disk::can_list(dir);
    aof.layout == Layout::MultiPart
        && !(can_list(&dir) && server_dir(&dir).as_deref().is_none_or(can_list))
}

/// Whether an orphan has a number that the set has come to or not yet: servers only count up.
pub(super) fn is_ahead(aof: &Aof, orphans: &[PathBuf]) -> bool {
    let first =
        |role| aof.live().filter(move |(_, s)| s.role == role).filter_map(|(_, s)| s.seq).min();
    let (base, increment) = (first(Role::Base), first(Role::Increment));
    orphans.iter().any(|file| {
        let name = segment_name(file.file_name().unwrap_or_default().as_encoded_bytes());
        name.is_none_or(|name| {
            let live = if name.is_base { base } else { increment };
            live.is_none_or(|live| name.number >= live)
        })
    })
}

/// Unix seconds.
pub(super) fn seconds(at: SystemTime) -> Option<i64> {
    i64::try_from(at.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
}
