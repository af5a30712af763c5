//! Killed and interrupted at every system call of `backup`, `prune` and `restore`.
//!
//! It is enough to die before each call that can change what another process would find, and at none: between two
//! such calls the disk stays what it is. What lies in the page cache survives a killed process; that what was
//! published also survives a power failure rests on the syncs in between, whose order is not what is tried here.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use aofkit::backup::Repository;

use super::home::{Home, INCREMENT, files_in, put_back, set, tree, verified};
use super::trace::at_every_call;
use super::{backup_words, four_files, old_increment, put_old_set, strs, three_snapshots, tidy};

/// What ends a run, its exit status then, and before or at which calls: a killed one may lie anywhere; interrupted it
/// is where something gets or loses its name.
const ENDS: [(&[&str], i32, &str); 2] = [
    (&["kill"], 137, "change"),
    (&SIGNALS, 130, "linkat,link,renameat2,rename,unlinkat,unlink,mkdirat,mkdir,rmdir"),
];

/// SIGINT and SIGTERM.
pub const SIGNALS: [&str; 2] = ["signal=2", "signal=15"];

/// Ends `words` at its first, second, … call below `place`, each time after `prepare`, until a run comes to its end;
/// `check` looks at what is there, and is told whether it did. Answers how often it was ended.
fn ended_at_every_call(
    place: &Path,
    words: &[&str],
    prepare: impl Fn(),
    check: impl Fn(bool, &str),
) -> u64 {
    let mut times = 0;
    for (acts, code, calls) in ENDS {
        let tried = at_every_call(place, words, (acts, calls), &prepare, &|traced, what| {
            assert_eq!(traced.code, code, "{what}: {}", traced.stderr);
            check(false, what);
        });
        if tried > 0 {
            check(true, "to its end");
        }
        times += tried;
    }
    times
}

/// Objects that no snapshot needs, and files that never got a name.
fn garbage(home: &Home) -> (u64, usize) {
    let staged = fs::read_dir(home.repo().join("tmp")).map_or(0, Iterator::count);
    // Killed before the first document, it is no repository yet.
    let Ok(repository) = Repository::at(&home.repo()) else { return (0, staged) };
    let found = verified(&repository);
    assert!(found.is_good(), "{found:?}");
    (found.unreferenced, staged)
}

#[test]
fn a_first_backup_killed_at_any_call_publishes_all_or_nothing_and_the_next_adopts_what_is_there() {
    let home = Home::in_memory();
    four_files(&home);
    let words = backup_words(&home);
    let most = Cell::new((0, 0));
    let prepare = || drop(fs::remove_dir_all(home.repo()));
    let killed = ended_at_every_call(home.root.path(), &strs(&words), prepare, |done, what| {
        let (unreferenced, staged) = garbage(&home);
        most.set((most.get().0.max(unreferenced), most.get().1.max(staged)));
        // Four segments; two files may be written at a time, and a document.
        assert!(
            unreferenced <= 4 && staged <= 3,
            "{what}: {unreferenced} objects, {staged} staged"
        );
        let again = home.backup();
        assert!(again.unchanged || !done, "{what}");
        assert_eq!(home.by_hand_anew(&again), files_in(&home.set()), "{what}");
        assert_eq!(garbage(&home).0, 0, "{what}: objects were stored twice");
        let count = home.repository().list().unwrap().len();
        assert_eq!(count, 1, "{what}: {count} snapshots of one state");
    });
    println!("a first backup: ended at {killed} calls; garbage at most {:?}", most.get());
}

