//! All sets at some paths, looked at again and again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::backups::Backups;
use super::list::{BUILD_INFO, WRITTEN_TIMESTAMP};
use super::of_set::from_ms;
use super::samples::{Samples, label};
use super::watched::{Means, Watched};
use crate::aof::{Aof, Configuration, Layout, OpenOptions, open_each};
use crate::backup::{continued, place_of};
use crate::disk;
use crate::error::{Error, ErrorKind};
use crate::scan::Pace;

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
    /// Its source in the repository, or that it is none of those there, and the snapshots by which that was found; `None`
    /// where it is not known.
    source: Option<(Option<String>, Vec<String>)>,
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
        let mut places = HashSet::new();
        for path in 0..self.paths.len() {
            self.look_at(path, &means, complain, &mut places);
        }
        let mut samples = Samples::default();
        for (name, of_path) in &self.sets {
            of_path.set.figures.tell(&mut samples, name);
        }
        if let Some(backups) = &self.backups {
            let sets = self.sets.iter();
            let known = sets.filter_map(|(name, one)| Some((&**name, one.source.as_ref()?)));
            let known = known.map(|(name, (source, _))| (name, source.as_deref()));
            backups.tell(&mut samples, &known.collect::<Vec<_>>());
        }
        samples.add(&BUILD_INFO, &[env!("CARGO_PKG_VERSION")], true);
        samples.add(&WRITTEN_TIMESTAMP, &[], from_ms(now_ms));
        samples
    }

    /// Looks at the sets of a path, without those that another path led to already: `places` are where these lie.
    fn look_at(
        &mut self,
        path: usize,
        means: &Means,
        complain: &mut dyn FnMut(&Error),
        places: &mut HashSet<PathBuf>,
    ) {
        let mut seen = BTreeSet::new();
        match open_each(&self.paths[path], &self.open) {
            Ok(opened) => {
                for one in opened {
                    match one {
                        Ok(aof) => {
                            let name = name(&aof);
                            if place_of(&aof).is_ok_and(|place| !places.insert(place)) {
                                self.sets.retain(|own, one| *own != name || one.path != path);
                                continue;
                            }
                            self.set(&name, path).set.look(&aof, means);
                            self.find_source(&name, &aof);
                            seen.insert(name);
                        }
                        Err(e) => {
                            complain(&e);
                            for name in self.names_of_failed(path, &e) {
                                self.set(&name, path).set.fail(&e);
                                seen.insert(name);
                            }
                        }
                    }
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
        // Without the configuration the set was not looked for.
        let conf = self.open.conf.as_deref().map(Configuration::read);
        let is_by_conf = conf.is_some_and(|read| read.is_err());
        let fail = |set: &mut Watched| if is_by_conf { set.fail_by_conf() } else { set.fail(e) };
        let of_path = self.sets.iter_mut().filter(|(_, one)| one.path == path);
        for (name, one) in of_path {
            fail(&mut one.set);
            seen.insert(name.clone());
        }
        if seen.is_empty() {
            let name = match self.paths[path].as_os_str().is_empty() {
                true => self.open.conf.as_deref().map(label).unwrap_or_default(),
                false => label(&self.paths[path]),
            };
            let one = self.set(&name, path);
            fail(&mut one.set);
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
        let new = || OfPath { path, is_path: false, set: Watched::default(), source: None };
        self.sets.entry(name.to_owned()).or_insert_with(new)
    }

    /// Which source of the repository the set is. That takes a look into its files, so it is found anew only where
    /// there are other snapshots. What cannot be told stays unknown.
    fn find_source(&mut self, name: &str, aof: &Aof) {
        let Some((backups, one)) = self.backups.as_ref().zip(self.sets.get_mut(name)) else {
            return;
        };
        let snapshots = backups.state();
        if !backups.is_read() || one.source.as_ref().is_some_and(|(_, by)| *by == snapshots) {
            return;
        }
        let newest = backups.newest();
        let found = continued(aof, &newest).ok();
        one.source = found.map(|found| (found.map(|entry| entry.source.clone()), snapshots));
    }

    /// A set that cannot be opened is told apart by the file that could not be; of a directory that cannot be looked at, the
    /// sets that were seen in it, or the directory itself.
    fn names_of_failed(&self, path: usize, e: &Error) -> Vec<String> {
        let file = e.path();
        let of_path = || self.sets.iter().filter(|(_, one)| one.path == path);
        if disk::is_dir(file).unwrap_or(false) {
            let inside = of_path().map(|(name, _)| name);
            let inside: Vec<_> =
                inside.filter(|name| Path::new(name).starts_with(file)).cloned().collect();
            return if inside.is_empty() { vec![label(file)] } else { inside };
        }
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(file);
        let own = label(file);
        let is_known = of_path().any(|(name, _)| *name == own);
        vec![if is_known { own } else { label(dir) }]
    }
}

/// What a set is called, however many lie at its path: by its own directory, a single file by its path.
fn name(aof: &Aof) -> String {
    match aof.layout {
        Layout::MultiPart => label(&aof.dir()),
        _ => label(&aof.path),
    }
}
