//! Called as redis-check-aof, aofkit says, asks and answers what that program of Redis 8.6 does, and called as
//! valkey-check-aof what that of Valkey 9.1 does.
//!
//! What the real programs of these and of Redis 8.2 and 7.0 did with every case is recorded; where they are installed they
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
use tools::{Done, REAL, Recorded, recorded, run};

fn real(name: &str) -> Option<std::path::PathBuf> {
    Some(support::server::servers_dir()?.join(Server::find(name)?.name).join("check-aof"))
}

/// The record, checked against the real programs where they are.
fn what_they_did(cases: &[Case]) -> Recorded {
    let found: Vec<_> = REAL.iter().filter_map(|(name, _)| real(name)).collect();
    let Ok(programs) = <[_; 4]>::try_from(found) else {
        eprintln!(
            "not run: some of the real check tools are not there; their recorded runs stand in"
        );
        return recorded();
    };
    let runs =
        in_parallel(cases.len(), |i| programs.each_ref().map(|program| run(program, &cases[i])));
    let names = cases.iter().map(|case| case.name.clone());
    let runs: Recorded = names.zip(runs).collect();
    if std::env::var_os("AOFKIT_RECORD").is_some() {
        tools::record(&runs);
    }
    let known = recorded();
    for (name, done) in &runs {
        let why = "the record is not what the program does; AOFKIT_RECORD=1 renews it";
        assert_eq!(Some(done), known.get(name), "{name}: {why}");
    }
    runs
}

#[test]
fn it_answers_as_the_real_programs_do() {
    let cases = cases::all();
    let theirs = what_they_did(&cases);
    let of_redis = tools::ours();
    let of_valkey = tools::called("valkey-check-aof");
    let ours = in_parallel(cases.len(), |i| {
        [&of_redis, &of_valkey].map(|program| run(&program.path, &cases[i]))
    });
    let mut wrong = Vec::new();
    for (case, [ours, as_valkey]) in cases.iter().zip(&ours) {
        let [newest, newer, older, valkey] = &theirs[&case.name];
        let mut compare = |who: &str, ours: &Done, theirs: &Done, alike: fn(&Done) -> Done| {
            // Ours does not die of lengths beyond memory.
            let is_dead = theirs.exit < 0 && theirs.output.contains("Out Of Memory");
            if !is_dead && alike(ours) != alike(theirs) {
                wrong.push(format!("{}\n  ours   {ours:?}\n  {who} {theirs:?}", case.name));
            }
        };
        // What would be harm is not done; what it says until then is the same.
        if let Some(why) = is_kept_whole(case, valkey) {
            assert_eq!((as_valkey.exit, as_valkey.cut.as_str()), (1, ""), "{}", case.name);
            assert!(as_valkey.output.contains(why), "{}: {as_valkey:?}", case.name);
        } else {
            compare("valkey", as_valkey, valkey, comparable);
        }
        if case.name.starts_with("Valkey RDB") {
            continue;
        }
        if let Some(why) = is_kept_whole(case, newest) {
            assert_eq!((ours.exit, ours.cut.as_str()), (1, ""), "{}: {ours:?}", case.name);
            assert!(ours.output.contains(why), "{}: {ours:?}", case.name);
            continue;
        }
        compare("8.6", ours, newest, comparable);
        if !newer.output.contains("Can't handle RDB format version 13") {
            compare("8.2", ours, newer, of_any_version);
        }
        if !explained(case, older) {
            compare("7.0", ours, older, of_7_0);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// What theirs cuts and ours does not: a manifest that is taken for a log, and an RDB.
fn is_kept_whole(case: &Case, theirs: &Done) -> Option<&'static str> {
    if would_empty_a_manifest(theirs) {
        return Some("it is a manifest");
    }
    let is_rdb = case.name.starts_with("Valkey RDB") && theirs.cut.ends_with("=0");
    is_rdb.then_some("it begins with an RDB")
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
        || of_7_0.output.contains("Can't handle RDB format version 1")
}

/// Without the version it tells of itself.
fn of_any_version(done: &Done) -> Done {
    let done = comparable(done);
    let lines = done.output.lines().map(|line| match line.split_once("-check-aof v=") {
        Some((name, _)) => format!("{name}-check-aof v="),
        None => line.to_owned(),
    });
    Done { output: lines.collect::<Vec<_>>().join("\n"), ..done.clone() }
}

/// Without what only one of both prints.
fn of_7_0(done: &Done) -> Done {
    let done = of_any_version(done);
    let line = |line: &str| match line.strip_prefix("[offset 0] Checking RDB file ") {
        Some(path) => path.rsplit('/').next().unwrap().to_owned(),
        None => line.to_owned(),
    };
    let lines = done.output.lines().filter(|line| !line.ends_with(" subexpires")).map(line);
    Done { output: lines.collect::<Vec<_>>().join("\n"), ..done }
}

/// Errors of an RDB that are told in the same words, with all that is said of them.
const TOLD_ALIKE: [&str; 3] =
    ["RDB CRC error", "Can't handle RDB format version", "in RDB file with foreign version"];

/// Without the details of an RDB that is broken otherwise: how its reader came to its end is told in other words.
fn comparable(done: &Done) -> Done {
    let mut output = Vec::new();
    let mut in_error = false;
    let is_broken = done.output.contains("--- RDB ERROR DETECTED ---")
        && !TOLD_ALIKE.iter().any(|known| done.output.contains(known));
    for line in done.output.lines() {
        let details = ["[additional info]", "[info]"];
        let ends = [
            "Check RDB returned error code 1",
            "RDB preamble of AOF file is not sane, aborting.",
            "Terminating server after rdb file reading failure.",
        ];
        let is_detail = details.iter().any(|of| line.starts_with(of))
            || ends.iter().any(|end| line.contains(end));
        if is_broken && is_detail {
            continue;
        }
        if in_error && is_broken && !line.contains("Invalid object type") {
            output.push("[offset N] some reason");
        } else {
            output.push(line);
        }
        in_error = line == "--- RDB ERROR DETECTED ---";
    }
    Done { output: output.join("\n"), ..done.clone() }
}
