//! A backup and a prune exclude each other whatever is deleted, replaced or moved while one of them runs.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use aofkit::backup::{Keep, plan_prune};
use aofkit::disk::Hold;

use super::beside::{Run, ended, run};
use super::home::{Home, files_in, set, verified};
use super::support::mutate::Random;
use super::support::trace::{Act, Traced, Tracer};

/// A repository with a snapshot, and a set that has grown by some MiB since.
fn grown() -> Home {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    let mut random = Random::new(6, 0);
    for n in 0..200 {
        let bytes: Vec<u8> = (0..2_000).flat_map(|_| random.next().to_le_bytes()).collect();
        home.append(&set(&format!("key:{n}"), &bytes));
    }
    home
}

/// Waits until somebody has the lock: nobody else can have it alone then.
fn is_locked(home: &Home) {
    let started = Instant::now();
    while plan_prune(&home.repository(), &Keep::default(), None, Hold::Alone).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(20), "it never takes the lock");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A backup that takes a second or two.
struct Slow(Child);

impl Slow {
    fn start(home: &Home) -> Self {
        let (set, repo) = (home.set(), home.repo());
        let words = ["backup", set.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
        let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        command.args(words).args(["--min-free", "0", "--limit-rate", "1MiB"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        is_locked(home);
        Self(child)
    }

    fn end(self) -> Run {
        ended(self.0.wait_with_output().unwrap())
    }
}

fn prune(repo: &Path) -> Run {
    run(&["prune", "--repo", repo.to_str().unwrap(), "--keep-last", "1", "--apply"])
}

#[test]
fn a_prune_beside_a_slow_backup_is_locked_out_whatever_becomes_of_the_lock() {
    for what in ["before", "removed", "replaced by a copy", "made by others"] {
        let home = grown();
        let lock = home.repo().join("lock");
        if what == "before" {
            fs::remove_file(&lock).unwrap();
        }
        let slow = Slow::start(&home);
        match what {
            "removed" => fs::remove_file(&lock).unwrap(),
            "replaced by a copy" => {
                fs::copy(&lock, home.repo().join("copy")).unwrap();
                fs::rename(home.repo().join("copy"), &lock).unwrap();
            }
            "made by others" => {
                fs::remove_file(&lock).unwrap();
                fs::write(&lock, b"").unwrap();
            }
            _ => {}
        }
        for _ in 0..2 {
            let locked = prune(&home.repo());
            assert_eq!(locked.code, Some(11), "{what}: {}{}", locked.out, locked.err);
        }
        let made = slow.end();
        assert_eq!(made.code, Some(0), "{what}: {}", made.err);
        assert!(verified(&home.repository()).is_good(), "{what}");
        let pruned = prune(&home.repo());
        assert_eq!(pruned.code, Some(0), "{what}: {}", pruned.err);
        let target = home.root.path().join("out");
        let from = format!("{}::latest", home.repo().display());
        assert_eq!(run(&["restore", &from, target.to_str().unwrap()]).code, Some(0), "{what}");
        assert!(files_in(&target) == files_in(&home.set()), "{what}");
    }
}

#[test]
fn a_backup_beside_a_prune_is_locked_out_whatever_becomes_of_the_lock() {
    for what in ["there", "removed", "made by others"] {
        let home = grown();
        let lock = home.repo().join("lock");
        let repository = home.repository();
        let plan = plan_prune(&repository, &Keep::default(), None, Hold::Alone).unwrap();
        if what != "there" {
            fs::remove_file(&lock).unwrap();
        }
        if what == "made by others" {
            fs::write(&lock, b"").unwrap();
        }
        let (set, repo) = (home.set(), home.repo());
        let words =
            ["backup", set.to_str().unwrap(), "--repo", repo.to_str().unwrap(), "--min-free", "0"];
        let locked = run(&words);
        assert_eq!(locked.code, Some(11), "{what}: {}", locked.err);
        assert_eq!(prune(&repo).code, Some(11), "{what}");
        drop(plan);
        assert_eq!(run(&words).code, Some(0), "{what}");
    }
}

#[test]
fn a_source_that_is_moved_away_under_a_backup_ends_it_and_nothing_is_freed() {
    let home = grown();
    let source = fs::read_dir(home.repo().join("sources")).unwrap().next().unwrap().unwrap().path();
    let slow = Slow::start(&home);
    // Until it has its source's lock.
    thread::sleep(Duration::from_millis(300));
    let away = home.root.path().join("away");
    fs::rename(&source, &away).unwrap();
    assert_eq!(prune(&home.repo()).code, Some(11));
    let ended = slow.end();
    assert_ne!(ended.code, Some(0), "{}", ended.out);
    assert!(ended.err.contains("sources"), "{}", ended.err);
    let objects = files_below(&home.repo().join("objects"));
    let stopped = prune(&home.repo());
    assert_eq!(stopped.code, Some(25), "{}{}", stopped.out, stopped.err);
    assert!(files_below(&home.repo().join("objects")) == objects);
    drop(fs::remove_dir_all(&source));
    fs::rename(&away, &source).unwrap();
    assert!(verified(&home.repository()).is_good());
    home.backup();
    assert!(verified(&home.repository()).is_good());
}

fn files_below(dir: &Path) -> Vec<String> {
    super::home::tree(dir).into_keys().collect()
}

/// As on NFS and some other file systems: a directory cannot be locked, a file can.
const NO_LOCKS_ON_DIRECTORIES: [&str; 2] = ["errors=9", "errors=95"];

/// Runs the binary on a file system without locks on directories.
fn without_dir_locks(tracer: &Tracer, what: &str, home: &Home, words: &[&str]) -> Traced {
    let act = Act { what, at: 1, calls: "dirlocks" };
    let traced = tracer.run(act, &[home.root.path()], words);
    assert!(traced.hit.is_some(), "it locks no directory: {}", traced.stderr);
    traced
}

#[test]
fn where_directories_have_no_locks_a_backup_and_a_prune_exclude_each_other_by_the_lock_file() {
    let Some(tracer) = Tracer::find() else { return };
    for what in NO_LOCKS_ON_DIRECTORIES {
        for deleted in [false, true] {
            let home = grown();
            let (set, repo) = (home.set(), home.repo());
            let (set, repo) = (set.to_str().unwrap(), repo.to_str().unwrap());
            let slow = ["backup", set, "--repo", repo, "--min-free", "0", "--limit-rate", "1MiB"];
            let prune = ["prune", "--repo", repo, "--keep-last", "1", "--apply"];
            let snapshots = || {
                let all = files_below(&home.repo().join("sources"));
                all.iter()
                    .filter(|path| path.contains("/snapshots/") && path.ends_with(".json"))
                    .count()
            };
            let before = snapshots();
            thread::scope(|scope| {
                let backup = scope.spawn(|| without_dir_locks(tracer, what, &home, &slow));
                is_locked(&home);
                if deleted {
                    fs::remove_file(home.repo().join("lock")).unwrap();
                } else {
                    let locked = without_dir_locks(tracer, what, &home, &prune);
                    assert_eq!(locked.code, 11, "{}", locked.stderr);
                }
                let made = backup.join().unwrap();
                // A lock that is gone excludes nobody: who held it says so and publishes nothing.
                let expected = if deleted { 11 } else { 0 };
                assert_eq!(made.code, expected, "{what}: {}", made.stderr);
                assert!(!deleted || made.stderr.contains("removed or replaced"), "{}", made.stderr);
            });
            assert_eq!(snapshots() > before, !deleted, "{what}");
            assert!(verified(&home.repository()).is_good());
            assert_eq!(without_dir_locks(tracer, what, &home, &prune).code, 0);
            assert!(verified(&home.repository()).is_good());
        }
    }
}

#[test]
fn where_directories_have_no_locks_a_prune_whose_lock_file_is_deleted_frees_nothing() {
    let Some(tracer) = Tracer::find() else { return };
    let home = grown();
    home.backup();
    let repo = home.repo();
    let objects = files_below(&repo.join("objects"));
    let words = ["prune", "--repo", repo.to_str().unwrap(), "--keep-last", "1", "--apply"];
    let locks = Act { what: "errors=9", at: 1, calls: "dirlocks" };
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        // Somebody deletes it all the time.
        let deleter = scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = fs::remove_file(repo.join("lock"));
            }
        });
        let pruned = tracer.run(locks, &[home.root.path()], &words);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        deleter.join().unwrap();
        assert_eq!(pruned.code, 11, "{}", pruned.stderr);
    });
    assert!(files_below(&repo.join("objects")) == objects);
    assert!(verified(&home.repository()).is_good());
}
