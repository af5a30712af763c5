//! `verify --load`: the newest snapshot of each source, loaded by a real server in two ways that must agree:
//! its files as they are restored, without a torn end being taken, and its content as our own readers tell
//! it, written as one log.
//!
//! Both are loads of a log, in which nothing expires on the way, whatever the clock says. What expires
//! later is left out on both sides: keys that live beyond the end of both readings are compared.

mod compare;
mod loaded;
mod second;

pub use loaded::{Difference, LoadedSnapshot};

use crate::trial::snapshot::loaded::connected;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::backup::{Entry, Listed, Repository, RestoreOptions, restore};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::format::conf::Settings;
use crate::format::manifest;

use super::Trial;
use super::guard::Guard;
use super::handed_on::HandedOn;
use super::heard::Heard;
use super::leash::{Leash, OwnDir};
use super::names::{Looked, look};
use super::server::{Failure, Load, OwnServer, words};
use crate::progress::Progress;

/// More databases than anybody has: a set does not tell how many its server had.
const DATABASES: &str = "1024";

/// What to load, and how.
#[derive(Clone)]
pub struct Snapshots {
    /// The repository.
    pub repo: PathBuf,
    /// What the configuration of the snapshots' server says: the log has the names that it gives to commands.
    pub settings: Settings,
    /// The one source whose newest snapshot is loaded; `None` is each.
    pub source: Option<String>,
    /// Threads that restore.
    pub threads: usize,
    /// Makes what is told of the work; each part of it has its own.
    pub progress: fn() -> Box<dyn Progress>,
}

/// The same, with the server that loads them.
struct Loading {
    what: Snapshots,
    trial: Trial,
}

impl Trial {
    /// Loads the newest snapshot of each source, in two ways that must agree.
    ///
    /// # Errors
    /// When the repository cannot be read, the server cannot be run, or when it was stopped.
    pub fn snapshots(&self, what: &Snapshots) -> Result<Vec<LoadedSnapshot>> {
        let leash = self.begin()?;
        let loading = Loading { what: what.clone(), trial: self.clone() };
        leash.work(&self.stop, &what.repo, move |leash| loading.all(leash))
    }
}

impl Loading {
    fn all(&self, leash: &Leash) -> Result<Vec<LoadedSnapshot>> {
        let repository = Repository::at(&self.what.repo)?;
        let newest = repository.newest_of_each(self.what.source.as_deref())?;
        let guard = self.trial.guard(leash)?;
        newest.iter().map(|listed| self.one(listed, guard, leash)).collect()
    }

    fn one(&self, listed: &Listed, guard: &Guard, leash: &Leash) -> Result<LoadedSnapshot> {
        let repository = Repository::at(&self.what.repo)?;
        let mut entry = repository.entry(listed)?;
        // What lies beside the set is not loaded, and no business of a server on trial.
        entry.extras.clear();
        let home = leash.scratch(self.trial.scratch.as_deref())?;
        home.scratch().let_through()?;
        let (id, source) = (listed.id.clone(), listed.source.clone());
        let walls_missing = guard.missing.clone();
        let mut loaded = LoadedSnapshot { id, source, walls_missing, ..LoadedSnapshot::default() };
        let (arguments, renames) = (&self.trial.arguments, HandedOn::of(&self.what.settings));
        let pair = Pair { guard, home: &home, leash, arguments, renames: &renames };
        let place = second::Place::new(
            &home.scratch().make_dir(Path::new(SECOND))?,
            pair.guard.knows_sets(),
        );
        let prepared = self.restored(&repository, &entry, &home, FIRST).and_then(|first| {
            disk::make_dir(disk::parent(&place.log), 0o700)?;
            let progress = (self.what.progress)();
            let told = second::write(repository, &entry, &place.log, &renames, &*progress)?;
            if let Some((path, text)) = &place.manifest {
                second::new_file(path)?.write_at(text, 0)?;
            }
            // Nothing runs before all names were looked at.
            Ok((first, told, look(&place.log, &*(self.what.progress)())?))
        });
        let (looked, told, second) = match prepared {
            Ok(prepared) => prepared,
            Err(e) => match e.kind() {
                ErrorKind::NotTried(why) => {
                    loaded.not_tried = Some(why.clone());
                    return Ok(loaded);
                }
                _ => return Err(e),
            },
        };
        let mut heard = Heard::default();
        let first = pair.first(&entry, looked, FIRST, &mut |line: &str| heard.line(line));
        (loaded.errors, loaded.errors_unlisted) = (heard.errors, heard.unlisted);
        let first = match first {
            Ok(server) => server,
            Err(Failure { why, is_unknown }) => {
                match is_unknown {
                    true => loaded.not_tried = Some(why),
                    false => loaded.why = Some(why),
                }
                return Ok(loaded);
            }
        };
        let promise = told.broken_promise(&entry);
        loaded.differences.extend(promise.map(|what| Difference { what, key: None }));
        let second = match pair.second(second) {
            Ok(server) => Some(server),
            Err(Failure { why, is_unknown: true }) => {
                loaded.not_tried = Some(why);
                return Ok(loaded);
            }
            Err(Failure { why, .. }) => {
                let what = format!("its files load, and the commands in them do not: {why}");
                loaded.differences.push(Difference { what, key: None });
                None
            }
        };
        loaded.compared = second.is_some();
        let second = second.as_ref().map(connected).transpose()?;
        let mut again = || {
            let repository = Repository::at(&self.what.repo)?;
            let looked = self.restored(&repository, &entry, &home, AGAIN)?;
            Ok(pair.first(&entry, looked, AGAIN, &mut |_: &str| {}).ok())
        };
        compare::compare(&mut loaded, &told, &entry, connected(&first)?, second, &mut again)?;
        Ok(loaded)
    }

