//! Where things are kept: a directory beside the set with a lock, and in it one directory for each change,
//! which holds the journal and what was removed.
//!
//! The name of the journal tells how far a change has come: `begun` while files are written beside, `ready` from the
//! moment the one step may have been taken, `journal` when all is done, `undone` when it was taken back.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::journal::Journal;
use crate::aof::Aof;
use crate::disk::{self, Attributes, Durable, Lock};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

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
pub const SUFFIX: &str = ".aofkit";

impl Keep {
    /// The directory that keeps what is removed from a set: `subject` is the set's directory, or its file
    /// where it is one.
    ///
    /// # Errors
    /// When there is no such set.
    pub fn dir(&self, subject: &Path) -> Result<PathBuf> {
        let mut beside = disk::real_path(subject)?.into_os_string();
        beside.push(SUFFIX);
        let beside = PathBuf::from(beside);
        Ok(match self {
            Self::In(dir) => dir.join(beside.file_name().unwrap_or_default()),
            Self::Beside | Self::Nowhere => beside,
        })
    }
}

/// The set's directory, or its one file: what the directory that keeps things stands beside.
pub fn subject(aof: &Aof) -> PathBuf {
    match (&aof.manifest, aof.segments.first()) {
        (None, Some(segment)) => segment.path.clone(),
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

    const fn file(self) -> &'static str {
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
    /// Its directory.
    pub path: PathBuf,
    /// How far it has come.
    pub state: State,
    /// What was done; `None` when its journal cannot be read, as after a kill while it was written.
    pub journal: Option<Journal>,
}

impl Entry {
    /// Its name.
    pub fn id(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(super) fn file(&self, state: State) -> PathBuf {
        self.path.join(state.file())
    }

    /// What is kept of the old file at this position of the journal.
    pub(super) fn object(&self, position: usize) -> PathBuf {
        self.path.join(format!("{}.zst", position + 1))
    }

    fn read(path: PathBuf) -> Self {
        let state = State::ALL.into_iter().find(|s| disk::exists(&path.join(s.file())));
        let state = state.unwrap_or(State::Begun);
        let text = disk::read_small(&path.join(state.file()), limits::MANIFEST);
        let journal = text.ok().and_then(|text| Journal::parse(&text));
        Self { path, state, journal }
    }
}

/// The changes kept in `dir`, the oldest first; none when there is no such directory.
///
/// # Errors
/// When it cannot be listed.
pub fn entries(dir: &Path) -> Result<Vec<Entry>> {
    if !disk::exists(dir) {
        return Ok(Vec::new());
    }
    let listed = disk::list_dir(dir)?;
    let dirs = listed.into_iter().filter(|l| l.is_dir);
    Ok(dirs.map(|l| Entry::read(dir.join(l.name))).collect())
}

/// A directory that keeps things, locked.
pub(super) struct KeepDir<'d> {
    pub(super) path: PathBuf,
    pub(super) disk: &'d dyn Durable,
    /// Whose files these are: the owner of the set's directory.
    like: Attributes,
    _lock: Lock,
}

const LOCK: &str = "lock";

/// Times the lock is tried for: somebody may be just about to let it go.
const LOCK_ATTEMPTS: usize = 25;

fn lock(dir: &Path) -> Result<Lock> {
    for _ in 0..LOCK_ATTEMPTS {
        if let Some(lock) = disk::lock(&dir.join(LOCK))? {
            return Ok(lock);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let why = "another run of aofkit works on this set".to_owned();
    Err(Error::new(ErrorKind::InUse(why), dir))
}

impl<'d> KeepDir<'d> {
    /// Opens the directory, which is made when there is none, and keeps others out.
    pub(super) fn open(path: PathBuf, set_dir: &Path, disk: &'d dyn Durable) -> Result<Self> {
        let like = Attributes { mode: 0o700, modified_ns: None, ..disk::attributes(set_dir)? };
        if !disk::exists(&path) {
            disk.make_dir(&path, like)?;
            if let Some(parent) = path.parent() {
                disk.sync_dir(parent)?;
            }
        }
        let _lock = lock(&path)?;
        Ok(Self { path, disk, like, _lock })
    }

    /// How files in it are owned.
    pub(super) fn file_attributes(&self) -> Attributes {
        Attributes { mode: 0o600, ..self.like }
    }

    /// A directory for a change of now.
    pub(super) fn new_entry(&self, verb: &str) -> Result<Entry> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let id = format!("{}-{verb}", moment(now));
        let mut path = self.path.join(&id);
        let mut again = 1;
        while disk::exists(&path) {
            again += 1;
            path = self.path.join(format!("{id}-{again}"));
        }
        self.disk.make_dir(&path, self.like)?;
        self.disk.sync_dir(&self.path)?;
        Ok(Entry { path, state: State::Begun, journal: None })
    }

    /// Writes the journal under the name of a state, whole or not at all.
    pub(super) fn put(&self, entry: &Entry, state: State, journal: &Journal) -> Result<()> {
        use std::io::Write;
        let (path, temp) = (entry.file(state), entry.path.join("temp"));
        if disk::exists(&temp) {
            self.disk.remove_file(&temp)?;
        }
        let mut output = self.disk.create(&temp)?;
        output.write_all(journal.print().as_bytes()).map_err(|e| Error::io(&temp, e))?;
        output.seal(self.file_attributes())?;
        self.disk.rename(&temp, &path)?;
        self.disk.sync_dir(&entry.path)
    }

    /// The change has come so far: its journal gets another name.
    pub(super) fn advance(&self, entry: &Entry, from: State, to: State) -> Result<()> {
        self.disk.rename(&entry.file(from), &entry.file(to))?;
        self.disk.sync_dir(&entry.path)
    }

    /// Forgets a change with all that was kept.
    pub(super) fn forget(&self, entry: &Entry) -> Result<()> {
        for listed in disk::list_dir(&entry.path)?.iter().filter(|l| !l.is_dir) {
            self.disk.remove_file(&entry.path.join(&listed.name))?;
        }
        self.disk.remove_dir(&entry.path)?;
        self.disk.sync_dir(&self.path)
    }

    /// Removes the directory itself when it holds nothing but the lock.
    pub(super) fn close(self) {
        let Ok(listed) = disk::list_dir(&self.path) else { return };
        if listed.iter().all(|l| l.name == OsStr::from_bytes(LOCK.as_bytes())) {
            // What stays is an empty directory, and does no harm.
            let _ = self.disk.remove_file(&self.path.join(LOCK));
            let _ = self.disk.remove_dir(&self.path);
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
