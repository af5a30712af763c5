//! All sets at some paths, looked at again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::backups::Backups;
use super::list::{BUILD_INFO, WRITTEN_TIMESTAMP};
use super::of_set::from_ms;
use super::samples::Samples;
use super::watched::{Means, Watched};
use crate::aof::{Aof, Layout, OpenOptions, open_each};
use crate::backup::continued;
use crate::error::{Error, ErrorKind};
use crate::scan::Pace;
use crate::text;

/// Looks at sets, and remembers what it has read of them.
pub struct Watcher {
    paths: Vec<PathBuf>,
    open: OpenOptions,
    pace: Pace,
    backups: Option<Backups>,
    sets: BTreeMap<String, OfPath>,
}

/// A set, and the path that led to it.
struct OfPath {
    path: usize,
    /// The path led to nothing, and stands for what should be there.
    is_path: bool,
    set: Watched,
    /// Its source in the repository, and the snapshots by which that was found.
    source: (Option<String>, Vec<String>),
}

impl Watcher {
    /// For the sets at these paths; an empty path stands for what the configuration says.
    pub fn new(paths: Vec<PathBuf>, open: OpenOptions, pace: Pace) -> Self {
        Self { paths, open, pace, backups: None, sets: BTreeMap::new() }
    }

    /// Also tells what the repository at this location has.
    #[must_use]
    pub fn with_repository(mut self, location: Option<PathBuf>) -> Self {
        self.backups = location.map(Backups::new);
        self
    }

    /// Looks at every set once. What cannot be read is told by its figures, and by `complain`. A set that was seen and is
    /// gone is told as not found, until it is there again.
    pub fn look(&mut self, complain: &mut dyn FnMut(&Error)) -> Samples {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let means = Means { pace: self.pace, now_ms };
        if let Some(backups) = &mut self.backups {
            backups.look(complain);
        }
        for path in 0..self.paths.len() {
            self.look_at(path, &means, complain);
        }
        let mut samples = Samples::default();
        for (name, of_path) in &self.sets {
            of_path.set.figures.tell(&mut samples, name);
        }
        if let Some(backups) = &self.backups {
            let sets = self.sets.iter();
            let named = sets.filter_map(|(name, one)| Some((one.source.0.as_deref()?, &**name)));
            backups.tell(&mut samples, &named.collect());
        }
        samples.add(&BUILD_INFO, &[env!("CARGO_PKG_VERSION")], true);
        samples.add(&WRITTEN_TIMESTAMP, &[], from_ms(now_ms));
        samples
    }

    fn look_at(&mut self, path: usize, means: &Means, complain: &mut dyn FnMut(&Error)) {
        let mut seen = BTreeSet::new();
        match open_each(&self.paths[path], &self.open) {
            Ok(opened) => {
                for one in opened {
                    let name = match &one {
                        Ok(aof) => name(aof),
                        Err(e) => self.name_of_failed(path, e),
                    };
                    match one {
                        Ok(aof) => {
                            self.set(&name, path).set.look(&aof, means);
                            self.find_source(&name, &aof);
                        }
                        Err(e) => {
                            complain(&e);
                            self.set(&name, path).set.fail(&e);
                        }
                    }
                    seen.insert(name);
                }
            }
            Err(e) => self.nothing_at(path, &e, complain, &mut seen),
        }
        self.forget_gone(path, &seen);
    }

    /// The path led to no set.
    fn nothing_at(
        &mut self,
        path: usize,
        e: &Error,
        complain: &mut dyn FnMut(&Error),
        seen: &mut BTreeSet<String>,
    ) {
        complain(e);
        let of_path = self.sets.iter_mut().filter(|(_, one)| one.path == path);
        for (name, one) in of_path {
            one.set.fail(e);
            seen.insert(name.clone());
        }
        if seen.is_empty() {
            let name = match self.paths[path].as_os_str().is_empty() {
                true => self.open.conf.as_deref().map(text::path).unwrap_or_default(),
                false => text::path(&self.paths[path]),
            };
            let one = self.set(&name, path);
            one.set.fail(e);
            one.is_path = true;
            seen.insert(name);
        }
    }

    /// Sets that this path led to before, and does not any more.
    fn forget_gone(&mut self, path: usize, seen: &BTreeSet<String>) {
        let is_gone = |name: &String, one: &OfPath| one.path == path && !seen.contains(name);
        self.sets.retain(|name, one| !(one.is_path && is_gone(name, one)));
        for (name, one) in &mut self.sets {
            if is_gone(name, one) {
                one.set.fail(&Error::new(ErrorKind::NotFound, Path::new(name)));
            }
        }
    }

    fn set(&mut self, name: &str, path: usize) -> &mut OfPath {
        let new = || {
            let (set, source) = (Watched::default(), Default::default());
            OfPath { path, is_path: false, set, source }
        };
        self.sets.entry(name.to_owned()).or_insert_with(new)
    }

    /// Which source of the repository the set is. That takes a look into its files, so it is found anew only where
    /// there are other snapshots. What cannot be told stays unknown.
    fn find_source(&mut self, name: &str, aof: &Aof) {
        let Some((backups, one)) = self.backups.as_ref().zip(self.sets.get_mut(name)) else {
            return;
        };
        let snapshots = backups.state();
        if one.source.1 == snapshots {
            return;
        }
        let newest = backups.newest();
        let found = continued(aof, &newest).ok().flatten();
        one.source = (found.map(|entry| entry.source.clone()), snapshots);
    }

    /// A set that cannot be opened is told apart by the file that could not be.
    fn name_of_failed(&self, path: usize, e: &Error) -> String {
        let file = e.path();
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(file);
        let [own, of_dir] = [file, dir].map(text::path);
        let is_known = |name: &String| self.sets.get(name).is_some_and(|one| one.path == path);
        if is_known(&own) { own } else { of_dir }
    }
}

/// What a set is called, however many lie at its path: by its own directory, a single file by its path.
fn name(aof: &Aof) -> String {
    match aof.layout {
        Layout::MultiPart => text::path(&aof.dir()),
        _ => text::path(&aof.path),
    }
}
