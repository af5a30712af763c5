//! Where things are kept: a directory beside the set with a lock, and in it one directory for each change,
//! which holds the journal and what was removed.
//!
//! The name of the journal tells how far a change has come: `begun` while files are written beside, `ready` from the
//! moment the one step may have been taken, `journal` when all is done, `undone` when it was taken back.
//!
//! The directory is ours only where that is proven: what has another name than we give, or no journal of ours, is neither
//! touched nor counted; links, pipes, devices and what belongs to somebody else are refused by name.

use super::not_ours::NotOurs;
use super::refusal::Refusal;
use std::ffi::{OsStr, OsString};
use std::io::BufWriter;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::journal::Journal;
use super::place::Place;
use crate::aof::{Aof, KeptId, LAST_NUMBER, is_kept_file};
use crate::disk::{self, Attributes, Dir, Durable, Found, Hold, Kind, Lock, Parents};
use crate::error::{Error, ErrorKind, Result};

/// Where what is removed is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// In the directory beside the set.
    #[default]
    Beside,
    /// In a directory inside this one.
    In(PathBuf),
    /// Nowhere: the bytes are gone.
    Nowhere,
}

/// What the name of a directory that keeps things ends with.
pub const SUFFIX: &str = crate::aof::SUFFIX;

impl Keep {
    /// The directory that keeps what is removed from a set: `subject` is the set's directory, or its file
    /// where it is one.
    ///
    /// # Errors
    /// When there is no such set.
    pub fn dir(&self, subject: &Path) -> Result<PathBuf> {
        let (parent, name) = self.parts(subject)?;
        Ok(parent.join(name))
    }

    fn parts(&self, subject: &Path) -> Result<(PathBuf, OsString)> {
        let real = disk::real_path(subject)?;
        let mut name = real.file_name().unwrap_or_default().to_owned();
        name.push(SUFFIX);
        let parent = match self {
            Self::In(dir) => dir.clone(),
            Self::Beside | Self::Nowhere => real.parent().unwrap_or(&real).to_owned(),
        };
        Ok((parent, name))
    }
}

/// The set's directory, or its one file: what the directory that keeps things stands beside.
pub fn subject(aof: &Aof) -> PathBuf {
    match (&aof.manifest, aof.segments.first()) {
        (None, Some(segment)) => segment.path(),
        _ => aof.dir(),
    }
}

/// How far a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Files are, or were, being written beside; the set is the old one.
    Begun,
    /// The one step may have been taken.
    Ready,
    /// It is done.
    Done,
    /// It is taken back.
    Undone,
}

impl State {
    const ALL: [Self; 4] = [Self::Undone, Self::Done, Self::Ready, Self::Begun];

    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Ready => "ready",
            Self::Done => "journal",
            Self::Undone => "undone",
        }
    }
}

/// One change that was kept.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(super) id: KeptId,
    /// Its directory.
    pub path: PathBuf,
    /// How far it has come.
    pub state: State,
    /// What was done; `None` when its journal was not asked for, or cannot be read.
    pub journal: Option<Journal>,
}

impl Entry {
    /// Its name.
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Its directory, held.
    pub(super) fn dir(&self, kept: &Dir) -> Result<Dir> {
        kept.dir(self.id.as_str())
    }

    /// Reads its journal.
    pub(super) fn read(&self, kept: &Dir) -> Result<Journal> {
        Journal::read(self.dir(kept)?.file(self.state.file())?)
    }
}

/// The name of what is kept of the old file at this position of the journal.
pub(super) fn object(position: usize) -> String {
    format!("{}.zst", position + 1)
}

/// The changes that are kept of the set at `subject`, the oldest first, with their journals where these can be read; none
/// when nothing is kept.
///
/// # Errors
/// When the directory cannot be listed, or holds what nobody of ours put there and what must not be followed.
pub fn entries(keep: &Keep, subject: &Path) -> Result<Vec<Entry>> {
    let Some((_, kept)) = find(keep, subject)? else { return Ok(Vec::new()) };
    let mut all = listed(&kept, &owners(subject)?)?;
    for entry in &mut all {
        entry.journal = entry.read(&kept).ok();
    }
    Ok(all)
}

/// The directory that keeps things, where there is one, and the one it lies in.
pub(super) fn find(keep: &Keep, subject: &Path) -> Result<Option<(Dir, Dir)>> {
    let (parent, name) = keep.parts(subject)?;
    // Nothing can have such a name.
    if !disk::is_plain_name(name.as_bytes()) {
        return Ok(None);
    }
    if !matches!(keep, Keep::In(_)) || disk::is_there(&parent)? {
        let parent = Dir::open(&parent)?;
        if let Some(kept) = parent.dir_if_there(&name)? {
            return Ok(Some((parent, kept)));
        }
    }
    Ok(None)
}

