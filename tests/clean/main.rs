//! `clean`: what goes, what stays, and that nobody ever misses what went.

#[allow(dead_code)]
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};

use aofkit::change::{Keep, Options, Undo};
use aofkit::disk::LocalDisk;
use aofkit::progress::Silent;
use serde_json::Value;
use support::kill;
use support::live::Live;
use support::server::{Outcome, Server};
use support::{copy_tree, number_from_env, recorded_sets};

fn words(path: &Path, more: &[&str]) -> Vec<OsString> {
    let mut words = vec![env!("CARGO_BIN_EXE_aofkit").into(), "clean".into(), path.into()];
    words.extend(more.iter().map(OsString::from));
    words
}

fn aofkit(path: &Path, more: &[&str]) -> Output {
    let words = words(path, more);
    Command::new(&words[0]).args(&words[1..]).output().expect("run aofkit")
}

fn json(path: &Path, more: &[&str]) -> Value {
    let output = aofkit(path, &[&["--json"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let schema = include_str!("../../docs/schemas/clean.json");
    let schema = serde_json::from_str(schema).expect("a schema is JSON");
    let answer = serde_json::from_slice(&output.stdout).expect("JSON");
    let faults = schema::faults(&schema, &answer);
    assert!(faults.is_empty(), "{faults:#?}");
    answer
}

/// Sets the time of a file some hours back.
fn aged(path: &Path, hours: u64) {
    let at = SystemTime::now() - Duration::from_secs(hours * 3600);
    let file = fs::File::options().append(true).open(path).expect("open a file");
    file.set_modified(at).expect("set a time");
}

/// A data directory with history in its manifest and all that can lie around, two hours old.
fn cluttered() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    copy_tree(&recorded_sets().join("redis-8.2.3/history"), dir.path());
    let put = |name: &str| fs::write(dir.path().join(name), name).expect("write a file");
    for name in CLUTTER {
        put(name);
    }
    let set = dir.path().join("aof");
    for file in fs::read_dir(&set).expect("list").chain(fs::read_dir(dir.path()).expect("list")) {
        let path = file.expect("an entry").path();
        if path.is_file() {
            aged(&path, 2);
        }
    }
    dir
}

const CLUTTER: &[&str] = &[
    "aof/appendonly.aof.1.base.aof",
    "aof/appendonly.aof.9.incr.aof",
    "aof/temp-appendonly.aof.manifest",
    "temp-rewriteaof-bg-4711.aof",
    "temp-4711.rdb",
];

/// Not of the set, whatever it is called.
const STRANGERS: &[&str] = &["aof/notes.txt", "aof/other.aof.1.incr.aof", "dump.rdb", "users.acl"];

/// Everything below a directory but what was kept: bytes, time, mode.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, i64, u32)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(&at).expect("list a directory") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|e| e == "aofkit") {
                continue;
            }
            let meta = fs::metadata(&path).expect("look at a file");
            if meta.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(dir).expect("below").to_owned();
            // A manifest is written anew, so its time is its own.
            let time =
                if name.extension().is_some_and(|e| e == "manifest") { 0 } else { meta.mtime() };
            found.insert(name, (fs::read(&path).expect("read"), time, meta.mode()));
        }
    }
    found
}

fn undo(dir: &Path) {
    let set = dir.join("aof");
    let last = Undo::last(&set, &set, &Keep::Beside).expect("look for what was kept");
    let last = last.expect("something was kept");
    last.apply(&LocalDisk, &Options::default(), &Silent).expect("take it back");
}

