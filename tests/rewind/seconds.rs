//! To the end of a second: what redis-check-aof cuts where it can, and what an independent reader expects.

use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{Looking, Options, Proposal};
use aofkit::disk::LocalDisk;
use aofkit::moment::Moment;
use aofkit::progress::Silent;
use aofkit::rewind::{Answer, Why, rewind};

use crate::support::mutate::Random;
use crate::support::timed::{self, BEGIN, Set, assert_same, cut_by_tool};
use crate::support::{in_parallel, number_from_env};

/// What is planned.
pub fn planned(path: &Path, moment: &Moment) -> Result<Proposal, Why> {
    let aof = Aof::open(path, &OpenOptions::default()).unwrap();
    let found = rewind(&aof, moment, &Looking::default()).unwrap();
    match found.answer {
        Answer::Plan(plan) => Ok(*plan),
        Answer::No(why) => Err(why),
        Answer::Hindered(conflict) => panic!("nothing is taken out: {conflict:?}"),
    }
}

pub fn apply(plan: &Proposal) {
    plan.apply(&LocalDisk, &Options::default(), &Silent).unwrap();
}

struct Tried {
    by_tool: bool,
    across: bool,
}

/// One random second of one random set.
fn try_one((base, seed): (u64, u64), tool: Option<&Path>) -> Tried {
    let mut random = Random::new(base, seed);
    let set: Set = timed::set(&mut random);
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
    let kept = timed::content(&path);
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
    let tool = timed::tool();
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
