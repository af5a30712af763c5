//! Every system call that concerns the set, the repository or the target is refused once, or does less than it was
//! asked for. Each call gets one of the answers that a disk may give; `AOFKIT_EVERY_REFUSAL=1` gives it all of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;

use aofkit::backup::{RestoreOptions, restore};
use aofkit::progress::Silent;

use super::home::{Home, INCREMENT, files_in, put_back, set, tree, verified};
use super::support::number_from_env;
use super::trace::{self, Traced};
use super::{backup_words, four_files, old_increment, put_old_set, strs, three_snapshots, tidy};

/// What a disk or a file system may answer, and how a run tells of it.
const REFUSALS: [(&str, &str); 3] = [
    ("error=5", "Input/output error"),
    ("error=28", "No space left on device"),
    ("error=122", "quota exceeded"),
];

/// What to do to which calls: refusals first, which begin with one or the other at the first call.
fn refusals() -> Vec<(Vec<&'static str>, &'static str)> {
    let all = REFUSALS.map(|(act, _)| act);
    match number_from_env("AOFKIT_EVERY_REFUSAL", 0) {
        0 => vec![(all.to_vec(), "fault")],
        _ => all.map(|act| (vec![act], "fault")).to_vec(),
    }
}

/// What must not matter.
fn nuisances() -> Vec<(Vec<&'static str>, &'static str)> {
    vec![(vec!["error=4"], INTERRUPTIBLE), (vec!["short"], PARTIAL)]
}

/// Calls that Linux lets a signal interrupt on some file system or other.
const INTERRUPTIBLE: &str = "openat,read,pread64,write,pwrite64,fsync,fdatasync,ftruncate";

/// Calls that may do a part of what they were asked for.
const PARTIAL: &str = "read,pread64,write,pwrite64";

/// Something happens at every call that concerns the set, the repository or the target.
fn at_every_call(
    home: &Home,
    words: &[&str],
    (acts, calls): &(Vec<&str>, &str),
    prepare: &dyn Fn(),
    check: &dyn Fn(&Traced, &str),
) -> u64 {
    trace::at_every_call(home.root.path(), words, (acts, calls), prepare, check)
}

/// A refused run says what the system said and where; it is told apart from one that did its work all the same.
fn assert_told(traced: &Traced, what: &str) -> bool {
    if traced.code == 0 {
        return false;
    }
    let text = REFUSALS.iter().find(|(act, _)| what.starts_with(&format!("{act} "))).unwrap().1;
    assert_eq!(traced.code, 1, "{what}: {}", traced.stderr);
    assert!(traced.stderr.contains(text), "{what}: {}", traced.stderr);
    let path = &traced.hit.as_ref().unwrap().1;
    // A staged file has no name that anybody knows; of it the place is told.
    let told = traced.stderr.contains(path.as_str())
        || path.contains("/tmp/")
        || path.contains(".restore-")
        || traced.stderr.contains("target")
        || traced.stderr.contains("repo");
    assert!(told, "{what}: {}", traced.stderr);
    true
}

/// A repository with one snapshot, and a set that has grown since.
fn grown() -> (Home, BTreeMap<String, Vec<u8>>) {
    let home = Home::in_memory();
    four_files(&home);
    home.backup();
    let before = tree(&home.repo());
    let more = [set("key:3", b"1"), set("more", b"2")].concat();
    home.put("appendonly.aof.3.incr.aof", &more);
    (home, before)
}

