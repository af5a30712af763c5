//! Backups, retention and garbage collection at the same time, some of them killed: no snapshot ever lacks an object.
//!
//! `AOFKIT_SCHEDULES` says how many rounds, `AOFKIT_SEED` which.

use std::fs;
use std::thread;

use aofkit::backup::{Depth, verify};
use aofkit::progress::Silent;

use super::home::{Home, set, verified};
use super::support::number_from_env;
use super::trace::{Act, Tracer};
use super::{Random, expect};

/// One run of the binary, and at which of its calls it is killed, if it is.
#[derive(Debug)]
struct Turn {
    words: Vec<String>,
    killed_at: Option<u64>,
}

fn turn(home: &Home, sets: &[std::path::PathBuf], random: &mut Random) -> Turn {
    let repo = home.repo().to_str().unwrap().to_owned();
    let source = random.below(2) as usize;
    let words = match random.below(5) {
        0..=2 => {
            let set_dir = sets[source].to_str().unwrap().to_owned();
            let source = format!("source-{source}");
            let words = ["backup", &set_dir, "--repo", &repo, "--source", &source];
            let words = words.into_iter().chain(["--min-free", "0", "--new-history"]);
            words.map(str::to_owned).collect::<Vec<_>>()
        }
        3 => {
            let keep = (1 + random.below(3)).to_string();
            let words = ["prune", "--repo", &repo, "--keep-last", &keep, "--apply"];
            words.map(str::to_owned).to_vec()
        }
        _ => {
            let source = format!("source-{source}");
            let words =
                ["prune", "--repo", &repo, "--keep-last", "1", "--apply", "--source", &source];
            words.map(str::to_owned).to_vec()
        }
    };
    let killed_at = (random.below(2) == 0).then(|| 1 + random.below(25));
    Turn { words, killed_at }
}

/// A set changes as sets do: it grows, is rewritten, or goes back to what it was before.
fn live_on(dir: &std::path::Path, random: &mut Random) {
    let log = dir.join("appendonly.aof.1.incr.aof");
    let more = set(&format!("key:{}", random.below(3)), b"1");
    match random.below(4) {
        0 => fs::write(log, more).unwrap(),
        1 => fs::write(dir.join("appendonly.aof.1.base.aof"), more).unwrap(),
        _ => {
            let mut bytes = fs::read(&log).unwrap();
            bytes.extend(more);
            fs::write(log, bytes).unwrap();
        }
    }
}

#[test]
fn no_snapshot_lacks_an_object_whatever_runs_at_the_same_time() {
    let Some(tracer) = Tracer::find() else { return };
    let seed = number_from_env("AOFKIT_SEED", 20_261_124);
    let mut random = Random(seed);
    let home = Home::in_memory();
    home.fill(&set("a", b"1"));
    let other = home.root.path().join("other");
    super::support::copy_tree(&home.set(), &other);
    let sets = [home.set(), other];
    let repo = home.repo();
    let first = ["backup", sets[0].to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    expect(0, &[&first[..], &["--source", "source-0", "--min-free", "0"]].concat());
    let rounds = number_from_env("AOFKIT_SCHEDULES", 60);
    let (mut done, mut killed, mut locked) = (0, 0, 0);
    for round in 0..rounds {
        for dir in &sets {
            live_on(dir, &mut random);
        }
        let turns: Vec<Turn> =
            (0..1 + random.below(4)).map(|_| turn(&home, &sets, &mut random)).collect();
        let codes: Vec<i32> = thread::scope(|scope| {
            let run = |turn: &Turn| {
                let what = if turn.killed_at.is_some() { "kill" } else { "count" };
                let act = Act { what, at: turn.killed_at.unwrap_or(0), calls: "change" };
                let words: Vec<&str> = turn.words.iter().map(String::as_str).collect();
                let traced = tracer.run(act, &[home.root.path()], &words);
                let fine = [0, 11, 137].contains(&traced.code);
                assert!(fine, "seed {seed}, round {round}: {turn:?}: {}", traced.stderr);
                traced.code
            };
            let all: Vec<_> = turns.iter().map(|turn| scope.spawn(move || run(turn))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        done += codes.iter().filter(|code| **code == 0).count();
        killed += codes.iter().filter(|code| **code == 137).count();
        locked += codes.iter().filter(|code| **code == 11).count();
        let found = verify(&home.repository(), Depth::Objects, 1, &Silent).unwrap();
        assert!(found.is_good(), "seed {seed}, round {round}: {turns:?}: {found:?}");
    }
    println!("{rounds} rounds: {done} runs done, {killed} killed, {locked} locked out");
    assert!(verified(&home.repository()).is_good());
    expect(0, &["prune", "--repo", repo.to_str().unwrap(), "--apply"]);
    let found = verified(&home.repository());
    assert!(found.is_good() && found.unreferenced == 0, "{found:?}");
    assert!(done > 0 && killed > 0, "{done}, {killed}");
}
