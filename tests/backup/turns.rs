//! A disk that loses a bit changes no time. What each backup takes over is proven in turn, so that none stays unseen for ever.

use std::collections::BTreeSet;
use std::sync::Arc;

use aofkit::backup::{Depth, Entry, FlawKind, Keep, RestoreOptions, apply_prune, plan_prune};
use aofkit::backup::{restore, verify};
use aofkit::disk::Hold;
use aofkit::limits;
use aofkit::progress::Silent;
use aofkit::store::{MemoryStore, Store};

use super::failures::{assert_sound, open, run};
use super::home::{Home, files_in, set};

const MIB: usize = 1024 * 1024;

/// Bytes that zstd makes no smaller.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).take(len / 8).flatten().collect()
}

/// So many snapshots, each with an object of so many bytes more.
fn chain(snapshots: u64, bytes: usize) -> (Home, Arc<MemoryStore>, Entry) {
    let home = Home::with_increment(&set("a", b"1"));
    let store = Arc::new(MemoryStore::default());
    let mut last = run(&home, &store).unwrap().entry;
    for n in 0..snapshots {
        home.append(&set(&format!("key:{n}"), &noise(n, bytes)));
        last = run(&home, &store).unwrap().entry;
    }
    (home, store, last)
}

fn objects(entry: &Entry) -> Vec<String> {
    let all: BTreeSet<_> = entry.segments().map(|segment| segment.object.clone()).collect();
    all.into_iter().collect()
}

fn copy(store: &MemoryStore) -> Arc<MemoryStore> {
    let copied = MemoryStore::default();
    for one in store.list("").unwrap() {
        copied.put(&one.key, &store.get(&one.key, one.len).unwrap()).unwrap();
    }
    Arc::new(copied)
}

fn flip(store: &MemoryStore, key: &str) {
    store.tamper(key, |bytes| {
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
    });
}

fn comes_back(home: &Home, store: &Arc<MemoryStore>) {
    let repository = open(store).unwrap();
    let last = repository.list().unwrap().pop().unwrap();
    let entry = repository.entry(&last).unwrap();
    let target = tempfile::tempdir().unwrap();
    let target = target.path().join("out");
    restore(&repository, &entry, &target, RestoreOptions::default(), &Silent).unwrap();
    assert!(files_in(&target) == files_in(&home.set()));
}

#[test]
fn a_bit_lost_without_a_trace_is_found_by_the_backup_that_closes_the_round_at_the_latest() {
    let (home, store, last) = chain(12, 4 * MIB);
    for object in objects(&last) {
        let store = copy(&store);
        flip(&store, &object);
        let found = (1..=limits::BACKUP_TURNS).find(|n| {
            let made = run(&home, &store).unwrap();
            assert_eq!(made.unchanged, made.damaged.is_empty(), "{n}");
            made.damaged == [object.clone()]
        });
        assert!(found.is_some(), "{object} stays unseen");
        comes_back(&home, &store);
        // Once it is stored anew nothing is amiss for any backup that follows.
        let after = (0..4).all(|_| run(&home, &store).unwrap().unchanged);
        assert!(after);
    }
}

#[test]
fn a_set_that_is_small_has_every_object_proven_by_every_backup() {
    let (home, store, last) = chain(12, MIB);
    for object in objects(&last) {
        let store = copy(&store);
        flip(&store, &object);
        assert_eq!(run(&home, &store).unwrap().damaged, [object]);
        comes_back(&home, &store);
    }
    assert!(store.list("turns/").unwrap().is_empty(), "there is nothing to remember");
}

#[test]
fn where_one_bit_is_lost_every_object_is_proven_in_the_same_run() {
    let (home, store, last) = chain(12, 4 * MIB);
    let all = objects(&last);
    let bad = [all[0].clone(), all[all.len() / 2].clone(), all[all.len() - 1].clone()];
    bad.iter().for_each(|object| flip(&store, object));
    let found = (0..limits::BACKUP_TURNS).map(|_| run(&home, &store).unwrap().damaged);
    let found = found.into_iter().find(|damaged| !damaged.is_empty()).unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    comes_back(&home, &store);
}

#[test]
fn where_a_round_stands_is_written_down_and_is_no_harm_when_it_is_lost() {
    let (home, store, last) = chain(12, 4 * MIB);
    let kept = store.list("turns/").unwrap();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let (key, len) = (&kept[0].key, kept[0].len);
    assert_eq!(*key, format!("turns/{}.json", last.source));
    let before = store.get(key, len).unwrap();
    assert!(run(&home, &store).unwrap().unchanged);
    assert_ne!(
        store.get(key, 1000).unwrap(),
        before,
        "a backup that changes nothing takes its turn"
    );
    assert_sound(&store, "with turns");

    flip(&store, key);
    let found = verify(&open(&store).unwrap(), Depth::Objects, 1, &Silent).unwrap();
    assert!(found.is_good());
    let flaw = found.flaws.iter().find(|flaw| flaw.key == *key).unwrap();
    assert_eq!((flaw.kind, flaw.harmless), (FlawKind::Damaged, true));
    assert!(run(&home, &store).unwrap().unchanged);
    assert_sound(&store, "after a damaged one");
    let found = verify(&open(&store).unwrap(), Depth::Objects, 1, &Silent).unwrap();
    assert!(found.flaws.is_empty(), "it was written anew: {:?}", found.flaws);
}

#[test]
fn a_source_without_snapshots_has_no_turns() {
    let (_home, store, last) = chain(12, 4 * MIB);
    for one in store.list(&format!("sources/{}/snapshots/", last.source)).unwrap() {
        store.delete(&one.key).unwrap();
    }
    let keep = Keep { accept_missing: true, ..Keep::default() };
    let repository = open(&store).unwrap();
    let plan = plan_prune(&repository, &keep, None, Hold::Alone).unwrap();
    apply_prune(&repository, &plan).unwrap();
    assert!(store.list("turns/").unwrap().is_empty());
    assert!(store.list("numbers/").unwrap().is_empty());
}
