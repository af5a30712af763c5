//! A place that fails at the n-th call, for every n; and bytes that change in it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use aofkit::aof::OpenOptions;
use aofkit::backup::{
    Backup, BackupOptions, Depth, Keep, Repository, apply_prune, backup, plan_prune, verify,
};
use aofkit::disk::Hold;
use aofkit::error::Result;
use aofkit::progress::Silent;
use aofkit::store::{Held, MemoryStore, Put, Store, Stored};

use super::home::{Home, INCREMENT, set};

/// A store that a test and a repository hold together.
struct Shared(Arc<MemoryStore>);

impl Store for Shared {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put> {
        self.0.put_if_absent(key, bytes)
    }
    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.0.put(key, bytes)
    }
    fn get(&self, key: &str, limit: u64) -> Result<Vec<u8>> {
        self.0.get(key, limit)
    }
    fn get_range(&self, key: &str, at: u64, len: usize) -> Result<Vec<u8>> {
        self.0.get_range(key, at, len)
    }
    fn reader(&self, key: &str) -> Result<Box<dyn Read + Send>> {
        self.0.reader(key)
    }
    fn head(&self, key: &str) -> Result<Option<Stored>> {
        self.0.head(key)
    }
    fn list(&self, prefix: &str) -> Result<Vec<Stored>> {
        self.0.list(prefix)
    }
    fn below(&self, prefix: &str) -> Result<Vec<String>> {
        self.0.below(prefix)
    }
    fn delete(&self, key: &str) -> Result<()> {
        self.0.delete(key)
    }
    fn sync(&self) -> Result<()> {
        self.0.sync()
    }
    fn lock(&self, key: &str, hold: Hold) -> Result<Option<Held>> {
        self.0.lock(key, hold)
    }
    fn clear_up(&self, names: &[&str]) -> Result<()> {
        self.0.clear_up(names)
    }
    fn sweep(&self) -> Result<u64> {
        self.0.sweep()
    }
    fn spare(&self) -> Result<Option<u64>> {
        self.0.spare()
    }
    fn name(&self) -> &Path {
        self.0.name()
    }
}

pub fn open(store: &Arc<MemoryStore>) -> Result<Repository> {
    Repository::open_or_create(Box::new(Shared(Arc::clone(store))))
}

pub fn run(home: &Home, store: &Arc<MemoryStore>) -> Result<Backup> {
    let options = BackupOptions { threads: 1, ..BackupOptions::default() };
    backup(&home.set(), &OpenOptions::default(), &open(store)?, &options, &Silent)
}

pub fn assert_sound(store: &Arc<MemoryStore>, what: &str) {
    let depth = Depth::Contents { slice: 1, of: 1 };
    let found = verify(&open(store).unwrap(), depth, 1, &Silent).unwrap();
    assert!(found.is_good(), "{what}: {found:?}");
}

#[test]
fn a_backup_that_fails_at_any_call_publishes_nothing_and_the_next_one_succeeds() {
    let home = Home::with_increment(&set("a", b"1"));
    let mut failed = 0;
    for second in [false, true] {
        for call in 0.. {
            let store = Arc::new(MemoryStore::default());
            if second {
                home.put(INCREMENT, &set("a", b"1"));
                run(&home, &store).unwrap();
                home.append(&set("b", b"2"));
            }
            let before = open(&store).unwrap().list().unwrap().len();
            store.fail_from(Some(call));
            let outcome = run(&home, &store);
            store.fail_from(None);
            let after = open(&store).unwrap().list().unwrap().len();
            assert_sound(&store, &format!("call {call}"));
            match outcome {
                Ok(made) => {
                    assert_eq!(after, before + 1, "{made:?}");
                    break;
                }
                // The entry may be there when only what comes after it failed.
                Err(_) => assert!(after == before || after == before + 1, "call {call}"),
            }
            failed += 1;
            let again = run(&home, &store).unwrap();
            assert!(!again.unchanged || after == before + 1, "call {call}");
            assert_sound(&store, &format!("after call {call}"));
        }
    }
    assert!(failed > 20, "{failed}");
}

#[test]
fn a_prune_that_fails_at_any_call_leaves_every_remaining_snapshot_whole() {
    let home = Home::with_increment(&set("a", b"1"));
    for call in 0.. {
        let store = Arc::new(MemoryStore::default());
        home.put(INCREMENT, &set("a", b"1"));
        run(&home, &store).unwrap();
        home.put(INCREMENT, &set("z", b"1"));
        run(&home, &store).unwrap();
        let repository = open(&store).unwrap();
        store.fail_from(Some(call));
        let keep = Keep { last: 1, ..Keep::default() };
        let outcome = plan_prune(&repository, &keep, None, Hold::Alone)
            .and_then(|plan| apply_prune(&repository, &plan));
        store.fail_from(None);
        let depth = Depth::Contents { slice: 1, of: 1 };
        let found = verify(&repository, depth, 1, &Silent).unwrap();
        assert!(found.is_good(), "call {call}: {found:?}");
        if outcome.is_ok() {
            assert_eq!((repository.list().unwrap().len(), found.unreferenced), (1, 0));
            assert!(call > 5);
            return;
        }
    }
}

