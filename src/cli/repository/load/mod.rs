//! `verify --load`: the newest snapshot of each source, loaded by a real server in two ways that must agree:
//! its files as they are restored, without a torn end being taken, and its content as our own readers tell
//! it, written as one log.
//!
//! Both are loads of a log, in which nothing expires on the way, whatever the clock says. What expires
//! later is left out on both sides: keys that live beyond the end of both readings are compared.

mod compare;
mod second;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aofkit::backup::{Entry, Listed, Repository, RestoreOptions, restore};
use aofkit::disk::{self, NewFile};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::server::{Access, Address, Server};

use crate::cli::interrupt::Interrupt;
use crate::cli::own_server::{Leash, OwnServer, major_version, words};
use crate::cli::progress::Bar;

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(600);

/// More databases than anybody has: a set does not tell how many its server had.
const DATABASES: &str = "1024";

/// What a server made of a snapshot.
#[derive(Debug, Default)]
pub struct Loaded {
    pub id: String,
    pub source: String,
    /// Keys in all databases that have not expired.
    pub keys: u64,
    /// The same by database.
    pub databases: BTreeMap<u64, u64>,
    /// Over all keys and libraries that were compared.
    pub digest: Option<String>,
    /// Why it does not load; `None` when it does.
    pub why: Option<String>,
    /// Whether it was compared with what our readers tell.
    pub compared: bool,
    /// Keys that could not be, by no fault of the snapshot.
    pub left_out: u64,
    pub differences: Vec<Difference>,
}

/// How the two ways differ.
#[derive(Debug)]
pub struct Difference {
    pub what: String,
    /// The key that it is about.
    pub key: Option<Vec<u8>>,
}

impl Loaded {
    /// Whether nothing speaks against the snapshot.
    pub fn is_good(&self) -> bool {
        self.why.is_none() && self.differences.is_empty()
    }
}

/// What to load, and how.
#[derive(Clone)]
pub struct Loading {
    pub repo: PathBuf,
    pub server: PathBuf,
    pub source: Option<String>,
    pub threads: usize,
    pub bar: bool,
}

/// A server program.
struct Program {
    path: PathBuf,
    /// Whether it knows sets of several files, which came with 7.0.
    knows_sets: bool,
}

impl Loading {
    /// Loads the newest snapshot of each source. Ctrl-C ends the servers and removes what they had.
    pub fn run(self) -> Result<Vec<Loaded>> {
        if !cfg!(feature = "server") {
            let why = "this build cannot ask a server what it has loaded: it was made without the feature `server`";
            return Err(Error::new(ErrorKind::Refused(why.to_owned()), &self.server));
        }
        let path = self.repo.clone();
        let interrupt = Interrupt::listen().map_err(|e| Error::io(&path, e))?;
        Leash::default().work(&interrupt, &path, move |leash| self.all(leash))
    }

    fn all(&self, leash: &Leash) -> Result<Vec<Loaded>> {
        let major = major_version(&self.server)?;
        let program = Program { path: self.server.clone(), knows_sets: major == 0 || major >= 7 };
        let mut newest: Vec<Listed> = Vec::new();
        for listed in Repository::open_local(&self.repo)?.list()? {
            if self.source.as_ref().is_some_and(|source| *source != listed.source) {
                continue;
            }
            match newest.last_mut() {
                Some(last) if last.source == listed.source => *last = listed,
                _ => newest.push(listed),
            }
        }
        newest.iter().map(|listed| self.one(listed, &program, leash)).collect()
    }

