//! `clean`: what goes, what stays, and that nobody ever misses what went.

#[allow(dead_code)]
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use aofkit::change::{Keep, Options, Undo};
use aofkit::disk::LocalDisk;
use aofkit::progress::Silent;
use serde_json::{Value, json as value};
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
    cluttered_set("redis-8.2.3/history")
}

fn cluttered_set(recorded: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    copy_tree(&recorded_sets().join(recorded), dir.path());
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
    let before = kill::state(dir.path());
    let plan = json(dir.path(), &[]);
    assert_eq!(plan["applied"], false);
    assert_eq!(kill::state(dir.path()), before, "a plan changes nothing");
    let text = aofkit(dir.path(), &[]).stdout;
    let text = String::from_utf8(text).expect("text");
    assert!(text.contains("\nthen: healthy: "), "as the JSON has it: {text}");
    let done = json(dir.path(), &["--apply"]);
    assert_eq!(done["applied"], true);
    // A second may have passed between the two.
    let ageless = |answer: &Value| {
        let mut rows = answer["actions"].clone();
        for row in rows.as_array_mut().expect("rows") {
            row.as_object_mut().expect("a row").remove("age_seconds");
        }
        rows
    };
    assert_eq!(ageless(&done), ageless(&plan));
    for answer in [&plan, &done] {
        assert_eq!(
            (&answer["verdict_after"], &answer["loads_after"]),
            (&value!("healthy"), &value!("yes"))
        );
    }
    let after = kill::state(dir.path());
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
    assert_eq!(json(dir.path(), &["--apply"])["applied"], false, "twice is once");
    undo(dir.path());
    assert_eq!(kill::state(dir.path()), before);
}

/// Keys of every database, and a digest of all of them.
fn account(server: &Server, data: &Path) -> (Vec<u64>, String) {
    let copy = tempfile::tempdir().expect("make a temporary directory");
    copy_tree(data, copy.path());
    let mut settings = vec!["--appendonly", "yes", "--appenddirname", "aof"];
    settings.extend(["--enable-debug-command", "yes"]);
    let mut live = Live::start_with(server, copy.path(), &settings);
    let size = |db| {
        live.must(&format!("SELECT {db}"));
        live.must("DBSIZE").number()
    };
    let sizes = (0..16).map(size).collect();
    (sizes, live.must("DEBUG DIGEST").text())
}

#[test]
fn servers_load_after_it_what_they_loaded_before() {
    let sets = ["redis-7.0.15/history", "redis-8.2.3/history", "valkey-9.1.2/history"];
    for server in ["redis-7.0", "redis-8.2", "valkey-9.1"] {
        let Some(server) = Server::find(server) else {
            println!("no {server}: it loaded no cleaned set");
            continue;
        };
        let mut loaded = 0;
        for set in sets {
            let dir = cluttered_set(set);
            if server.load(dir.path()).outcome != Outcome::Loaded {
                continue;
            }
            let before = account(&server, dir.path());
            let cleaned = json(dir.path(), &["--apply"]);
            assert!(cleaned["applied"] == true, "{set}: {cleaned}");
            assert_eq!(server.load(dir.path()).outcome, Outcome::Loaded, "{set}");
            assert_eq!(account(&server, dir.path()), before, "{set} in {}", server.name);
            loaded += usize::from(before.0.iter().sum::<u64>() > 0);
        }
        assert!(loaded > 0, "{} loads none of {sets:?}", server.name);
    }
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
        let before = kill::state(dir.path());
        let output = aofkit(dir.path(), &["--apply", "--min-age", "0s"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("manifest"), "{output:?}");
        assert_eq!(kill::state(dir.path()), before);
    }
}

#[test]
fn killed_at_any_call_it_leaves_the_old_set_or_the_new_one() {
    let original = cluttered();
    let old = kill::state(original.path());
    let text = |dir: &Path| dir.to_str().expect("UTF-8").to_owned();
    for more in [&[][..], &["--delete"]] {
        let words = |dir: &Path| -> Vec<String> {
            let words = ["clean".to_owned(), text(dir), "--apply".to_owned()];
            words.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
        };
        let whole = kill::copied(original.path());
        assert!(kill::aofkit(&words(whole.path())).status.success());
        let new = kill::state(whole.path());
        assert!(new.len() < old.len());
        let manifest = Path::new("aof/appendonly.aof.manifest");
        let seen = Mutex::new(BTreeSet::new());
        let killed = kill::at_every_call(
            || kill::copied(original.path()),
            words,
            |dir, _, what| {
                let now = kill::state(dir);
                let is_new = now[manifest].0 == new[manifest].0;
                assert!(is_new || now[manifest].0 == old[manifest].0, "{what}: another manifest");
                seen.lock().expect("nobody panicked").insert(is_new);
                for (name, is) in new.iter().filter(|(name, _)| *name != manifest) {
                    assert_eq!(now.get(name), Some(is), "{what}: {} is touched", name.display());
                }
                // The next run finishes it, or begins anew.
                let again = kill::aofkit(&words(dir));
                assert!(again.status.success(), "{what}: {again:?}");
                assert_eq!(kill::state(dir), new, "{what}");
                if more.is_empty() {
                    undo(dir);
                    assert_eq!(kill::state(dir), old, "{what}: undo");
                }
            },
        );
        println!("clean {more:?}: {killed}");
        assert!(killed.kills == 0 || seen.into_inner().expect("nobody panicked").len() == 2);
    }
}

