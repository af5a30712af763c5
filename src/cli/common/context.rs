//! What the global options mean, and the sets that a verb works on.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, Configuration, OpenOptions, open_each, open_found, seed_of};
use aofkit::backup::place_of;
use aofkit::command::Renames;
use aofkit::error::Error;
use aofkit::fleet::{Place, side_by_side};
use aofkit::format::conf::Settings;
use aofkit::progress::Progress;
use aofkit::scan::{Pace, Pieces};
use clap::ValueEnum;

use super::asking::Asking;
use super::outcome::Outcome;
use super::progress::Bar;
use super::server::Asked;
use super::sets::{vacant_line, without_set};
use super::view::View;
use super::{json, repository};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// Comma-separated values with a header; only of `stats`
    Csv,
    /// Folded stacks for flame-graph viewers; only of `stats`
    Folded,
    /// What `redis-cli --pipe` takes; only of `cat` and `recover`
    Resp,
    /// One JSON object per line; only of `cat`, whose --json it is
    Ndjson,
    /// Static Analysis Results Interchange Format 2.1.0; only of `audit`
    Sarif,
}

/// What the global options mean.
pub struct Context {
    pub view: View,
    pub open: OpenOptions,
    pub pace: Pace,
    pub source: Option<String>,
    /// Configurations beside that of `open`; of `audit` alone.
    pub more_confs: Vec<PathBuf>,
    pub threads: usize,
    pub json: bool,
    pub format: Format,
    pub bar: bool,
    /// The running server to ask.
    pub server: Option<Asked>,
    /// The server program that is to load copies.
    pub trial: Option<Asking>,
}

/// A renderer takes the view alone, a verb has it with all the rest.
impl std::ops::Deref for Context {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

/// One of the sets that a verb works on.
pub struct Turn {
    pub bar: Bar,
    /// There is no other.
    pub is_alone: bool,
    /// How keys are hashed, the same for all sets of a run.
    pub seed: u64,
}

impl Context {
    /// What the configuration says; `None` where none was named.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn settings(&self) -> Result<Option<Settings>, Error> {
        let read = self.open.conf.as_deref().map(Configuration::read).transpose()?;
        Ok(read.map(|read| read.settings))
    }

    /// By which names the server has its commands, as the configuration says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn names(&self) -> Result<Renames, Error> {
        let settings = self.settings()?;
        Ok(settings.map(|s| Renames::of(&s.renamed_commands)).unwrap_or_default())
    }

    /// Opens every set at `path`, which may also name a snapshot in a repository.
    pub fn open_each(&self, path: &Path) -> Result<Vec<Result<Aof, Error>>, Error> {
        match repository::snapshot(path, &self.open, self.source.as_deref()) {
            Some(opened) => Ok(vec![opened]),
            None => open_each(path, &self.open),
        }
    }

    /// The same without what could not be looked at, for a verb that works on one set.
    pub fn open_found(&self, path: &Path) -> Result<Vec<Result<Aof, Error>>, Error> {
        match repository::snapshot(path, &self.open, self.source.as_deref()) {
            Some(opened) => Ok(vec![opened]),
            None => open_found(path, &self.open),
        }
    }

    /// Does the work for every set at `path`, side by side. A set that fails among several is told and left out, and
    /// the outcome says so; one that is alone is an error.
    pub fn each_set<T: Send>(
        &self,
        path: &Path,
        work: impl Fn(Aof, &Turn) -> Result<T, Error> + Sync,
    ) -> Result<(Vec<T>, Option<Outcome>), Error> {
        let paths = [path.to_owned()];
        let opened = self.open_all(&paths)?;
        let places: Vec<_> = opened.iter().flatten().map(Place::of).collect();
        if let Some(told) = vacant_line(&without_set(&places, &paths), path) {
            self.warn(&told);
        }
        let (done, failed) = self.each_opened(opened, work)?;
        Ok((done, failed.first().copied()))
    }

    /// The same for the sets at all of these paths. Answers how each ended that failed.
    pub fn each_of<T: Send>(
        &self,
        paths: &[PathBuf],
        work: impl Fn(Aof, &Turn) -> Result<T, Error> + Sync,
    ) -> Result<(Vec<T>, Vec<Outcome>), Error> {
        self.each_opened(self.open_all(paths)?, work)
    }

    fn open_all(&self, paths: &[PathBuf]) -> Result<Vec<Result<Aof, Error>>, Error> {
        let mut opened = Vec::new();
        for path in paths {
            match self.open_each(path) {
                Ok(sets) => opened.extend(sets),
                Err(error) if paths.len() > 1 => opened.push(Err(error)),
                Err(error) => return Err(error),
            }
        }
        only_once(&mut opened);
        Ok(opened)
    }

    fn each_opened<T: Send>(
        &self,
        opened: Vec<Result<Aof, Error>>,
        work: impl Fn(Aof, &Turn) -> Result<T, Error> + Sync,
    ) -> Result<(Vec<T>, Vec<Outcome>), Error> {
        let several = opened.len() > 1;
        let seed = seed_of(opened.iter().flatten());
        let threads = self.threads_for_sets();
        // A bar for each of several at once would be no bar at all.
        let is_shown = self.bar && !(several && threads > 1);
        let work = |set: Result<Aof, Error>| {
            set.and_then(|set| {
                work(set, &Turn { bar: Bar::new(is_shown), is_alone: !several, seed })
            })
        };
        let (mut done, mut failed) = (Vec::with_capacity(opened.len()), Vec::new());
        let all = Bar::of_many(self.bar && several && !is_shown, opened.len() as u64);
        let results = side_by_side(opened, threads, work, |_| all.advance(1));
        all.finish();
        for result in results {
            match result {
                Ok(result) => done.push(result),
                Err(error) if several => {
                    self.complain(&error);
                    failed.push(match Outcome::of_error(&error) {
                        told @ (Outcome::NotFound | Outcome::Interrupted) => told,
                        _ => Outcome::CouldNot,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Ok((done, failed))
    }

    /// How fast a set is read: by several threads where no other set is read beside it.
    pub fn pace_of(&self, turn: &Turn) -> Pace {
        match turn.is_alone {
            true => self.pace,
            false => Pace { pieces: Pieces::default(), ..self.pace },
        }
    }

    /// How many sets are read at the same time: one after the other where a rate holds for all that is read, or where a
    /// server is to load each.
    fn threads_for_sets(&self) -> usize {
        let is_alone = self.pace.bytes_per_second.is_some() || self.trial.is_some();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if is_alone { 1 } else { self.threads.min(cores) }
    }

    /// Tells of an error on standard error, in the form that was asked for.
    pub fn complain(&self, error: &Error) {
        let text = if self.json { json::error(error) } else { format!("aofkit: {error}") };
        crate::cli::common::output::complain(&text);
    }

    /// Something that was found, on standard error; in JSON it is a part of the result.
    pub fn warn(&self, text: &str) {
        if !self.json {
            crate::cli::common::output::complain(&format!("aofkit: WARNING: {text}"));
        }
    }

    /// A note on standard error, unless notes are unwanted.
    pub fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            crate::cli::common::output::complain(&format!("aofkit: {text}"));
        }
    }
}

/// Leaves out sets that are there already, which another of the paths led to.
pub fn only_once(opened: &mut Vec<Result<Aof, Error>>) {
    let mut places = HashSet::new();
    opened.retain(|one| match one {
        Ok(aof) => place_of(aof).map_or(true, |place| places.insert(place)),
        Err(_) => true,
    });
}