    fn one(&self, listed: &Listed, program: &Program, leash: &Leash) -> Result<Loaded> {
        let repository = Repository::open_local(&self.repo)?;
        let entry = repository.entry(listed)?;
        let own = leash.scratch()?;
        let home = own.path();
        let (id, source) = (listed.id.clone(), listed.source.clone());
        let mut loaded = Loaded { id, source, ..Loaded::default() };
        let options = RestoreOptions { replace: false, threads: self.threads };
        restore(&repository, &entry, &home.join(SET), options, &Bar::new(self.bar))?;
        let first = match program.first(&entry, home, leash) {
            Ok(server) => server,
            Err(why) => {
                loaded.why = Some(why);
                return Ok(loaded);
            }
        };
        let place = second::Place::new(home, program.knows_sets);
        disk::make_dir(&home.join(second::DIR), 0o700)?;
        let told = second::write(repository, &entry, &place.log, &Bar::new(self.bar))?;
        if let Some((path, text)) = &place.manifest {
            NewFile::create(path, 0o600)?.write_at(text, 0)?;
        }
        let promise = told.broken_promise(&entry);
        loaded.differences.extend(promise.map(|what| Difference { what, key: None }));
        let second = match program.second(home, leash) {
            Ok(server) => Some(server),
            Err(why) => {
                let what = format!("its files load, and the commands in them do not: {why}");
                loaded.differences.push(Difference { what, key: None });
                None
            }
        };
        loaded.compared = second.is_some();
        let second = second.as_ref().map(connected).transpose()?;
        compare::compare(&mut loaded, &told, &entry, connected(&first)?, second)?;
        Ok(loaded)
    }
}

fn connected(server: &OwnServer) -> Result<Server> {
    let access = Access { patience: PATIENCE, ..Access::default() };
    Server::connect(&Address::of_path(&server.socket), &access)
}

/// Where the restored files are.
const SET: &str = "aof";

impl Program {
    /// A server that has loaded the restored files.
    fn first(&self, entry: &Entry, home: &Path, leash: &Leash) -> Result<OwnServer, String> {
        let of = |words: &aofkit::backup::Words| words.bytes().unwrap_or_default();
        let word = |text: &'static str| OsStr::new(text);
        let (dir, settings): (PathBuf, Vec<OsString>) = match (&entry.manifest, entry.files.first())
        {
            (Some(_), _) if !self.knows_sets => {
                let why = "this server knows no sets of several files; they came with 7.0";
                return Err(why.to_owned());
            }
            (Some(manifest), _) => {
                let name = of(&manifest.name);
                let stem = OsStr::from_bytes(name.strip_suffix(b".manifest").unwrap_or(&name));
                let set = [word("--appenddirname"), word(SET), word("--appendfilename"), stem];
                (home.to_owned(), [words(["--appendonly", "yes"]), words(set)].concat())
            }
            (None, Some(file)) => {
                let name = of(&file.name);
                let is_log = file.commands > 0 || name.ends_with(b".aof");
                let (switch, key) =
                    if is_log { ("yes", "--appendfilename") } else { ("no", "--dbfilename") };
                let file =
                    [word("--appendonly"), word(switch), word(key), OsStr::from_bytes(&name)];
                (home.join(SET), words(file))
            }
            (None, None) => return Err("it has no files".to_owned()),
        };
        self.start(&dir, &home.join("1"), settings, leash)
    }

    /// A server that has loaded what our readers tell.
    fn second(&self, home: &Path, leash: &Leash) -> Result<OwnServer, String> {
        let on = words(["--appendonly", "yes", "--appendfilename", second::DIR]);
        let (dir, settings) = match self.knows_sets {
            true => (home.to_owned(), [on, words(["--appenddirname", second::DIR])].concat()),
            false => (home.join(second::DIR), on),
        };
        self.start(&dir, &home.join("2"), settings, leash)
    }

    fn start(
        &self,
        dir: &Path,
        socket: &Path,
        mut settings: Vec<OsString>,
        leash: &Leash,
    ) -> Result<OwnServer, String> {
        settings.extend(words(["--databases", DATABASES, "--appendfsync", "no"]));
        settings.extend(words(["--aof-load-truncated", "no"]));
        OwnServer::start(&self.path, dir, socket, &settings, leash, &mut |_| {})
    }
}
