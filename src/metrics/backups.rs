//! What a repository has of the sources in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::list::{
    BACKUP_KEYS, BACKUP_LAST, BACKUP_LOGICAL, BACKUP_MARKS, BACKUP_NEW, BACKUP_PRESENT,
    BACKUP_SHRUNK, BACKUP_SNAPSHOTS, BACKUP_VERIFIED, BACKUP_VERIFIED_WELL, REPOSITORY_SUCCESS,
};
use super::of_set::from_ms;
use super::samples::{Samples, label};
use crate::backup::{Entry, Listed, Moment, Repository};
use crate::error::{Error, Result};
use crate::fleet::{Source, sources};

/// How long it may take until a verification is told that was written down; a new snapshot is told at once.
const LOOKS_EVERY: Duration = Duration::from_secs(60);

/// A repository that is looked at again and again.
pub(super) struct Backups {
    path: PathBuf,
    /// Its snapshots, and when their entries were read.
    listed: Option<(Vec<Listed>, Instant)>,
    sources: Vec<Source>,
    is_read: bool,
}

impl Backups {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, listed: None, sources: Vec::new(), is_read: false }
    }

    /// Reads what is new in it.
    pub(super) fn look(&mut self, complain: &mut dyn FnMut(&Error)) {
        let looked = self.read();
        self.is_read = looked.is_ok();
        if let Err(e) = looked {
            self.listed = None;
            complain(&e);
        }
    }

    fn read(&mut self) -> Result<()> {
        let repository = Repository::at(&self.path)?;
        let listed = repository.list()?;
        let is_known = |(known, read): &(Vec<Listed>, Instant)| {
            *known == listed && read.elapsed() < LOOKS_EVERY
        };
        if !self.listed.as_ref().is_some_and(is_known) {
            self.sources = sources(&repository, None)?;
            self.sources.retain(|source| !source.is_as_is());
            self.listed = Some((listed, Instant::now()));
        }
        Ok(())
    }

    /// The newest snapshot of every source.
    pub(super) fn newest(&self) -> Vec<Entry> {
        self.sources.iter().filter_map(|source| source.newest.clone()).collect()
    }

    /// Names the snapshots that count, so that it is seen when there are others.
    pub(super) fn state(&self) -> Vec<String> {
        let newest = self.sources.iter().filter_map(|source| source.newest.as_ref());
        newest.map(|entry| entry.id.clone()).collect()
    }

    /// Whether it could be read at the last look.
    pub(super) const fn is_read(&self) -> bool {
        self.is_read
    }

    /// `known` are the names of sets, each with the source that it is, or none.
    pub(super) fn tell(&self, samples: &mut Samples, known: &[(&str, Option<&str>)]) {
        samples.add(&REPOSITORY_SUCCESS, &[&label(&self.path)], self.is_read);
        if !self.is_read {
            return;
        }
        for (set, source) in known {
            samples.add(&BACKUP_PRESENT, &[set], source.is_some());
        }
        let sets: BTreeMap<_, _> =
            known.iter().filter_map(|(set, source)| Some(((*source)?, *set))).collect();
        for source in &self.sources {
            let set = sets.get(source.name.as_str()).copied().unwrap_or("");
            tell_source(samples, [set, &source.name], source);
        }
    }
}

fn tell_source(samples: &mut Samples, labels: [&str; 2], source: &Source) {
    samples.add(&BACKUP_SNAPSHOTS, &labels, source.snapshots);
    if let Some(look) = source.last_look() {
        let at = Moment::parse(&look.at).map(|at| from_ms(at.milliseconds()));
        samples.add_known(&BACKUP_VERIFIED, &labels, at);
        samples.add(&BACKUP_VERIFIED_WELL, &labels, look.good);
    }
    let Some(newest) = &source.newest else { return };
    samples.add_known(&BACKUP_LAST, &labels, source.taken_ms().map(from_ms));
    samples.add(&BACKUP_NEW, &labels, newest.new_bytes);
    let bytes = newest.files.iter().map(|file| file.size).sum::<u64>();
    samples.add(&BACKUP_LOGICAL, &labels, bytes);
    samples.add_known(&BACKUP_KEYS, &labels, newest.keys.map(|keys| keys.alive));
    let shrunk = source.shrunk().and_then(|mark| mark.percent).unwrap_or(0);
    samples.add(&BACKUP_SHRUNK, &labels, shrunk as f64 / 100.0);
    let mut marks: BTreeMap<&str, u64> = BTreeMap::new();
    for mark in &newest.marks {
        *marks.entry(&mark.kind).or_default() += 1;
    }
    for (kind, count) in marks {
        samples.add(&BACKUP_MARKS, &[labels[0], labels[1], kind], count);
    }
}
