//! Long lists of segments are objects of their own: shared, proven, and collected as garbage like all others.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use aofkit::aof::OpenOptions;
use aofkit::backup::{
    Backup, BackupOptions, Depth, Entry, FlawKind, Keep, Repository, RestoreOptions, Verified,
    apply_prune, backup, plan_prune, restore, verify,
};
use aofkit::disk::Hold;
use aofkit::progress::Silent;
use aofkit::store::{MemoryStore, Store};

use super::failures::{assert_sound, open, run};
use super::home::{Home, INCREMENT, files_in, set, verified};

/// Appends one command and takes a snapshot, so often; the increment has a segment more each time.
fn chain(home: &Home, store: &Arc<MemoryStore>, snapshots: usize) -> Vec<Entry> {
    let made = (0..snapshots).map(|n| {
        home.append(&set(&format!("key:{n}"), b"value"));
        run(home, store).unwrap().entry
    });
    made.collect()
}

fn lists(store: &dyn Store) -> Vec<String> {
    store.list("lists/").unwrap().into_iter().map(|one| one.key).collect()
}

fn needed_lists(entries: &[Entry]) -> Vec<String> {
    let all: BTreeSet<_> = entries.iter().flat_map(Entry::lists).map(|one| &one.list).collect();
    all.into_iter().cloned().collect()
}

fn copy(store: &MemoryStore) -> Arc<MemoryStore> {
    let copied = MemoryStore::default();
    for one in store.list("").unwrap() {
        copied.put(&one.key, &store.get(&one.key, one.len).unwrap()).unwrap();
    }
    Arc::new(copied)
}

fn looked_at(store: &Arc<MemoryStore>) -> Verified {
    verify(&open(store).unwrap(), Depth::Objects, 1, &Silent).unwrap()
}

fn entries(repository: &Repository) -> Vec<Entry> {
    repository.entries().unwrap().into_values().flatten().collect()
}

fn prune(repository: &Repository, last: u64, source: Option<&str>, compact: bool) {
    let keep = Keep { last, accept_shrinks: true, ..Keep::default() };
    let mut plan = plan_prune(repository, &keep, source, Hold::Alone).unwrap();
    if compact {
        plan.compact(repository, source).unwrap();
    }
    apply_prune(repository, &plan).unwrap();
}

#[test]
fn snapshots_of_a_long_chain_share_their_lists_and_all_come_back_by_script_and_without() {
    let home = Home::in_memory();
    home.fill(b"");
    let mut made: Vec<(Backup, Vec<u8>)> = Vec::new();
    for n in 0..290 {
        home.append(&set(&format!("key:{n}"), b"value"));
        made.push((home.backup(), fs::read(home.set().join(INCREMENT)).unwrap()));
    }
    let last = &made[289].0.entry.files[1];
    let lengths: Vec<_> = last.lists.iter().map(|one| one.segments).collect();
    assert_eq!((lengths, last.segments.len()), (vec![256, 16, 16], 290));
    assert_eq!(made[14].0.entry.lists().count(), 0);
    // Fifteen of 16 up to the one of 256, then two more.
    let repository = home.repository();
    assert_eq!(lists(repository.store()).len(), 15 + 1 + 2);
    for (at, listed) in repository.list().unwrap().iter().enumerate() {
        assert_eq!(repository.entry(listed).unwrap(), made[at].0.entry, "{at}");
    }
    let found = verified(&repository);
    assert!(found.is_good() && found.flaws.is_empty() && found.unreferenced == 0, "{found:?}");
    for (made, content) in [15, 16, 17, 255, 256, 289].map(|at| &made[at]) {
        let by_hand = home.by_hand(made);
        let target = home.root.path().join(format!("restored-{}", made.entry.seq));
        let options = RestoreOptions { replace: false, threads: 1 };
        restore(&repository, &made.entry, &target, options, &Silent).unwrap();
        assert_eq!(files_in(&target), by_hand, "{}", made.entry.id);
        assert!(by_hand[INCREMENT] == *content, "{}", made.entry.id);
    }
}

