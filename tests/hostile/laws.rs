//! The laws of changes, over journals of our own and what chance makes of them, and over damaged logs.

use std::fs;

use proptest::prelude::*;

use super::change_laws;
use super::support::mutate::Random;
use super::support::{in_parallel, number_from_env};
use super::tree::in_time;
use super::world::*;

/// Journals that were really written, by both versions.
fn journals() -> Vec<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kept/0.1.0");
    let mut found = Vec::new();
    let mut pending = vec![root];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.ends_with("journal") {
                found.push(fs::read(path).unwrap());
            }
        }
    }
    assert!(found.len() >= 6);
    let hole = [sets(20), b"*3\r\n$3\r\nSXX".to_vec(), sets(20)].concat();
    let torn = [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat();
    for (bytes, words) in
        [(torn, &["repair", "--apply"][..]), (hole, &["repair", "--salvage", "--apply"])]
    {
        let set = Set::of(&bytes);
        in_time(words, &set.dir()).expect(0);
        let kept = fs::read_dir(set.root().join("aof.aofkit")).unwrap();
        let entry = kept.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
        found.push(fs::read(entry.join("journal")).unwrap());
    }
    found
}

#[test]
fn laws_hold_for_journals_and_what_chance_makes_of_them() {
    let journals = journals();
    let most = number_from_env("AOFKIT_LAW_MUTATIONS", 300);
    in_parallel(most as usize, |n| {
        let mut random = Random::new(number_from_env("AOFKIT_SEED", 7), n as u64);
        let mut bytes = journals[random.below(journals.len())].clone();
        for _ in 0..random.below(4) {
            let at = random.below(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match random.below(4) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes.truncate(at),
                2 => bytes.insert(at, b'\n'),
                _ => bytes.splice(at..at, *b"../").for_each(drop),
            }
            if bytes.is_empty() {
                break;
            }
        }
        change_laws::a_journal_is_read_or_refused(&bytes);
        let choice = random.below(8) as u8;
        change_laws::a_journal_touches_nothing_outside(&[&[choice], &bytes[..]].concat());
    });
}

#[test]
fn repairs_of_damaged_logs_are_taken_back_to_the_byte() {
    let most = number_from_env("AOFKIT_LAW_MUTATIONS", 100);
    in_parallel(most as usize, |n| {
        let mut random = Random::new(number_from_env("AOFKIT_SEED", 7), n as u64);
        let mut bytes = sets(30);
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes.truncate(at.max(1)),
                _ => bytes.splice(at..at, *b"*3\r\n$3\r\nSXX").for_each(drop),
            }
        }
        change_laws::repair_then_undo_is_the_old_set(
            &[&[random.below(8) as u8], &bytes[..]].concat(),
        );
    });
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 64,
        ..ProptestConfig::default()
    })]

    #[test]
    fn laws_hold_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        change_laws::a_journal_is_read_or_refused(&bytes);
        change_laws::a_journal_touches_nothing_outside(&bytes);
        change_laws::repair_then_undo_is_the_old_set(&bytes);
    }
}
