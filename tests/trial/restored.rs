//! `restore --load`: a real server loads what was restored, and what it says stands beside the files that are there.

use std::fs;

use serde_json::Value;

use super::{INCREMENT, Run, Set, aofkit, set};
use crate::support::server::Server;
use crate::support::spelled::record;

const SERVERS: [&str; 4] = ["redis-7.0", "redis-8.2", "valkey-8.1", "valkey-9.1"];

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {} {}", run.out, run.err))
}

/// Backs the set up, restores it by `words`, and has this server load that; where it lies then.
fn restored(one: &Set, server: &str, words: &[&str]) -> (Run, String) {
    let (dir, repo) = (one.dir(), one.0.path().join("repo"));
    let made = aofkit(&[
        "backup",
        dir.to_str().unwrap(),
        "--repo",
        repo.to_str().unwrap(),
        "--min-free",
        "0",
    ]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let snapshot = format!("{}::latest", repo.display());
    let out = one.0.path().join("out");
    drop(fs::remove_dir_all(&out));
    let out = out.to_str().unwrap().to_owned();
    let run = aofkit(&[&["restore", &snapshot, &out, "--json", "--load", server], words].concat());
    (run, out)
}

/// Whatever the log holds, `restore --load` ends as `check --load` of the restored directory does, with the same words of
/// the server; the files are there in any case.
#[test]
fn what_a_server_makes_of_a_restored_set_is_told_as_check_tells_it() {
    let schema = aofkit(&["schema", "restore"]).out;
    let schema = serde_json::from_str(&schema).unwrap();
    let sound = [set("a"), set("b"), record(&[b"RPUSH", b"l", b"1", b"2"])].concat();
    let logs = [
        ("sound", sound.clone(), Some("yes")),
        (
            "an unknown command",
            [&sound[..], &record(&[b"NOSUCHCOMMAND", b"x"])].concat(),
            Some("no"),
        ),
        ("a trap", [&sound[..], &record(&[b"DEBUG", b"SEGFAULT"])].concat(), None),
    ];
    let mut tried = 0;
    for name in SERVERS {
        let Some(server) = Server::find(name) else {
            println!("NOT RUN: no {name}");
            continue;
        };
        let program = server.program().display().to_string();
        for (what, log, loads) in &logs {
            let one = Set::new(&set("base"), log);
            let (run, out) = restored(&one, &program, &[]);
            let answer = json(&run);
            let faults = crate::schema::faults(&schema, &answer);
            assert!(faults.is_empty(), "{name}, {what}: {faults:#?}");
            assert_eq!(fs::read(format!("{out}/{INCREMENT}")).unwrap(), *log, "{name}, {what}");
            let checked = aofkit(&["check", &out, "--json", "--load", &program]);
            assert_eq!(run.code, checked.code, "{name}, {what}: {} {}", run.err, checked.out);
            let (loaded, by_check) = (&answer["loaded"], &json(&checked)["loaded"]);
            assert_eq!(loaded["loads"].as_str(), *loads, "{name}, {what}: {loaded:#}");
            for field in ["loads", "fatal", "keys", "by"] {
                assert_eq!(loaded[field], by_check[field], "{name}, {what}: {field}");
            }
            if *what == "sound" {
                assert_eq!(
                    (run.code, &loaded["keys"][0]["keys"]),
                    (Some(0), &4.into()),
                    "{loaded:#}"
                );
            }
            tried += 1;
        }
    }
    println!("{tried} restored sets were loaded");
}

/// A snapshot that is restored to a moment is loaded as it stood then.
#[test]
fn a_server_loads_what_a_snapshot_was_at_a_moment() {
    let Some(server) = Server::find("redis-8.2") else {
        println!("NOT RUN: no redis-8.2");
        return;
    };
    let log = [set("a"), set("b"), record(&[b"FLUSHALL"]), set("c")].concat();
    let one = Set::new(&set("base"), &log);
    let program = server.program().display().to_string();
    let keys = |words: &[&str]| {
        let (run, _) = restored(&one, &program, words);
        assert_eq!(run.code, Some(0), "{}", run.err);
        json(&run)["loaded"]["keys"][0]["keys"].clone()
    };
    assert_eq!(keys(&[]), 1);
    assert_eq!(keys(&["--before-command", "FLUSHALL"]), 3);
}

/// A program that is no server does not make the restore undone: the files are there, and it is told.
#[test]
fn a_program_that_loads_nothing_leaves_the_restored_files() {
    let one = Set::new(&set("base"), &set("a"));
    let (run, out) = restored(&one, "/bin/false", &[]);
    assert_ne!(run.code, Some(0), "{} {}", run.out, run.err);
    assert_eq!(fs::read(format!("{out}/{INCREMENT}")).unwrap(), set("a"));
}