#[test]
fn what_nobody_needs_goes_with_its_manifest_lines_and_comes_back_exactly() {
    let dir = cluttered();
    for name in STRANGERS {
        fs::write(dir.path().join(name), name).expect("write a file");
        aged(&dir.path().join(name), 2);
    }
    let before = snapshot(dir.path());
    let plan = json(dir.path(), &[]);
    assert_eq!(plan["applied"], false);
    assert_eq!(snapshot(dir.path()), before, "a plan changes nothing");
    let done = json(dir.path(), &["--apply"]);
    assert_eq!((&done["applied"], &done["actions"]), (&Value::Bool(true), &plan["actions"]));
    let after = snapshot(dir.path());
    let gone: Vec<_> = before.keys().filter(|name| !after.contains_key(*name)).collect();
    // Four files of history in the recorded manifest.
    assert_eq!(gone.len(), CLUTTER.len() + 4, "{gone:?}");
    assert!(CLUTTER.iter().all(|name| !after.contains_key(Path::new(name))));
    assert!(STRANGERS.iter().all(|name| after.contains_key(Path::new(name))));
    let manifest =
        fs::read_to_string(dir.path().join("aof/appendonly.aof.manifest")).expect("read");
    assert!(!manifest.contains("type h") && manifest.lines().count() == 2, "{manifest}");
    let sum: u64 = done["actions"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            assert!(
                row["action"] == "manifest" || row["age_seconds"].as_u64() >= Some(7200),
                "{row}"
            );
            if row["action"] == "remove" { row["from_bytes"].as_u64().expect("bytes") } else { 0 }
        })
        .sum();
    assert_eq!(done["loss"]["bytes"].as_u64(), Some(sum));
    for name in ["redis-8.2", "valkey-9.1"] {
        let Some(server) = Server::find(name) else {
            println!("no {name}: the cleaned set was not loaded by it");
            continue;
        };
        // Valkey does not read this base.
        let wanted =
            if name == "redis-8.2" { Outcome::Loaded } else { server.load(dir.path()).outcome };
        assert_eq!(server.load(dir.path()).outcome, wanted);
    }
    assert_eq!(json(dir.path(), &["--apply"])["applied"], false, "twice is once");
    undo(dir.path());
    assert_eq!(snapshot(dir.path()), before);
}

#[test]
fn what_is_young_or_open_stays_and_says_so() {
    let dir = cluttered();
    let (young, open) = (dir.path().join(CLUTTER[3]), dir.path().join(CLUTTER[4]));
    fs::File::options().append(true).open(&young).unwrap().set_modified(SystemTime::now()).unwrap();
    // Open for reading only, in another process.
    let mut holder = Command::new("sh")
        .args(["-c", "exec 9<\"$0\"; echo; read _"])
        .arg(&open)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("run a shell");
    let mut ready = [0];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let answer = json(dir.path(), &["--apply", "--delete"]);
    let why: BTreeMap<_, _> = answer["spared"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["file"].as_str().unwrap(), row["why"].as_str().unwrap()))
        .collect();
    assert_eq!(why.len(), 2, "{why:?}");
    assert_eq!(why[CLUTTER[3]], "younger than --min-age");
    assert_eq!(why[CLUTTER[4]], format!("open in process {}", holder.id()));
    assert!(young.exists() && open.exists());
    assert_eq!(answer["kept_at"], Value::Null);
    assert!(!dir.path().join("aof.aofkit").exists(), "--delete leaves nothing behind");
    holder.kill().unwrap();
    holder.wait().unwrap();
    let answer = json(dir.path(), &["--apply", "--min-age", "0s"]);
    assert_eq!((answer["spared"].as_array().unwrap().len(), young.exists()), (0, false));
}