#[test]
fn every_bit_of_a_list_counts_and_the_snapshots_that_need_it_are_named() {
    let home = Home::with_increment(b"");
    let store = Arc::new(MemoryStore::default());
    let made = chain(&home, &store, 18);
    let concerned: BTreeSet<_> = made[15..].iter().map(|entry| entry.id.clone()).collect();
    let [list] = &lists(&*store)[..] else { panic!("not one list") };
    let bytes = store.get(list, 1 << 20).unwrap();
    let assert_named = |kind: FlawKind, what: &str| {
        let found = looked_at(&store);
        let [flaw] = &found.flaws[..] else { panic!("{what}: {found:?}") };
        assert!(flaw.key == *list && flaw.kind == kind && !flaw.harmless, "{what}: {flaw:?}");
        assert_eq!(flaw.snapshots.iter().cloned().collect::<BTreeSet<_>>(), concerned, "{what}");
        assert_eq!(found.snapshots_checked, 15, "{what}");
    };
    for at in 0..bytes.len() {
        store.tamper(list, |bytes| bytes[at] ^= 1 << (at % 8));
        assert_named(FlawKind::Damaged, &format!("byte {at}"));
        store.tamper(list, |bytes| bytes[at] ^= 1 << (at % 8));
    }
    for len in (0..bytes.len()).step_by(7) {
        store.tamper(list, |bytes| bytes.truncate(len));
        assert_named(FlawKind::Damaged, &format!("cut to {len}"));
        store.tamper(list, |there| there.clone_from(&bytes));
    }
    store.delete(list).unwrap();
    assert_named(FlawKind::Missing, "missing");
    let repository = open(&store).unwrap();
    let told = repository.entry(&repository.list().unwrap()[15]).unwrap_err().to_string();
    assert!(told.contains(list.as_str()) && told.contains(&made[15].id), "{told}");
    store.put(list, &bytes).unwrap();
    assert_sound(&store, "put back");
}

#[test]
fn two_lists_in_the_place_of_each_other_are_both_named() {
    let home = Home::with_increment(b"");
    let store = Arc::new(MemoryStore::default());
    let made = chain(&home, &store, 33);
    let [one, other] = [0, 1].map(|at| made[32].files[1].lists[at].list.clone());
    let [first, second] = [&one, &other].map(|key| store.get(key, 1 << 20).unwrap());
    store.put(&one, &second).unwrap();
    store.put(&other, &first).unwrap();
    let found = looked_at(&store);
    let named: Vec<_> = found.flaws.iter().map(|flaw| (&flaw.key, flaw.snapshots.len())).collect();
    let mut expected = vec![(&one, 18), (&other, 2)];
    expected.sort();
    assert_eq!(named, expected, "{found:?}");
    assert!(!found.is_good());
}

#[test]
fn a_backup_after_a_list_was_damaged_goes_on_from_an_older_snapshot() {
    let home = Home::with_increment(b"");
    let store = Arc::new(MemoryStore::default());
    let made = chain(&home, &store, 16);
    let list = made[15].files[1].lists[0].list.clone();
    let good = store.get(&list, 1 << 20).unwrap();
    store.tamper(&list, |bytes| bytes[100] ^= 1);
    // The same segments again: the list becomes what its name says.
    let again = run(&home, &store).unwrap();
    assert_eq!(again.unreadable, [made[15].id.clone()]);
    assert_eq!(again.entry.parent.as_ref(), Some(&made[14].id));
    assert_eq!(again.entry.files[1].lists[0].list, list);
    assert!(store.get(&list, 1 << 20).unwrap() == good);
    assert_sound(&store, "afterwards");
}

#[test]
fn a_prune_leaves_exactly_the_lists_that_are_needed() {
    let home = Home::with_increment(b"");
    let store = Arc::new(MemoryStore::default());
    let made = chain(&home, &store, 260);
    assert_eq!(lists(&*store).len(), 16);
    let repository = open(&store).unwrap();
    for keep in [250, 100, 5, 1] {
        prune(&repository, keep, None, false);
        let needed = needed_lists(&made[260 - keep as usize..]);
        assert_eq!(lists(&*store), needed, "{keep}");
        assert_sound(&store, &format!("the last {keep}"));
        assert_eq!(looked_at(&store).unreferenced, 0, "{keep}");
    }
    assert_eq!(lists(&*store).len(), 1);
    // Joined, 260 segments are one: no list is left.
    prune(&repository, 1, None, true);
    assert_eq!(lists(&*store), [""; 0]);
    assert_sound(&store, "compacted");
    assert_eq!(entries(&repository)[0].files[1].segments.len(), 1);
    assert!(run(&home, &store).unwrap().unchanged);
}

