//! To the end of a second: what redis-check-aof cuts where it can, and what an independent reader expects.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{Options, Plan};
use aofkit::check::Wording;
use aofkit::disk::LocalDisk;
use aofkit::moment::Moment;
use aofkit::progress::Silent;
use aofkit::rewind::{Answer, Why, rewind};
use aofkit::scan::Pace;

use crate::model::{self, BEGIN, Set};
use crate::support::mutate::Random;
use crate::support::server::{Server, servers_dir};
use crate::support::{copy_tree, in_parallel, number_from_env};

/// What is planned.
pub fn planned(path: &Path, moment: &Moment) -> Result<Plan, Why> {
    let aof = Aof::open(path, &OpenOptions::default()).unwrap();
    let found = rewind(&aof, moment, &Wording::default(), &Pace::default(), &Silent).unwrap();
    match found.answer {
        Answer::Plan(plan) => Ok(*plan),
        Answer::No(why) => Err(why),
    }
}

pub fn apply(plan: &Plan) {
    plan.apply(&LocalDisk, &Options::default(), &Silent).unwrap();
}

/// What redis-check-aof leaves of a copy; `None` when it refuses.
fn cut_by_tool(tool: &Path, set: &Path, second: i64) -> Option<tempfile::TempDir> {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(set, copy.path());
    let status = Command::new(tool)
        .args(["--truncate-to-timestamp", &second.to_string()])
        .arg(copy.path().join("F.manifest"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    status.success().then_some(copy)
}

/// Whether both directories hold the same files; what we keep lies beside them.
fn assert_same(ours: &Path, theirs: &Path) {
    let names = |dir: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(ours), names(theirs));
    for name in names(ours) {
        assert!(fs::read(ours.join(&name)).unwrap() == fs::read(theirs.join(&name)).unwrap());
    }
}

struct Tried {
    by_tool: bool,
    across: bool,
}

/// One random second of one random set.
fn try_one((base, seed): (u64, u64), tool: Option<&Path>) -> Tried {
    let mut random = Random::new(base, seed);
    let set: Set = model::set(&mut random);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("set");
    set.write(&path);
    let last = set.stamps.last().map_or(BEGIN, |stamp| stamp.seconds);
    let second = BEGIN - 2 + random.below((last - BEGIN + 5) as usize) as i64;
    let later = set.later(second);
    let theirs = tool.and_then(|tool| cut_by_tool(tool, &path, second));
    let plan = planned(&path, &Moment::Until(second));
    let plan = plan.unwrap_or_else(|why| panic!("seed {seed}, second {second}: {why:?}"));
    assert_eq!(plan.is_empty(), later.is_none(), "seed {seed}, second {second}");
    let total: usize = set.files.iter().map(|(_, bytes)| bytes.len()).sum();
    apply(&plan);
    let kept = model::content(&path);
    assert!(kept == set.until(second), "seed {seed}, second {second}");
    assert_eq!(plan.loss.bytes, (total - kept.len()) as u64, "seed {seed}");
    let in_transaction = later.is_some_and(|stamp| stamp.multi.is_some());
    if let Some(theirs) = theirs.as_ref().filter(|_| !in_transaction) {
        assert_same(&path, theirs.path());
    }
    let across = later.is_some_and(|stamp| stamp.file + 1 < set.files.len());
    Tried { by_tool: theirs.is_some() && !in_transaction && later.is_some(), across }
}

#[test]
fn random_seconds_give_what_redis_check_aof_gives_and_more() {
    let tool = servers_dir().map(|dir| dir.join("redis-8.2/check-aof"));
    let tool = tool.filter(|_| Server::find("redis-8.2").is_some());
    if tool.is_none() {
        eprintln!("not run: redis-check-aof 8.2; an independent reader stands in");
    }
    let seed = number_from_env("AOFKIT_SEED", 1);
    let count = number_from_env("AOFKIT_REWINDS", 200) as usize;
    let tried = in_parallel(count, |i| try_one((seed, i as u64), tool.as_deref()));
    let by_tool = tried.iter().filter(|one| one.by_tool).count();
    let across = tried.iter().filter(|one| one.across).count();
    println!("{count} seconds: {by_tool} as redis-check-aof cuts, {across} across files");
    assert!(across > count / 5, "too few cuts across files: {across}");
    assert!(tool.is_none() || by_tool > count / 5, "too few cuts by redis-check-aof: {by_tool}");
}