#[test]
fn a_later_backup_killed_at_any_call_leaves_the_earlier_snapshots_whole() {
    let home = Home::in_memory();
    let words = backup_words(&home);
    let (one, two) = (set("key:3", b"1"), [set("key:3", b"1"), set("more", b"2")].concat());
    four_files(&home);
    let first = home.backup();
    let before = tree(&home.repo());
    let prepare = || {
        put_back(&home.repo(), &before);
        home.put("appendonly.aof.3.incr.aof", &two);
    };
    let killed = ended_at_every_call(home.root.path(), &strs(&words), prepare, |_, what| {
        let (unreferenced, staged) = garbage(&home);
        assert!(
            unreferenced <= 1 && staged <= 2,
            "{what}: {unreferenced} objects, {staged} staged"
        );
        let old = home.by_hand_anew(&first);
        assert_eq!(old["appendonly.aof.3.incr.aof"], one, "{what}");
        let again = home.backup();
        assert_eq!(again.entry.parent.as_ref(), Some(&first.entry.id), "{what}");
        assert_eq!(home.by_hand_anew(&again), files_in(&home.set()), "{what}");
        assert_eq!(garbage(&home).0, 0, "{what}");
    });
    println!("a later backup: ended at {killed} calls");
}

#[test]
fn a_backup_that_puts_a_list_killed_at_any_call_leaves_the_earlier_snapshots_whole() {
    let home = Home::in_memory();
    let words = backup_words(&home);
    home.fill(b"");
    for n in 0..16 {
        home.append(&set(&format!("key:{n}"), b"1"));
        if n < 15 {
            home.backup();
        }
    }
    let before = tree(&home.repo());
    let prepare = || put_back(&home.repo(), &before);
    let killed = ended_at_every_call(home.root.path(), &strs(&words), prepare, |done, what| {
        let (unreferenced, staged) = garbage(&home);
        assert!(unreferenced <= 2 && staged <= 2, "{what}: {unreferenced}, {staged} staged");
        let again = home.backup();
        assert!(again.unchanged || !done, "{what}");
        assert_eq!(again.entry.files[1].lists.len(), 1, "{what}");
        assert_eq!(home.by_hand_anew(&again), files_in(&home.set()), "{what}");
        assert_eq!(garbage(&home).0, 0, "{what}");
    });
    println!("a backup that puts a list: ended at {killed} calls");
}

#[test]
fn a_prune_of_lists_killed_at_any_call_leaves_whole_snapshots_and_the_next_one_ends_its_work() {
    let home = Home::in_memory();
    home.fill(b"");
    for n in 0..17 {
        home.append(&set(&format!("key:{n}"), b"1"));
        home.backup();
    }
    home.put(INCREMENT, &set("new", b"1"));
    home.backup();
    let before = tree(&home.repo());
    let repo = home.repo();
    // The last snapshot is a small set, so the one before it would stay.
    let repo_word = repo.to_str().unwrap();
    let words = ["prune", "--repo", repo_word, "--keep-last", "1", "--accept-shrinks", "--apply"];
    let prepare = || put_back(&repo, &before);
    let killed = ended_at_every_call(home.root.path(), &words, prepare, |done, what| {
        let found = verified(&home.repository());
        assert!(found.is_good(), "{what}: {found:?}");
        assert!(!done || found.snapshots_checked == 1, "{what}");
        let again = super::untouched::run(&words);
        assert_eq!(again.code, 0, "{what}: {}", again.stderr);
        let found = verified(&home.repository());
        assert!(found.flaws.is_empty() && found.unreferenced == 0, "{what}: {found:?}");
        assert_eq!(found.snapshots_checked, 1, "{what}");
        assert_eq!(home.repository().store().list("lists/").unwrap(), [], "{what}");
    });
    println!("prune of lists: ended at {killed} calls");
}

#[test]
fn a_prune_killed_at_any_call_leaves_whole_snapshots_and_the_next_one_ends_its_work() {
    let home = three_snapshots();
    let (repo, before) = (home.repo(), tree(&home.repo()));
    let words = ["prune", "--repo", repo.to_str().unwrap(), "--keep-last", "1", "--apply"];
    let killed = ended_at_every_call(
        home.root.path(),
        &words,
        || put_back(&repo, &before),
        |done, what| {
            let found = verified(&home.repository());
            assert!(found.is_good(), "{what}: {found:?}");
            let listed = home.repository().list().unwrap();
            assert!(!done || listed.len() == 1, "{what}");
            let latest = home.repository().entry(listed.last().unwrap()).unwrap();
            assert_eq!(latest.seq, 3, "{what}");
            let again = super::untouched::run(&words);
            assert_eq!(again.code, 0, "{what}: {}", again.stderr);
            let found = verified(&home.repository());
            assert!(found.is_good() && found.unreferenced == 0, "{what}: {found:?}");
            assert!(found.flaws.is_empty(), "{what}: {found:?}");
            assert_eq!(found.snapshots_checked, 1, "{what}");
            let unchanged = home.backup();
            assert!(unchanged.unchanged, "{what}");
            assert_eq!(home.by_hand_anew(&unchanged), files_in(&home.set()), "{what}");
        },
    );
    println!("prune: ended at {killed} calls");
}

