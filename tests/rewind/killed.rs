//! Killed while it applies: the set is the old one or the new one, the next run completes it, and undo brings
//! every byte back.
//!
//! `strace` kills at the n-th call of one kind. `AOFKIT_KILLS=all` tries every call; a sample of them is tried otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{copy_tree, in_parallel};

/// Calls that change something, or decide what is changed.
const CALLS: [&str; 15] = [
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat2",
    "unlink",
    "ftruncate",
    "mkdir",
    "link",
    "copy_file_range",
    "fchmod",
    "utimensat",
    "flock",
];

/// A cut in the middle of three increments: a rewritten file, a new manifest, a file that goes.
const WAY: [&str; 4] = ["rewind", "--at", "appendonly.aof.3.incr.aof:1000", "--apply"];

/// The same cut where it was made already.
const AGAIN: [&str; 4] = ["rewind", "--until", "2100-01-01T00:00:00Z", "--apply"];

struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let set = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata/servers/redis-8.2.3/rewriting/aof");
        copy_tree(&set, &dir.path().join("set"));
        Self { dir }
    }

    fn set(&self) -> PathBuf {
        self.dir.path().join("set")
    }

    /// Every file but what is only on its way.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.set()).unwrap().map(|entry| entry.unwrap());
        let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
        entries.map(|entry| (name(&entry), fs::read(entry.path()).unwrap())).collect()
    }

    /// What a server would load: the manifest, and what it names.
    fn loaded(&self) -> Vec<Vec<u8>> {
        let manifest = fs::read(self.set().join("appendonly.aof.manifest")).unwrap();
        let text = String::from_utf8(manifest.clone()).unwrap();
        let names = text.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned());
        let files = names.map(|name| fs::read(self.set().join(name)).unwrap());
        std::iter::once(manifest).chain(files).collect()
    }

    fn aofkit(&self, words: &[&str]) -> bool {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        let output = command.args(words).arg(self.set()).output().unwrap();
        output.status.success()
    }

    /// The same under `strace`, with these options of it.
    fn traced(&self, options: &[&str]) {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq"]).args(options).arg(env!("CARGO_BIN_EXE_aofkit"));
        command.args(WAY).arg(self.set()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    }
}

/// How often each call is made.
fn counts() -> Vec<(&'static str, usize)> {
    let world = World::new();
    let trace = world.dir.path().join("trace");
    let known = |call: &&&str| {
        let set = format!("trace={call}");
        let status =
            Command::new("strace").args(["-e", &set, "true"]).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let calls: Vec<&str> = CALLS.iter().filter(known).copied().collect();
    world.traced(&["-o", trace.to_str().unwrap(), "-e", &format!("trace={}", calls.join(","))]);
    let text = fs::read_to_string(trace).unwrap();
    let count = |call: &str| text.lines().filter(|l| l.contains(&format!(" {call}("))).count();
    calls.into_iter().map(|call| (call, count(call))).filter(|(_, n)| *n > 0).collect()
}

#[test]
fn a_kill_leaves_the_old_set_or_the_new_one() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("not run: strace is not installed");
        return;
    }
    let old = World::new();
    let (old_files, old_loaded) = (old.files(), old.loaded());
    let new = World::new();
    assert!(new.aofkit(&WAY));
    let (new_files, new_loaded) = (new.files(), new.loaded());
    let all = std::env::var("AOFKIT_KILLS").is_ok_and(|kills| kills == "all");
    let mut kills = Vec::new();
    for (call, count) in counts() {
        // What comes last is what changes the set; before that, files are only looked at.
        let few = count.saturating_sub(if call == "openat" || call == "write" { 8 } else { 3 });
        kills.extend((1..=count).filter(|n| all || *n > few).map(|n| (call, n)));
    }
    assert!(kills.len() > 10, "too few places to kill at: {kills:?}");
    let states = in_parallel(kills.len(), |i| {
        let (call, n) = kills[i];
        let world = World::new();
        let inject = format!("inject={call}:signal=KILL:when={n}");
        world.traced(&["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
        let loaded = world.loaded();
        let is_new = loaded == new_loaded;
        assert!(is_new || loaded == old_loaded, "{call} {n}: neither the old set nor the new one");
        let again = if is_new { &AGAIN } else { &WAY };
        assert!(world.aofkit(again), "{call} {n}: the next run fails");
        assert!(world.files() == new_files, "{call} {n}: the next run leaves something");
        assert!(world.aofkit(&["repair", "--undo", "--apply"]), "{call} {n}: no way back");
        assert!(world.files() == old_files, "{call} {n}: undo brings something else");
        is_new
    });
    assert!(states.contains(&true) && states.contains(&false), "only one of both was seen");
    println!("{} kills, {} after the step", states.len(), states.iter().filter(|n| **n).count());
}