#[test]
fn compacted_snapshots_have_lists_of_their_own() {
    let home = Home::with_increment(b"");
    let store = Arc::new(MemoryStore::default());
    let made = chain(&home, &store, 40);
    let repository = open(&store).unwrap();
    prune(&repository, 20, None, true);
    let now = entries(&repository);
    let segments: Vec<_> = now.iter().map(|entry| entry.files[1].segments.len()).collect();
    assert_eq!(segments, (1..=20).collect::<Vec<_>>());
    assert_eq!(lists(&*store), needed_lists(&now));
    assert_eq!(needed_lists(&now).len(), 1);
    assert_ne!(needed_lists(&now), needed_lists(&made[39..])[..1]);
    assert_sound(&store, "compacted");
    assert_eq!(looked_at(&store).unreferenced, 0);
}

#[test]
fn two_sources_share_a_list_and_it_stays_as_long_as_one_of_them_needs_it() {
    let home = Home::with_increment(b"");
    let store = Arc::new(MemoryStore::default());
    let take = |source: &str| {
        let source = Some(source.to_owned());
        let options = BackupOptions { source, threads: 1, ..BackupOptions::default() };
        backup(&home.set(), &OpenOptions::default(), &open(&store).unwrap(), &options, &Silent)
            .unwrap()
            .entry
    };
    let mut last = Vec::new();
    for n in 0..17 {
        home.append(&set(&format!("key:{n}"), b"value"));
        last = vec![take("one"), take("other")];
    }
    assert_eq!(last[0].files[1].lists, last[1].files[1].lists);
    let shared = lists(&*store);
    assert_eq!(shared, needed_lists(&last));
    // Both are rewritten; of the one source only what comes after that stays, then of the other as well.
    home.put(INCREMENT, &set("new", b"1"));
    let repository = open(&store).unwrap();
    for (source, left) in [("one", shared), ("other", Vec::new())] {
        take(source);
        prune(&repository, 1, Some(source), false);
        assert_eq!(lists(&*store), left, "{source}");
        assert_sound(&store, source);
    }
}

#[test]
fn a_backup_that_puts_a_list_and_fails_at_any_call_publishes_all_or_nothing() {
    let home = Home::with_increment(b"");
    let before = Arc::new(MemoryStore::default());
    chain(&home, &before, 15);
    home.append(&set("last", b"1"));
    for call in 0.. {
        let store = copy(&before);
        store.fail_from(Some(call));
        let outcome = run(&home, &store);
        store.fail_from(None);
        assert_sound(&store, &format!("call {call}"));
        let again = run(&home, &store).unwrap();
        assert_eq!(again.entry.files[1].lists.len(), 1, "call {call}");
        assert_sound(&store, &format!("after call {call}"));
        assert_eq!(looked_at(&store).unreferenced, 0, "call {call}");
        if outcome.is_ok() {
            assert!(call > 20, "{call}");
            return;
        }
    }
}

#[test]
fn a_prune_of_lists_that_fails_at_any_call_loses_nothing_and_the_next_one_ends_it() {
    let home = Home::with_increment(b"");
    let before = Arc::new(MemoryStore::default());
    chain(&home, &before, 34);
    for compact in [false, true] {
        for call in 0.. {
            let store = copy(&before);
            let repository = open(&store).unwrap();
            store.fail_from(Some(call));
            let keep = Keep { last: 17, ..Keep::default() };
            let outcome = plan_prune(&repository, &keep, None, Hold::Alone).and_then(|mut plan| {
                if compact {
                    plan.compact(&repository, None)?;
                }
                apply_prune(&repository, &plan)
            });
            store.fail_from(None);
            drop(repository);
            let found = looked_at(&store);
            assert!(found.is_good(), "call {call}: {found:?}");
            let again = open(&store).unwrap();
            prune(&again, 17, None, compact);
            let now = entries(&again);
            assert_eq!(now.len(), 17, "call {call}");
            assert_eq!(now[16].seq, 34, "call {call}");
            assert_eq!(lists(&*store), needed_lists(&now), "call {call}");
            assert_sound(&store, &format!("after call {call}"));
            if outcome.is_ok() {
                assert!(call > 50, "{call}");
                break;
            }
        }
    }
}