#[test]
fn every_bit_of_every_object_and_document_counts() {
    let home = Home::with_increment(&set("a", b"1"));
    let store = Arc::new(MemoryStore::default());
    run(&home, &store).unwrap();
    home.append(&set("b", b"2"));
    run(&home, &store).unwrap();
    let keys: BTreeMap<_, _> =
        store.list("").unwrap().into_iter().map(|one| (one.key, one.len)).collect();
    let mut flipped = 0;
    for (key, len) in keys {
        for at in 0..len as usize {
            let bit = 1 << (at % 8);
            store.tamper(&key, |bytes| bytes[at] ^= bit);
            let named = match open(&store) {
                Err(e) => e.to_string().contains(&key),
                Ok(repository) => {
                    let found = verify(&repository, Depth::Objects, 1, &Silent).unwrap();
                    !found.is_good() && found.flaws.iter().any(|flaw| flaw.key == key)
                }
            };
            assert!(named, "{key}: byte {at}");
            store.tamper(&key, |bytes| bytes[at] ^= bit);
            flipped += 1;
        }
    }
    assert!(flipped > 3000, "{flipped}");
    assert_sound(&store, "afterwards");
}

/// Every file of a repository with two snapshots, by key; locks are empty anyway.
fn filled(store: &Arc<MemoryStore>) -> BTreeMap<String, Vec<u8>> {
    let home = Home::with_increment(&set("a", b"1"));
    run(&home, store).unwrap();
    home.append(&set("b", b"2"));
    run(&home, store).unwrap();
    let all = store.list("").unwrap().into_iter();
    let read = all.map(|one| (one.key.clone(), store.get(&one.key, one.len).unwrap()));
    read.filter(|(key, _)| !key.ends_with("lock")).collect()
}

/// Whether the repository is refused, or verified as bad, with this key named.
fn is_named(store: &Arc<MemoryStore>, key: &str) -> bool {
    match open(store) {
        Err(e) => e.to_string().contains(key) || key == "format.json",
        Ok(repository) => {
            let found = verify(&repository, Depth::Objects, 1, &Silent).unwrap();
            !found.is_good() && found.flaws.iter().any(|flaw| !flaw.harmless && flaw.key == key)
        }
    }
}

#[test]
fn every_cut_of_every_file_is_found_and_named() {
    let store = Arc::new(MemoryStore::default());
    let mut cuts = 0;
    for (key, bytes) in filled(&store) {
        for len in 0..bytes.len() {
            store.tamper(&key, |there| there.truncate(len));
            assert!(is_named(&store, &key), "{key} cut to {len}");
            cuts += 1;
            store.tamper(&key, |there| *there = bytes.clone());
        }
        store.tamper(&key, |there| there.push(0));
        assert!(is_named(&store, &key), "{key} and one byte more");
        store.tamper(&key, |there| *there = bytes.clone());
    }
    assert!(cuts > 3000, "{cuts}");
    assert_sound(&store, "afterwards");
}

#[test]
fn every_swap_of_two_files_is_found_and_both_are_named() {
    let store = Arc::new(MemoryStore::default());
    let all = filled(&store);
    let mut swaps = 0;
    for (one, bytes) in &all {
        for (other, others) in all.range(one.clone()..).skip(1).filter(|(_, b)| *b != bytes) {
            store.tamper(one, |there| *there = others.clone());
            store.tamper(other, |there| *there = bytes.clone());
            for key in [one, other] {
                // Without its first document it is refused as a whole. What a script should be stands in its
                // entry, and that is named.
                let refused = open(&store).is_err();
                let entry = key.replace(".sh", ".json");
                let without_entry = *key != entry && [one, other].contains(&&entry);
                assert!(
                    refused || without_entry || is_named(&store, key),
                    "{one} and {other}: {key}"
                );
            }
            swaps += 1;
            store.tamper(one, |there| *there = bytes.clone());
            store.tamper(other, |there| *there = others.clone());
        }
    }
    assert!(swaps > 20, "{swaps}");
    assert_sound(&store, "afterwards");
}

#[test]
fn every_removal_is_found_and_named() {
    let store = Arc::new(MemoryStore::default());
    for (key, bytes) in filled(&store) {
        // Without it the number of keys is not known, which every snapshot says; none needs it.
        if key.starts_with("keys/") {
            continue;
        }
        store.delete(&key).unwrap();
        if key.ends_with(".json") && key != "format.json" {
            // A snapshot that was published and not pruned. Without its numbers a repository is one of before there were
            // any: that is told, and says nothing against a snapshot.
            let found = verify(&open(&store).unwrap(), Depth::Objects, 1, &Silent).unwrap();
            let script = key.replace(".json", ".sh");
            let tells = |key: &str| found.flaws.iter().any(|flaw| flaw.key == key);
            assert!(
                key.starts_with("numbers/") && tells(&key) || tells(&script) && tells(&key),
                "{key}: {found:?}"
            );
            assert!(key.starts_with("numbers/") || !found.is_good(), "{key}");
        } else {
            // Of the first document: nothing is a repository without it, and it is not made anew.
            let first = key == "format.json";
            assert!(if first { open(&store).is_err() } else { is_named(&store, &key) }, "{key}");
        }
        store.put(&key, &bytes).unwrap();
    }
    assert_sound(&store, "afterwards");
}

#[test]
fn an_object_whose_name_is_taken_by_other_bytes_is_stored_under_another() {
    let home = Home::with_increment(&set("a", b"1"));
    let store = Arc::new(MemoryStore::default());
    let first = run(&home, &store).unwrap();
    let object = first.entry.files[1].segments[0].object.clone();
    let entry = format!("sources/{}/snapshots/{}", first.entry.source, first.entry.id);
    for ending in [".json", ".sh"] {
        store.delete(&format!("{entry}{ending}")).unwrap();
    }
    store.delete(&format!("numbers/{}.json", first.entry.source)).unwrap();
    store.tamper(&object, |bytes| bytes[5] ^= 1);
    let second = run(&home, &store).unwrap();
    assert_ne!(second.entry.files[1].segments[0].object, object);
    store.delete(&object).unwrap();
    assert_sound(&store, "without the broken one");
}
