//! Where the servers of sets work: what sets are called by, and directories of servers in which no set lies.
//!
//! A name depends on the set and on the path that was typed, never on which other sets are there: otherwise a set that goes
//! away would give another one another name. The exception are sets that share a directory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::aof::{Aof, Layout};
use crate::disk;

/// Where a set lies.
#[derive(Clone, Debug)]
pub struct Place {
    path: PathBuf,
    /// Its own directory, or the one file that it is.
    own: PathBuf,
}

impl Place {
    /// A set that a path was resolved to, and its own directory.
    pub fn new(path: &Path, dir: &Path, layout: Layout) -> Self {
        let own = if layout == Layout::MultiPart { dir } else { path };
        Self { path: path.to_owned(), own: own.to_owned() }
    }

    /// Of this set.
    pub fn of(aof: &Aof) -> Self {
        let path = aof.manifest.as_ref().map_or(&aof.path, |manifest| &manifest.path);
        Self::new(path, &aof.dir(), aof.layout)
    }

    /// The directory that its server works in, as far as that is not above the path that was typed: then it is that path.
    pub fn home(&self, root: &Path) -> PathBuf {
        let server = self.own.parent().unwrap_or(&self.own);
        if server.starts_with(root) { server.to_owned() } else { root.to_owned() }
    }
}

/// What sets are called by that were found at a path: the directory of the server; where that has several of them, their own
/// directory, and where that has several, the file.
pub fn homes(places: &[Place], root: &Path) -> Vec<PathBuf> {
    let mut homes: Vec<_> = places.iter().map(|place| place.home(root)).collect();
    let others: [&dyn Fn(&Place) -> PathBuf; 2] =
        [&|place| place.own.clone(), &|place| place.path.clone()];
    for other in others {
        let mut times: HashMap<PathBuf, usize> = HashMap::new();
        homes.iter().for_each(|home| *times.entry(home.clone()).or_default() += 1);
        for (home, place) in homes.iter_mut().zip(places) {
            if times.get(home).is_some_and(|times| *times > 1) {
                *home = other(place);
            }
        }
    }
    homes
}

/// A directory beside those of servers, with no set in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vacant {
    /// The directory.
    pub path: PathBuf,
    /// It is that of a server: it is called as those beside it are but for a number, or a server has left something there.
    pub is_of_server: bool,
}

/// How deep a directory may be in which nothing is looked for.
const DEPTH: usize = 3;

/// Directories at a path that are beside those in which sets were found, and hold nothing but empty directories and what
/// servers of a cluster remember. What cannot be listed is told elsewhere.
pub fn vacant(places: &[Place], root: &Path) -> Vec<Vacant> {
    let mut children: BTreeMap<PathBuf, BTreeSet<OsString>> = BTreeMap::new();
    for home in places.iter().map(|place| place.home(root)) {
        let Ok(inside) = home.strip_prefix(root) else { continue };
        let mut dir = root.to_owned();
        for part in inside.components() {
            children.entry(dir.clone()).or_default().insert(part.as_os_str().to_owned());
            dir.push(part);
        }
    }
    let mut found = Vec::new();
    for (dir, with_set) in children {
        let patterns: BTreeSet<_> = with_set.iter().map(|name| pattern(name)).collect();
        for sub in disk::list_dir(&dir).unwrap_or_default() {
            if !sub.is_dir || sub.is_link || with_set.contains(&sub.name) || is_no_node(&sub.name) {
                continue;
            }
            let path = dir.join(&sub.name);
            let Some(left) = left_in(&path, 0) else { continue };
            let is_of_server = left || patterns.contains(&pattern(&sub.name));
            if is_of_server || with_set.len() > 1 {
                found.push(Vacant { path, is_of_server });
            }
        }
    }
    found
}

/// A name with `#` for each number in it.
fn pattern(name: &OsStr) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(name.len());
    for byte in name.as_bytes() {
        match byte.is_ascii_digit() {
            true if pattern.last() == Some(&b'#') => {}
            true => pattern.push(b'#'),
            false => pattern.push(*byte),
        }
    }
    pattern
}

/// What a file system or a person keeps beside nodes.
fn is_no_node(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".") || name == "lost+found"
}

/// Whether a server left something in a directory that is empty otherwise; `None` where there is anything else.
fn left_in(dir: &Path, depth: usize) -> Option<bool> {
    let mut is_of_server = false;
    for one in disk::list_dir(dir).ok()? {
        let name = one.name.as_bytes();
        let is_memory = name.starts_with(b"nodes") && name.ends_with(b".conf");
        is_of_server |= match one.is_dir {
            true if depth >= DEPTH => return None,
            true => left_in(&dir.join(&one.name), depth + 1)? || name == b"appendonlydir",
            false if is_memory => true,
            false => return None,
        };
    }
    Some(is_of_server)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(own: &str) -> Place {
        let manifest = format!("{own}/appendonly.aof.manifest");
        Place::new(Path::new(&manifest), Path::new(own), Layout::MultiPart)
    }

    fn called(sets: &[&str], root: &str) -> Vec<String> {
        let places: Vec<_> = sets.iter().map(|own| set(own)).collect();
        let homes = homes(&places, Path::new(root));
        homes.iter().map(|home| home.display().to_string()).collect()
    }

    #[test]
    fn a_set_is_called_by_its_servers_directory_whoever_else_is_there() {
        assert_eq!(called(&["m/a/aof", "m/b/aof"], "m"), ["m/a", "m/b"]);
        assert_eq!(called(&["m/a/aof"], "m"), ["m/a"]);
        assert_eq!(called(&["m/aof"], "m"), ["m"]);
        assert_eq!(called(&["m/aof"], "m/aof"), ["m/aof"]);
        assert_eq!(called(&["/m/aof"], ""), ["/m"]);
    }

    #[test]
    fn sets_of_one_directory_are_told_apart() {
        assert_eq!(called(&["m/aof", "m/old", "m/b/aof"], "m"), ["m/aof", "m/old", "m/b"]);
    }
}