/// What a restore finds at its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    Nothing,
    AnEmptyDirectory,
    AnotherSet,
}

#[test]
fn an_interrupted_verify_says_so_and_changes_nothing() {
    let home = Home::in_memory();
    four_files(&home);
    home.backup();
    let before = tree(&home.repo());
    let repo = home.repo();
    let words = ["verify", "--repo", repo.to_str().unwrap(), "--data"];
    let tried = at_every_call(&repo, &words, (&SIGNALS, "openat"), &|| (), &|traced, what| {
        assert_eq!(traced.code, 130, "{what}: {}", traced.stderr);
        assert_eq!(traced.stdout, "", "{what}");
        assert_eq!(tree(&repo), before, "{what}");
    });
    println!("verify: interrupted at {tried} calls");
}

#[test]
fn a_restore_killed_at_any_call_leaves_the_old_directory_or_the_new_one() {
    for there in [There::Nothing, There::AnEmptyDirectory, There::AnotherSet] {
        let home = Home::in_memory();
        four_files(&home);
        home.backup();
        let new = files_in(&home.set());
        let target = home.root.path().join("target");
        let from = format!("{}::latest", home.repo().display());
        let words = ["restore", &from, target.to_str().unwrap(), "--replace"];
        let old = old_increment();
        let prepare = || {
            tidy(&home);
            match there {
                There::Nothing => {}
                There::AnEmptyDirectory => fs::create_dir(&target).unwrap(),
                There::AnotherSet => put_old_set(&target),
            }
        };
        let killed = ended_at_every_call(home.root.path(), &words, prepare, |done, what| {
            let what = format!("{there:?}: {what}");
            assert_old_or_new(&target, there, &old, &new, done, &what);
            // Whatever happened, what was there is somewhere.
            let kept = fs::read_dir(home.root.path()).unwrap().any(|entry| {
                let file = entry.unwrap().path().join(INCREMENT);
                fs::read(file).is_ok_and(|bytes| bytes == old)
            });
            assert!(kept || there != There::AnotherSet, "{what}: the old directory is gone");
            assert!(Repository::at(&home.repo()).is_ok());
            if !done {
                again(&home, &words, &new, &what);
            }
        });
        println!("restore over {there:?}: ended at {killed} calls");
    }
}

type Files = std::collections::BTreeMap<String, Vec<u8>>;

fn assert_old_or_new(target: &Path, there: There, old: &[u8], new: &Files, done: bool, what: &str) {
    if !target.exists() {
        assert!(there == There::Nothing && !done, "{what}");
        return;
    }
    let now = files_in(target);
    let is_old = match there {
        There::Nothing => false,
        There::AnEmptyDirectory => now.is_empty(),
        There::AnotherSet => now.len() == 1 && now[INCREMENT] == old,
    };
    assert!(now == *new || is_old && !done, "{what}: {:?}", now.keys());
}

/// The next run succeeds, whatever lies there.
fn again(home: &Home, words: &[&str], new: &Files, what: &str) {
    let next = super::untouched::run(words);
    assert_eq!(next.code, 0, "{what}: {}", next.stderr);
    assert_eq!(files_in(Path::new(words[2])), *new, "{what}");
    let names = fs::read_dir(home.root.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|n| n.to_str().unwrap().contains(".restore-")).collect();
    assert!(left.is_empty(), "{what}: {left:?}");
}