/// Whose things may lie there: the owner's of the set and of the directory it lies in, our own and root's.
pub(super) fn owners(subject: &Path) -> Result<Vec<u32>> {
    let real = disk::real_path(subject)?;
    let mut owners = vec![0, disk::attributes(&real)?.uid];
    owners.push(disk::attributes(disk::parent(&real))?.uid);
    owners.extend(disk::own_user());
    Ok(owners)
}

/// The changes in a directory that keeps things, the oldest first, without their journals.
pub(super) fn listed(kept: &Dir, owners: &[u32]) -> Result<Vec<Entry>> {
    let itself = kept.look_at_itself()?;
    if !owners.contains(&itself.attributes.uid) {
        return Err(Error::refused(NotOurs::User(itself.attributes.uid), kept.path()));
    }
    let mut entries = Vec::new();
    for Found { name, look } in kept.list()? {
        let path = kept.at(&name);
        if matches!(look.kind, Kind::Link | Kind::Special) {
            return Err(Error::refused(NotOurs::Kind(look.kind), &path));
        }
        if !owners.contains(&look.attributes.uid) {
            return Err(Error::refused(NotOurs::User(look.attributes.uid), &path));
        }
        let Some(id) = KeptId::parse(name.as_bytes()) else { continue };
        if look.kind != Kind::Directory {
            continue;
        }
        if look.stamp.identity.device != itself.stamp.identity.device {
            return Err(Error::refused(NotOurs::Mounted, &path));
        }
        if let Some(state) = state(&kept.dir(&name)?)? {
            entries.push(Entry { id, path, state, journal: None });
        }
    }
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(entries)
}

/// How far a change has come; `None` when nothing shows that its directory is ours.
fn state(dir: &Dir) -> Result<Option<State>> {
    for state in State::ALL {
        if dir.look(state.file())?.is_some() {
            return Ok(Some(state));
        }
    }
    // A run that was killed before it had written its first journal.
    const HEAD: &[u8] = b"aofkit-journal 2\n";
    let names = dir.names()?;
    let is_unborn = match &names[..] {
        [] => true,
        [temp] if temp == TEMP => HEAD.starts_with(&dir.file(temp)?.head(HEAD.len())?),
        _ => false,
    };
    Ok(is_unborn.then_some(State::Begun))
}

const LOCK: &str = "lock";
const TEMP: &str = "temp";

/// Times a lock is tried for: somebody may be just about to let it go.
const LOCK_ATTEMPTS: usize = 3;

