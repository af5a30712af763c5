//! A repository: which documents it has, under which keys, and how a new one becomes visible.
//!
//! ```text
//! README.txt  format.json  lock                  written once
//! objects/ab/<sha256>.zst                        immutable; named by the hash of the stored bytes
//! lists/ab/<sha256>.txt                          the same for long lists of segments
//! sources/<source>/snapshots/<id>.sh, .json      the .json is the commit point, written last
//! sources/<source>/unfinished.json               what a run that was killed had stored already
//! numbers/<source>.json                          which snapshots must be there
//! tmp/                                           a directory's staging place
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::entry::{Entry, FileEntry, SegmentEntry, Words};
use super::list::{self, Text};
use super::{hash, moment, name};
use crate::disk::Hold;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::store::{Held, Location, Put, Store};
use crate::text;

pub(super) const README: &str = "README.txt";
pub(super) const FORMAT: &str = "format.json";
pub(super) const LOCK: &str = "lock";
pub(super) const SOURCES: &str = "sources/";
pub(super) const TMP: &str = "tmp/";

/// What the first document says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormatDocument {
    format: String,
    version: u32,
    repo: String,
    created: String,
    conditional_put: bool,
    readme_sha256: String,
}

const FORMAT_NAME: &str = "aof-frames";

/// What a run that did not come to its end had stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unfinished {
    pub(super) pieces: Vec<Piece>,
}

/// A stored segment of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) file: Words,
    pub(super) segment: SegmentEntry,
}

/// Puts what every repository has into an empty store.
fn create(store: &dyn Store) -> Result<Put> {
    store.put(README, readme().as_bytes())?;
    store.put_if_absent(LOCK, b"")?;
    let document = FormatDocument {
        format: FORMAT_NAME.to_owned(),
        version: super::entry::FORMAT,
        repo: super::name::uuid(),
        created: moment::now().text(),
        conditional_put: true,
        readme_sha256: hash::hex_of(readme().as_bytes()),
    };
    store.sync()?;
    let put = store.put_if_absent(FORMAT, &hash::sealed(&document))?;
    store.sync()?;
    Ok(put)
}

/// A snapshot that is there, not read yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its source.
    pub source: String,
    /// The number that orders snapshots of a source.
    pub seq: u64,
    /// Its name.
    pub id: String,
}

/// What a list holds.
type Segments = Arc<[Arc<SegmentEntry>]>;

/// A repository in some store.
pub struct Repository {
    store: Box<dyn Store>,
    /// Lists that were read: thousands of entries share them.
    lists: Mutex<Lists>,
    /// This run has made it.
    pub(super) is_new: bool,
}

#[derive(Default)]
struct Lists {
    by_key: BTreeMap<String, Segments>,
    bytes: u64,
}

