//! A set as a real server takes it: loaded from a copy, and asked what it has.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Trial;
use super::copy::{Copied, Wanted};
use super::guard::Guard;
use super::heard::{Complaint, Heard};
use super::leash::{Leash, OwnDir};
use super::names::look;
use super::server::{Failure, Load, OwnServer, words};
use crate::aof::Aof;
use crate::check::Loads;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Silent;
use crate::server::ServerState;

/// What a server made of a copy of a set.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The server, by its own words, such as `Redis 8.2.3`.
    pub by: String,
    /// What it did; `None` where it was not tried, or not to the end.
    pub loads: Option<Loads>,
    /// Why it was not tried, or not to the end.
    pub not_tried: Option<String>,
    /// The line of its log that says why it refused all of the set, as it stands.
    pub fatal: Option<String>,
    /// Errors that did not stop it, by kind.
    pub errors: Vec<Complaint>,
    /// How many more were of further kinds.
    pub errors_unlisted: u64,
    /// Keys by database, when it had loaded them.
    pub keys: BTreeMap<u64, u64>,
    /// Seconds that it says it took.
    pub seconds: Option<f64>,
    /// The most memory that it had taken by then, bytes.
    pub peak_bytes: Option<u64>,
    /// The memory that it held in the end, bytes.
    pub end_bytes: Option<u64>,
    /// What it did to the files of the copy.
    pub files: Vec<FileChange>,
    /// What could not be kept from it.
    pub walls_missing: Vec<String>,
}

/// What a server did to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file's name; below the append directory where there is one.
    pub name: Vec<u8>,
    /// What it did.
    pub change: Change,
    /// Its length before, 0 where it was not there.
    pub from_bytes: u64,
    /// Its length afterwards, 0 where it is gone.
    pub to_bytes: u64,
}

/// What a server does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Made,
    /// It is gone, or has another name.
    Removed,
    /// It lost its end.
    Cut,
    /// It has become longer.
    Grown,
    /// It was written anew, at the same length.
    Rewritten,
}

impl Change {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Removed => "removed",
            Self::Cut => "cut",
            Self::Grown => "grown",
            Self::Rewritten => "rewritten",
        }
    }
}

impl Loaded {
    /// Whether it did something else than was expected. Of what was not learnt, and of what was not expected, nothing
    /// differs.
    pub fn differs_from(&self, expected: Loads) -> bool {
        let Some(loads) = self.loads.filter(|_| expected != Loads::Unknown) else { return false };
        let is_empty = self.keys.is_empty();
        match (expected, loads) {
            // A server that has nothing to load says that it is ready, as one that has loaded nothing.
            (Loads::StartsEmpty, Loads::Yes) => !is_empty,
            (expected, loads) => expected != loads,
        }
    }
}

/// The server's directory in each attempt.
const FIRST: &str = "1";
const SECOND: &str = "2";

/// What came of one attempt.
struct Attempt {
    heard: Heard,
    failure: Option<Failure>,
    state: Option<ServerState>,
    files: Vec<FileChange>,
}

impl Trial {
    /// Has the server load a copy of the set, without a torn end being taken; and once more with that, where it refuses.
    ///
    /// # Errors
    /// When there is no room for a copy, when the program cannot be run, or when it was stopped. A log that is given to no
    /// server, and a server that was ended, are no error: [`Loaded::not_tried`].
    pub fn load(&self, aof: &Aof, wanted: &Wanted<'_>) -> Result<Loaded> {
        match self.loaded(aof, wanted) {
            Err(e) => match e.kind() {
                ErrorKind::NotTried(why) => {
                    Ok(Loaded { not_tried: Some(why.clone()), ..self.met() })
                }
                _ => Err(e),
            },
            done => done,
        }
    }

    fn loaded(&self, aof: &Aof, wanted: &Wanted<'_>) -> Result<Loaded> {
        let leash = self.begin()?;
        let own = Arc::new(leash.scratch(self.scratch.as_deref())?);
        let first = self.attempt(&leash, &own, aof, wanted, FIRST, "no")?;
        let Some(failure) = &first.failure else { return Ok(self.told(Loads::Yes, first, None)) };
        if failure.is_unknown {
            return Err(Error::new(ErrorKind::NotTried(failure.why.clone()), &aof.path));
        }
        let why = failure.why.strip_prefix("the server does not start: ");
        let fatal = first.heard.fatal().or_else(|| Some(why.unwrap_or(&failure.why).to_owned()));
        own.scratch().remove_dir(Path::new(FIRST))?;
        let second = self.attempt(&leash, &own, aof, wanted, SECOND, "yes")?;
        Ok(match &second.failure {
            None => self.told(Loads::AfterTruncation, second, fatal),
            Some(failure) if failure.is_unknown => {
                let why = Some(failure.why.clone());
                Loaded { loads: None, not_tried: why, ..self.told(Loads::No, second, fatal) }
            }
            Some(_) => self.told(Loads::No, second, fatal),
        })
    }

