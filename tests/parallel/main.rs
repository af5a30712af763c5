//! A file that several threads read in pieces gives the report of one thread, whatever the bytes, the pieces and the threads are.
//!
//! `AOFKIT_SEED` gives other logs, `AOFKIT_PIECES` how many.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod logs;
#[path = "../support/mod.rs"]
mod support;

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::process::Command;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Wording, judge};
use aofkit::progress::{Progress, Silent};
use aofkit::scan::{Pace, Pieces, scan, scan_in_pieces};
use support::mutate::{Mutation, Random};
use support::{in_parallel, number_from_env, recorded_sets};

/// All that a check says of a set, opened for it: the facts, and the judgement. `None` where it cannot be opened.
fn said(path: &Path, pieces: Option<Pieces>) -> Option<String> {
    let aof = Aof::open(path, &OpenOptions::default()).ok()?;
    let pace = |pieces| Pace { pieces, ..Pace::default() };
    let facts = match pieces {
        Some(pieces) => scan_in_pieces(&aof, Check::new(&aof), &pace(pieces), &Silent),
        None => scan(&aof, Check::new(&aof), &Pace::default(), &Silent),
    };
    let facts = facts.unwrap();
    let segments = format!("{:#?}", facts.segments);
    let report = judge(&aof, facts, &Wording { redact: false }).unwrap();
    Some(format!("{segments}\n{report:#?}"))
}

/// Reads the set as a whole, and several times in pieces.
fn is_the_same_in_pieces(path: &Path, random: &mut Random, tries: usize) {
    let Some(whole) = said(path, None) else { return };
    for _ in 0..tries {
        let bytes = match random.below(4) {
            0 => 1 + random.below(20) as u64,
            1 => 20 + random.below(200) as u64,
            2 => 200 + random.below(2_000) as u64,
            _ => 2_000 + random.below(20_000) as u64,
        };
        let pieces = Pieces { threads: 2 + random.below(4), bytes };
        let divided = said(path, Some(pieces)).unwrap();
        if divided != whole {
            let differs = whole.lines().zip(divided.lines()).find(|(one, other)| one != other);
            panic!("{pieces:?} of {}: {differs:#?}", path.display());
        }
    }
}

