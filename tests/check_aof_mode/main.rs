//! Called as redis-check-aof, aofkit says, asks and answers what that program of Redis 8.2 does.
//!
//! What the real programs of 8.2 and 7.0 did with every case is recorded; where they are installed they
//! are asked again, and the record must be right. `AOFKIT_RECORD=1` writes it anew.
#![allow(clippy::unwrap_used)]

mod cases;
mod differences;
#[path = "../support/mod.rs"]
mod support;
mod tools;

use cases::Case;
use support::in_parallel;
use support::server::Server;
use tools::{Done, Recorded, recorded, run};

fn real(name: &str) -> Option<std::path::PathBuf> {
    Some(support::server::servers_dir()?.join(Server::find(name)?.name).join("check-aof"))
}

/// The record, checked against the real programs where they are.
fn what_they_did(cases: &[Case]) -> Recorded {
    let (Some(newer), Some(older)) = (real("redis-8.2"), real("redis-7.0")) else {
        eprintln!("not run: the check tools of Redis 7.0 and 8.2; their recorded runs stand in");
        return recorded();
    };
    let runs = in_parallel(cases.len(), |i| [run(&newer, &cases[i]), run(&older, &cases[i])]);
    let names = cases.iter().map(|case| case.name.clone());
    let runs: Recorded = names.zip(runs).collect();
    if std::env::var_os("AOFKIT_RECORD").is_some() {
        tools::record(&runs);
    }
    assert_eq!(
        runs,
        recorded(),
        "the record is not what the programs do; AOFKIT_RECORD=1 renews it"
    );
    runs
}

#[test]
fn it_answers_as_redis_check_aof_of_8_2_does() {
    let cases = cases::all();
    let theirs = what_they_did(&cases);
    let program = tools::ours();
    let ours = in_parallel(cases.len(), |i| run(&program.path, &cases[i]));
    let mut wrong = Vec::new();
    for (case, ours) in cases.iter().zip(&ours) {
        let [newer, older] = &theirs[&case.name];
        if would_empty_a_manifest(newer) {
            assert_eq!((ours.exit, ours.cut.as_str()), (1, ""), "{}: {ours:?}", case.name);
            assert!(ours.output.contains("it is a manifest"), "{}: {ours:?}", case.name);
            continue;
        }
        if comparable(ours) != comparable(newer) {
            wrong.push(format!("{}\n  ours   {ours:?}\n  theirs {newer:?}", case.name));
        }
        if !explained(case, older) && of_7_0(ours) != of_7_0(older) {
            wrong.push(format!("{}\n  ours   {ours:?}\n  of 7.0 {older:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// With `--fix` it cuts a manifest that it takes for a log; ours never does.
fn would_empty_a_manifest(theirs: &Done) -> bool {
    theirs.cut.contains(".manifest=")
}

/// Where 7.0 differs from 8.2 so much that there is nothing to compare, and why.
fn explained(case: &Case, of_7_0: &Done) -> bool {
    let is_sniffed_otherwise = ["M08", "M14", "M15", "M16", "M18", "M58", "M59", "M81"]
        .contains(&&case.name[..3.min(case.name.len())]);
    // It has no such option, takes any file with a line `file` for a manifest, and knows no newer RDB.
    ["words [\"-v\"]", "words [\"--version\"]"].contains(&case.name.as_str())
        || is_sniffed_otherwise
        || of_7_0.output.contains("Can't handle RDB format version 12")
}

/// Without what only one of both prints.
fn of_7_0(done: &Done) -> Done {
    let done = comparable(done);
    let line = |line: &str| match line.strip_prefix("[offset 0] Checking RDB file ") {
        Some(path) => path.rsplit('/').next().unwrap().to_owned(),
        None => line.to_owned(),
    };
    let lines = done.output.lines().filter(|line| !line.ends_with(" subexpires")).map(line);
    Done { output: lines.collect::<Vec<_>>().join("\n"), ..done }
}

/// Without the details of a broken RDB: how its reader came to its end is told in other words.
fn comparable(done: &Done) -> Done {
    let mut output = Vec::new();
    let mut in_error = false;
    let is_broken = done.output.contains("--- RDB ERROR DETECTED ---");
    for line in done.output.lines() {
        let known = ["RDB CRC error", "Can't handle RDB format version", "Invalid object type"];
        if is_broken && (line.starts_with("[additional info]") || line.starts_with("[info]")) {
            continue;
        }
        if in_error && !known.iter().any(|known| line.contains(known)) {
            output.push("[offset N] some reason");
        } else {
            output.push(line);
        }
        in_error = line == "--- RDB ERROR DETECTED ---";
    }
    Done { output: output.join("\n"), ..done.clone() }
}
