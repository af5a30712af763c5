//! Files beside a set, opened before anybody calls them left over: whether they hold keys or commands that the set
//! lacks, so that they may be the only copy.
//!
//! Knows sets and what lies beside them; never judges and never writes. Values are not compared: of a file whose keys the
//! set names, all of them, nobody can say here whether a value in it is newer, but by where it lies.
//!
//! Reads a neighbour once, then the set once, and a neighbour with keys that the set does not name once more; nothing of
//! the set where there are no neighbours. In memory are at most three samples of 65,536 names.

mod anew;
mod counted;
mod empty_base;
mod find;
mod group;
mod hole;
mod other_sets;
mod place;
mod replay;
mod rights;
mod running;
mod sample;
mod shortened;
mod still_so;
mod stray;

pub use anew::Suspects;
pub use counted::{Sizes, were_taken};
pub use hole::Hole;
pub use place::Place;
pub use rights::{Closed, Lacks, Rights};
pub use running::{Answer, Running, Writing, writing};
pub use shortened::{Shortened, Sign};
pub use stray::Stray;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::aof::{Aof, Layout, OpenOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Progress, Silent};
use crate::scan::{Pace, scan};
use crate::text;
use group::Group;
use replay::Replay;
use sample::{Names, Sample};

/// What is to be thought of neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No key and no command is in them.
    Empty,
    /// The set names every key in them, and they are older by their place.
    Covered,
    /// They hold something that the set lacks.
    Holds,
    /// They hold more than the set, as when a server begins a set anew beside them.
    Fuller,
    /// They could not be read, for this reason.
    Unknown(String),
}

/// Files that belong together, beside the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// What they are by their names.
    pub place: Place,
    /// The files, in the order that a server would load them.
    pub files: Vec<PathBuf>,
    /// Bytes of all of them.
    pub len: u64,
    /// When one of them was last written to.
    pub written_at: Option<SystemTime>,
    /// When the snapshot in them was begun, Unix seconds.
    pub saved_at: Option<i64>,
    /// Keys that are alive after them.
    pub keys: u64,
    /// Those of them that the set does not name.
    pub missing_keys: u64,
    /// The two numbers are estimates, from a sample of the names.
    pub is_estimate: bool,
    /// Commands in them that write.
    pub commands: u64,
    /// There may be more in them than was understood.
    pub is_doubtful: bool,
    /// What is to be thought of them.
    pub standing: Standing,
}

impl Neighbour {
    /// How a server comes to a set of another name again.
    pub fn way_back(&self) -> String {
        let manifest = self.files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
        let stem = manifest.file_stem().unwrap_or_default().as_encoded_bytes();
        if self.place == Place::Inside {
            return "it is a set in a directory inside the set's own, where no server looks, as a copy of a directory into one \
                    that was there already leaves it. To have it read, stop the server and put its files in the place of \
                    the set's, after a copy of those"
                .to_owned();
        }
        if self.place == Place::SealedBackup {
            return format!(
                "it is a sealed backup, as BACKUP SEAL of Redis 8.10 and later leaves it: such a server loads it with preload-file \
                 aof:{} (as documented; aofkit was not tried with such a server), any server as the set that it is",
                text::path(manifest)
            );
        }
        let dir = manifest.parent().and_then(Path::file_name).unwrap_or_default();
        format!(
            "it is a set of its own: a server reads it with appenddirname {} and appendfilename {}, as it was before these \
             were changed",
            text::name(dir.as_encoded_bytes()),
            text::name(stem)
        )
    }

    /// Whether they may be the only copy of something.
    pub fn is_needed(&self) -> bool {
        matches!(self.standing, Standing::Holds | Standing::Fuller | Standing::Unknown(_))
    }
}

/// What lies beside a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// All that was opened.
    pub found: Vec<Neighbour>,
    /// Keys that are alive after the set, where it had to be read for its neighbours' sake.
    pub keys_of_set: Option<u64>,
    /// Files that no server made there.
    pub strays: Vec<Stray>,
    /// Who writes to the set.
    pub writing: Writing,
    /// What stands in a server's way.
    pub rights: Rights,
    /// The manifest of a set that a server which works where this one lies reads in its place.
    pub read_instead: Option<PathBuf>,
    /// A directory in which neighbours may lie cannot be listed, so those in it are not known.
    pub is_unlisted: bool,
}

/// Keys that are alive after what is there of a set. `now_ms` is Unix milliseconds.
///
/// # Errors
/// When the set cannot be read.
pub fn keys_alive(aof: &Aof, now_ms: i64, pace: &Pace, progress: &dyn Progress) -> Result<u64> {
    let survey = Survey { aof, now_ms, pace, names: Names::of_set(aof) };
    Ok(survey.alive(&scan(aof, Replay::new(&survey.names), pace, progress)?))
}

/// Opens what lies beside the set. `now_ms` is Unix milliseconds: keys that expire before count as gone.
///
/// # Errors
/// When the set itself cannot be read. A neighbour that cannot be read is told.
pub fn survey(aof: &Aof, now_ms: i64, pace: &Pace, progress: &dyn Progress) -> Result<Neighbours> {
    let neighbours = Neighbours {
        strays: stray::find(aof),
        writing: writing(aof),
        rights: rights::look(aof),
        read_instead: other_sets::read_instead(aof),
        is_unlisted: find::is_unlisted(aof),
        ..Neighbours::default()
    };
    let survey = Survey { aof, now_ms, pace, names: Names::of_set(aof) };
    let Neighbours { found, keys_of_set, .. } = survey.look_at(find::groups(aof), progress)?;
    Ok(Neighbours { found, keys_of_set, ..neighbours })
}

