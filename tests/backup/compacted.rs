//! `prune --compact`: many small objects become few, nothing else changes, and nothing is lost on the way.

use std::fs;
use std::sync::Arc;

use aofkit::backup::{Backup, Keep, Repository, apply_prune, plan_prune};
use aofkit::disk::Hold;
use aofkit::error::Result;
use aofkit::store::MemoryStore;

use super::failures::{assert_sound, open, run};
use super::home::{Home, INCREMENT, files_in, set, verified};

fn compact(repository: &Repository, last: u64) -> Result<(usize, usize)> {
    let keep = Keep { last, ..Keep::default() };
    let mut plan = plan_prune(repository, &keep, None, Hold::Alone)?;
    plan.compact(repository, None)?;
    apply_prune(repository, &plan)?;
    Ok(plan.compaction.as_ref().map_or((0, 0), |joined| joined.objects()))
}

/// All snapshots as backups, the oldest first.
fn all(home: &Home) -> Vec<Backup> {
    let repository = home.repository();
    let made = home.backup();
    let listed = repository.list().unwrap();
    let entry = |one| repository.entry(&one).unwrap();
    listed.into_iter().map(|one| Backup { entry: entry(one), ..made.clone() }).collect()
}

#[test]
fn small_objects_are_joined_up_to_where_snapshots_that_stay_end() {
    let home = Home::with_increment(&set("a", b"1"));
    let mut contents = Vec::new();
    for n in 0..40 {
        home.backup();
        contents.push(fs::read(home.set().join(INCREMENT)).unwrap());
        if n < 39 {
            home.append(&set(&format!("key:{n}"), b"value"));
        }
    }
    let repository = home.repository();
    // Every snapshot ends at another object: nothing can be joined while all of them stay.
    assert_eq!(compact(&repository, 40).unwrap(), (0, 0));
    assert_eq!(compact(&repository, 3).unwrap(), (38, 1));
    let snapshots = all(&home);
    assert_eq!(snapshots.len(), 3);
    let segments: Vec<_> = snapshots.iter().map(|s| s.entry.files[1].segments.len()).collect();
    assert_eq!(segments, [1, 2, 3]);
    for (snapshot, content) in snapshots.iter().zip(&contents[37..]) {
        let files = home.by_hand_anew(snapshot);
        assert!(files[INCREMENT] == *content, "{}", snapshot.entry.id);
    }
    let found = verified(&repository);
    assert!(found.is_good() && found.unreferenced == 0, "{found:?}");
    assert_eq!(found.objects_checked, 4, "the base, one of 38, and two");
    drop(repository);
    // The next snapshot goes on where the compacted one ends.
    home.append(&set("later", b"1"));
    let next = home.backup();
    assert!(next.entry.diverged.is_empty() && next.new_bytes < 100, "{next:?}");
    assert_eq!(home.by_hand_anew(&next), files_in(&home.set()));
    assert_eq!(compact(&home.repository(), 1).unwrap(), (4, 1));
    let last = all(&home).pop().unwrap();
    assert_eq!(last.entry.files[1].segments.len(), 1);
    assert_eq!(home.by_hand_anew(&last), files_in(&home.set()));
    assert!(home.backup().unchanged);
}

#[test]
fn a_compaction_that_fails_at_any_call_loses_nothing_and_the_next_one_ends_it() {
    let home = Home::new();
    home.fill(&set("a", b"1"));
    for call in 0.. {
        let store = Arc::new(MemoryStore::default());
        home.put(INCREMENT, &set("a", b"1"));
        for n in 0..4 {
            run(&home, &store).unwrap();
            home.append(&set(&format!("key:{n}"), b"value"));
        }
        let newest = run(&home, &store).unwrap().entry;
        let repository = open(&store).unwrap();
        store.fail_from(Some(call));
        let outcome = compact(&repository, 2);
        store.fail_from(None);
        assert_sound(&store, &format!("call {call}"));
        let holds_it = |repository: &Repository| {
            let listed = repository.list().unwrap();
            let same = |one| {
                let entry = repository.entry(one).unwrap();
                (entry.seq, entry.logical_bytes()) == (newest.seq, newest.logical_bytes())
            };
            listed.iter().any(same)
        };
        assert!(holds_it(&repository), "call {call}: the newest snapshot is lost");
        if outcome.is_ok() {
            assert!(call > 10, "{call}");
            return;
        }
        compact(&repository, 2).unwrap();
        assert_sound(&store, &format!("after call {call}"));
        assert!(holds_it(&repository), "after call {call}");
        let listed = repository.list().unwrap();
        let seqs: Vec<_> = listed.iter().map(|one| one.seq).collect();
        assert_eq!(seqs, [4, 5], "after call {call}");
        let last = repository.entry(&listed[1]).unwrap();
        assert_eq!(last.files[1].segments.len(), 2, "after call {call}");
        assert_eq!(verified(&repository).unreferenced, 0, "after call {call}");
    }
}
