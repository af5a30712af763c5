//! A directory as a store: a file per object, put by a rename, so that a crash never shows a part of one.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::{Put, Store, Stored};
use crate::disk::{self, FrozenFile, Hold, Lock, NewFile};
use crate::error::{Error, ErrorKind, Result};

/// Files hold what the data set holds, so nobody else may read them.
const FILE_MODE: u32 = 0o600;
/// The same for directories.
const DIR_MODE: u32 = 0o700;

/// Where files are written before they get their names.
const TMP: &str = "tmp";

/// What a run that was killed left behind is swept when it is that old.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A directory as a store.
#[derive(Debug)]
pub struct LocalStore {
    root: PathBuf,
    reserve: Option<u64>,
    /// Directories whose names are not durable yet.
    touched: Mutex<BTreeSet<PathBuf>>,
    serial: AtomicU64,
}

impl LocalStore {
    /// The store in this directory, which need not exist before something is put. `reserve` bytes of the
    /// file system stay free; when not given, a tenth of it, at most 2 GiB.
    pub fn new(root: &Path, reserve: Option<u64>) -> Self {
        let (touched, serial) = (Mutex::default(), AtomicU64::new(0));
        Self { root: root.to_owned(), reserve, touched, serial }
    }

    fn path(&self, key: &str) -> Result<PathBuf> {
        let word = |w: &str| {
            !w.is_empty()
                && !w.starts_with('.')
                && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if !key.split('/').all(word) {
            let why =
                format!("'{}' is no key of a repository", crate::text::escape(key.as_bytes()));
            return Err(Error::new(ErrorKind::BadBackup(why), &self.root));
        }
        Ok(self.root.join(key))
    }

    fn touch(&self, dir: &Path) {
        // A set of paths is whole whatever a thread that panicked did.
        let mut touched = self.touched.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        touched.insert(dir.to_owned());
    }

    /// Makes a directory that is missing; its name lasts after the next [`Store::sync`].
    fn make_dir(&self, dir: &Path) -> Result<()> {
        if disk::exists(dir) {
            return Ok(());
        }
        let parent = disk::parent(dir);
        self.make_dir(parent)?;
        match disk::make_dir(dir, DIR_MODE) {
            Err(e) if !disk::is_there(dir)? => Err(e),
            _ => {
                self.touch(parent);
                Ok(())
            }
        }
    }

    /// The file system must keep its reserve: a full disk would stop the server, too.
    fn has_room_for(&self, len: usize) -> Result<()> {
        let room = disk::room(&self.root)?;
        let reserve = self.reserve.unwrap_or((room.total / 10).min(2 << 30));
        let needed = reserve.saturating_add(len as u64);
        if room.free < needed {
            return Err(Error::new(ErrorKind::NoRoom { needed, free: room.free }, &self.root));
        }
        Ok(())
    }

    /// The bytes in a file that has no name in the repository yet.
    fn stage(&self, bytes: &[u8]) -> Result<PathBuf> {
        let tmp = self.root.join(TMP);
        self.make_dir(&tmp)?;
        self.has_room_for(bytes.len())?;
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let path = tmp.join(format!("{}-{serial}-{:016x}", std::process::id(), random()));
        let written = NewFile::create(&path, FILE_MODE).and_then(|file| {
            file.write_at(bytes, 0)?;
            file.sync()
        });
        if let Err(e) = written {
            // The first error is the one to tell.
            let _ = disk::remove_file(&path);
            return Err(e);
        }
        Ok(path)
    }

    fn place(
        &self,
        key: &str,
        bytes: &[u8],
        publish: impl Fn(&Path, &Path) -> Result<bool>,
    ) -> Result<bool> {
        let path = self.path(key)?;
        let dir = disk::parent(&path);
        let staged = self.stage(bytes)?;
        let placed = self.make_dir(dir).and_then(|()| publish(&staged, &path));
        if !matches!(placed, Ok(true)) {
            let _ = disk::remove_file(&staged);
        }
        self.touch(dir);
        placed
    }

    fn list_into(&self, dir: &Path, prefix: &str, found: &mut Vec<Stored>) -> Result<()> {
        for entry in disk::list_dir(dir)? {
            let Ok(name) = std::str::from_utf8(entry.name.as_bytes()) else { continue };
            let key = format!("{prefix}{name}");
            if entry.is_dir {
                self.list_into(&dir.join(name), &format!("{key}/"), found)?;
            } else {
                found.push(Stored { key, len: entry.len, modified: entry.modified });
            }
        }
        Ok(())
    }
}

/// A number that no other process comes up with.
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(SystemTime::now())
}

impl Store for LocalStore {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put> {
        // The rename refuses a taken name, too, but only after all has been written once more.
        if disk::is_there(&self.path(key)?)? {
            return Ok(Put::Taken);
        }
        let created = self.place(key, bytes, disk::publish_new)?;
        Ok(if created { Put::Created } else { Put::Taken })
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.place(key, bytes, |from, to| disk::replace(from, to).map(|()| true)).map(drop)
    }

    fn get(&self, key: &str, limit: u64) -> Result<Vec<u8>> {
        disk::read_small(&self.path(key)?, limit)
    }

    fn get_range(&self, key: &str, at: u64, len: usize) -> Result<Vec<u8>> {
        let file = FrozenFile::open(&self.path(key)?)?;
        let left = usize::try_from(file.len().saturating_sub(at)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(left)];
        file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    fn head(&self, key: &str) -> Result<Option<Stored>> {
        let file = disk::open_if_there(&self.path(key)?)?;
        Ok(file.map(|f| Stored { key: key.to_owned(), len: f.len(), modified: f.modified() }))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Stored>> {
        let mut found = Vec::new();
        let dir = match prefix.trim_end_matches('/') {
            "" => self.root.clone(),
            key => self.path(key)?,
        };
        match self.list_into(&dir, prefix, &mut found) {
            Err(e) if *e.kind() == ErrorKind::NotFound && e.path() == dir => {}
            other => other?,
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn delete(&self, key: &str) -> Result<()> {
        let path = self.path(key)?;
        disk::remove_file(&path)?;
        self.touch(disk::parent(&path));
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let taken = std::mem::take(
            &mut *self.touched.lock().unwrap_or_else(|poisoned| poisoned.into_inner()),
        );
        taken.iter().try_for_each(|dir| disk::sync_dir(dir))
    }

    fn lock(&self, key: &str, hold: Hold) -> Result<Option<Lock>> {
        disk::hold(&self.path(key)?, hold).map(Some)
    }

    /// What is a day old belongs to no run that is still under way.
    fn sweep(&self) -> Result<u64> {
        let tmp = self.root.join(TMP);
        if !disk::exists(&tmp) {
            return Ok(0);
        }
        let now = SystemTime::now();
        let old = |l: &disk::Listed| {
            let age = l.modified.and_then(|at| now.duration_since(at).ok());
            !l.is_dir && age.is_some_and(|age| age > STALE)
        };
        let mut freed = 0;
        for stale in disk::list_dir(&tmp)?.into_iter().filter(old) {
            if disk::remove_file(&tmp.join(&stale.name))? {
                freed += stale.len;
            }
        }
        Ok(freed)
    }

    fn name(&self) -> &Path {
        &self.root
    }
}
