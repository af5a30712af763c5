//! Whether a server began a set anew beside fuller files: what most files beside a set rule out by their names and their
//! first bytes, so that nothing is read of them.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::empty_base;
use super::find;
use super::group::Group;
use super::place::Place;
use super::sample::Names;
use super::{Neighbours, Survey};
use crate::aof::Aof;
use crate::disk::{self, FrozenFile};
use crate::error::Result;
use crate::format::rdb;
use crate::limits;
use crate::progress::Progress;
use crate::scan::Pace;

/// Files beside a set that it may have been begun anew beside, as far as names and first bytes tell.
pub struct Suspects<'a> {
    aof: &'a Aof,
    groups: Vec<Group>,
}

impl<'a> Suspects<'a> {
    /// Those beside this set.
    pub fn of(aof: &'a Aof) -> Self {
        let mut groups = find::groups(aof);
        groups.retain(|group| may_be_older_and_fuller(aof, group));
        Self { aof, groups }
    }

    /// When anything of them was last changed, by the file system's clock, which nobody can set; `None` where there are none,
    /// or that is not known of all of them.
    pub fn changed_at(&self) -> Option<SystemTime> {
        let of = |path: &PathBuf| {
            let ns = u64::try_from(disk::stamp(path).ok()?.changed_ns()).ok()?;
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(ns))
        };
        let files = self.groups.iter().flat_map(|group| &group.files);
        let all: Option<Vec<_>> = files.map(of).collect();
        all?.into_iter().max()
    }

    /// Opens them, and reads the set where there are any. `now_ms` is Unix milliseconds.
    ///
    /// # Errors
    /// When the set itself cannot be read.
    pub fn open(self, now_ms: i64, pace: &Pace, progress: &dyn Progress) -> Result<Neighbours> {
        let survey = Survey { aof: self.aof, now_ms, pace, names: Names::of_set(self.aof) };
        survey.look_at(self.groups, progress)
    }
}

fn may_be_older_and_fuller(aof: &Aof, group: &Group) -> bool {
    match group.place {
        Place::Orphans => find::is_ahead(aof, &group.files),
        Place::Dump | Place::SingleFile | Place::OtherSet | Place::SealedBackup => {
            let written = group.files.first().and_then(|path| {
                let file = FrozenFile::open(path).ok()?;
                created(&file).or_else(|| find::seconds(group.written_at?))
            });
            empty_base::began_empty(aof)
                && written.zip(base_created(aof)).is_some_and(|(written, began)| written <= began)
        }
        Place::TemporaryIncrement | Place::TemporaryBase | Place::Inside => false,
    }
}

/// When the set's first RDB part was begun, Unix seconds.
fn base_created(aof: &Aof) -> Option<i64> {
    let mut files = aof.live().filter_map(|(_, segment)| segment.file());
    files.find_map(created)
}

/// When an RDB was begun, Unix seconds, as its first fields say.
fn created(file: &FrozenFile) -> Option<i64> {
    let head = file.head(limits::PEEK).ok()?;
    rdb::sniff(&head)?;
    let mut walker = rdb::Walker::new(0);
    // The fields come first; where the walk stops after them does not matter here.
    let _ = walker.step(&head);
    walker.fields().created_s()
}