impl Repository {
    /// The repository at a location, as `--repo` names one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    pub fn at(location: &Path) -> Result<Self> {
        Self::open(Location(location).store(None))
    }

    /// The repository in this store.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; when it is of a later format.
    pub fn open(store: Box<dyn Store>) -> Result<Self> {
        let repository = Self { store, lists: Mutex::default(), is_new: false };
        if repository.store.head(FORMAT)?.is_none() {
            let none =
                std::io::Error::new(std::io::ErrorKind::NotFound, "no backup repository here");
            return Err(Error::io(repository.store.name(), none));
        }
        repository.format()?;
        Ok(repository)
    }

    /// The repository in this store, made when there is none.
    ///
    /// # Errors
    /// When something else lies there, or it cannot be made.
    pub fn open_or_create(store: Box<dyn Store>) -> Result<Self> {
        let mut repository = Self { store, lists: Mutex::default(), is_new: false };
        let store = &repository.store;
        if store.head(FORMAT)?.is_none() {
            let ours = |key: &str| [README, LOCK].contains(&key) || key.starts_with(TMP);
            if store.list("")?.iter().any(|o| !ours(&o.key)) {
                let why = "it is not empty, and no backup repository".to_owned();
                return Err(Error::new(ErrorKind::Refused(why.into()), store.name()));
            }
            let put = create(&**store).inspect_err(|_| {
                // The first error is the one to tell.
                let _ = store.clear_up(&[TMP]);
            })?;
            repository.is_new = put == Put::Created;
        }
        repository.format()?;
        Ok(repository)
    }

    fn format(&self) -> Result<FormatDocument> {
        let bytes = self.store.get(FORMAT, limits::CATALOG_DOCUMENT)?;
        let document: FormatDocument =
            hash::unsealed(&bytes).map_err(|why| self.bad(format!("{FORMAT}: {why}")))?;
        if document.format != FORMAT_NAME || document.version != super::entry::FORMAT {
            let (name, version) = (document.format, document.version);
            return Err(self.bad(format!("{FORMAT}: {name} {version} is not known here")));
        }
        Ok(document)
    }

    /// Whether the README is as it was written.
    pub(super) fn readme_fits(&self, bytes: &[u8]) -> Result<bool> {
        Ok(self.format()?.readme_sha256 == hash::hex_of(bytes))
    }

    pub(super) fn bad(&self, why: String) -> Error {
        Error::new(ErrorKind::BadBackup(why), self.store.name())
    }

    /// Where its objects are.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Keeps others from changing what this run needs; held until it is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`] when another run holds it.
    pub fn lock(&self, hold: Hold) -> Result<Option<Held>> {
        self.store.lock(LOCK, hold)
    }

    /// Keeps a second backup of the same source from running at the same time.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`] when one is running.
    pub(super) fn lock_source(&self, source: &str) -> Result<Option<Held>> {
        self.store.lock(&format!("{SOURCES}{source}/lock"), Hold::Alone)
    }

    /// All snapshots, by source, the oldest first.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn list(&self) -> Result<Vec<Listed>> {
        let mut found: Vec<_> =
            self.store.list(SOURCES)?.iter().filter_map(|o| listed(&o.key)).collect();
        found.sort();
        Ok(found)
    }

    /// The names of all sources, also of such as have no snapshots.
    pub(super) fn sources(&self) -> Result<Vec<String>> {
        let mut names = self.store.below(SOURCES)?;
        names.retain(|name| name::source_name(name).is_ok());
        Ok(names)
    }

    /// All snapshots of one source, the oldest first.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn list_source(&self, source: &str) -> Result<Vec<Listed>> {
        let prefix = snapshots_of(source);
        let mut found: Vec<_> =
            self.store.list(&prefix)?.iter().filter_map(|o| listed(&o.key)).collect();
        found.sort();
        Ok(found)
    }

    /// Reads a snapshot's entry.
    ///
    /// # Errors
    /// When it is not there, or not as it was written; the same for a list that it needs.
    pub fn entry(&self, listed: &Listed) -> Result<Entry> {
        self.entry_within(listed, &mut { limits::BACKUP_SEGMENTS })
    }

    /// The same of one of many that shall be in memory together: they may have `left` segments.
    ///
    /// # Errors
    /// As [`Self::entry`]; also when it has more.
    pub fn entry_within(&self, listed: &Listed, left: &mut u64) -> Result<Entry> {
        let key = listed.key();
        let bytes = self.store.get(&key, limits::CATALOG_DOCUMENT)?;
        let bad = |why: String| self.bad(format!("{key}: {why}"));
        let mut entry = read_entry(&bytes, listed).map_err(bad)?;
        for file in entry.files.iter_mut().chain(&mut entry.extras) {
            let mut lists = Vec::with_capacity(file.lists.len());
            for one in &file.lists {
                let list = self.list_of_segments(&one.list)?;
                lists.push(list.map_err(|why| bad(format!("{}: {why}", one.list)))?);
            }
            let lists: Vec<_> = lists.iter().map(AsRef::as_ref).collect();
            list::join(file, &lists, left).map_err(bad)?;
        }
        match entry.contradiction() {
            Some(why) => Err(bad(why)),
            None => Ok(entry),
        }
    }

    /// The segments in a list, or why it has none.
    fn list_of_segments(&self, key: &str) -> Result<Result<Segments, String>> {
        let known = self.lists().by_key.get(key).cloned();
        if let Some(known) = known {
            return Ok(Ok(known));
        }
        let Some(there) = self.store.head(key)? else {
            return Ok(Err("it is missing".to_owned()));
        };
        let read = read_list(&*self.store, key)?.map(Segments::from);
        if let Ok(list) = &read {
            let mut lists = self.lists();
            lists.bytes = lists.bytes.saturating_add(there.len);
            if lists.bytes > limits::BACKUP_ALL_LISTS {
                return Err(self.bad(format!("{key}: with it there are {TOO_MUCH}")));
            }
            lists.by_key.insert(key.to_owned(), Arc::clone(list));
        }
        Ok(read)
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads all entries, by source.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn entries(&self) -> Result<BTreeMap<String, Vec<Entry>>> {
        let mut all = BTreeMap::<String, Vec<Entry>>::new();
        let mut left = limits::BACKUP_ALL_SEGMENTS;
        for listed in self.list()? {
            let entry = self.entry_within(&listed, &mut left)?;
            all.entry(listed.source).or_default().push(entry);
        }
        Ok(all)
    }

    /// Makes a snapshot visible; all its objects must be there. Answers the entry with its lists and its script.
    pub(super) fn publish(&self, mut entry: Entry) -> Result<Entry> {
        for file in entry.files.iter_mut().chain(&mut entry.extras) {
            for one in list::split(file) {
                self.put_list(&one)?;
            }
        }
        self.store.sync()?;
        let script = super::script::script(&entry);
        entry.script_sha256 = hash::hex_of(script.as_bytes());
        let short = |files: &[FileEntry]| files.iter().map(list::shortened).collect();
        let (files, extras) = (short(&entry.files), short(&entry.extras));
        let written = hash::sealed(&Entry { files, extras, ..entry.clone() });
        let key = key_of(&entry.source, &entry.id);
        if let Some(why) = entry.contradiction() {
            return Err(self.bad(format!("{key}.json: {why}")));
        }
        if [written.len(), script.len()].iter().any(|len| *len as u64 > limits::CATALOG_DOCUMENT) {
            let why = "it would be larger than a document may be that is read again".to_owned();
            return Err(self.bad(format!("{key}.json: {why}")));
        }
        self.store.put(&format!("{key}.sh"), script.as_bytes())?;
        if self.store.put_if_absent(&format!("{key}.json"), &written)? == Put::Taken {
            return Err(self.bad(format!("{key}.json: the name is taken")));
        }
        self.store.sync()?;
        Ok(entry)
    }

    fn put_list(&self, list: &Text) -> Result<()> {
        let (key, text) = (&list.key, list.text.as_bytes());
        let is_there = self.store.put_if_absent(key, text)? == Put::Taken;
        // One that is damaged becomes what its name says.
        if is_there && self.list_of_segments(key)?.is_err() {
            self.store.put(key, text)?;
        }
        Ok(())
    }

    fn unfinished_key(source: &str) -> String {
        format!("{SOURCES}{source}/unfinished.json")
    }

    /// What an earlier run that was killed had stored.
    ///
    /// # Errors
    /// When it cannot be read, or is not as it was written: what it needs is not known then.
    pub(super) fn unfinished(&self, source: &str) -> Result<Unfinished> {
        let key = Self::unfinished_key(source);
        if self.store.head(&key)?.is_none() {
            return Ok(Unfinished::default());
        }
        let bytes = self.store.get(&key, limits::CATALOG_DOCUMENT)?;
        let more =
            "nobody knows what a killed run had stored; without this file it is stored again";
        hash::unsealed(&bytes).map_err(|why| self.bad(format!("{key}: {why}; {more}")))
    }

    pub(super) fn keep_unfinished(&self, source: &str, unfinished: &Unfinished) -> Result<()> {
        self.store.put(&Self::unfinished_key(source), &hash::sealed(unfinished))
    }

    pub(super) fn forget_unfinished(&self, source: &str) -> Result<()> {
        self.store.delete(&Self::unfinished_key(source))
    }
}

