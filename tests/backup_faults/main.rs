//! The binary, killed and refused at every system call; full disks; and that reading verbs change nothing.
#![allow(clippy::unwrap_used)]

mod full;
#[path = "../support/home.rs"]
#[allow(dead_code)]
mod home;
mod killed;
mod refused;
#[path = "../support/mod.rs"]
mod support;
mod untouched;

use std::fs;

use home::{Home, set};
use support::trace;

/// Words of a backup of the home's set.
fn backup_words(home: &Home) -> Vec<String> {
    let (set, repo) = (home.set(), home.repo());
    let words = ["backup", set.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    words.into_iter().chain(["--min-free", "0"]).map(str::to_owned).collect()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

const MANIFEST: &str = "appendonly.aof.manifest";

/// A set of four files, each with bytes of its own, of which the last is still written to.
fn four_files(home: &Home) {
    let mut manifest = String::from("file appendonly.aof.1.base.aof seq 1 type b\n");
    home.put("appendonly.aof.1.base.aof", &set("base", b"1"));
    for seq in 1..4 {
        let name = format!("appendonly.aof.{seq}.incr.aof");
        home.put(&name, &set(&format!("key:{seq}"), b"1"));
        manifest.push_str(&format!("file {name} seq {seq} type i\n"));
    }
    home.put(MANIFEST, manifest.as_bytes());
}

/// A repository with three snapshots that share no object but the base's.
fn three_snapshots() -> Home {
    let home = Home::in_memory();
    for value in [&b"1"[..], b"2", b"3"] {
        home.fill(&set("a", value));
        home.backup();
    }
    home
}

/// Removes everything of the home but the set and the repository.
fn tidy(home: &Home) {
    for entry in fs::read_dir(home.root.path()).unwrap() {
        let path = entry.unwrap().path();
        if path != home.set() && path != home.repo() {
            fs::remove_dir_all(path).unwrap();
        }
    }
}

/// An increment of an older set.
fn old_increment() -> Vec<u8> {
    set("old", b"1")
}

/// Puts an older set into `target`, which is made.
fn put_old_set(target: &std::path::Path) {
    fs::create_dir(target).unwrap();
    fs::write(target.join(home::INCREMENT), old_increment()).unwrap();
}
