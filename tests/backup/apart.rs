//! A restore and the repository keep out of each other's way, and what nothing can take the place of is told at once.

use std::fs;
use std::process::Command;

use super::beside::run;
use super::home::{Home, set, tree, verified};

#[test]
fn a_restore_puts_no_repository_aside_and_writes_into_none() {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    let from = format!("{}::latest", home.repo().display());
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(home.repo(), &link).unwrap();
    let before = tree(home.root.path());
    let (root, repo) = (home.root.path(), home.repo());
    let roundabout = root.join("appendonlydir/../repo");
    let targets = [
        root.to_owned(),
        repo.clone(),
        roundabout,
        repo.join("new"),
        link.join("new"),
        repo.join("objects"),
    ];
    for target in targets {
        for more in [&[][..], &["--replace"]] {
            let words = [&["restore", &from, target.to_str().unwrap()], more].concat();
            let refused = run(&words);
            assert_eq!(refused.code, Some(1), "{words:?} {}", refused.out);
            assert!(refused.err.contains("repository lies"), "{words:?} {}", refused.err);
        }
    }
    assert!(tree(root) == before);
    assert!(verified(&home.repository()).is_good());
}

/// Measured: everything was built beside it first, and stayed there.
#[test]
fn a_restore_over_a_mounted_directory_is_refused_before_anything_is_built() {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    let target = home.root.path().join("out");
    fs::create_dir(&target).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(&target).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("nothing can be mounted here");
        return;
    }
    let from = format!("{}::latest", home.repo().display());
    let names = || fs::read_dir(home.root.path()).unwrap().count();
    let before = names();
    let plain = run(&["restore", &from, target.to_str().unwrap()]);
    let replacing = run(&["restore", &from, target.to_str().unwrap(), "--replace"]);
    let after = names();
    assert!(Command::new("umount").arg(&target).status().unwrap().success());
    for refused in [plain, replacing] {
        assert_eq!(refused.code, Some(1), "{}", refused.out);
        assert!(refused.err.contains("mounted"), "{}", refused.err);
    }
    assert_eq!(before, after);
    assert_eq!(run(&["restore", &from, target.to_str().unwrap()]).code, Some(0));
}
