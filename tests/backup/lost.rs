//! Snapshots that are gone and objects that have changed are noticed before anything relies on it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::beside::{Run, run};
use super::home::{Home, files_in, set};

/// A repository with five snapshots.
fn five() -> Home {
    let home = Home::with_increment(&set("a", b"1"));
    for n in 0..5 {
        home.append(&set(&format!("key:{n}"), b"value"));
        home.backup();
    }
    home
}

fn verb(home: &Home, words: &[&str]) -> Run {
    run(&[words, &["--repo", home.repo().to_str().unwrap()]].concat())
}

/// Documents of a snapshot.
fn documents(home: &Home, seq: u64) -> [PathBuf; 2] {
    let listed = home.repository().list().unwrap().into_iter().find(|one| one.seq == seq).unwrap();
    let entry = home.repo().join(listed.key());
    [entry.with_extension("sh"), entry]
}

#[test]
fn an_entry_that_is_gone_is_noticed_and_nothing_is_freed_until_that_is_accepted() {
    for (seq, with_script) in [(5, false), (5, true), (3, false), (3, true), (1, false)] {
        let home = five();
        let [script, entry] = documents(&home, seq);
        fs::remove_file(&entry).unwrap();
        if with_script {
            fs::remove_file(&script).unwrap();
        }
        let found = verb(&home, &["verify"]);
        assert_eq!(found.code, Some(25), "{seq}: {}", found.out);
        assert!(found.out.contains(&format!("number {seq} of")), "{seq}: {}", found.out);
        let objects = super::home::tree(&home.repo().join("objects"));
        for more in [&[][..], &["--apply"]] {
            let stopped = verb(&home, &[&["prune", "--keep-last", "1"], more].concat());
            assert_eq!(stopped.code, Some(25), "{seq}: {}", stopped.out);
            assert!(stopped.err.contains(&format!("number {seq}")), "{seq}: {}", stopped.err);
        }
        assert!(super::home::tree(&home.repo().join("objects")) == objects, "{seq}");
        // A backup goes on, and the loss can still be seen afterwards.
        home.append(&set("more", b"1"));
        let made = home.backup();
        assert_eq!(made.entry.seq, 6, "{seq}");
        assert_eq!(verb(&home, &["verify"]).code, Some(25), "{seq}");
        let accepted = verb(&home, &["prune", "--apply", "--accept-missing"]);
        assert_eq!(accepted.code, Some(0), "{seq}: {}", accepted.err);
        assert_eq!(verb(&home, &["verify"]).code, Some(0), "{seq}");
        assert_eq!(verb(&home, &["prune", "--keep-last", "1", "--apply"]).code, Some(0), "{seq}");
        assert_eq!(verb(&home, &["verify", "--data"]).code, Some(0), "{seq}");
    }
}

#[test]
fn what_a_prune_removed_is_not_missed() {
    let home = five();
    for words in [
        &["prune", "--keep-last", "3", "--apply"][..],
        &["prune", "--keep-last", "3", "--compact", "--apply"],
        &["prune", "--keep-last", "1", "--apply"],
    ] {
        assert_eq!(verb(&home, words).code, Some(0));
        let found = verb(&home, &["verify"]);
        assert_eq!(found.code, Some(0), "{words:?}: {}", found.out);
        assert!(found.out.contains("all that was checked"), "{}", found.out);
    }
}

#[test]
fn a_repository_from_before_there_were_numbers_misses_what_its_scripts_tell() {
    let home = five();
    let numbers = home.repo().join("numbers");
    fs::remove_dir_all(&numbers).unwrap();
    assert_eq!(verb(&home, &["verify"]).code, Some(0));
    assert_eq!(verb(&home, &["prune", "--keep-last", "4", "--apply"]).code, Some(0));
    assert_eq!(verb(&home, &["verify"]).code, Some(0));
    fs::remove_dir_all(&numbers).unwrap();
    let [_, entry] = documents(&home, 3);
    fs::remove_file(&entry).unwrap();
    assert_eq!(verb(&home, &["verify"]).code, Some(25));
    assert_eq!(verb(&home, &["prune", "--apply"]).code, Some(25));
    // The next backup writes down what is there, and that one is missing.
    home.append(&set("more", b"1"));
    home.backup();
    assert!(numbers.is_dir());
    assert_eq!(verb(&home, &["verify"]).code, Some(25));
}

#[test]
fn a_flipped_object_is_found_before_a_backup_takes_it_over() {
    for appended in [false, true] {
        let home = five();
        let made = home.backup();
        let segment = &made.entry.files[1].segments[2];
        let object = home.repo().join(&segment.object);
        let (mut bytes, modified) =
            (fs::read(&object).unwrap(), object.metadata().unwrap().modified().unwrap());
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&object, bytes).unwrap();
        // Its time of the last write may be anything.
        File::options().write(true).open(&object).unwrap().set_modified(modified).unwrap();
        if appended {
            home.append(&set("more", b"1"));
        }
        let (set_dir, repo) = (home.set(), home.repo());
        let words = [
            "backup",
            set_dir.to_str().unwrap(),
            "--repo",
            repo.to_str().unwrap(),
            "--min-free",
            "0",
        ];
        let again = run(&words);
        assert_eq!(again.code, Some(0), "{}", again.err);
        assert!(!again.out.starts_with("unchanged"), "{}", again.out);
        assert!(
            again.err.contains(&segment.object) && again.err.contains("damaged"),
            "{}",
            again.err
        );
        let target = home.root.path().join("out");
        let from = format!("{}::latest", repo.display());
        let back = run(&["restore", &from, target.to_str().unwrap()]);
        assert_eq!(back.code, Some(0), "{}", back.err);
        assert!(files_in(&target) == files_in(&home.set()));
    }
}

#[test]
fn who_is_paranoid_proves_every_object_also_where_no_time_tells_of_a_change() {
    let home = five();
    let made = home.backup();
    let object = home.repo().join(&made.entry.files[1].segments[1].object);
    let mut bytes = fs::read(&object).unwrap();
    bytes[9] ^= 1;
    fs::write(&object, bytes).unwrap();
    // The entry seems to be the younger one.
    let later = SystemTime::now() + Duration::from_secs(3600);
    let [_, entry] = documents(&home, 5);
    File::options().write(true).open(entry).unwrap().set_modified(later).unwrap();
    let (set_dir, repo) = (home.set(), home.repo());
    let words = [
        "backup",
        set_dir.to_str().unwrap(),
        "--repo",
        repo.to_str().unwrap(),
        "--min-free",
        "0",
        "--paranoid",
    ];
    let again = run(&words);
    assert!(again.code == Some(0) && again.err.contains("damaged"), "{}", again.err);
}