    /// Restores a snapshot for the first server, and looks at the names in it.
    fn restored(
        &self,
        repository: &Repository,
        entry: &Entry,
        home: &OwnDir,
        name: &'static str,
    ) -> Result<Looked> {
        let set = home.scratch().make_dir(Path::new(name))?.join(SET);
        let options = RestoreOptions { replace: false, threads: self.what.threads };
        restore(repository, entry, &set, options, &*(self.what.progress)())?;
        let named = entry.manifest.as_ref().map(|manifest| &manifest.name);
        let named = named.or(entry.files.first().map(|file| &file.name));
        let Some(name) = named.and_then(|name| name.bytes()) else {
            return Err(Error::new(
                ErrorKind::BadBackup("it has no files".to_owned()),
                &self.what.repo,
            ));
        };
        look(&set.join(OsStr::from_bytes(&name)), &*(self.what.progress)())
    }
}

/// The directory of each server, and where in the first's the restored files are.
const FIRST: &str = "1";
const SECOND: &str = "2";
/// That of a third, which loads the same files as the first.
const AGAIN: &str = "3";
const SET: &str = "aof";

/// Two servers, each with a copy.
struct Pair<'a> {
    guard: &'a Guard,
    home: &'a OwnDir,
    leash: &'a Leash,
    arguments: &'a [OsString],
    renames: &'a HandedOn,
}

impl Pair<'_> {
    /// A server that has loaded the restored files.
    fn first(
        &self,
        entry: &Entry,
        looked: Looked,
        name: &'static str,
        hear: &mut dyn FnMut(&str),
    ) -> Result<OwnServer, Failure> {
        let of = |words: &crate::backup::Words| words.bytes().unwrap_or_default();
        let word = |text: &'static str| OsStr::new(text);
        let home = self.home.path().join(name);
        let (dir, settings): (PathBuf, Vec<OsString>) = match (&entry.manifest, entry.files.first())
        {
            (Some(_), _) if !self.guard.knows_sets() => {
                let why = "this server knows no sets of several files; they came with 7.0";
                return Err(Failure { why: why.to_owned(), is_unknown: false });
            }
            (Some(manifest), _) => {
                let manifest = of(&manifest.name);
                let stem = manifest::stem(&manifest).unwrap_or(&manifest);
                let stem = OsStr::from_bytes(stem);
                let set = [word("--appenddirname"), word(SET), word("--appendfilename"), stem];
                (home, [words(["--appendonly", "yes"]), words(set)].concat())
            }
            (None, Some(file)) => {
                let log = of(&file.name);
                let is_log = file.commands > 0 || log.ends_with(b".aof");
                let (switch, key) =
                    if is_log { ("yes", "--appendfilename") } else { ("no", "--dbfilename") };
                let file = [word("--appendonly"), word(switch), word(key), OsStr::from_bytes(&log)];
                (home.join(SET), words(file))
            }
            (None, None) => {
                let why = "it has no files".to_owned();
                return Err(Failure { why, is_unknown: false });
            }
        };
        self.start(name, &dir, settings, looked, hear)
    }

    /// A server that has loaded what our readers tell.
    fn second(&self, looked: Looked) -> Result<OwnServer, Failure> {
        let home = self.home.path().join(SECOND);
        let on = words(["--appendonly", "yes", "--appendfilename", second::DIR]);
        let (dir, settings) = match self.guard.knows_sets() {
            true => (home, [on, words(["--appenddirname", second::DIR])].concat()),
            false => (home.join(second::DIR), on),
        };
        self.start(SECOND, &dir, settings, looked, &mut |_: &str| {})
    }

    fn start(
        &self,
        name: &'static str,
        dir: &Path,
        mut settings: Vec<OsString>,
        looked: Looked,
        hear: &mut dyn FnMut(&str),
    ) -> Result<OwnServer, Failure> {
        settings.extend(words(["--databases", DATABASES, "--appendfsync", "no"]));
        settings.extend(words(["--aof-load-truncated", "no"]));
        settings.extend(self.renames.arguments());
        settings.extend_from_slice(self.arguments);
        let load = Load { home: self.home, name, looked, dir, settings: &settings };
        OwnServer::start(self.guard, &load, self.leash, hear)
    }
}