struct Survey<'a> {
    aof: &'a Aof,
    now_ms: i64,
    pace: &'a Pace,
    names: Names<'a>,
}

impl Survey<'_> {
    /// Opens these files, and the set where they may hold anything.
    fn look_at(&self, groups: Vec<Group>, progress: &dyn Progress) -> Result<Neighbours> {
        let mut wanted = Sample::default();
        let looked = groups.into_iter().map(|group| self.first_look(group, &mut wanted));
        let mut found: Vec<_> = looked.collect();
        if found.iter().all(|one| one.standing != Standing::Covered) {
            return Ok(Neighbours { found, ..Neighbours::default() });
        }
        let mut set = Replay::new(&self.names);
        set.wanted = wanted;
        let set = scan(self.aof, set, self.pace, progress)?;
        for one in found.iter_mut().filter(|one| one.standing == Standing::Covered) {
            self.compare(one, &set);
        }
        let keys_of_set = Some(self.alive(&set));
        Ok(Neighbours { keys_of_set, found, ..Neighbours::default() })
    }

    /// What is alive after these files.
    fn read(&self, place: Place, files: &[PathBuf]) -> Result<Replay<'_>> {
        let conf = self.aof.configuration.as_ref().map(|configuration| configuration.path.clone());
        let options = OpenOptions { conf, ..OpenOptions::default() };
        let mut replay = Replay::new(&self.names);
        if let Some(manifest) = files.first().filter(|_| place.is_set()) {
            let set = Aof::open(manifest, &OpenOptions::default())?;
            return scan(&set, replay, self.pace, &Silent);
        }
        for file in files {
            let file = Aof::open(file, &options)?;
            if file.layout != Layout::SingleFile {
                let why = "it is no segment, but names other files".to_owned();
                return Err(Error::new(ErrorKind::Refused(why.into()), &file.path));
            }
            replay = scan(&file, replay, self.pace, &Silent)?;
        }
        Ok(replay)
    }

    fn alive(&self, replay: &Replay<'_>) -> u64 {
        let number = replay.alive_at(self.now_ms).count() as u64;
        replay.alive.estimate(number, &Sample::<()>::default())
    }

    /// What is in a group, before the set is known: taken for covered where there is anything. The keys alive after it
    /// are to be looked for in the set.
    fn first_look(&self, group: Group, wanted: &mut Sample<()>) -> Neighbour {
        let Group { place, files, len, written_at } = group;
        let read = self.read(place, &files);
        let standing = match &read {
            Ok(replay) if replay.has_rdb || replay.writes > 0 => Standing::Covered,
            Ok(_) => Standing::Empty,
            Err(error) => Standing::Unknown(error.to_string()),
        };
        let read = read.unwrap_or_else(|_| Replay::new(&self.names));
        read.alive_at(self.now_ms).for_each(|name| wanted.put(name, ()));
        Neighbour {
            place,
            files,
            len,
            written_at,
            saved_at: read.saved_at,
            keys: self.alive(&read),
            missing_keys: 0,
            is_estimate: !read.alive.is_whole(),
            commands: read.writes,
            is_doubtful: read.is_doubtful,
            standing,
        }
    }

    /// What it holds that the set does not. Where there may be any such key, it is read again: the names of all neighbours
    /// together take no more memory than those of one.
    fn compare(&self, one: &mut Neighbour, set: &Replay<'_>) {
        if !set.wanted.is_empty() && one.keys > 0 {
            let read = match self.read(one.place, &one.files) {
                Ok(read) => read,
                Err(error) => {
                    one.standing = Standing::Unknown(error.to_string());
                    return;
                }
            };
            let missing = read.alive_at(self.now_ms).filter(|name| set.wanted.has(*name));
            one.missing_keys = read.alive.estimate(missing.count() as u64, &set.wanted);
            one.is_estimate |= !set.wanted.is_whole();
        }
        one.standing = self.standing(one, set);
    }

    fn standing(&self, one: &Neighbour, set: &Replay<'_>) -> Standing {
        let is_ahead = one.place == Place::Orphans && find::is_ahead(self.aof, &one.files);
        let holds = match one.place {
            Place::TemporaryIncrement => one.commands > 0,
            Place::Orphans => one.missing_keys > 0 || is_ahead && one.commands > 0,
            Place::TemporaryBase
            | Place::SingleFile
            | Place::Dump
            | Place::OtherSet
            | Place::Inside
            | Place::SealedBackup => one.missing_keys > 0,
        };
        // Where files of the set are gone, it is poorer for that.
        let is_complete = self.aof.live().all(|(_, segment)| !segment.is_missing());
        let began_anew = is_complete
            && match one.place {
                Place::Orphans => is_ahead,
                Place::Dump | Place::SingleFile | Place::OtherSet | Place::SealedBackup => {
                    self.is_older_than_empty_set(one, set)
                }
                Place::TemporaryIncrement | Place::TemporaryBase | Place::Inside => false,
            };
        match (holds, began_anew && one.keys > self.alive(set)) {
            (false, _) if one.is_doubtful => {
                Standing::Unknown("not all of it is understood".to_owned())
            }
            (false, _) => Standing::Covered,
            (true, true) if one.missing_keys > 0 => Standing::Fuller,
            (true, _) => Standing::Holds,
        }
    }

    /// Whether the set began with nothing after the neighbour was written.
    fn is_older_than_empty_set(&self, one: &Neighbour, set: &Replay<'_>) -> bool {
        let written = one.saved_at.or_else(|| find::seconds(one.written_at?));
        empty_base::began_empty(self.aof)
            && set.rdb_keys == 0
            && written.zip(set.saved_at).is_some_and(|(written, began)| written <= began)
    }
}