#[test]
fn a_backup_refused_at_any_call_says_so_and_publishes_nothing() {
    let (home, before) = grown();
    let words = backup_words(&home);
    for begin in [BTreeMap::new(), before] {
        let was = usize::from(!begin.is_empty());
        for acts in refusals() {
            let did_not_matter = RefCell::new(Vec::new());
            let prepare = || put_back(&home.repo(), &begin);
            let tried = at_every_call(&home, &strs(&words), &acts, &prepare, &|traced, what| {
                let refused = assert_told(traced, what);
                let (call, path) = traced.hit.clone().unwrap();
                // Once the entry has its name, a refusal can only say that it may not last, or that it is not written
                // down that it is there. Names are seen from their directories then.
                let early = path.contains("/repo/objects") || path.contains("/appendonlydir");
                let late = !early && (path.ends_with("/repo") || path.contains("/repo/"));
                let repository = home.repository();
                assert!(verified(&repository).is_good(), "{what}");
                let now = repository.list().unwrap().len();
                assert!(now == was || now == was + 1 && (!refused || late), "{what}: {now}");
                if call != "statx" {
                    assert_next_backup(&home, what);
                }
                assert!(refused || now == was + 1, "{what}");
                if !refused && is_told_of(&call, &path) {
                    assert!(traced.stderr.contains("cannot be read"), "{what}: {}", traced.stderr);
                }
                if !refused {
                    did_not_matter.borrow_mut().push((call, path));
                }
            });
            let did_not_matter = did_not_matter.into_inner();
            println!("backup over {was} snapshots: {tried} calls refused with {:?}", acts.0);
            // What is written down after the snapshot is there, which the next run does. A directory that is made all the same, what may lie beside the set, and a staged file that
            // is not needed and stays until it is swept. Never bytes. Of two threads that make the same
            // directory one may be refused.
            let looks = ["statx", "newfstatat", "open", "openat", "getdents64", "mkdirat"];
            let is_afterwards = |call: &str, path: &str| {
                let gives_a_name = ["renameat", "renameat2", "fsync"].contains(&call)
                    && (path.ends_with("/repo/tmp") || path.ends_with("/repo"));
                let is_noted = ["numbers", "keys"].iter().any(|what| {
                    path.contains(&format!("/repo/{what}"))
                        || path.contains(&format!("/repo/tmp/{what}-"))
                });
                is_noted || gives_a_name
            };
            // A source that cannot be read when it is looked for the one that the set is: its bytes, and its end. When it is
            // that one, it is read again.
            let is_of_entry = |(call, path): &&(String, String)| {
                is_told_of(call, path) && path.contains("/snapshots/")
            };
            assert!(did_not_matter.iter().filter(is_of_entry).count() <= 2, "{did_not_matter:?}");
            // Read once more to see whether a rewrite has ended meanwhile.
            let is_manifest_again =
                |call: &str, path: &str| call == "pread64" && path.ends_with(".manifest");
            // A set beside this one is opened to see whether it holds more; where it cannot be read, that is not known.
            let is_of_another_set = |path: &str| path.contains("/again/");
            let only_looks = did_not_matter.iter().all(|(call, path)| {
                is_afterwards(call, path)
                    || is_of_another_set(path)
                    || is_told_of(call, path)
                    || is_manifest_again(call, path)
                    || looks.contains(&call.as_str())
                    || call == "unlinkat" && path.contains("/repo/tmp")
            });
            assert!(only_looks, "{did_not_matter:?}");
        }
    }
}

/// Reads of what no snapshot needs, which a run goes on without and tells.
fn is_told_of(call: &str, path: &str) -> bool {
    call == "pread64" && (path.contains("/repo/keys/") || path.contains("/snapshots/"))
}

/// The next run succeeds, and what it published is what is there.
fn assert_next_backup(home: &Home, what: &str) {
    let again = home.backup();
    let target = home.root.path().join("again");
    drop(fs::remove_dir_all(&target));
    let options = RestoreOptions { replace: false, threads: 1 };
    restore(&home.repository(), &again.entry, &target, options, &Silent).unwrap();
    assert_eq!(files_in(&target), files_in(&home.set()), "{what}");
}

