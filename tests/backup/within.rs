//! A repository and a set that would lie in one another.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::beside::run;
use super::home::{Home, set, tree};

fn refused(set: &Path, repository: &Path) {
    let words = ["backup", set.to_str().unwrap(), "--min-free", "0", "--repo"];
    let made = run(&[&words[..], &[repository.to_str().unwrap()]].concat());
    assert_eq!(made.code, Some(1), "{repository:?}: {}{}", made.out, made.err);
    assert!(made.err.contains("name another directory"), "{repository:?}: {}", made.err);
}

#[test]
fn a_repository_at_or_in_the_directory_of_the_set_is_refused_before_anything_is_made() {
    let home = Home::with_increment(&set("a", b"1"));
    let dir = home.set();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    symlink(&dir, &link).unwrap();
    let kept = home.root.path().join("appendonlydir.aofkit");
    let before = tree(home.root.path());
    let inside =
        [dir.clone(), dir.join("repo"), dir.join("a/b/repo"), link.join("repo"), link.clone()];
    for repository in
        inside.iter().chain([&kept, &kept.join("repo"), &dir.join("../appendonlydir/r")])
    {
        refused(&dir, repository);
        refused(&link, repository);
    }
    assert_eq!(tree(home.root.path()), before);
    // Beside it there is room.
    let beside = home.root.path().join("appendonlydir.repo");
    let words = ["backup", dir.to_str().unwrap(), "--min-free", "0", "--repo"];
    assert_eq!(run(&[&words[..], &[beside.to_str().unwrap()]].concat()).code, Some(0));
}

#[test]
fn a_set_in_a_repository_is_refused() {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    let dir = home.repo().join("appendonlydir");
    fs::create_dir(&dir).unwrap();
    for entry in fs::read_dir(home.set()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), dir.join(entry.file_name())).unwrap();
    }
    refused(&dir, &home.repo());
    // Also where there is no repository yet.
    refused(&home.set(), home.root.path());
}

#[test]
fn a_single_file_may_lie_beside_its_repository() {
    let home = Home::with_increment(&set("a", b"1"));
    let data = home.root.path().join("data");
    fs::create_dir(&data).unwrap();
    let file = data.join("appendonly.aof");
    fs::write(&file, set("a", b"1")).unwrap();
    refused(&file, &data);
    let words = ["backup", file.to_str().unwrap(), "--min-free", "0", "--repo"];
    let made = run(&[&words[..], &[data.join("repo").to_str().unwrap()]].concat());
    assert_eq!(made.code, Some(0), "{}", made.err);
}
