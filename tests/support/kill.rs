//! Kills the binary at every system call that can change what another process would find in a directory.
//!
//! It is enough to die before each such call, and at none: between two of them the disk stays what it is, so the
//! state before one is the state after the last. What is only looked at (other processes, say) lies elsewhere and is
//! not counted. That what was published also survives a power failure rests on the syncs in between.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::in_parallel;
use super::trace::{Act, Tracer};

/// A directory in memory where there is such a place: for hundreds of runs, each of which syncs what it writes.
pub fn in_memory() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("make a temporary directory")
}

/// Runs the binary to its end.
pub fn aofkit(words: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aofkit")).args(words).output().expect("run aofkit")
}

/// Kills at most, of one command: all where `AOFKIT_KILLS` is `all`, else that many, evenly spread; `AOFKIT_SEED` says
/// from which on.
fn most() -> u64 {
    match std::env::var("AOFKIT_KILLS") {
        Ok(text) if text == "all" => u64::MAX,
        Ok(text) => text.parse().expect("AOFKIT_KILLS is a number, or `all`"),
        Err(_) => 20,
    }
}

/// Runs `words` of a new directory of `make`, killed at the first, second, … call there, and unhurt; each time
/// `check` looks at what is left, and is told whether it was killed and where. Answers how often it was killed,
/// and at how many calls it could be: nothing where no process can be traced.
pub fn at_every_call(
    make: impl Fn() -> TempDir + Sync,
    words: impl Fn(&Path) -> Vec<String> + Sync,
    check: impl Fn(&Path, bool, &str) + Sync,
) -> Killed {
    let Some(tracer) = Tracer::find() else { return Killed::default() };
    let run = |what: &str, at: u64, dir: &Path| {
        let words = words(dir);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        tracer.run(Act { what, at, calls: "change" }, &[dir], &words)
    };
    let dir = make();
    let unhurt = run("count", 1, dir.path());
    assert_eq!(unhurt.code, 0, "{}", unhurt.stderr);
    check(dir.path(), false, "unhurt");
    assert!(unhurt.calls > 8, "only {} calls were seen", unhurt.calls);
    let step = unhurt.calls.div_ceil(most().max(1));
    let first = 1 + super::number_from_env("AOFKIT_SEED", 0) % step;
    let places: Vec<u64> = (first..=unhurt.calls).step_by(step as usize).collect();
    in_parallel(places.len(), |index| {
        let (dir, at) = (make(), places[index]);
        let traced = run("kill", at, dir.path());
        let (call, path) = traced.hit.unwrap_or_else(|| panic!("call {at} was not reached"));
        assert_eq!(traced.code, 137, "{call} {path}");
        check(dir.path(), true, &format!("killed at {at}, before {call} of {path}"));
    });
    Killed { kills: places.len(), calls: unhurt.calls }
}

/// How often a command was killed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Killed {
    pub kills: usize,
    pub calls: u64,
}

impl std::fmt::Display for Killed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "killed at {} of {} calls", self.kills, self.calls)
    }
}

/// Bytes, time of the last write and mode.
type Entry = (Vec<u8>, i64, u32);

/// Everything below a directory but what was kept aside. A manifest is written anew, so its time is its own.
pub fn state(dir: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut found = BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(&at).expect("list a directory") {
            let path = entry.expect("an entry").path();
            let has = |extension: &str| path.extension().is_some_and(|e| e == extension);
            if has("aofkit") {
                continue;
            }
            let meta = fs::metadata(&path).expect("look at a file");
            if meta.is_dir() {
                pending.push(path);
                continue;
            }
            let time = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
            let time = if has("manifest") { 0 } else { time };
            let name = path.strip_prefix(dir).expect("below").to_owned();
            found.insert(name, (fs::read(&path).expect("read"), time, meta.mode()));
        }
    }
    found
}

/// Copies a directory with the times of its files.
pub fn copied(from: &Path) -> TempDir {
    let dir = in_memory();
    super::copy_tree(from, dir.path());
    for name in state(from).keys() {
        let time = fs::metadata(from.join(name)).and_then(|meta| meta.modified());
        let file = fs::File::options().append(true).open(dir.path().join(name)).expect("open");
        file.set_modified(time.expect("a time")).expect("set a time");
    }
    dir
}

/// What a server would load of the set in `aof`, or of the file `appendonly.aof`.
pub fn loaded(dir: &Path) -> Vec<Vec<u8>> {
    let read = |path: PathBuf| fs::read(path).expect("read what a server needs");
    let set = dir.join("aof");
    if !set.exists() {
        return vec![read(dir.join("appendonly.aof"))];
    }
    let manifest = read(set.join("appendonly.aof.manifest"));
    let text = String::from_utf8(manifest.clone()).expect("a manifest is text");
    let live = text.lines().filter(|line| !line.ends_with("type h"));
    let names = live.map(|line| line.split(' ').nth(1).expect("a name").to_owned());
    let files: Vec<_> = names.map(|name| read(set.join(name))).collect();
    std::iter::once(manifest).chain(files).collect()
}
