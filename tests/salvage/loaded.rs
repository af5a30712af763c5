//! What comes out loads on the server that wrote the set, holds exactly the commands that were kept, and can be
//! taken back; and a truncation keeps at least what redis-check-aof --fix keeps.
//!
//! `AOFKIT_LOADS`: how many damages; `AOFKIT_LOAD=17`: only that one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aofkit::change::{self, Keep, Options, Undo};
use aofkit::check::{Loads, Verdict};
use aofkit::disk::LocalDisk;
use aofkit::progress::Silent;
use aofkit::repair::inner::{Answer, Inner};

use super::kept::{SEED, sets};
use super::reader;
use super::repaired::{contents, damaged_copy, open, outlook, planned, salvaged, truncated};
use super::support::live::Live;
use super::support::mutate::{Mutation, Random};
use super::support::server::{APPEND_DIR, MANIFEST, Outcome, Server};
use super::support::{copy_tree, in_parallel, number_from_env};
use super::written::{Written, persistent};

/// What a server holds: keys by database, and a digest of all.
fn holds(live: &mut Live) -> (Vec<u64>, String) {
    let sizes = [0, 1, 5].map(|db| {
        live.must(&format!("SELECT {db}"));
        live.must("DBSIZE").number()
    });
    (sizes.to_vec(), live.must("DEBUG DIGEST").text())
}

fn started(server: &Server, data: &Path) -> Live {
    persistent(server, data, &["--enable-debug-command", "yes"])
}

/// The base of a set alone, and then every command of what comes after it, one by one.
fn replayed(written: &Written, base: Option<&[u8]>, logs: &[Vec<u8>]) -> (Vec<u64>, String) {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join(APPEND_DIR);
    fs::create_dir(&set).unwrap();
    if let Some(base) = base {
        fs::write(set.join("appendonly.aof.1.base.rdb"), base).unwrap();
        let line = "file appendonly.aof.1.base.rdb seq 1 type b\n";
        fs::write(set.join("appendonly.aof.manifest"), line).unwrap();
    }
    let mut live = started(&written.server, dir.path());
    for log in logs {
        // Every file is read by a client of its own.
        live.must("SELECT 0");
        let mut is_open = false;
        for command in reader::read(log) {
            // A loader queues a second MULTI, which does nothing; a client would spoil the transaction.
            if command.args[0] == b"MULTI" && std::mem::replace(&mut is_open, true) {
                continue;
            }
            is_open &= command.args[0] != b"EXEC";
            let args: Vec<&[u8]> = command.args.iter().map(Vec::as_slice).collect();
            live.call(&args);
        }
    }
    holds(&mut live)
}

/// All files below a directory.
fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().flatten().filter(|e| e.path().is_file());
    entries
        .map(|e| (e.file_name().to_string_lossy().into_owned(), fs::read(e.path()).unwrap()))
        .collect()
}

struct Damaged {
    written_by: usize,
    file: String,
    damage: Mutation,
}

fn damage(sets: &[Written], number: u64) -> Damaged {
    let mut random = Random::new(number_from_env("AOFKIT_SEED", SEED) + 1, number);
    let written_by = random.below(sets.len());
    let files = sets[written_by].files();
    let file = random.pick(&files).clone();
    let damage = Mutation::choose(&mut random, &sets[written_by].bytes(&file));
    Damaged { written_by, file, damage }
}

fn numbers(default: u64) -> Vec<u64> {
    match number_from_env("AOFKIT_LOAD", u64::MAX) {
        u64::MAX => (0..number_from_env("AOFKIT_LOADS", default)).collect(),
        one => vec![one],
    }
}

fn is_rdb(bytes: &[u8]) -> bool {
    bytes.starts_with(b"REDIS") || bytes.starts_with(b"VALKEY")
}