#[test]
fn without_a_sound_manifest_nothing_is_known_to_be_left_over() {
    for manifest in [None, Some("nonsense\n")] {
        let dir = cluttered();
        let path = dir.path().join("aof/appendonly.aof.manifest");
        match manifest {
            None => fs::remove_file(&path).unwrap(),
            Some(text) => fs::write(&path, text).unwrap(),
        }
        let before = snapshot(dir.path());
        let output = aofkit(dir.path(), &["--apply", "--min-age", "0s"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("manifest"), "{output:?}");
        assert_eq!(snapshot(dir.path()), before);
    }
}

#[test]
fn killed_anywhere_it_leaves_the_old_set_or_the_new_one() {
    if !kill::is_possible() {
        println!("no strace: clean was not killed");
        return;
    }
    let original = cluttered();
    let old = snapshot(original.path());
    let fresh = || {
        let dir = tempfile::tempdir().expect("make a temporary directory");
        let from = original.path();
        copy_tree(from, dir.path());
        for name in old.keys() {
            let time = fs::metadata(from.join(name)).unwrap().modified().unwrap();
            let file = fs::File::options().append(true).open(dir.path().join(name)).unwrap();
            file.set_modified(time).unwrap();
        }
        dir
    };
    let whole = fresh();
    let places = kill::places(&words(whole.path(), &["--apply"]));
    let new = snapshot(whole.path());
    assert!(places.len() > 40 && new != old, "{} places", places.len());
    // Each costs some dozen syncs.
    let kills = number_from_env("AOFKIT_KILLS", 24) as usize;
    let chosen: Vec<_> = places.iter().step_by(places.len().div_ceil(kills.max(1))).collect();
    support::in_parallel(chosen.len(), |index| {
        let (place, dir) = (chosen[index], fresh());
        let killed = kill::kill_at(place, &words(dir.path(), &["--apply"]), dir.path());
        assert!(killed, "{place:?} was not reached");
        let manifest = Path::new("aof/appendonly.aof.manifest");
        let (now, live) = (snapshot(dir.path()), |name: &Path| new.contains_key(name));
        assert!([&old, &new].iter().any(|s| s[manifest].0 == now[manifest].0), "{place:?}");
        for (name, was) in old.iter().filter(|(name, _)| live(name) && *name != manifest) {
            assert_eq!(now.get(name), Some(was), "{place:?}: {} was touched", name.display());
        }
        // The next run finishes it, or begins anew.
        json(dir.path(), &["--apply"]);
        assert_eq!(snapshot(dir.path()), new, "{place:?}");
        undo(dir.path());
        assert_eq!(snapshot(dir.path()), old, "{place:?}");
    });
}

#[test]
fn beside_a_server_that_rewrites_it_never_touches_a_live_file() {
    let Some(server) = Server::find("redis-8.2") else {
        println!("no redis-8.2: clean was not tried beside a server");
        return;
    };
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let mut live = Live::start(&server, dir.path());
    live.must("CONFIG SET appendonly yes");
    let set = dir.path().join("appendonlydir");
    while !set.join("appendonly.aof.manifest").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let planted = |i: usize| {
        let names =
            ["appendonlydir/appendonly.aof.0.incr.aof", "temp-rewriteaof-bg-1.aof", "temp-1.rdb"];
        dir.path().join(names[i % 3])
    };
    let until = Instant::now() + Duration::from_secs(number_from_env("AOFKIT_CLEAN_SECONDS", 5));
    let (mut written, mut gone) = (0, 0);
    while Instant::now() < until {
        for _ in 0..200 {
            live.must(&format!("SET key:{written} value"));
            written += 1;
        }
        let rewriting = live.run("BGREWRITEAOF").text();
        assert!(rewriting.contains("started") || rewriting.contains("already"), "{rewriting}");
        let path = planted(written / 200);
        fs::write(&path, b"left").expect("write a file");
        aged(&path, 3);
        let output = aofkit(&set, &["--apply", "--min-age", "0s", "--delete"]);
        let said = String::from_utf8_lossy(&output.stderr);
        // A set that changes each time it is looked at is a reason to give up, not to guess.
        assert!(output.status.success() || said.contains("chang"), "{output:?}");
        gone += usize::from(!path.exists());
    }
    assert!(gone > 0, "nothing was cleaned up");
    let info = live.must("INFO persistence").text();
    assert!(info.contains("aof_last_bgrewrite_status:ok"), "{info}");
    assert!(info.contains("aof_last_write_status:ok"), "{info}");
    drop(live);
    fs::rename(&set, dir.path().join("aof")).expect("rename a directory");
    fs::remove_file(dir.path().join("s")).expect("remove a socket");
    assert_eq!(server.load(dir.path()).outcome, Outcome::Loaded);
    let mut live =
        Live::start_with(&server, dir.path(), &["--appendonly", "yes", "--appenddirname", "aof"]);
    while live.run("PING").text().starts_with("LOADING") {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(live.must("DBSIZE").number(), written as u64);
}
