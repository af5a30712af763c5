//! `convert`: what a server has after loading the other form is what it has after loading the original.

#[allow(dead_code)]
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

mod base;
mod killed;
mod model;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use aofkit::command::Glob;
use aofkit::stats::slot;
use serde_json::Value;
use support::live::{Live, Reply};
use support::server::{Outcome, SINGLE_FILE, Server};
use support::{copy_tree, recorded_sets};

fn aofkit(words: &[&str], paths: [&Path; 2]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .arg("convert")
        .args(words)
        .arg(paths[0])
        .arg("--output")
        .arg(paths[1])
        .output()
        .expect("run aofkit")
}

/// What was made, where that is sound.
fn json(words: &[&str], paths: [&Path; 2]) -> Value {
    let output = aofkit(&[&["--json"], words].concat(), paths);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    let schema = include_str!("../../docs/schemas/convert.json");
    let schema = serde_json::from_str(schema).expect("a schema is JSON");
    let answer = serde_json::from_slice(&output.stdout).expect("JSON");
    let faults = schema::faults(&schema, &answer);
    assert!(faults.is_empty(), "{faults:#?}");
    answer
}

/// The server on a data directory, once it has loaded it; `None` when it does not.
fn loaded(server: &Server, dir: &Path) -> Option<Live> {
    let _ = fs::remove_file(dir.join("s"));
    let outcome = server.load(dir).outcome;
    if !matches!(outcome, Outcome::Loaded | Outcome::StartedEmpty) {
        return None;
    }
    let mut settings = vec!["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
    settings.extend(["--appenddirname", "aof", "--enable-debug-command", "yes"]);
    let mut live = Live::start_with(server, dir, &settings);
    while live.run("PING").text().starts_with("LOADING") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Some(live)
}

/// All keys by database, as DUMP gives them.
type Keys = BTreeMap<(u64, Vec<u8>), Vec<u8>>;

fn keys(live: &mut Live) -> Keys {
    let mut found = Keys::new();
    for db in 0..16 {
        live.must(&format!("SELECT {db}"));
        for key in live.must("KEYS *").list() {
            let Reply::Text(key) = key else { panic!("not a key: {key:?}") };
            let Reply::Text(value) = live.call(&[b"DUMP", &key]) else { panic!("no value") };
            found.insert((db, key), value);
        }
    }
    found
}

/// How much a server has, and a digest of all of it.
fn account(server: &Server, dir: &Path) -> Option<(Vec<u64>, String)> {
    let mut live = loaded(server, dir)?;
    let size = |db| {
        live.must(&format!("SELECT {db}"));
        live.must("DBSIZE").number()
    };
    let sizes = (0..16).map(size).collect();
    Some((sizes, live.must("DEBUG DIGEST").text()))
}

#[test]
fn every_recorded_set_is_the_same_in_every_form() {
    let names = ["redis-7.0", "redis-8.2", "valkey-9.1"];
    let Some(servers) = Server::find_all(&names) else {
        println!("not all servers found: no converted set was loaded");
        return;
    };
    let sets = [
        "redis-6.2.14/plain",
        "redis-6.2.14/preamble",
        "redis-7.0.15/rdb-base",
        "redis-7.0.15/resp-base",
        "redis-8.2.3/history",
        "redis-8.2.3/rdb-base",
        "redis-8.2.3/upgraded",
        "valkey-9.1.2/rdb-base",
    ];
    support::in_parallel(sets.len(), |index| {
        let name = sets[index];
        let original = recorded_sets().join(name);
        let copy = tempfile::tempdir().expect("make a temporary directory");
        copy_tree(&original, copy.path());
        let set = tempfile::tempdir().expect("make a temporary directory");
        let file = tempfile::tempdir().expect("make a temporary directory");
        let told = json(&[], [&original, &set.path().join("aof")]);
        json(&["--to", "file"], [&original, &file.path().join("f")]);
        fs::rename(file.path().join("f").join(SINGLE_FILE), file.path().join(SINGLE_FILE)).unwrap();
        fs::remove_dir(file.path().join("f")).unwrap();
        let loads = told["servers_after"].as_array().expect("servers");
        let mut compared = 0;
        for server in &servers {
            let promise = loads.iter().find(|row| row["server"] == server.name.as_str());
            let promise = promise.expect("every server is known")["loads"] == "yes";
            let before = account(server, copy.path());
            assert_eq!(before.is_some(), promise, "{name}: {}", server.name);
            assert_eq!(account(server, set.path()), before, "{name}: a set in {}", server.name);
            assert_eq!(account(server, file.path()), before, "{name}: a file in {}", server.name);
            compared += usize::from(before.is_some_and(|(sizes, _)| sizes.iter().sum::<u64>() > 0));
        }
        assert!(compared > 0, "{name} was loaded by none");
    });
}

#[test]
fn an_rdb_keeps_every_byte_and_a_dump_becomes_a_set() {
    for (of, name) in [
        ("redis-7.0.15", "redis-7.0"),
        ("redis-8.2.3", "redis-8.2"),
        ("valkey-9.1.2", "valkey-9.1"),
    ] {
        let aof = recorded_sets().join(of).join("rdb-base/aof");
        let bytes = fs::read(aof.join("appendonly.aof.2.base.rdb")).expect("read a base");
        let dir = tempfile::tempdir().expect("make a temporary directory");
        let path = |name: &str| dir.path().join(name);
        let (dump, set, back) = (path("dump.rdb"), path("aof"), path("x"));
        fs::write(&dump, &bytes).expect("write a dump");
        json(&[], [&dump, &set]);
        assert_eq!(fs::read(set.join("appendonly.aof.1.base.rdb")).expect("read"), bytes);
        assert_eq!(fs::read(set.join("appendonly.aof.1.incr.aof")).expect("read"), b"");
        json(&["--to", "rdb"], [&set, &back]);
        assert_eq!(fs::read(back.join("dump.rdb")).expect("read"), bytes);
        let Some(server) = Server::find(name) else {
            println!("no {name}: a wrapped dump was not loaded by it");
            continue;
        };
        fs::remove_file(&dump).expect("remove");
        let found = keys(&mut loaded(&server, dir.path()).expect("it loads"));
        // The same dump, loaded as a dump.
        let alone = tempfile::tempdir().expect("make a temporary directory");
        fs::copy(back.join("dump.rdb"), alone.path().join("dump.rdb")).expect("copy");
        let wanted = keys(&mut Live::start(&server, alone.path()));
        let names = |keys: &Keys| keys.keys().cloned().collect::<Vec<_>>();
        assert!(!wanted.is_empty(), "{name}");
        assert_eq!(names(&found), names(&wanted), "{name}");
    }
}

/// One command as a server logs it.
fn record(words: &str) -> Vec<u8> {
    let words: Vec<&str> = words.split(' ').collect();
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

fn log(commands: &[&str]) -> Vec<u8> {
    commands.iter().flat_map(|words| record(words)).collect()
}

/// A set of a RESP base and increments, each of which begins in database 0 whatever the one before left.
fn written(base: &[u8], increments: &[Vec<u8>]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let set = dir.path().join("aof");
    fs::create_dir(&set).expect("make a directory");
    let mut lines = "file appendonly.aof.1.base.aof seq 1 type b\n".to_owned();
    fs::write(set.join("appendonly.aof.1.base.aof"), base).expect("write");
    for (i, increment) in (1..).zip(increments) {
        lines += &format!("file appendonly.aof.{i}.incr.aof seq {i} type i\n");
        fs::write(set.join(format!("appendonly.aof.{i}.incr.aof")), increment).expect("write");
    }
    fs::write(set.join("appendonly.aof.manifest"), lines).expect("write");
    dir
}

/// A pre-7.0 file that begins with an RDB, as a server wrote it.
fn single_with_preamble() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    copy_tree(&recorded_sets().join("redis-6.2.14/preamble"), dir.path());
    dir
}

fn busy() -> tempfile::TempDir {
    let base = log(&["SET a:1 base", "SELECT 3", "SET b:1 base", "SELECT 9", "SET c:1 base"]);
    let one = log(&[
        "SET a:2 x",
        "MULTI",
        "SET a:3 x",
        "SELECT 3",
        "INCR b:n",
        "EXEC",
        "MSET a:4 x b:4 y c:4 z",
        "MULTI",
        "INCR c:n",
        "EXEC",
        "DEL a:1 b:none c:none",
        "SELECT 9",
        "RPUSH c:list 1 2 3",
    ]);
    let two = log(&[
        "SET a:5 zero",
        "SELECT 3",
        "FLUSHDB",
        "SET {b}5 x",
        "RENAME {b}5 {b}6",
        "SWAPDB 14 15",
    ]);
    // Nothing selected again: all of it is in database 0.
    let three =
        log(&["INCR a:n", "MULTI", "INCR a:n", "INCR b:n", "EXEC", "SELECT 9", "LPOP c:list"]);
    written(&base, &[one, two, three])
}

/// The servers that a result has to be right for.
fn servers() -> Vec<Server> {
    let names = ["redis-7.0", "redis-8.2", "valkey-9.1"];
    let found = |name: &&str| {
        let server = Server::find(name);
        if server.is_none() {
            println!("no {name}: nothing was loaded by it");
        }
        server
    };
    names.iter().filter_map(found).collect()
}

#[test]
fn merged_increments_and_one_file_are_what_the_increments_were() {
    let original = busy();
    let merged = tempfile::tempdir().expect("make a temporary directory");
    json(&[], [&original.path().join("aof"), &merged.path().join("aof")]);
    assert_eq!(fs::read_dir(merged.path().join("aof")).expect("list").count(), 3);
    let one = tempfile::tempdir().expect("make a temporary directory");
    json(&["--to", "file"], [&original.path().join("aof"), &one.path().join("f")]);
    fs::rename(one.path().join("f").join(SINGLE_FILE), one.path().join(SINGLE_FILE)).unwrap();
    fs::remove_dir(one.path().join("f")).unwrap();
    for server in servers() {
        let load = |dir: &Path| {
            let copy = tempfile::tempdir().expect("make a temporary directory");
            copy_tree(dir, copy.path());
            keys(&mut loaded(&server, copy.path()).expect("it loads"))
        };
        let wanted = load(original.path());
        assert!(wanted.len() > 8 && wanted.keys().any(|(db, _)| *db == 9));
        assert_eq!(load(merged.path()), wanted, "{}", server.name);
        assert_eq!(load(one.path()), wanted, "{}", server.name);
    }
}

/// Whether a key of a database is to be there.
type Takes<'t> = dyn Fn(u64, &[u8]) -> bool + 't;

#[test]
fn a_filter_keeps_what_it_takes_as_it_was_and_nothing_else() {
    let original = busy();
    for server in servers() {
        let copy = tempfile::tempdir().expect("make a temporary directory");
        copy_tree(original.path(), copy.path());
        let all = keys(&mut loaded(&server, copy.path()).expect("it loads"));
        filtered(&server, original.path(), &all);
    }
}

fn filtered(server: &Server, original: &Path, all: &Keys) {
    let slots = 0..=8000;
    let cases: [(&[&str], &Takes<'_>); 5] = [
        (&["--db", "3"], &|db, _| db == 3),
        (&["--db", "0,9"], &|db, _| db != 3),
        (&["--key", "a:*"], &|_, key| Glob::new(b"a:*").matches(key)),
        (&["--key-regex", "^[bc]:.$", "--db", "0"], &|db, key| {
            db == 0 && key[0] != b'a' && key.len() == 3
        }),
        (&["--slot", "0-8000"], &|_, key| slots.contains(&slot(key))),
    ];
    for (words, takes) in cases {
        let dir = tempfile::tempdir().expect("make a temporary directory");
        let told = json(words, [&original.join("aof"), &dir.path().join("aof")]);
        assert!(told["loss"]["commands"].as_u64() > Some(0), "{words:?}");
        let mut wanted = all.clone();
        wanted.retain(|(db, key), _| takes(*db, key));
        let found = keys(&mut loaded(server, dir.path()).expect("it loads"));
        assert_eq!(found, wanted, "{words:?} in {}", server.name);
    }
}

#[test]
fn what_cannot_be_right_is_refused_with_its_place_and_nothing_is_made() {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let start = log(&["SET a 1"]);
    for (command, words, why) in [
        ("RENAME a b", &["--key", "a"][..], "cannot be split"),
        ("SUNIONSTORE a b c", &["--key", "b"], "cannot be split"),
        ("MOVE a 3", &["--db", "0"], "between a database"),
        ("SWAPDB 0 3", &["--db", "3"], "between a database"),
        ("COPY a b DB 3", &["--db", "3"], "between a database"),
        ("EVAL x 0", &["--key", "a"], "cannot be told"),
        ("SORT a BY w_* STORE a", &["--key", "a"], "cannot be told"),
    ] {
        let set = written(&start, &[[start.clone(), record(command)].concat()]);
        let into = dir.path().join("made");
        let output = aofkit(words, [&set.path().join("aof"), &into]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
        assert!(said.contains(why) && said.contains(&format!("byte {}", start.len())), "{said}");
        assert!(!into.exists(), "{command}");
        json(&[], [&set.path().join("aof"), &dir.path().join(command.replace(' ', "-"))]);
    }
    // Damage is not converted.
    let torn = written(&start, &[start[..9].to_vec()]);
    let output = aofkit(&[], [&torn.path().join("aof"), &dir.path().join("made")]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("not sound"), "{output:?}");
    assert!(!dir.path().join("made").exists());
}