#[test]
fn what_is_salvaged_loads_holds_what_was_kept_and_can_be_taken_back() {
    let Some(sets) = sets(250) else {
        println!("salvage: NOT RUN against loaders: real servers are not installed");
        return;
    };
    let numbers = numbers(30);
    let told = in_parallel(numbers.len(), |i| {
        let number = numbers[i];
        let Damaged { written_by, file, damage } = damage(&sets, number);
        let written = &sets[written_by];
        let what = format!("#{number} {} {file} {damage}", written.server.name);
        let dir = tempfile::tempdir().unwrap();
        let broken = damage.apply(&written.bytes(&file));
        let set = damaged_copy(&written.data, dir.path(), &file, &broken);
        let aof = open(&set, &written.server.name);
        let inner = match salvaged(&aof) {
            Answer::Plan(inner) => inner,
            Answer::Refused(why) => {
                assert!(is_rdb(&written.bytes(&file)), "{what}: refused: {why}");
                return (1, 0);
            }
        };
        let after = outlook(&aof, &inner);
        let problems = &after.report.problems;
        let outcome = (after.verdict(), after.loads());
        assert_eq!(outcome, (Verdict::Healthy, Loads::Yes), "{what}: {problems:?}");
        let results = contents(&aof, &inner);
        let was = tree(&set);
        change::Plan::apply(&inner.plan, &LocalDisk, &Options::default(), &Silent).unwrap();
        let start = written.server.load(dir.path());
        let fine = [Outcome::Loaded, Outcome::StartedEmpty].contains(&start.outcome);
        assert!(fine, "{what}: {:?}: {}", start.outcome, start.log);
        let mut live = started(&written.server, dir.path());
        let loaded = holds(&mut live);
        drop(live);
        let (base, logs) = match is_rdb(&results[0]) {
            true => (Some(&results[0][..]), &results[1..]),
            false => (None, &results[..]),
        };
        assert_eq!(loaded, replayed(written, base, logs), "{what}");
        // The server has looked at it and may have touched its manifest; the plan is applied again.
        let again = tempfile::tempdir().unwrap();
        let set = damaged_copy(&written.data, again.path(), &file, &broken);
        taken_back(&set, &written.server.name, &was, &what);
        (0, inner.ranges.len())
    });
    let refused: usize = told.iter().map(|(refused, _)| refused).sum();
    let ranges: usize = told.iter().map(|(_, ranges)| ranges).sum();
    println!("salvage: {} damages loaded, {refused} refused, {ranges} ranges dropped", told.len());
    assert!(refused * 3 < told.len() || told.len() == 1, "too many are refused");
}

fn taken_back(set: &Path, target: &str, was: &BTreeMap<String, Vec<u8>>, what: &str) {
    let aof = open(set, target);
    let inner = planned(salvaged(&aof));
    let subject = change::subject(&aof);
    let dir = aof.dir();
    drop(aof);
    if inner.plan.is_empty() {
        return;
    }
    let applied = inner.plan.apply(&LocalDisk, &Options::default(), &Silent).unwrap();
    assert!(applied.kept_at.is_some_and(|kept| kept.exists()), "{what}: nothing was kept");
    assert_ne!(&tree(set), was, "{what}");
    let undo = Undo::last(&subject, &dir, &Keep::Beside).unwrap().unwrap();
    undo.apply(&LocalDisk, &Options::default(), &Silent).unwrap();
    assert_eq!(&tree(set), was, "{what}: undone");
}

/// Bytes of the live files that are left.
fn size(inner: &Inner, aof: &aofkit::aof::Aof) -> u64 {
    contents(aof, inner).iter().map(|bytes| bytes.len() as u64).sum()
}

#[test]
fn truncation_keeps_at_least_what_redis_check_aof_keeps() {
    let (Some(sets), Some(checker)) = (sets(250), Server::find("redis-8.2")) else {
        println!("salvage: NOT RUN against redis-check-aof: it is not installed");
        return;
    };
    let numbers = numbers(60);
    let told = in_parallel(numbers.len(), |i| {
        let number = numbers[i];
        let Damaged { written_by, file, damage } = damage(&sets, number);
        let written = &sets[written_by];
        let what = format!("#{number} {} {file} {damage}", written.server.name);
        let dir = tempfile::tempdir().unwrap();
        let broken = damage.apply(&written.bytes(&file));
        let set = damaged_copy(&written.data, dir.path(), &file, &broken);
        let aof = open(&set, &written.server.name);
        let inner = match truncated(&aof) {
            Answer::Plan(inner) => inner,
            Answer::Refused(_) => return 0,
        };
        let after = outlook(&aof, &inner);
        assert_eq!((after.verdict(), after.loads()), (Verdict::Healthy, Loads::Yes), "{what}");
        let fixed = tempfile::tempdir().unwrap();
        copy_tree(dir.path(), fixed.path());
        if !checker.fix(fixed.path(), MANIFEST) {
            return 0;
        }
        // What it leaves may not load: it knows no commands. Then it has not kept anything.
        if written.server.load(fixed.path()).outcome != Outcome::Loaded {
            return 0;
        }
        let files = tree(&fixed.path().join(APPEND_DIR));
        let theirs: u64 = written.files().iter().map(|file| files[file].len() as u64).sum();
        let ours = size(&inner, &aof);
        assert!(ours >= theirs, "{what}: {ours} bytes are kept, redis-check-aof keeps {theirs}");
        1
    });
    let compared: usize = told.iter().sum();
    println!("salvage: {compared} of {} truncations compared with redis-check-aof", told.len());
    assert!(compared > 0 || told.len() == 1, "nothing was compared");
}