    fn met(&self) -> Loaded {
        let guard = self.guard.get();
        Loaded {
            by: guard.map_or_else(|| crate::text::path(&self.program), Guard::name),
            walls_missing: guard.map(|guard| guard.missing.clone()).unwrap_or_default(),
            ..Loaded::default()
        }
    }

    fn told(&self, loads: Loads, attempt: Attempt, fatal: Option<String>) -> Loaded {
        let Attempt { heard, state, files, .. } = attempt;
        let is_up = state.is_some();
        Loaded {
            loads: Some(loads),
            fatal,
            errors: heard.errors,
            errors_unlisted: heard.unlisted,
            seconds: heard.seconds.filter(|_| is_up),
            peak_bytes: state.as_ref().and_then(|state| state.used_memory_peak_bytes),
            end_bytes: state.as_ref().and_then(|state| state.used_memory_bytes),
            keys: state.map(|state| state.keys).unwrap_or_default(),
            files,
            ..self.met()
        }
    }

    fn attempt(
        &self,
        leash: &Leash,
        own: &Arc<OwnDir>,
        aof: &Aof,
        wanted: &Wanted<'_>,
        name: &'static str,
        takes_a_torn_end: &'static str,
    ) -> Result<Attempt> {
        let copied = Copied::new(aof, wanted, own.scratch(), name, &self.stop)?;
        let mut settings = copied.settings(aof);
        settings.extend(words(["--aof-load-truncated", takes_a_torn_end, "--appendfsync", "no"]));
        settings.extend_from_slice(&self.arguments);
        let (trial, own, path) = (self.clone(), Arc::clone(own), aof.path.clone());
        leash.work(&self.stop, &aof.path, move |leash| {
            trial.run(leash, &own, &copied, &settings, name, &path)
        })
    }

    fn run(
        &self,
        leash: &Leash,
        own: &OwnDir,
        copied: &Copied,
        settings: &[OsString],
        name: &'static str,
        path: &Path,
    ) -> Result<Attempt> {
        let looked = look(&copied.all, &Silent).map_err(|e| match e.kind() {
            ErrorKind::NotTried(why) => Error::new(ErrorKind::NotTried(why.clone()), path),
            _ => e,
        })?;
        let guard = self.guard(leash)?;
        if copied.is_set() && !guard.knows_sets() {
            let why = "not loaded: this server knows no sets of several files; they came with 7.0";
            return Err(Error::new(ErrorKind::NotTried(why.to_owned()), path));
        }
        let before = listed(&copied.files)?;
        let dir = own.path().join(name);
        let mut heard = Heard::default();
        let load = Load { home: own, name, looked, dir: &dir, settings };
        let started = OwnServer::start(guard, &load, leash, &mut |line: &str| heard.line(line));
        let (state, failure) = match started {
            Ok(server) => (Some(server.state()?), None),
            Err(failure) => (None, Some(failure)),
        };
        // The server is gone by now.
        let files = changes(&before, &listed(&copied.files)?);
        Ok(Attempt { heard, failure, state, files })
    }
}

/// Files by name: length, and when each was last written to.
type Listed = BTreeMap<Vec<u8>, (u64, i128)>;

fn listed(dir: &Path) -> Result<Listed> {
    let mut all = Listed::new();
    for path in files_below(dir)? {
        let Ok(stamp) = disk::stamp(&path) else { continue };
        let name = path.strip_prefix(dir).unwrap_or(&path);
        all.insert(name.as_os_str().as_encoded_bytes().to_vec(), (stamp.len, stamp.modified_ns()));
    }
    Ok(all)
}

/// The files in a directory, and in those in it.
fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for found in disk::list_dir(dir)? {
        let path = dir.join(&found.name);
        match found.is_dir {
            true => files.extend(files_below(&path)?),
            false if disk::is_file(&path) => files.push(path),
            false => {}
        }
    }
    Ok(files)
}

fn changes(before: &Listed, after: &Listed) -> Vec<FileChange> {
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |name: &&Vec<u8>| {
        let (was, is) = (before.get(*name), after.get(*name));
        let change = match (was, is) {
            (None, _) => Change::Made,
            (_, None) => Change::Removed,
            (Some(was), Some(is)) if is.0 < was.0 => Change::Cut,
            (Some(was), Some(is)) if is.0 > was.0 => Change::Grown,
            (Some(was), Some(is)) if is.1 != was.1 => Change::Rewritten,
            _ => return None,
        };
        let len = |one: Option<&(u64, i128)>| one.map_or(0, |one| one.0);
        let name = name.to_vec();
        Some(FileChange { name, change, from_bytes: len(was), to_bytes: len(is) })
    };
    names.iter().filter_map(change).collect()
}