impl Listed {
    /// The key of its entry.
    pub fn key(&self) -> String {
        format!("{}.json", key_of(&self.source, &self.id))
    }
}

const TOO_MUCH: &str = "more lists of segments than can be kept in memory";

/// The source whose unfinished run this document tells of.
pub(super) fn source_of_unfinished(key: &str) -> Option<&str> {
    let source = key.strip_prefix(SOURCES)?.strip_suffix("/unfinished.json")?;
    (!source.contains('/')).then_some(source)
}

/// Whether this lies where snapshots do and is none of what a backup writes there.
pub(super) fn is_foreign(key: &str) -> bool {
    let Some((source, rest)) =
        key.strip_prefix(SOURCES).map(|k| k.split_once('/').unwrap_or((k, "")))
    else {
        return false;
    };
    let is_ours = ["lock", "unfinished.json"].contains(&rest)
        || listed(key).is_some()
        || script(key).is_some();
    !is_ours || super::name::source_name(source).is_err()
}

/// Where the snapshots of a source lie.
pub(super) fn snapshots_of(source: &str) -> String {
    format!("{SOURCES}{source}/snapshots/")
}

pub(super) fn key_of(source: &str, id: &str) -> String {
    format!("{SOURCES}{source}/snapshots/{id}")
}

/// The snapshot whose entry this is.
pub(super) fn listed(key: &str) -> Option<Listed> {
    snapshot_of(key, ".json")
}

