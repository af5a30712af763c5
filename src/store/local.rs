//! A directory as a store: a file per object, put by a rename, so that a crash never shows a part of one.
//!
//! Only the root is found by its path. Everything below it is reached from there by one plain name after the other,
//! and no link is followed: whatever somebody else has put there, nothing outside is read, written or removed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use super::staged::{is_staged, random};
use super::theirs::{Refusal, foreign, told};
use super::{Held, Put, Store, Stored};
use crate::disk::{self, Dir, Found, FrozenFile, Hold, Kind, NewFile, Parents, Room};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::text;

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
    path: PathBuf,
    reserve: Option<u64>,
    root: OnceLock<Dir>,
    tmp: OnceLock<Dir>,
    /// Directories below the root, by key, whose names are not durable yet; the root is "".
    touched: Mutex<BTreeSet<String>>,
    serial: AtomicU64,
    /// The directories that were made for it: they go again where it stays empty.
    made: Mutex<Vec<Parents>>,
    /// An object was put in it, so that they stay unless it is cleared up.
    holds: AtomicBool,
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        if self.holds.load(Ordering::Relaxed) {
            let made = self.made.get_mut().unwrap_or_else(PoisonError::into_inner);
            made.drain(..).for_each(Parents::stay);
        }
    }
}

impl LocalStore {
    /// The store in this directory, which need not exist before something is put. `reserve` bytes of the
    /// file system stay free; when not given, a tenth of it, at most 2 GiB.
    pub fn new(root: &Path, reserve: Option<u64>) -> Self {
        Self {
            path: root.to_owned(),
            reserve,
            root: OnceLock::new(),
            tmp: OnceLock::new(),
            touched: Mutex::default(),
            serial: AtomicU64::new(0),
            made: Mutex::default(),
            holds: AtomicBool::new(false),
        }
    }

