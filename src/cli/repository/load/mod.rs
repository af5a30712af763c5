//! `verify --load`: the newest snapshot of each source, loaded by a real server in two ways that must agree:
//! its files as they are restored, without a torn end being taken, and its content as our own readers tell
//! it, written as one log.
//!
//! Both are loads of a log, in which nothing expires on the way, whatever the clock says. What expires
//! later is left out on both sides: keys that live beyond the end of both readings are compared.

mod keys;
mod second;
mod server;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aofkit::backup::{Entry, Listed, Repository, RestoreOptions, restore};
use aofkit::disk::{self, NewFile, Scratch};
use aofkit::error::{Error, ErrorKind, Result};

use self::keys::How;
use self::server::{Leash, Program, Running, settings};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Bar;

/// A difference must be seen so often: fields of hashes expire when the server finds the time.
const LOOKS: usize = 3;

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_secs(1);

/// Differing keys that are named.
const NAMED: usize = 5;

/// What a server made of a snapshot.
#[derive(Debug, Default)]
pub struct Loaded {
    pub id: String,
    pub source: String,
    /// Keys in all databases that have not expired.
    pub keys: u64,
    /// The same by database.
    pub databases: BTreeMap<u64, u64>,
    /// The server's digest of all keys and values, where it has the command.
    pub digest: Option<String>,
    /// Why it does not load; `None` when it does.
    pub why: Option<String>,
    /// Why it was not compared; `None` when it was.
    pub uncompared: Option<String>,
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

impl Loading {
    /// Loads the newest snapshot of each source. Ctrl-C ends the servers and removes what they had.
    pub fn run(self) -> Result<Vec<Loaded>> {
        let path = self.repo.clone();
        let interrupt = Interrupt::listen().map_err(|e| Error::io(&path, e))?;
        let leash = Leash::default();
        let held = leash.clone();
        let worker = std::thread::spawn(move || self.all(&held));
        while !worker.is_finished() {
            if interrupt.came() {
                leash.end();
                return Err(Error::new(ErrorKind::Interrupted, &path));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn all(&self, leash: &Leash) -> Result<Vec<Loaded>> {
        let program = Program::new(&self.server)?;
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
        let scratch = Scratch::new()?;
        leash.hold(scratch.path());
        let home = scratch.path();
        let (id, source) = (listed.id.clone(), listed.source.clone());
        let mut loaded = Loaded { id, source, ..Loaded::default() };
        let options = RestoreOptions { replace: false, threads: self.threads };
        restore(&repository, &entry, &home.join(SET), options, &Bar::new(self.bar))?;
        let mut first = match first(program, &entry, home, leash) {
            Ok(running) => running,
            Err(why) => {
                loaded.why = Some(why);
                return Ok(loaded);
            }
        };
        let digest = first.client.run(&[b"DEBUG", b"DIGEST"])?.text();
        loaded.digest = Some(digest).filter(|digest| digest.len() == 40);
        let place = second::Place::new(home, program.knows_sets());
        disk::make_dir(&home.join(second::DIR), 0o700)?;
        let told = second::write(repository, &entry, &place.log, &Bar::new(self.bar))?;
        if let Some((path, text)) = &place.manifest {
            NewFile::create(path, 0o600)?.write_at(text, 0)?;
        }
        let promise = told.broken_promise(&entry);
        loaded.differences.extend(promise.map(|what| Difference { what, key: None }));
        loaded.uncompared = told.not_comparable();
        let second = match loaded.uncompared {
            None => second_server(program, home, leash).map(Some),
            Some(_) => Ok(None),
        };
        match second {
            Ok(second) => compare(&mut loaded, &told, &entry, first, second, program)?,
            Err(why) => {
                let what = format!("its files load, and the commands in them do not: {why}");
                loaded.differences.push(Difference { what, key: None });
                loaded.databases = keys::databases(&mut first.client)?;
            }
        }
        loaded.keys = loaded.databases.values().sum();
        Ok(loaded)
    }
}

/// Where the restored files are.
const SET: &str = "aof";

/// A server that has loaded the restored files.
fn first(program: &Program, entry: &Entry, home: &Path, leash: &Leash) -> Result<Running, String> {
    let of = |words: &aofkit::backup::Words| words.bytes().unwrap_or_default();
    let word = |text: &'static str| OsStr::new(text);
    let (dir, settings): (PathBuf, Vec<OsString>) = match (&entry.manifest, entry.files.first()) {
        (Some(_), _) if !program.knows_sets() => {
            return Err("this server knows no sets of several files; they came with 7.0".to_owned());
        }
        (Some(manifest), _) => {
            let name = of(&manifest.name);
            let stem = OsStr::from_bytes(name.strip_suffix(b".manifest").unwrap_or(&name));
            let dirname = [word("--appenddirname"), word(SET), word("--appendfilename"), stem];
            let on = [word("--appendonly"), word("yes")];
            (home.to_owned(), [settings(on), settings(dirname)].concat())
        }
        (None, Some(file)) => {
            let name = of(&file.name);
            let is_log = file.commands > 0 || name.ends_with(b".aof");
            let (switch, key) =
                if is_log { ("yes", "--appendfilename") } else { ("no", "--dbfilename") };
            let words = [word("--appendonly"), word(switch), word(key), OsStr::from_bytes(&name)];
            (home.join(SET), settings(words))
        }
        (None, None) => return Err("it has no files".to_owned()),
    };
    program.start(&dir, &home.join("1"), &settings, leash)
}

/// A server that has loaded what our readers tell.
fn second_server(program: &Program, home: &Path, leash: &Leash) -> Result<Running, String> {
    let on = ["--appendonly", "yes", "--appendfilename", second::DIR].map(OsStr::new);
    let (dir, settings) = match program.knows_sets() {
        true => {
            let dirname = ["--appenddirname", second::DIR].map(OsStr::new);
            (home.to_owned(), [settings(on), settings(dirname)].concat())
        }
        false => (home.join(second::DIR), settings(on)),
    };
    program.start(&dir, &home.join("2"), &settings, leash)
}

/// Compares all keys of two servers, and where the base alone decides, their numbers with the base.
fn compare(
    loaded: &mut Loaded,
    told: &second::Told,
    entry: &Entry,
    mut first: Running,
    second: Option<Running>,
    program: &Program,
) -> Result<()> {
    let has_times = program.knows_sets();
    let now = || aofkit::backup::now().milliseconds();
    let Some(mut ours) = keys::collect(&mut first.client, has_times)? else {
        loaded.databases = keys::databases(&mut first.client)?;
        loaded.uncompared = Some("the server has no DEBUG DIGEST-VALUE".to_owned());
        return Ok(());
    };
    let mut end = now();
    if let Some(mut second) = second {
        let mut theirs = keys::collect(&mut second.client, has_times)?.unwrap_or_default();
        end = now();
        let mut found = ours.differences(&theirs, end, has_times);
        for _ in 1..LOOKS {
            if found.is_empty() {
                break;
            }
            std::thread::sleep(PAUSE);
            ours = keys::collect(&mut first.client, has_times)?.unwrap_or_default();
            theirs = keys::collect(&mut second.client, has_times)?.unwrap_or_default();
            end = now();
            found = ours.differences(&theirs, end, has_times);
        }
        numbers(loaded, &ours.living(end), &theirs.living(end), "the commands in it give");
        found.truncate(NAMED);
        let mut names = keys::names(&mut first.client, &found)?;
        names.append(&mut keys::names(&mut second.client, &found)?);
        for one in found {
            let key = names.remove(&one);
            let what = format!("db {}: {}", one.db, how(one.how));
            loaded.differences.push(Difference { what, key });
        }
    }
    if let Some(expected) = told.expected(entry, end) {
        numbers(loaded, &ours.living(end), &expected, "its base holds");
    }
    loaded.databases = ours.living(end);
    Ok(())
}

fn how(how: How) -> &'static str {
    match how {
        How::OnlyFirst => "the files give this key, the commands in them do not",
        How::OnlySecond => "the commands give this key, the files as the server loads them do not",
        How::Value => "this key has another value by the files than by the commands in them",
        How::Expiry => "this key expires at another time by the files than by the commands in them",
    }
}

/// Notes the databases that have not as many keys as they should.
fn numbers(
    loaded: &mut Loaded,
    found: &BTreeMap<u64, u64>,
    expected: &BTreeMap<u64, u64>,
    who: &str,
) {
    let dbs: std::collections::BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    for db in dbs {
        let of = |all: &BTreeMap<u64, u64>| all.get(db).copied().unwrap_or(0);
        if of(found) != of(expected) {
            let what = format!("db {db}: {} loaded, {who} {}", of(found), of(expected));
            loaded.differences.push(Difference { what, key: None });
        }
    }
}
