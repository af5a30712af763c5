//! What a file system refuses is told with the option that helps, and leaves nothing behind: full disks, read-only ones, and
//! places where something is mounted. Where nothing can be mounted this says so.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::repository::Kept;
use super::small_disk::SmallDisk;
use super::world::*;

/// A set whose end is torn, on a small file system with no room left.
fn full(set: &Set) -> Option<SmallDisk> {
    let disk = SmallDisk::at(&set.root().join("small"), "size=1m")?;
    copy_tree(&set.dir(), &disk.path().join("aof"));
    disk.fill_but(0);
    Some(disk)
}

fn torn() -> Set {
    Set::of(&[&sets(2000)[..], b"*3\r\n$3\r\nSE"].concat())
}

fn names(dir: &Path) -> Vec<String> {
    let all = fs::read_dir(dir).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
    let mut all: Vec<_> = all.collect();
    all.sort();
    all
}

fn on(words: &[&str], path: &Path) -> Run {
    finish(aofkit().args(words).arg(path))
}

#[test]
fn a_full_disk_is_told_with_the_options_that_help_and_each_of_them_does() {
    let set = torn();
    let Some(disk) = full(&set) else { return };
    let there = disk.path().join("aof");
    let before = fs::read(there.join(INCREMENT)).unwrap();
    let told = on(&["repair", "--apply"], &there).expect(1).err;
    for option in ["--keep-in", "--no-keep", "--output"] {
        assert!(told.contains(option), "{option}: {told}");
    }
    assert_eq!(fs::read(there.join(INCREMENT)).unwrap(), before, "nothing was changed");
    let output = disk.path().join("out").display().to_string();
    let told = on(&["repair", "--output", &output], &there).expect(1).err;
    assert!(told.contains("--output DIR on another file system"), "{told}");
    assert!(!names(disk.path()).iter().any(|name| name.starts_with("out")), "no litter");
    let repo = disk.path().join("repo").display().to_string();
    let healthy = Set::of(&sets(500));
    let told = on(&["backup", "--repo", &repo], &healthy.dir()).expect(1).err;
    assert!(told.contains("--min-free") && told.contains("prune"), "{told}");
    // What was named helps. Directories above it are made.
    let elsewhere = set.root().join("made/for/it");
    let words = ["repair", "--output", elsewhere.to_str().unwrap()];
    on(&words, &there).expect(0);
    check(&elsewhere).expect(0);
    let kept = set.root().join("kept/in/here");
    on(&["repair", "--apply", "--keep-in", kept.to_str().unwrap()], &there).expect(0);
    check(&there).expect(0);
    assert!(kept.join("aof.aofkit").is_dir());
    fs::write(there.join(INCREMENT), &before).unwrap_or_default();
    drop(disk);
}

#[test]
fn the_last_resort_repairs_on_a_full_disk() {
    let set = torn();
    let Some(disk) = full(&set) else { return };
    let there = disk.path().join("aof");
    on(&["repair", "--apply", "--no-keep"], &there).expect(0);
    check(&there).expect(0);
}

#[test]
fn cleaning_on_a_full_disk_names_what_gives_room_at_once() {
    let set = Set::of(&sets(20));
    set.put("temp-rewriteaof-7.aof", &sets(9));
    let Some(disk) = full(&set) else { return };
    let there = disk.path().join("aof");
    let clean =
        |words: &[&str]| on(&[&["clean", "--min-age", "0s", "--apply"], words].concat(), &there);
    let run = clean(&[]);
    // A rename needs no room where the directory for it can be made.
    if run.code != 0 {
        assert!(run.err.contains("--delete") && run.err.contains("--keep-in"), "{}", run.err);
        clean(&["--delete"]).expect(0);
    }
    assert!(!there.join("temp-rewriteaof-7.aof").exists());
}