    /// The words of a key: the directories, and the name in the last of them.
    fn words<'k>(&self, key: &'k str) -> Result<(Vec<&'k str>, &'k str)> {
        let word = |w: &&str| {
            !w.is_empty()
                && !w.starts_with('.')
                && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let mut words: Vec<&str> = key.split('/').collect();
        match words.iter().all(word).then(|| words.pop()).flatten() {
            Some(name) if words.len() < limits::BACKUP_DEPTH => Ok((words, name)),
            _ => {
                let why = format!("'{}' is no key of a repository", text::escape(key.as_bytes()));
                Err(Error::new(ErrorKind::BadBackup(why), &self.path))
            }
        }
    }

    /// The directories that a prefix, which is empty or ends with `/`, names.
    fn words_of<'k>(&self, prefix: &'k str) -> Result<Vec<&'k str>> {
        let key = prefix.trim_end_matches('/');
        if key.is_empty() {
            return Ok(Vec::new());
        }
        let (mut words, name) = self.words(key)?;
        words.push(name);
        Ok(words)
    }

    /// The root; `None` when it is not there.
    fn root(&self) -> Result<Option<&Dir>> {
        if let Some(root) = self.root.get() {
            return Ok(Some(root));
        }
        match Dir::open(&self.path) {
            Ok(root) => Ok(Some(self.root.get_or_init(|| root))),
            Err(e) if *e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The root, made when it is missing.
    fn made_root(&self) -> Result<&Dir> {
        if let Some(root) = self.root()? {
            return Ok(root);
        }
        let made = Parents::make(&self.path.join(TMP), DIR_MODE)?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
        self.root()?.ok_or_else(|| Error::new(ErrorKind::NotFound, &self.path))
    }

    /// A directory below the root; `None` when it is not there.
    fn dir(&self, words: &[&str]) -> Result<Option<Dir>> {
        let Some(root) = self.root()? else { return Ok(None) };
        let mut at = root.duplicate()?;
        for &word in words {
            let Some(next) = told(&at, word, at.dir_if_there(word))? else { return Ok(None) };
            at = next;
        }
        Ok(Some(at))
    }

    /// The same, made when it is missing; the names last after the next [`Store::sync`].
    fn made_dir(&self, words: &[&str]) -> Result<Dir> {
        let mut at = self.made_root()?.duplicate()?;
        for (depth, &word) in words.iter().enumerate() {
            at = match told(&at, word, at.dir_if_there(word))? {
                Some(next) => next,
                None => {
                    let made = at.make_dir(word, DIR_MODE);
                    self.touch(&words[..depth]);
                    match made {
                        Ok(next) => next,
                        // Somebody else was first.
                        Err(e) => told(&at, word, at.dir_if_there(word))?.ok_or(e)?,
                    }
                }
            };
        }
        Ok(at)
    }

    fn touched(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // A set of names is whole whatever a thread that panicked did.
        self.touched.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn touch(&self, words: &[&str]) {
        self.touched().insert(words.join("/"));
    }

    /// The open file of a key; `None` when there is none.
    fn file(&self, key: &str) -> Result<Option<FrozenFile>> {
        let (words, name) = self.words(key)?;
        let Some(dir) = self.dir(&words)? else { return Ok(None) };
        told(&dir, name, dir.file_if_there(name))
    }

    fn must_have(&self, key: &str) -> Result<FrozenFile> {
        let none = || io::Error::new(io::ErrorKind::NotFound, "there is no such file");
        self.file(key)?.ok_or_else(|| Error::io(&self.path.join(key), none()))
    }

    /// Whether a regular file has this name.
    ///
    /// # Errors
    /// When something else has it.
    fn has(dir: &Dir, name: &str) -> Result<bool> {
        match dir.look(name)? {
            None => Ok(false),
            Some(look) if look.kind == Kind::File => Ok(true),
            Some(look) => Err(foreign(&dir.at(name), look.kind)),
        }
    }

    fn tmp(&self) -> Result<&Dir> {
        if let Some(tmp) = self.tmp.get() {
            return Ok(tmp);
        }
        let tmp = self.made_dir(&[TMP])?;
        Ok(self.tmp.get_or_init(|| tmp))
    }

    /// The file system must keep its reserve: a full disk would stop the server, too.
    fn has_room_for(&self, len: usize) -> Result<()> {
        let (room, reserve) = self.room()?;
        let needed = reserve.saturating_add(len as u64);
        if room.free < needed {
            return Err(Error::new(ErrorKind::NoRoom { needed, free: room.free }, &self.path));
        }
        Ok(())
    }

    /// The room of the file system, and how much of it stays free. Where nothing is yet, that of the directory that it would
    /// be made in.
    fn room(&self) -> Result<(Room, u64)> {
        let room = match self.root()? {
            Some(root) => root.room()?,
            None => {
                let mut above = self.path.as_path();
                while !disk::is_there(above)? {
                    above = disk::parent(above);
                }
                disk::room(above)?
            }
        };
        Ok((room, self.reserve.unwrap_or((room.total / 10).min(2 << 30))))
    }

    /// The bytes in a file that has no name in the repository yet. Answers what it is called until then.
    fn stage(&self, what: &str, bytes: &[u8]) -> Result<String> {
        self.has_room_for(bytes.len())?;
        let tmp = self.tmp()?;
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let name = format!("{what}-{}-{serial}-{:016x}", std::process::id(), random());
        let written = NewFile::create_in(tmp, &name, FILE_MODE).and_then(|file| {
            file.write_at(bytes, 0)?;
            file.sync()
        });
        if let Err(e) = written {
            // The first error is the one to tell.
            let _ = tmp.remove_file(&name);
            return Err(e);
        }
        Ok(name)
    }

    fn place(
        &self,
        key: &str,
        bytes: &[u8],
        publish: impl Fn(&Dir, &str, &Dir, &str) -> Result<bool>,
    ) -> Result<bool> {
        let (words, name) = self.words(key)?;
        let staged = self.stage(words.first().unwrap_or(&"root"), bytes)?;
        let tmp = self.tmp()?;
        let placed = self.made_dir(&words).and_then(|dir| publish(tmp, &staged, &dir, name));
        if placed.is_ok() {
            self.holds.store(true, Ordering::Relaxed);
        }
        if !matches!(placed, Ok(true)) {
            let _ = tmp.remove_file(&staged);
        }
        self.touch(&words);
        placed
    }

    fn list_into(
        &self,
        dir: &Dir,
        prefix: &str,
        depth: usize,
        into: &mut Vec<Stored>,
    ) -> Result<()> {
        for Found { name, look } in dir.list()? {
            let key = format!("{prefix}{}", text::name(name.as_encoded_bytes()));
            match look.kind {
                Kind::File => into.push(stored(key, &look)),
                Kind::Directory if depth + 1 >= limits::BACKUP_DEPTH => {
                    return Err(Error::refused(Refusal::TooDeep, &dir.at(&name)));
                }
                Kind::Directory => {
                    // Gone meanwhile, or another by now: then it says so itself.
                    if let Some(below) = told(dir, &name, dir.dir_if_there(&name))? {
                        self.list_into(&below, &format!("{key}/"), depth + 1, into)?;
                    }
                }
                kind => return Err(foreign(&dir.at(&name), kind)),
            }
        }
        Ok(())
    }
}

/// Reads an object from its beginning.
struct ObjectReader {
    file: FrozenFile,
    at: u64,
}

impl Read for ObjectReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.file.len() - self.at).unwrap_or(usize::MAX);
        let n = into.len().min(left);
        self.file.read_exact_at(&mut into[..n], self.at).map_err(io::Error::other)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Store for LocalStore {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put> {
        let (words, name) = self.words(key)?;
        // The rename refuses a taken name, too, but only after all has been written once more.
        if let Some(dir) = self.dir(&words)?
            && Self::has(&dir, name)?
        {
            return Ok(Put::Taken);
        }
        let created =
            self.place(key, bytes, |tmp, staged, dir, name| tmp.rename_new(staged, dir, name))?;
        Ok(if created { Put::Created } else { Put::Taken })
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let placed = self.place(key, bytes, |tmp, staged, dir, name| {
            Self::has(dir, name)?;
            tmp.rename(staged, dir, name).map(|()| true)
        });
        placed.map(drop)
    }

    fn get(&self, key: &str, limit: u64) -> Result<Vec<u8>> {
        self.must_have(key)?.read_small(limit)
    }

    fn get_range(&self, key: &str, at: u64, len: usize) -> Result<Vec<u8>> {
        let file = self.must_have(key)?;
        let left = usize::try_from(file.len().saturating_sub(at)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(left)];
        file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    fn reader(&self, key: &str) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(ObjectReader { file: self.must_have(key)?, at: 0 }))
    }

    fn head(&self, key: &str) -> Result<Option<Stored>> {
        let (words, name) = self.words(key)?;
        let Some(dir) = self.dir(&words)? else { return Ok(None) };
        let Some(look) = dir.look(name)? else { return Ok(None) };
        if look.kind != Kind::File {
            return Err(foreign(&dir.at(name), look.kind));
        }
        Ok(Some(stored(key.to_owned(), &look)))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Stored>> {
        let mut found = Vec::new();
        let words = self.words_of(prefix)?;
        if let Some(dir) = self.dir(&words)? {
            self.list_into(&dir, prefix, words.len(), &mut found)?;
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn below(&self, prefix: &str) -> Result<Vec<String>> {
        let Some(dir) = self.dir(&self.words_of(prefix)?)? else { return Ok(Vec::new()) };
        let found = dir.list()?.into_iter();
        let mut names: Vec<_> = found.map(|one| text::name(one.name.as_encoded_bytes())).collect();
        names.sort();
        Ok(names)
    }

    fn delete(&self, key: &str) -> Result<()> {
        let (words, name) = self.words(key)?;
        let Some(dir) = self.dir(&words)? else { return Ok(()) };
        if Self::has(&dir, name)? {
            dir.remove_file(name)?;
        }
        self.touch(&words);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        for key in std::mem::take(&mut *self.touched()) {
            let words: Vec<&str> = key.split('/').filter(|word| !word.is_empty()).collect();
            let gone = || Error::new(ErrorKind::NotFound, &self.path.join(&key));
            self.dir(&words)?.ok_or_else(gone)?.sync()?;
        }
        Ok(())
    }

    fn lock(&self, key: &str, hold: Hold) -> Result<Option<Held>> {
        let (words, name) = self.words(key)?;
        let dir = match self.dir(&words)? {
            Some(dir) => dir,
            None => self.made_dir(&words)?,
        };
        let root = self.made_root()?.duplicate()?;
        let path = words.into_iter().map(str::to_owned).collect();
        // A new lock's name need not last: who comes later makes it again.
        told(&dir, name, Held::take(root, path, dir.duplicate()?, name, hold)).map(Some)
    }

    fn clear_up(&self, names: &[&str]) -> Result<()> {
        if let Some(root) = self.root()? {
            for name in names.iter().map(|name| name.trim_end_matches('/')) {
                remove_empty(root, OsStr::new(name), 0)?;
            }
        }
        // Dropped one after the other: only what is empty goes.
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// What is a day old belongs to no run that is still under way. Only what has such a name as staged files have.
    fn sweep(&self) -> Result<u64> {
        let Some(tmp) = self.dir(&[TMP])? else { return Ok(0) };
        let now = SystemTime::now();
        let mut freed = 0;
        for Found { name, look } in tmp.list()? {
            let Some(name) = name.to_str().filter(|name| is_staged(name)) else { continue };
            let one = stored(name.to_owned(), &look);
            let age = one.modified.and_then(|at| now.duration_since(at).ok());
            let is_old = age.is_some_and(|age| age > STALE);
            if look.kind == Kind::File && is_old && tmp.remove_file(name)? {
                freed += one.len;
            }
        }
        Ok(freed)
    }

    fn spare(&self) -> Result<Option<u64>> {
        self.room().map(|(room, reserve)| Some(room.free.saturating_sub(reserve)))
    }

    fn name(&self) -> &Path {
        &self.path
    }
}

/// Removes the directory and those in it, as far as they hold no file.
fn remove_empty(dir: &Dir, name: &OsStr, depth: usize) -> Result<()> {
    let Some(below) = dir.dir_if_there(name)?.filter(|_| depth < limits::BACKUP_DEPTH) else {
        return Ok(());
    };
    for Found { name, look } in below.list()? {
        if look.kind == Kind::Directory {
            remove_empty(&below, &name, depth + 1)?;
        }
    }
    if below.list()?.is_empty() {
        dir.remove_dir(name)?;
    }
    Ok(())
}

fn stored(key: String, look: &disk::Look) -> Stored {
    let of = |ns: i128| {
        let ns = u64::try_from(ns).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(ns))
    };
    let stamp = look.stamp;
    let (modified, changed) = (of(stamp.modified_ns()), of(stamp.changed_ns()));
    Stored { key, len: stamp.len, modified, changed }
}