#[test]
fn a_backup_does_its_work_through_interruptions_and_partial_reads_and_writes() {
    let (home, before) = grown();
    let words = backup_words(&home);
    for acts in nuisances() {
        for begin in [&BTreeMap::new(), &before] {
            let prepare = || put_back(&home.repo(), begin);
            let tried = at_every_call(&home, &strs(&words), &acts, &prepare, &|traced, what| {
                assert_eq!(traced.code, 0, "{what}: {}", traced.stderr);
                let repository = home.repository();
                assert!(verified(&repository).is_good(), "{what}");
                let listed = repository.list().unwrap().len();
                assert_eq!(listed, 1 + usize::from(!begin.is_empty()), "{what}");
                assert_next_backup(&home, what);
            });
            println!("backup: {tried} calls with {:?}", acts.0);
        }
    }
}

#[test]
fn a_prune_refused_at_any_call_says_so_and_leaves_whole_snapshots() {
    let home = three_snapshots();
    let (repo, before) = (home.repo(), tree(&home.repo()));
    let words = ["prune", "--repo", repo.to_str().unwrap(), "--keep-last", "1", "--apply"];
    for acts in refusals().into_iter().chain(nuisances()) {
        let prepare = || put_back(&home.repo(), &before);
        let tried = at_every_call(&home, &words, &acts, &prepare, &|traced, what| {
            if acts.1 == "fault" {
                assert_told(traced, what);
            } else {
                assert_eq!(traced.code, 0, "{what}: {}", traced.stderr);
            }
            let found = verified(&home.repository());
            assert!(found.is_good(), "{what}: {found:?}");
            assert!(traced.code != 0 || found.snapshots_checked == 1, "{what}");
            assert_next_backup(&home, what);
        });
        println!("prune: {tried} calls with {:?}", acts.0);
    }
}

#[test]
fn a_restore_refused_at_any_call_says_so_and_changes_nothing() {
    let home = Home::in_memory();
    four_files(&home);
    home.backup();
    let new = files_in(&home.set());
    let target = home.root.path().join("target");
    let from = format!("{}::latest", home.repo().display());
    let old = old_increment();
    for replaces in [false, true] {
        let mut words = vec!["restore", &from, target.to_str().unwrap()];
        words.extend(replaces.then_some("--replace"));
        let prepare = || {
            tidy(&home);
            if replaces {
                put_old_set(&target);
            }
        };
        for acts in refusals().into_iter().chain(nuisances()) {
            let tried = at_every_call(&home, &words, &acts, &prepare, &|traced, what| {
                let refused = acts.1 == "fault" && assert_told(traced, what);
                assert!(refused || traced.code == 0, "{what}: {}", traced.stderr);
                assert_litter_is_named(&home, traced, refused, what);
                let now = target.exists().then(|| files_in(&target));
                let is_old = match (&now, replaces) {
                    (Some(now), true) => now.len() == 1 && now[INCREMENT] == old,
                    (now, _) => now.is_none(),
                };
                // Only what comes after the one step may be refused with the new set in its place.
                assert!(now.as_ref() == Some(&new) || refused && is_old, "{what}: {now:?}");
            });
            println!("restore (replacing: {replaces}): {tried} calls with {:?}", acts.0);
        }
    }
}

/// What a restore that was refused has left beside its target is named.
fn assert_litter_is_named(home: &Home, traced: &Traced, refused: bool, what: &str) {
    for one in fs::read_dir(home.root.path()).unwrap() {
        let name = one.unwrap().file_name().into_string().unwrap();
        if refused && name.starts_with("target.") {
            assert!(traced.stderr.contains(&name), "{what}: {name}: {}", traced.stderr);
        }
    }
}

#[test]
fn a_verify_that_cannot_read_never_says_that_all_is_well() {
    let (home, before) = grown();
    let repo = home.repo();
    let words = ["verify", "--repo", repo.to_str().unwrap(), "--data"];
    let tried = at_every_call(
        &home,
        &words,
        &(vec!["error=5"], "openat,read,pread64,getdents64,statx"),
        &|| put_back(&home.repo(), &before),
        &|traced, what| assert!([1, 25].contains(&traced.code), "{what}: {}", traced.stdout),
    );
    println!("verify: {tried} calls refused");
}