/// The snapshot whose script this is.
pub(super) fn script(key: &str) -> Option<Listed> {
    snapshot_of(key, ".sh")
}

fn snapshot_of(key: &str, ending: &str) -> Option<Listed> {
    let (source, rest) = key.strip_prefix(SOURCES)?.split_once('/')?;
    let id = rest.strip_prefix("snapshots/")?.strip_suffix(ending)?;
    let seq = super::name::seq_of(id)?;
    Some(Listed { source: source.to_owned(), seq, id: id.to_owned() })
}

/// The entry in these bytes, if it is the one that should be there; what its lists hold is missing in it.
pub(super) fn read_entry(bytes: &[u8], listed: &Listed) -> Result<Entry, String> {
    let entry: Entry = hash::unsealed(bytes)?;
    if (&entry.id, &entry.source, entry.seq) != (&listed.id, &listed.source, listed.seq) {
        return Err(format!("it is the entry of {} of {}", entry.id, entry.source));
    }
    if let Some(one) = entry.lists().find(|one| !hash::is_list_key(&one.list)) {
        return Err(format!("'{}' is no list's name", text::escape(one.list.as_bytes())));
    }
    Ok(entry)
}

/// The segments in a list, or why it has none.
pub(super) fn read_list(
    store: &dyn Store,
    key: &str,
) -> Result<Result<Vec<Arc<SegmentEntry>>, String>> {
    match store.get(key, limits::BACKUP_LIST) {
        Ok(bytes) => Ok(list::parse(key, &bytes)),
        Err(e) if *e.kind() == ErrorKind::NotFound => Ok(Err("it is missing".to_owned())),
        Err(e) if matches!(e.kind(), ErrorKind::TooLarge { .. }) => {
            Ok(Err("it is longer than any list".to_owned()))
        }
        Err(e) => Err(e),
    }
}

fn readme() -> &'static str {
    include_str!("readme.txt")
}
