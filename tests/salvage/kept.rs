//! Nearly nothing that the damage left alone is lost, and nothing comes to life that was only a value.

use std::fs;

use super::reader::{self, Command};
use super::repaired::{contents, damaged_copy, open, planned, salvaged};
use super::support::mutate::{Mutation, Random};
use super::support::server::Server;
use super::support::{in_parallel, number_from_env};
use super::written::Written;
use aofkit::repair::inner::Answer;

pub const SEED: u64 = 20_260_724;

/// Sets of some servers, or `None` when one of them is missing.
pub fn sets(steps: usize) -> Option<Vec<Written>> {
    let servers = Server::find_all(&["redis-7.0", "redis-8.2", "valkey-9.1"])?;
    let written = servers.iter().enumerate();
    Some(written.map(|(i, s)| Written::by(s, SEED + i as u64, steps, i != 1)).collect())
}

struct Score {
    number: u64,
    what: String,
    wanted: usize,
    missing: Vec<Command>,
    /// Kept, but in another database.
    astray: usize,
    revived: usize,
    /// Look-alikes may be alive: they were copied out of their value, or what shows that they lie in one
    /// left no trace.
    is_excused: bool,
}

#[test]
fn salvage_keeps_what_an_independent_reader_finds_intact() {
    let Some(sets) = sets(700) else {
        println!("salvage: NOT RUN against sets of real servers: they are not installed");
        return;
    };
    let seed = number_from_env("AOFKIT_SEED", SEED);
    let count = number_from_env("AOFKIT_DAMAGES", 500);
    let one = number_from_env("AOFKIT_DAMAGE", u64::MAX);
    let numbers: Vec<u64> = if one == u64::MAX { (0..count).collect() } else { vec![one] };
    let scores = in_parallel(numbers.len(), |i| score(&sets, seed, numbers[i]));
    let (mut wanted, mut missing, mut revived, mut astray) = (0, 0, 0, 0);
    for score in &scores {
        wanted += score.wanted;
        missing += score.missing.len();
        astray += score.astray;
        revived += if score.is_excused { 0 } else { score.revived };
        if score.astray > 0 || !score.missing.is_empty() || score.revived > 0 && !score.is_excused {
            println!(
                "#{} {}: {} of {} missing, {} astray, {} revived",
                score.number,
                score.what,
                score.missing.len(),
                score.wanted,
                score.astray,
                score.revived
            );
            for command in score.missing.iter().take(3) {
                let args: Vec<_> = command
                    .args
                    .iter()
                    .take(3)
                    .map(|a| a[..a.len().min(30)].escape_ascii().to_string())
                    .collect();
                println!("    {:?} db {} {args:?}", command.at, command.db);
            }
        }
    }
    println!(
        "salvage: {} damages, AOFKIT_SEED={seed}: {missing} of {wanted} intact commands missing, {astray} in another database, {revived} look-alikes",
        scores.len()
    );
    assert!(missing * 1000 <= wanted, "{missing} of {wanted} intact commands are missing");
    assert_eq!(revived, 0, "look-alikes were brought to life");
}

fn score(sets: &[Written], seed: u64, number: u64) -> Score {
    let mut random = Random::new(seed, number);
    let set = random.pick(sets);
    let files = set.files();
    let is_log = |file: &&String| !file.ends_with(".rdb");
    let logs: Vec<&String> = files.iter().filter(is_log).collect();
    let file = *random.pick(&logs);
    let bytes = set.bytes(file);
    let damage = Mutation::choose(&mut random, &bytes);
    let commands = reader::read(&bytes);
    let wanted = reader::untouched(&commands, &bytes, &damage);
    let what = format!("{} {file} {damage}", set.server.name);
    let dir = tempfile::tempdir().unwrap();
    let broken = damage.apply(&bytes);
    let path = damaged_copy(&set.data, dir.path(), file, &broken);
    let aof = open(&path, &set.server.name);
    let answer = salvaged(&aof);
    if let Answer::Refused(why) = &answer {
        panic!("#{number} {what}: refused: {why}");
    }
    let inner = planned(answer);
    let position = aof.segments.iter().position(|s| *s.name == *file.as_bytes()).unwrap();
    let result = &contents(&aof, &inner)[position];
    if number_from_env("AOFKIT_DAMAGE", u64::MAX) != u64::MAX {
        for range in &inner.ranges {
            println!("{range:?}");
        }
        fs::write(std::env::temp_dir().join("broken.aof"), &broken).unwrap();
        fs::write(std::env::temp_dir().join("result.aof"), result).unwrap();
    }
    let found = reader::read(result);
    let missing = reader::missing(&wanted, &found, Command::spelling);
    let elsewhere = reader::missing(&wanted, &found, Command::meaning);
    let astray = elsewhere.len().saturating_sub(missing.len());
    let inner_key = |c: &&Command| c.args.get(1).is_some_and(|key| key.starts_with(b"inner:"));
    let is_excused = match damage {
        Mutation::Duplicate { .. }
        | Mutation::Splice { .. }
        | Mutation::Overwrite { .. }
        | Mutation::AppendOwn { .. } => true,
        // Where the last of them ends with the file, they may as well follow a wrong length.
        Mutation::Truncate { .. } => broken.ends_with(b"look-alike\r\n"),
        Mutation::Delete { at, .. } => reader::leaves_no_trace(&broken, at),
        _ => false,
    };
    Score {
        number,
        what,
        wanted: wanted.len(),
        astray,
        missing: missing.into_iter().map(|place| wanted[place].clone()).collect(),
        revived: found.iter().filter(inner_key).count(),
        is_excused,
    }
}
