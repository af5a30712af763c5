//! What lies beside a server and is no set: node files, Sentinels, what a cloud says, and the machine.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use aofkit::aof::{Configuration, Line};
use aofkit::audit::{Described, NodesSeen, SentinelConf, Subject};
use aofkit::disk::{self, Machine};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::format::nodes;
use aofkit::server::ServerSeen;

/// Bytes of a node file read at most: a thousand nodes have a few hundred thousand.
const NODE_FILE: u64 = 16 << 20;

/// Bytes of what a cloud prints read at most.
const PRINTED: u64 = 64 << 20;

/// Node files in one directory at most.
const NODE_FILES: usize = 100;

/// The configurations of Sentinels.
///
/// # Errors
/// When one cannot be read, or watches nothing.
pub fn sentinels(paths: &[PathBuf]) -> Result<Vec<SentinelConf>> {
    let read = |path: &PathBuf| {
        let file = Configuration::read(path)?;
        let conf = SentinelConf::new(&file);
        let watches = |line: &Line| {
            let directive = line.directive.as_ref().filter(|one| one.name == b"sentinel");
            directive.is_some_and(|one| {
                one.args.first().is_some_and(|o| o.eq_ignore_ascii_case(b"monitor"))
            })
        };
        if !file.lines.iter().any(watches) {
            let why = "it has no line `sentinel monitor`: it is no configuration of a Sentinel";
            return Err(Error::new(ErrorKind::Conf(why.to_owned()), path));
        }
        Ok(conf)
    };
    paths.iter().map(read).collect()
}

/// What the command line of a cloud printed.
///
/// # Errors
/// When a file cannot be read, or is something else.
pub fn described(paths: &[PathBuf]) -> Result<Vec<Described>> {
    let read = |path: &PathBuf| {
        let bytes = disk::read_small(path, PRINTED)?;
        let wrong = |why| Error::new(ErrorKind::Conf(why), path);
        Described::parse(path, &bytes).map_err(wrong)
    };
    paths.iter().map(read).collect()
}

/// A file that is the node file of a cluster, and no set.
pub fn node_file(path: &Path) -> Option<NodesSeen> {
    let bytes = disk::read_small(path, NODE_FILE).ok().filter(|_| disk::is_file(path))?;
    let read = nodes::parse(&bytes).ok().filter(|read| read.myself().is_some())?;
    Some(NodesSeen { path: path.to_owned(), nodes: read })
}

/// The node files in the directories that servers work in: those of the sets, and the one that the configuration names.
pub fn node_files(subject: &Subject, paths: &[PathBuf]) -> Vec<NodesSeen> {
    let told = subject.conf.iter().filter_map(|conf| conf.settings.dir.as_deref());
    let told =
        told.map(|dir| PathBuf::from(OsStr::from_bytes(dir))).filter(|dir| dir.is_absolute());
    let of_sets = subject.sets.iter().flat_map(|set| {
        let dir = set.aof.dir();
        [dir.parent().map(Path::to_owned), Some(dir)]
    });
    let named = paths.iter().filter(|path| disk::is_dir(path).unwrap_or(false)).cloned();
    let dirs: BTreeSet<PathBuf> = told.chain(of_sets.flatten()).chain(named).collect();
    let wanted = subject.setting("cluster-config-file");
    let wanted = wanted.and_then(|seen| seen.words().first().cloned()).unwrap_or_default();
    let is_wanted = |name: &OsStr| {
        let name = name.as_bytes();
        name == wanted || name.starts_with(b"nodes") && name.ends_with(b".conf")
    };
    let mut found: Vec<NodesSeen> = Vec::new();
    for dir in dirs {
        let names = disk::names(&dir, 10_000).unwrap_or_default();
        let mut names: Vec<_> = names.into_iter().filter(|name| is_wanted(name)).collect();
        names.sort();
        found.extend(names.iter().take(NODE_FILES).filter_map(|name| node_file(&dir.join(name))));
    }
    found
}

/// The machine that a server runs on, where it is proven to be this one: the process of its number works in its directory.
pub fn machine(server: &ServerSeen) -> Option<Machine> {
    let state = &server.state;
    let process = state.process_id?;
    let seen = disk::working_directory(process)?;
    let told = disk::real_path(state.dir.as_deref()?).ok()?;
    (seen == told).then(|| Machine::read(Path::new("/"), Some(process)))
}
