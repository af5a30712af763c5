//! The binary, killed at every system call that changes something, and given errors at them.
//!
//! strace does it; without strace nothing of this can be tried. `AOFKIT_CRASH_STEP` says at which calls:
//! 1 for each, 5 for every fifth.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use aofkit::backup::{Depth, Repository, verify};
use aofkit::progress::Silent;

use super::support::number_from_env;
use super::{Home, INCREMENT, files_in, set};

/// System calls by which anything is changed, or made to last.
const CALLS: [&str; 11] = [
    "openat",
    "mkdir",
    "pwrite64",
    "fsync",
    "renameat2",
    "rename",
    "unlink",
    "ftruncate",
    "fchmod",
    "rmdir",
    "flock",
];

fn strace_is_here() -> bool {
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let here = tried.is_ok_and(|status| status.success());
    if !here {
        println!("strace does not work here: nothing was killed and no error was injected");
    }
    here
}

/// Runs the binary with a fault at the n-th `call`; the exit status, `None` when it was killed.
fn with_fault(call: &str, fault: &str, n: u64, words: &[&str]) -> Option<i32> {
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("inject={call}:{fault}:when={n}"))
        .arg(env!("CARGO_BIN_EXE_aofkit"))
        .args(words)
        .args(["--threads", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    status.code().filter(|code| *code < 128)
}

/// How often a run makes a call.
fn count_of(call: &str, words: &[&str]) -> u64 {
    let log = tempfile::NamedTempFile::new().unwrap();
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", &format!("trace={call}"), "-o"])
        .arg(log.path())
        .arg(env!("CARGO_BIN_EXE_aofkit"))
        .args(words)
        .args(["--threads", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    fs::read_to_string(log.path()).unwrap().matches(&format!("{call}(")).count() as u64
}

fn assert_sound(repo: &Path, what: &str) {
    // Killed before the first document, it is no repository yet.
    let Ok(repository) = Repository::open_local(repo) else { return };
    let depth = Depth::Contents { slice: 1, of: 1 };
    let verified = verify(&repository, depth, 1, &Silent).unwrap();
    assert!(verified.is_good(), "{what}: {verified:?}");
}

/// Tries `words` with a fault at every call, each time after `prepare`, and looks at the result.
fn walk(words: &[&str], fault: &str, prepare: impl Fn(), check: impl Fn(Option<i32>, &str)) -> u64 {
    let step = number_from_env("AOFKIT_CRASH_STEP", 9) as usize;
    let mut tried = 0;
    for call in CALLS {
        prepare();
        let calls = count_of(call, words);
        // The first of a kind always; the loader's own opening of libraries is as good a moment.
        for n in (1..=calls).step_by(step) {
            prepare();
            let code = with_fault(call, fault, n, words);
            check(code, &format!("{call} {n} of {calls}: {fault}"));
            tried += 1;
        }
    }
    tried
}

#[test]
fn a_backup_killed_at_any_call_leaves_a_sound_repository_and_the_next_run_succeeds() {
    if !strace_is_here() {
        return;
    }
    let home = Home::with_increment(&set("a", b"1"));
    let (set_dir, repo) = (home.set(), home.repo());
    let words =
        ["backup", set_dir.to_str().unwrap(), "--repo", repo.to_str().unwrap(), "--min-free", "0"];
    let prepare = || drop(fs::remove_dir_all(&repo));
    for fault in ["signal=KILL", "error=EIO", "error=ENOSPC"] {
        let tried = walk(&words, fault, prepare, |code, what| {
            assert_sound(&repo, what);
            if fault != "signal=KILL" && code == Some(0) {
                // A call whose failure means nothing, such as a locale that is not there.
                assert_eq!(home.repository().list().unwrap().len(), 1, "{what}");
            }
            let again = home.backup();
            assert_eq!(home.by_hand_anew(&again), files_in(&home.set()), "{what}");
            assert_sound(&repo, what);
        });
        println!("backup: {tried} times {fault}");
    }
}

#[test]
fn a_restore_killed_at_any_call_leaves_the_old_directory_or_the_new_one() {
    if !strace_is_here() {
        return;
    }
    let home = Home::with_increment(&set("a", b"1"));
    let made = home.backup();
    let new = files_in(&home.set());
    let target = home.root.path().join("target");
    let from = format!("{}::latest", home.repo().display());
    let words = ["restore", &from, target.to_str().unwrap(), "--replace"];
    let old = set("old", b"1");
    let prepare = || {
        for entry in fs::read_dir(home.root.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with("target") {
                fs::remove_dir_all(path).unwrap();
            }
        }
        fs::create_dir(&target).unwrap();
        fs::write(target.join(INCREMENT), &old).unwrap();
    };
    for fault in ["signal=KILL", "error=EIO", "error=ENOSPC"] {
        let tried = walk(&words, fault, prepare, |code, what| {
            let there = files_in(&target);
            let is_old = there.len() == 1 && there[INCREMENT] == old;
            assert!(is_old || there == new, "{what}: {:?}", there.keys());
            assert!(code != Some(0) || there == new, "{what}");
            // Whatever happened, what was there is somewhere.
            let kept = fs::read_dir(home.root.path()).unwrap().any(|entry| {
                let file = entry.unwrap().path().join(INCREMENT);
                fs::read(file).is_ok_and(|bytes| bytes == old)
            });
            assert!(kept, "{what}: the old directory is gone");
        });
        println!("restore of {}: {tried} times {fault}", made.entry.id);
    }
}

#[test]
fn a_prune_killed_at_any_call_leaves_whole_snapshots() {
    if !strace_is_here() {
        return;
    }
    let home = Home::with_increment(&set("a", b"1"));
    let repo = home.repo();
    let words = ["prune", "--repo", repo.to_str().unwrap(), "--keep-last", "1", "--apply"];
    let prepare = || {
        drop(fs::remove_dir_all(&repo));
        home.put(INCREMENT, &set("a", b"1"));
        home.backup();
        home.put(INCREMENT, &set("z", b"1"));
        home.backup();
    };
    for fault in ["signal=KILL", "error=EIO"] {
        let tried = walk(&words, fault, prepare, |_, what| {
            assert_sound(&repo, what);
            let listed = home.repository().list().unwrap();
            assert!(!listed.is_empty(), "{what}");
            let latest = home.repository().entry(listed.last().unwrap()).unwrap();
            assert_eq!(latest.files[1].size, set("z", b"1").len() as u64, "{what}");
        });
        println!("prune: {tried} times {fault}");
    }
}