#[test]
fn an_undo_killed_at_any_call_is_not_begun_or_done() {
    let original = cluttered();
    let old = kill::state(original.path());
    let make = || {
        let dir = kill::copied(original.path());
        assert!(aofkit(dir.path(), &["--apply"]).status.success());
        dir
    };
    let new = kill::state(make().path());
    let words = |dir: &Path| {
        let set = dir.join("aof").to_str().expect("UTF-8").to_owned();
        vec!["repair".to_owned(), set, "--undo".to_owned(), "--apply".to_owned()]
    };
    let killed = kill::at_every_call(make, words, |dir, _, what| {
        let now = kill::state(dir);
        for (name, is) in new.iter().filter(|(name, _)| !name.ends_with("appendonly.aof.manifest"))
        {
            assert_eq!(now.get(name), Some(is), "{what}: {} is touched", name.display());
        }
        // Whatever changes something next finishes or clears it first.
        let set = dir.join("aof").to_str().expect("UTF-8").to_owned();
        let next = kill::aofkit(&["repair".to_owned(), set, "--apply".to_owned()]);
        assert!(next.status.success(), "{what}: {next:?}");
        if kill::state(dir) != old {
            assert_eq!(kill::state(dir), new, "{what}");
            undo(dir);
        }
        assert_eq!(kill::state(dir), old, "{what}: taken back");
    });
    println!("undo of clean: {killed}");
}

/// How many rewrites a server has finished.
fn rewrites(live: &mut Live) -> u64 {
    let info = live.must("INFO persistence").text();
    let field = info.lines().find_map(|line| line.strip_prefix("aof_rewrites:"));
    field.map_or(0, |count| count.trim().parse().expect("a number"))
}

#[test]
fn beside_a_server_that_rewrites_it_never_touches_a_live_file() {
    let names = ["redis-7.0", "redis-8.2", "valkey-9.1"];
    let seconds = Duration::from_secs(number_from_env("AOFKIT_CLEAN_SECONDS", 10));
    support::in_parallel(names.len(), |index| match Server::find(names[index]) {
        Some(server) => beside(&server, seconds),
        None => println!("no {}: clean was not tried beside it", names[index]),
    });
}

fn beside(server: &Server, seconds: Duration) {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let mut live = Live::start(server, dir.path());
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
    let until = Instant::now() + seconds;
    let (mut written, mut gone, mut runs, mut given_up) = (0, 0, 0, 0);
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
        let more: &[&str] = if runs % 4 == 3 { &["--json"] } else { &[] };
        let output = aofkit(&set, &[&["--apply", "--min-age", "0s", "--delete"], more].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        // A set that changes each time it is looked at is a reason to give up, not to guess.
        assert!(output.status.success() || said.contains("chang"), "{output:?}");
        (runs, given_up) = (runs + 1, given_up + usize::from(!output.status.success()));
        gone += usize::from(!path.exists());
    }
    assert!(gone > 0, "nothing was cleaned up");
    let info = live.must("INFO persistence").text();
    assert!(info.contains("aof_last_bgrewrite_status:ok"), "{info}");
    assert!(info.contains("aof_last_write_status:ok"), "{info}");
    let rewrites = rewrites(&mut live);
    let name = &server.name;
    println!(
        "{name}: {rewrites} rewrites, {runs} runs of clean, {given_up} of them gave up, {gone} files went"
    );
    assert!(rewrites > 2, "{name}: {rewrites} rewrites");
    drop(live);
    fs::rename(&set, dir.path().join("aof")).expect("rename a directory");
    fs::remove_file(dir.path().join("s")).expect("remove a socket");
    assert_eq!(server.load(dir.path()).outcome, Outcome::Loaded, "{name}");
    let mut live =
        Live::start_with(server, dir.path(), &["--appendonly", "yes", "--appenddirname", "aof"]);
    while live.run("PING").text().starts_with("LOADING") {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(live.must("DBSIZE").number(), written as u64, "{name}");
}
