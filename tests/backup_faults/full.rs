//! A repository and a target on a file system that is really full, in bytes or in names.

use std::fs;

use aofkit::backup::Repository;

use super::home::{Home, files_in, set, verified};
use super::support::small_disk::SmallDisk;
use super::untouched::run;
use super::{backup_words, four_files, strs};

/// Bytes that no compressor makes smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

const INCREMENT: &str = "appendonly.aof.3.incr.aof";

#[test]
fn a_full_repository_publishes_nothing_and_what_is_in_it_stays_whole() {
    let home = Home::in_memory();
    four_files(&home);
    let Some(_small) = SmallDisk::at(&home.repo(), "size=2m") else { return };
    let words = backup_words(&home);
    assert_eq!(run(&strs(&words)).code, 0);
    let small = files_in(&home.set());
    // Several runs, so that what one leaves would be in the way of the next.
    for _ in 0..3 {
        home.put(INCREMENT, &[set("key:3", b"1"), set("big", &noise(3 << 20))].concat());
        let full = run(&strs(&words));
        assert_eq!(full.code, 1, "{}", full.stderr);
        assert!(full.stderr.contains("repo") && full.stderr.contains("free"), "{}", full.stderr);
        assert_eq!(fs::read_dir(home.repo().join("tmp")).unwrap().count(), 0);
    }
    let repository = Repository::at(&home.repo()).unwrap();
    assert_eq!(repository.list().unwrap().len(), 1);
    assert!(verified(&repository).is_good());
    // The reserve is kept without anybody asking for it.
    home.put(INCREMENT, &[set("key:3", b"1"), set("big", &noise(1_900_000))].concat());
    assert_eq!(run(&words[..4].iter().map(String::as_str).collect::<Vec<_>>()).code, 1);
    home.put(INCREMENT, &[set("key:3", b"1"), set("key:4", b"1")].concat());
    assert_eq!(run(&strs(&words)).code, 0);
    let latest = repository.entry(repository.list().unwrap().last().unwrap()).unwrap();
    let target = home.root.path().join("t");
    let from = format!("{}::{}", home.repo().display(), latest.id);
    assert_eq!(run(&["restore", &from, target.to_str().unwrap()]).code, 0);
    assert_eq!(files_in(&target), files_in(&home.set()));
    assert_ne!(files_in(&target), small);
}

#[test]
fn a_repository_without_room_for_names_publishes_nothing() {
    let home = Home::in_memory();
    four_files(&home);
    let Some(tried) = each_number_of_names(&home) else { return };
    println!("backup with room for 2 to {tried} names");
    assert!(tried > 15, "{tried}");
}

/// The first number of names with which a backup succeeds; with fewer, each fails as it should.
fn each_number_of_names(home: &Home) -> Option<u64> {
    let words = backup_words(home);
    for names in 2.. {
        let _small = SmallDisk::at(&home.repo(), &format!("size=8m,nr_inodes={names}"))?;
        let ran = run(&strs(&words));
        if ran.code == 0 {
            return Some(names);
        }
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
        if let Ok(repository) = Repository::at(&home.repo()) {
            assert_eq!(repository.list().unwrap(), [], "{names} names");
            assert!(verified(&repository).is_good(), "{names} names");
        }
    }
    None
}

#[test]
fn a_target_without_room_is_told_before_anything_is_written() {
    let home = Home::in_memory();
    four_files(&home);
    home.put(INCREMENT, &[set("key:3", b"1"), set("big", &noise(3 << 20))].concat());
    home.backup();
    let disk = home.root.path().join("disk");
    let Some(_small) = SmallDisk::at(&disk, "size=2m") else { return };
    let target = disk.join("target");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("old"), b"old").unwrap();
    let from = format!("{}::latest", home.repo().display());
    let ran = run(&["restore", &from, target.to_str().unwrap(), "--replace"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("free"), "{}", ran.stderr);
    assert_eq!(files_in(&target)["old"], b"old");
    assert_eq!(fs::read_dir(&disk).unwrap().count(), 1, "something was left");
}

#[test]
fn a_target_that_runs_full_meanwhile_keeps_what_was_there() {
    let home = Home::in_memory();
    four_files(&home);
    home.backup();
    let disk = home.root.path().join("disk");
    let from = format!("{}::latest", home.repo().display());
    let mut failed = 0;
    for names in 4.. {
        let Some(_small) = SmallDisk::at(&disk, &format!("size=2m,nr_inodes={names}")) else {
            return;
        };
        let target = disk.join("target");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("old"), b"old").unwrap();
        let ran = run(&["restore", &from, target.to_str().unwrap(), "--replace"]);
        if ran.code == 0 {
            assert_eq!(files_in(&target), files_in(&home.set()));
            break;
        }
        failed += 1;
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
        assert_eq!(files_in(&target)["old"], b"old");
        assert_eq!(fs::read_dir(&disk).unwrap().count(), 1, "{names} names: something was left");
    }
    assert!(failed > 3, "{failed}");
}