/// One log by this index, in a directory of its own; damaged in two of three cases.
fn one_log(seed: u64, index: usize, kind: logs::Kind) {
    let mut random = Random::new(seed, index as u64);
    let mut bytes = logs::log(&mut random, kind);
    for _ in 0..random.below(3) {
        bytes = Mutation::choose(&mut random, &bytes).apply(&bytes);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("appendonly.aof");
    fs::write(&path, &bytes).unwrap();
    is_the_same_in_pieces(&path, &mut random, 4);
}

fn many_logs(kind: logs::Kind) {
    let seed = number_from_env("AOFKIT_SEED", 7);
    let count = number_from_env("AOFKIT_PIECES", 100) as usize;
    in_parallel(count, |index| one_log(seed, index, kind));
}

#[test]
fn logs_of_small_records_are_the_same_in_pieces() {
    many_logs(logs::Kind::Small);
}

#[test]
fn look_alikes_of_records_in_values_change_nothing() {
    many_logs(logs::Kind::LookAlikes);
}

#[test]
fn transactions_of_any_length_change_nothing() {
    many_logs(logs::Kind::Transactions);
}

#[test]
fn commands_that_a_check_has_something_to_say_of_are_counted_once() {
    many_logs(logs::Kind::Odd);
}

/// A value that no piece and no window holds, full of records.
#[test]
fn one_giant_value_is_one_record() {
    let mut random = Random::new(number_from_env("AOFKIT_SEED", 7), 0);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("appendonly.aof");
    let mut inner = Vec::new();
    while inner.len() < 3 << 20 {
        inner.extend(logs::log(&mut random, logs::Kind::Transactions));
    }
    let mut bytes = logs::log(&mut random, logs::Kind::Small);
    bytes.extend(logs::command(&[b"SET", b"giant", &inner]));
    bytes.extend(logs::log(&mut random, logs::Kind::Small));
    let cut = bytes.len() - 100_000;
    for len in [bytes.len(), cut] {
        fs::write(&path, &bytes[..len]).unwrap();
        let whole = said(&path, None);
        for bytes in [50_000, 300_000, 1 << 20] {
            assert_eq!(said(&path, Some(Pieces { threads: 3, bytes })), whole);
        }
    }
}

/// Sets of several files, with bases, as servers wrote them.
#[test]
fn sets_that_servers_wrote_are_the_same_in_pieces() {
    let sets: Vec<_> = fs::read_dir(recorded_sets())
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .collect();
    assert!(sets.len() > 3, "{sets:?}");
    in_parallel(sets.len(), |index| {
        let mut random = Random::new(number_from_env("AOFKIT_SEED", 7), index as u64);
        is_the_same_in_pieces(&sets[index], &mut random, 4);
    });
}

/// Counts what it is told.
#[derive(Default)]
struct Steps {
    calls: Cell<u64>,
    bytes: Cell<u64>,
}

impl Progress for Steps {
    fn advance(&self, bytes: u64) {
        self.calls.set(self.calls.get() + 1);
        self.bytes.set(self.bytes.get() + bytes);
    }
}

/// A log without anything odd: whoever joins reads next to nothing of it, and tells of all bytes once.
#[test]
fn pieces_of_a_sound_log_are_joined_and_not_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("appendonly.aof");
    let mut bytes = logs::command(&[b"SELECT", b"0"]);
    for number in 0..100_000 {
        let transaction = number % 7 == 0;
        bytes.extend(if transaction { logs::command(&[b"MULTI"]) } else { Vec::new() });
        let key = format!("key:{number}");
        bytes.extend(logs::command(&[b"SET", key.as_bytes(), &[b'v'; 40]]));
        bytes.extend(if transaction { logs::command(&[b"EXEC"]) } else { Vec::new() });
    }
    fs::write(&path, &bytes).unwrap();
    let aof = Aof::open(&path, &OpenOptions::default()).unwrap();
    let pace = Pace { pieces: Pieces { threads: 3, bytes: 1 << 20 }, ..Pace::default() };
    let steps = Steps::default();
    let facts = scan_in_pieces(&aof, Check::new(&aof), &pace, &steps).unwrap();
    assert_eq!(facts.segments[0].commands, 100_001 + 2 * 100_000_u64.div_ceil(7));
    let pieces = bytes.len() as u64 / (1 << 20) + 1;
    assert!((pieces..=pieces + 3).contains(&steps.calls.get()), "{}", steps.calls.get());
    assert_eq!(steps.bytes.get(), bytes.len() as u64);
}

/// What a user sees of a log that is large enough to be divided by default.
#[test]
fn check_says_the_same_on_any_number_of_threads() {
    let mut random = Random::new(number_from_env("AOFKIT_SEED", 7), 1);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("appendonly.aof");
    let mut bytes = Vec::new();
    while bytes.len() < 14 << 20 {
        bytes.extend(logs::log(&mut random, logs::Kind::Transactions));
    }
    let middle = bytes.len() / 2;
    for place in [None, Some(middle)] {
        if let Some(at) = place {
            bytes[at..at + 40].fill(b'x');
        }
        fs::write(&path, &bytes).unwrap();
        let check = |threads: &str| {
            let mut run = Command::new(env!("CARGO_BIN_EXE_aofkit"));
            run.args(["check", "--json", "--threads", threads]).arg(&path).output().unwrap()
        };
        let (one, three) = (check("1"), check("3"));
        assert_eq!(one.status, three.status);
        assert!(!one.stdout.is_empty());
        assert_eq!(String::from_utf8_lossy(&one.stdout), String::from_utf8_lossy(&three.stdout));
    }
}
