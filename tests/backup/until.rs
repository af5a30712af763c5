//! `restore --until` at random seconds: byte for byte what redis-check-aof cuts where it can, and what an
//! independent reader expects across files and around transactions. Values hold what looks like annotations.
//!
//! `AOFKIT_UNTILS` says how many.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::support::mutate::Random;
use super::support::timed::{self, BEGIN, Set};
use super::support::{in_parallel, number_from_env};

struct Tried {
    by_tool: bool,
    across: bool,
}

fn aofkit(words: &[&str], path: &Path, more: &[&Path]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let output = command.args(words).arg(path).args(more).stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// The set as it was when its last file ended earlier: a snapshot that a later one follows.
fn earlier(set: &Set, random: &mut Random) -> Set {
    let mut files = set.files.clone();
    if let Some((_, bytes)) = files.last_mut() {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    Set { files, stamps: set.stamps.clone() }
}

fn back_up(set: &Set, path: &Path, repo: &Path) {
    set.write(path);
    let words = ["backup", "--min-free", "0", "--repo", repo.to_str().unwrap()];
    let (code, text) = aofkit(&words, path, &[]);
    assert_eq!(code, Some(0), "{text}");
}

fn try_one((base, seed): (u64, u64), tool: Option<&Path>) -> Tried {
    let mut random = Random::new(base, seed);
    let set = timed::set(&mut random);
    let dir = tempfile::tempdir().unwrap();
    let (path, repo, dest) =
        (dir.path().join("set"), dir.path().join("repo"), dir.path().join("dest"));
    let before = earlier(&set, &mut random);
    back_up(&before, &path, &repo);
    back_up(&set, &path, &repo);
    let last = set.stamps.last().map_or(BEGIN, |stamp| stamp.seconds);
    let second = BEGIN - 2 + random.below((last - BEGIN + 5) as usize) as i64;
    let later = set.later(second);
    let snapshot = format!("{}::latest", repo.display());
    let until = format!("@{second}");
    let words = ["restore", "--json", "--until", &until];
    let (code, text) = aofkit(&words, Path::new(&snapshot), &[&dest]);
    assert_eq!(code, Some(0), "seed {seed}, second {second}: {text}");
    let kept = timed::content(&dest);
    assert!(kept == set.until(second), "seed {seed}, second {second}: {text}");
    let in_transaction = later.is_some_and(|stamp| stamp.multi.is_some());
    let theirs = tool.and_then(|tool| timed::cut_by_tool(tool, &path, second));
    if let Some(theirs) = theirs.as_ref().filter(|_| !in_transaction) {
        timed::assert_same(&dest, theirs.path());
    }
    Tried {
        by_tool: theirs.is_some() && !in_transaction && later.is_some(),
        across: later.is_some_and(|stamp| stamp.file + 1 < set.files.len()),
    }
}

#[test]
fn random_seconds_are_restored_as_redis_check_aof_cuts_and_beyond() {
    let tool = timed::tool();
    if tool.is_none() {
        println!("no redis-check-aof 8.2: an independent reader stands in");
    }
    let seed = number_from_env("AOFKIT_SEED", 1);
    let count = number_from_env("AOFKIT_UNTILS", 200) as usize;
    let tried = in_parallel(count, |i| try_one((seed, i as u64), tool.as_deref()));
    let of = |what: fn(&Tried) -> bool| tried.iter().filter(|one| what(one)).count();
    let (by_tool, across) = (of(|t| t.by_tool), of(|t| t.across));
    println!(
        "{count} seconds: {by_tool} byte for byte as redis-check-aof cuts, {across} across files"
    );
    assert!(across > count / 5, "too few cuts across files: {across}");
    assert!(tool.is_none() || by_tool > count / 5, "too few cuts by redis-check-aof: {by_tool}");
}

#[test]
fn a_second_before_the_first_annotation_leaves_the_base_alone() {
    let dir = tempfile::tempdir().unwrap();
    let set = timed::set(&mut Random::new(7, 7));
    let (path, repo, dest) =
        (dir.path().join("set"), dir.path().join("repo"), dir.path().join("dest"));
    back_up(&set, &path, &repo);
    let snapshot = format!("{}::latest", repo.display());
    let until = format!("@{}", BEGIN - 1000);
    let (code, text) = aofkit(&["restore", "--until", &until], Path::new(&snapshot), &[&dest]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        fs::read_to_string(dest.join("F.manifest")).unwrap(),
        "file F.1.base.aof seq 1 type b\n"
    );
    assert!(timed::content(&dest) == set.files[0].1);
}
