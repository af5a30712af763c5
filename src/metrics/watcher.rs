//! All sets at some paths, looked at again and again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::backups::Backups;
use super::list::{BUILD_INFO, WRITTEN_TIMESTAMP};
use super::of_set::from_ms;
use super::samples::{Samples, label};
use super::watched::{Means, Watched};
use crate::aof::{Aof, Configuration, Layout, OpenOptions, open_each, segment_name};
use crate::backup::{Fits, place_of, share_out};
use crate::disk;
use crate::error::{Error, ErrorKind};
use crate::fleet::{Place, homes, vacant};
use crate::format::manifest;
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
    /// The set's own directory, or the file that it is, where it was seen.
    own: Option<PathBuf>,
    set: Watched,
    /// The sources in the repository that it may be, and the snapshots by which these were found; `None` where that is not
    /// known.
    fits: Option<(Fits, Vec<String>)>,
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
            let known = self.sets.iter().filter_map(|(name, one)| Some((name, one.fits.as_ref()?)));
            let (names, fits): (Vec<_>, Vec<_>) =
                known.map(|(name, (fits, _))| (&**name, fits.clone())).unzip();
            let sources = share_out(&fits);
            let known = names.into_iter().zip(sources.iter().map(Option::as_deref));
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
                let found: Vec<_> = opened.iter().flatten().map(Place::of).collect();
                let mut homes = homes(&found, &self.paths[path]).into_iter();
                for one in opened {
                    let named = one.map(|aof| (label(&homes.next().unwrap_or(aof.dir())), aof));
                    match named {
                        Ok((name, aof)) => {
                            if place_of(&aof).is_ok_and(|place| !places.insert(place)) {
                                self.sets.retain(|own, one| *own != name || one.path != path);
                                continue;
                            }
                            self.look_at_set(&name, path, &aof, means);
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
                self.miss(path, &found, complain, &mut seen);
            }
            Err(e) => self.nothing_at(path, &e, complain, &mut seen),
        }
        self.forget_gone(path, &seen);
    }

    fn look_at_set(&mut self, name: &str, path: usize, aof: &Aof, means: &Means) {
        let one = self.set(name, path);
        one.set.look(aof, means);
        one.own = Some(own(aof));
        one.is_path = false;
        self.find_source(name, aof);
    }

    /// Directories of servers beside those of the sets that were found, where none lies: their sets have gone away, now or
    /// before the first look.
    fn miss(
        &mut self,
        path: usize,
        found: &[Place],
        complain: &mut dyn FnMut(&Error),
        seen: &mut BTreeSet<String>,
    ) {
        if self.paths[path].as_os_str().is_empty() {
            return;
        }
        let vacant = vacant(found, &self.paths[path]);
        for dir in vacant.into_iter().filter(|one| one.is_of_server).map(|one| one.path) {
            let gone = Error::new(ErrorKind::NotFound, &dir);
            let inside = |one: &OfPath| one.own.as_ref().is_some_and(|own| own.starts_with(&dir));
            let of_path = self.sets.iter().filter(|(_, one)| one.path == path && inside(one));
            let mut names: Vec<_> = of_path.map(|(name, _)| name.clone()).collect();
            if names.is_empty() {
                let name = label(&dir);
                self.set(&name, path).is_path = true;
                names.push(name);
            }
            complain(&gone);
            for name in names {
                self.set(&name, path).set.fail(&gone);
                seen.insert(name);
            }
        }
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
        let new =
            || OfPath { path, is_path: false, own: None, set: Watched::default(), fits: None };
        self.sets.entry(name.to_owned()).or_insert_with(new)
    }

    /// Which sources of the repository the set may be. That takes a look into its files, so it is found anew only where
    /// there are other snapshots. What cannot be told stays unknown.
    fn find_source(&mut self, name: &str, aof: &Aof) {
        let Some((backups, one)) = self.backups.as_ref().zip(self.sets.get_mut(name)) else {
            return;
        };
        let snapshots = backups.state();
        if !backups.is_read() || one.fits.as_ref().is_some_and(|(_, by)| *by == snapshots) {
            return;
        }
        let newest = backups.newest();
        one.fits = Fits::of(aof, &newest).ok().map(|fits| (fits, snapshots));
    }

    /// A set that cannot be opened is told apart by the file that could not be; of a directory that cannot be looked at, the
    /// sets that were seen in it, or the directory itself.
    fn names_of_failed(&self, path: usize, e: &Error) -> Vec<String> {
        let (file, root) = (e.path(), &self.paths[path]);
        let of_path = |is_meant: &dyn Fn(&Path) -> bool| -> Vec<String> {
            let known = self.sets.iter().filter(|(_, one)| one.path == path);
            let meant = known.filter(|(_, one)| one.own.as_deref().is_some_and(is_meant));
            meant.map(|(name, _)| name.clone()).collect()
        };
        let file_name = file.file_name().unwrap_or_default();
        if disk::is_dir(file).unwrap_or(false) {
            let inside = of_path(&|own| own.starts_with(file));
            let home = match file_name == DEFAULT_DIR {
                true => Place::new(file, file, Layout::MultiPart).home(root),
                false => file.to_owned(),
            };
            return if inside.is_empty() { vec![label(&home)] } else { inside };
        }
        let dir = disk::parent(file);
        let known = of_path(&|own| own == file || own == dir);
        if !known.is_empty() {
            return known;
        }
        let name = file_name.as_bytes();
        let is_of_set = manifest::is_name(name) || segment_name(name).is_some();
        let layout = if is_of_set { Layout::MultiPart } else { Layout::SingleFile };
        vec![label(&Place::new(file, dir, layout).home(root))]
    }
}

/// The directory that servers keep a set in where nobody says another.
const DEFAULT_DIR: &str = "appendonlydir";

/// The set's own directory, or the one file that it is.
fn own(aof: &Aof) -> PathBuf {
    match aof.layout {
        Layout::MultiPart => aof.dir(),
        _ => aof.path.clone(),
    }
}