#[test]
fn a_snapshot_is_restored_where_parents_are_missing_and_a_failure_leaves_nothing() {
    let kept = Kept::new();
    kept.backup();
    let root = kept.set.root();
    let deep = root.join("var/lib/redis/aof");
    run(["restore", &kept.snapshot("latest"), deep.to_str().unwrap()]).expect(0);
    check(&deep).expect(0);
    // An object is missing: nothing of the way there stays.
    for object in walk(&kept.repo().join("objects")) {
        fs::remove_file(object).unwrap();
    }
    let other = root.join("srv/redis/aof");
    run(["restore", &kept.snapshot("latest"), other.to_str().unwrap()]).expect(25);
    assert!(!root.join("srv").exists());
    let Some(disk) = SmallDisk::at(&root.join("small"), "size=1m") else { return };
    disk.fill_but(0);
    let target = disk.path().join("a/b").display().to_string();
    let kept = Kept::new();
    kept.backup();
    let told = run(["restore", &kept.snapshot("latest"), &target]).expect(1).err;
    assert!(told.contains("another file system"), "{told}");
    assert_eq!(names(disk.path()), ["ballast"]);
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_read_only_file_system_is_told_with_what_can_be_done() {
    let set = torn();
    let Some(disk) = SmallDisk::at(&set.root().join("small"), "size=4m") else { return };
    let there = disk.path().join("aof");
    copy_tree(&set.dir(), &there);
    let remount = |how: &str| {
        let mut mount = Command::new("mount");
        mount.args(["-o", how]).arg(disk.path()).stderr(Stdio::null());
        assert!(mount.status().unwrap().success(), "{how}");
    };
    remount("remount,ro");
    let told = on(&["repair", "--apply"], &there).expect(1).err;
    assert!(told.contains("--output DIR writes the result"), "{told}");
    let kept = Kept::new();
    kept.backup();
    let target = there.display().to_string();
    let told = run(["restore", "--replace", &kept.snapshot("latest"), &target]).expect(1).err;
    assert!(told.contains("another file system"), "{told}");
    let repo = disk.path().join("repo").display().to_string();
    let told = on(&["backup", "--repo", &repo], &kept.set.dir()).expect(1).err;
    assert!(told.contains("--repo"), "{told}");
    let out = set.root().join("out");
    on(&["repair", "--output", out.to_str().unwrap()], &there).expect(0);
    remount("remount,rw");
}

/// In a container the append directory, or the one above, is often a volume of its own.
#[test]
fn a_mount_point_is_repaired_in_place_and_a_restore_says_where_to_put_it() {
    let set = torn();
    let volume = set.root().join("volume");
    let Some(disk) = SmallDisk::at(&volume, "size=4m") else { return };
    copy_tree(&set.dir(), disk.path());
    on(&["repair", "--apply"], &volume).expect(0);
    check(&volume).expect(0);
    let kept = Kept::new();
    kept.backup();
    let target = volume.display().to_string();
    let before = names(&volume);
    let told = run(["restore", "--replace", &kept.snapshot("latest"), &target]).expect(1).err;
    assert!(told.contains("new directory in it") && told.contains("appenddirname"), "{told}");
    assert_eq!(names(&volume), before);
    let inside = volume.join("restored").display().to_string();
    run(["restore", &kept.snapshot("latest"), &inside]).expect(0);
    check(Path::new(&inside)).expect(0);
    // What is removed can be kept on another file system.
    fs::write(volume.join(INCREMENT), [&sets(5)[..], b"*3\r\n$3"].concat()).unwrap();
    let elsewhere = set.root().join("keep");
    on(&["repair", "--apply", "--keep-in", elsewhere.to_str().unwrap()], &volume).expect(0);
    let undo = ["repair", "--undo", "--apply", "--keep-in", elsewhere.to_str().unwrap()];
    on(&undo, &volume);
    check(&volume).expect(20);
}

/// Nothing is begun that cannot end: where each byte surely takes one, that is known before the first is written.
#[test]
fn room_is_looked_at_before_a_copy_or_a_restore_is_begun() {
    let set = Set::of(&[&sets(40_000)[..], b"*3\r\n$3\r\nSE"].concat());
    let Some(disk) = SmallDisk::at(&set.root().join("small"), "size=1m") else { return };
    let output = disk.path().join("out").display().to_string();
    let told = on(&["repair", "--output", &output], &set.dir()).expect(1).err;
    assert!(told.contains("of room are needed here") && told.contains("--output"), "{told}");
    let kept = Kept::new();
    kept.set.put(INCREMENT, &sets(40_000));
    kept.backup();
    let target = disk.path().join("a/b").display().to_string();
    let told = run(["restore", &kept.snapshot("latest"), &target]).expect(1).err;
    assert!(told.contains("of room are needed here"), "{told}");
    assert_eq!(names(disk.path()), Vec::<String>::new(), "no litter");
    // Values that pack well fit where their bytes would not: a first backup is tried, and warned of.
    let repo = disk.path().join("repo").display().to_string();
    let run = on(&["backup", "--min-free", "0", "--repo", &repo], &kept.set.dir()).expect(0);
    assert!(run.err.contains("how well the set packs"), "{}", run.err);
    let full = SmallDisk::at(&set.root().join("full"), "size=64k").unwrap();
    let repo = full.path().join("new/repo").display().to_string();
    on(&["backup", "--min-free", "1mb", "--repo", &repo], &kept.set.dir()).expect(1);
    assert_eq!(names(full.path()), Vec::<String>::new(), "no litter");
}

#[test]
fn a_copy_is_not_begun_where_something_is_mounted_in_its_place() {
    let set = torn();
    let Some(disk) = SmallDisk::at(&set.root().join("out"), "size=4m") else { return };
    let before = names(set.root());
    let output = disk.path().display().to_string();
    let told = on(&["repair", "--output", &output], &set.dir()).expect(1).err;
    assert!(told.contains("mounted") && told.contains("new directory in it"), "{told}");
    assert!(!told.contains("os error"), "it was looked at before: {told}");
    assert_eq!((names(set.root()), names(disk.path())), (before, Vec::new()));
    let inside = disk.path().join("inside").display().to_string();
    on(&["repair", "--output", &inside], &set.dir()).expect(0);
}