fn held<T>(path: &Path, lock: impl Fn() -> Result<Option<T>>) -> Result<T> {
    for _ in 0..LOCK_ATTEMPTS {
        if let Some(lock) = lock()? {
            return Ok(lock);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let why = "another run of aofkit works on this set".to_owned();
    Err(Error::new(ErrorKind::InUse(why), path))
}

/// A directory that keeps things, locked.
pub(super) struct KeepDir<'d> {
    pub(super) dir: Dir,
    parent: Dir,
    pub(super) disk: &'d dyn Durable,
    /// The number of the next change.
    pub(super) number: u64,
    /// Whose files these are: the owner of the set's directory.
    like: Attributes,
    owners: Vec<u32>,
    /// Held until this is dropped: that of the directory whose files change, which nobody can delete under us, and the file.
    _locks: (Option<Lock>, Lock),
}

impl<'d> KeepDir<'d> {
    /// Opens the directory, which is made when there is none, and keeps others out.
    pub(super) fn open(
        keep: &Keep,
        subject: &Path,
        place: &Place,
        disk: &'d dyn Durable,
    ) -> Result<Self> {
        let base = place.here.look_at_itself()?;
        let like = Attributes { mode: 0o700, modified_ns: None, ..base.attributes };
        let first = held(place.here.path(), || place.lock())?;
        let (parent, name) = keep.parts(subject)?;
        if !disk::is_plain_name(name.as_bytes()) {
            return Err(Error::refused(Refusal::NameTooLong, subject));
        }
        let parents = Parents::make(&parent.join(&name), Parents::OPEN)?;
        let parent = Dir::open(&parent)?;
        let dir = match parent.dir_if_there(&name)? {
            Some(dir) => dir,
            None => {
                let dir = disk.make_dir(&parent, &name, like)?;
                disk.sync_dir(&parent)?;
                dir
            }
        };
        parents.stay();
        let owners = owners(subject)?;
        let lock_like = Attributes { mode: 0o600, ..like };
        let second = held(dir.path(), || dir.lock_like(LOCK, Hold::Alone, Some(lock_like)))?;
        let mut keep = Self { dir, parent, disk, number: 0, like, owners, _locks: (first, second) };
        let last = keep.listed()?.iter().map(|entry| entry.id.number()).max().unwrap_or(0);
        let taken = place.staged_numbers()?;
        keep.number = (last + 1..).find(|number| !taken.contains(number)).unwrap_or(u64::MAX);
        Ok(keep)
    }

    /// What is kept, without journals.
    pub(super) fn listed(&self) -> Result<Vec<Entry>> {
        listed(&self.dir, &self.owners)
    }

    /// How files in it are owned.
    pub(super) fn file_attributes(&self) -> Attributes {
        Attributes { mode: 0o600, ..self.like }
    }

    /// A directory for a change of now.
    pub(super) fn new_entry(&self, verb: &str) -> Result<(Entry, Dir)> {
        if self.number > LAST_NUMBER {
            return Err(Error::refused(Refusal::NoNumbers, self.dir.path()));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let id = KeptId::new(self.number, &moment(now), verb);
        let dir = self.disk.make_dir(&self.dir, OsStr::new(id.as_str()), self.like)?;
        self.disk.sync_dir(&self.dir)?;
        let path = dir.path().to_owned();
        Ok((Entry { id, path, state: State::Begun, journal: None }, dir))
    }

    /// Writes the journal under the name of a state, whole or not at all.
    pub(super) fn put(&self, dir: &Dir, state: State, journal: &Journal) -> Result<()> {
        use std::io::Write;
        let temp = OsStr::new(TEMP);
        if dir.look(temp)?.is_some() {
            self.disk.remove_file(dir, temp)?;
        }
        let mut output = self.disk.create(dir, temp)?;
        {
            let mut buffered = BufWriter::with_capacity(64 << 10, &mut output);
            let printed = match state {
                State::Begun => journal.print_beginning(&mut buffered),
                _ => journal.print(&mut buffered),
            };
            printed.and_then(|()| buffered.flush()).map_err(|e| Error::io(&dir.at(temp), e))?;
        }
        output.seal(self.file_attributes())?;
        self.disk.rename((dir, temp), (dir, OsStr::new(state.file())))?;
        self.disk.sync_dir(dir)
    }

    /// The change has come so far: its journal gets another name.
    pub(super) fn advance(&self, dir: &Dir, from: State, to: State) -> Result<()> {
        self.disk.rename((dir, OsStr::new(from.file())), (dir, OsStr::new(to.file())))?;
        self.disk.sync_dir(dir)
    }

    /// Removes a name of the journal, where it has that.
    pub(super) fn drop_name(&self, dir: &Dir, state: State) -> Result<bool> {
        let is_there = dir.look(state.file())?.is_some();
        if is_there {
            self.disk.remove_file(dir, OsStr::new(state.file()))?;
        }
        Ok(is_there)
    }

    /// Forgets a change with all that was kept: the files that we write, and nothing else. Answers whether its directory is
    /// gone; it stays when something else lies in it.
    pub(super) fn forget(&self, entry: &Entry) -> Result<bool> {
        let dir = entry.dir(&self.dir)?;
        let all = dir.list()?;
        let is_ours =
            |found: &&Found| found.look.kind == Kind::File && is_kept_file(found.name.as_bytes());
        let is_journal =
            |name: &OsStr| State::ALL.iter().any(|state| name == OsStr::new(state.file()));
        // The journal last: without it nothing would show whose the rest is.
        for journals in [false, true] {
            for found in all.iter().filter(is_ours) {
                if is_journal(&found.name) == journals {
                    self.disk.remove_file(&dir, &found.name)?;
                }
            }
        }
        if all.iter().filter(is_ours).count() < all.len() {
            self.disk.sync_dir(&dir)?;
            return Ok(false);
        }
        self.disk.remove_dir(&self.dir, OsStr::new(entry.id.as_str()))?;
        self.disk.sync_dir(&self.dir)?;
        Ok(true)
    }

    /// Removes the directory itself when it holds nothing but the lock.
    pub(super) fn close(self) {
        let Ok(names) = self.dir.names() else { return };
        let Some(name) = self.dir.path().file_name() else { return };
        if names.iter().all(|name| name == LOCK) {
            // What stays is an empty directory, and does no harm.
            let _ = self.disk.remove_file(&self.dir, OsStr::new(LOCK));
            let _ = self.disk.remove_dir(&self.parent, name);
        }
    }
}

/// `20261124T134247Z`, for names that sort by time.
fn moment(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March have their leap day at the end.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (era * 400 + year, month + 3),
        _ => (era * 400 + year + 1, month - 9),
    };
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_the_calendar_s() {
        assert_eq!(moment(0), "19700101T000000Z");
        assert_eq!(moment(951_782_400), "20000229T000000Z");
        assert_eq!(moment(1_735_689_599), "20241231T235959Z");
        assert_eq!(moment(1_764_000_000), "20251124T160000Z");
    }
}
