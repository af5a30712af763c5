//! The real Redis 7.4, with its modules loaded and without, on recorded sets and on damaged copies of them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::mutate::Random;
use super::support::server::{Outcome, Server};
use super::support::{copy_tree, number_from_env, recorded_sets};
use super::world::run;
use super::{ALL, OF_MODULES};

/// Cuts, flips or fills something of a set; whether there was something.
pub fn damage(random: &mut Random, dir: &Path) -> bool {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<_> = names.filter(|path| path.extension() != Some("manifest".as_ref())).collect();
    let of = |part: &str| all.iter().find(|path| path.to_str().unwrap().contains(part)).unwrap();
    let file = if random.chance(25) { of(".base.") } else { of(".incr.") };
    let mut bytes = fs::read(file).unwrap();
    if bytes.len() < 2 {
        return false;
    }
    match random.below(4) {
        0 => bytes.truncate(1 + random.below(bytes.len() - 1)),
        1 => bytes.extend([0; 20]),
        _ => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
    }
    fs::write(file, bytes).unwrap();
    true
}

/// What the server did, in the words of `loads`.
pub fn did(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Loaded => "yes",
        Outcome::StartedAfterTruncation => "after-truncation",
        Outcome::StartedEmpty => "starts-empty",
        Outcome::Refused(_) | Outcome::Crashed(_) => "no",
        Outcome::Hung => "hangs",
    }
}

#[test]
fn a_real_server_with_modules_and_without_does_what_is_said() {
    let Some(server) = Server::find("redis-7.4").filter(|server| !server.modules().is_empty())
    else {
        println!("did not run: redis-7.4 with its modules was not found");
        return;
    };
    let (seed, damages) =
        (number_from_env("AOFKIT_SEED", 7), number_from_env("AOFKIT_DAMAGES", 12));
    let mut unsure = 0;
    for number in 0..damages {
        let mut random = Random::new(seed, number);
        let home = tempfile::tempdir().unwrap();
        copy_tree(&recorded_sets().join(OF_MODULES[number as usize % 2]), home.path());
        // The first two as they are.
        if number >= 2 {
            damage(&mut random, &home.path().join("aof"));
        }
        for (list, options) in [(ALL, server.modules()), ("none", Vec::new())] {
            let real = did(server.load_with(home.path(), &options).outcome);
            let dir = home.path().join("aof");
            let words = ["check", "--json", "--target", "redis-7.4", "--modules", list];
            let answer = run(words.into_iter().chain([dir.to_str().unwrap()]));
            let report: Value = answer.json();
            match report["loads"].as_str() {
                Some(said) => assert_eq!(said, real, "seed {seed}, {number}, {list}: {report:#}"),
                None => unsure += 1,
            }
        }
    }
    assert!(unsure * 50 <= 2 * damages, "{unsure} of {} are not told", 2 * damages);
}
