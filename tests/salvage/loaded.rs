//! What was repaired for a server is loaded by it, whichever of those it is that load the undamaged set, and then
//! it holds exactly what the plan promised; and it can be taken back. A truncation keeps at least what
//! redis-check-aof --fix keeps.
//!
//! `AOFKIT_LOADS`: how many damages; `AOFKIT_LOAD=17`: only that one.

use std::collections::BTreeMap;

use aofkit::aof::Aof;
use aofkit::change::{self, Keep, Options, Proposal, Undo};
use aofkit::check::{Check, Loads, Verdict, Wording, judge};
use aofkit::disk::LocalDisk;
use aofkit::progress::Silent;
use aofkit::repair;
use aofkit::repair::inner::{Answer, Inner};
use aofkit::scan::{Pace, scan};

use super::damaged::{Damaged, KINDS, tree};
use super::kept::{SEED, sets};
use super::promised::{Holds, live_files, loaded, promised, replayed};
use super::repaired::{contents, open, outlook, salvaged, truncated};
use super::support::mutate::Random;
use super::support::server::{APPEND_DIR, MANIFEST, Outcome, Server};
use super::support::{copy_tree, in_parallel, number_from_env};
use super::written::Written;

/// All that read sets of several files.
const TARGETS: [&str; 8] = [
    "redis-7.0",
    "redis-7.4",
    "redis-8.0",
    "redis-8.2",
    "redis-8.6",
    "valkey-8.1",
    "valkey-9.0",
    "valkey-9.1",
];

/// Those among them that write sets.
const WRITERS: [&str; 3] = ["redis-7.0", "redis-8.2", "valkey-9.1"];

/// How many of them each damage is repaired for.
const AT_A_TIME: usize = 3;

fn numbers(default: u64) -> Vec<u64> {
    match number_from_env("AOFKIT_LOAD", u64::MAX) {
        u64::MAX => (0..number_from_env("AOFKIT_LOADS", default)).collect(),
        one => vec![one],
    }
}

/// A way to repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Plain,
    Truncate,
    Salvage,
}

/// A plan that puts all right, or why there is none.
fn plan(aof: &Aof, way: Way) -> Result<Proposal, String> {
    let answer = match way {
        Way::Plain => {
            let facts = scan(aof, Check::new(aof), &Pace::default(), &Silent).unwrap();
            let report = judge(aof, facts, &Wording::default()).unwrap();
            let proposal = repair::tail_and_manifest(aof, &report).unwrap();
            if !proposal.left.is_empty()
                || [Verdict::InnerDamage, Verdict::Unsupported].contains(&report.verdict)
            {
                return Err(format!("{:?}", proposal.left));
            }
            return Ok(proposal);
        }
        Way::Truncate => truncated(aof),
        Way::Salvage => salvaged(aof),
    };
    match answer {
        Answer::Plan(inner) => Ok(inner.plan),
        Answer::Refused(why) => Err(why.to_string()),
    }
}

/// What became of one way to repair one damage for one target.
enum Told {
    /// Nothing is wrong for that target.
    Nothing,
    /// Or not all of it could be put right.
    Refused,
    Held,
}

fn told(damaged: &Damaged<'_>, target: &Server, way: Way, parent: &Holds) -> Told {
    let what = format!("{} for {} by {way:?}", damaged.what, target.name);
    let dir = tempfile::tempdir().unwrap();
    let set = damaged.copy(dir.path());
    let aof = repair::subject(open(&set, &target.name)).unwrap();
    let plan = match plan(&aof, way) {
        Ok(plan) => plan,
        Err(why) => {
            // Only where a base is broken nothing may be provable, or where all is to be cut.
            let may = damaged.has_broken_rdb() || way != Way::Salvage;
            assert!(may, "{what}: refused: {why}");
            return Told::Refused;
        }
    };
    let after = plan.outlook(&aof, &Wording::default(), &Pace::default(), &Silent).unwrap();
    if way == Way::Plain && [Verdict::InnerDamage, Verdict::Unsupported].contains(&after.verdict())
    {
        // Only the manifest is put right without a word, and that is what it says.
        return Told::Refused;
    }
    let outcome = (after.verdict(), after.loads());
    assert_eq!(outcome, (Verdict::Healthy, Loads::Yes), "{what}: {:?}", after.report.problems);
    drop(aof);
    if plan.is_empty() {
        return Told::Nothing;
    }
    let was = tree(&set);
    let promised = promised(&plan, &was);
    let applied = plan.apply(&LocalDisk, &Options::default(), &Silent).unwrap();
    assert!(applied.kept_at.is_some_and(|kept| kept.exists()), "{what}: nothing was kept");
    let now = tree(&set);
    assert_eq!(live_files(&now), promised, "{what}: not what was promised");
    let start = target.load(dir.path());
    let fine = [Outcome::Loaded, Outcome::StartedEmpty].contains(&start.outcome);
    assert!(fine, "{what}: {:?}: {}", start.outcome, start.log);
    // The server may change its manifest: it gets a copy.
    let copy = tempfile::tempdir().unwrap();
    copy_tree(dir.path(), copy.path());
    let held = loaded(target, copy.path());
    assert_eq!(held, replayed(target, &promised), "{what}");
    if damaged.is_manifest_alone() {
        assert_eq!(&held, parent, "{what}: the data are all there");
    }
    let aof = open(&set, &target.name);
    let undo = Undo::last(&change::subject(&aof), &aof.dir(), &Keep::Beside).unwrap().unwrap();
    undo.apply(&LocalDisk, &Options::default(), &Silent).unwrap();
    assert_eq!(tree(&set), was, "{what}: undone");
    Told::Held
}

/// Sets of these servers, with bases of both forms, and what each server that loads one then holds.
fn parents(servers: &[Server]) -> Vec<(Written, Vec<(&Server, Holds)>)> {
    let writers = servers.iter().filter(|server| WRITERS.contains(&&*server.name));
    let written = writers.enumerate().flat_map(|(i, server)| {
        [true, false].map(|has_rdb| Written::by(server, SEED + i as u64, 250, has_rdb))
    });
    let mut parents = Vec::new();
    for written in written {
        let mut by = Vec::new();
        for server in servers {
            if server.load(&written.data).outcome == Outcome::Loaded {
                let copy = tempfile::tempdir().unwrap();
                copy_tree(&written.data, copy.path());
                by.push((server, loaded(server, copy.path())));
            }
        }
        assert!(by.iter().any(|(server, _)| server.name == written.server.name));
        parents.push((written, by));
    }
    parents
}

#[test]
fn every_server_that_loads_the_parent_holds_what_the_plan_for_it_promised() {
    let Some(servers) = Server::find_all(&TARGETS) else {
        println!("repairs: NOT RUN against loaders: real servers are not installed");
        return;
    };
    let parents = parents(&servers);
    let seed = number_from_env("AOFKIT_SEED", SEED) + 1;
    let numbers = numbers(4 * KINDS.len() as u64);
    let all = in_parallel(numbers.len(), |i| {
        let number = numbers[i];
        let mut random = Random::new(seed, number);
        let kind = KINDS[number as usize % KINDS.len()];
        // Every parent comes with every kind, for some servers load few of them.
        let turn = number as usize % KINDS.len() + number as usize / KINDS.len();
        let (written, by) = &parents[turn % parents.len()];
        let mut damaged = Damaged::of(written, kind, &mut random);
        damaged.what = format!("#{number} {}", damaged.what);
        let mut counts: BTreeMap<(String, Way), [u64; 3]> = BTreeMap::new();
        let turn = by.iter().cycle().skip(number as usize).take(AT_A_TIME.min(by.len()));
        for (target, parent) in turn {
            for way in [Way::Plain, Way::Truncate, Way::Salvage] {
                let told = told(&damaged, target, way, parent);
                let is_done = way == Way::Plain && !matches!(told, Told::Refused);
                let count = match told {
                    Told::Nothing => 0,
                    Told::Refused => 1,
                    Told::Held => 2,
                };
                counts.entry((target.name.clone(), way)).or_default()[count] += 1;
                // The words are for what is still wrong then.
                if is_done {
                    break;
                }
            }
        }
        counts
    });
    let mut sum: BTreeMap<(String, Way), [u64; 3]> = BTreeMap::new();
    for (key, counts) in all.into_iter().flatten() {
        let sum = sum.entry(key).or_default();
        (0..3).for_each(|i| sum[i] += counts[i]);
    }
    println!("repairs: {} damages, AOFKIT_SEED={}", numbers.len(), seed - 1);
    for ((target, way), [nothing, refused, held]) in &sum {
        println!(
            "    {target} {way:?}: {held} loaded and the same, {refused} refused, {nothing} sound"
        );
    }
    if numbers.len() >= 4 * KINDS.len() {
        for target in TARGETS {
            let held = sum.iter().filter(|((t, _), _)| t == target).map(|(_, c)| c[2]).sum::<u64>();
            assert!(held >= 4, "{target} loaded {held} repaired sets only");
        }
    }
}

/// Bytes of the live files that are left.
fn size(inner: &Inner, aof: &Aof) -> u64 {
    contents(aof, inner).iter().map(|bytes| bytes.len() as u64).sum()
}

#[test]
fn truncation_keeps_at_least_what_redis_check_aof_keeps() {
    let (Some(sets), Some(checker)) = (sets(250), Server::find("redis-8.2")) else {
        println!("salvage: NOT RUN against redis-check-aof: it is not installed");
        return;
    };
    let numbers = numbers(60);
    let told = in_parallel(numbers.len(), |i| {
        let mut random = Random::new(number_from_env("AOFKIT_SEED", SEED) + 1, numbers[i]);
        let written = random.pick(&sets);
        let damaged = Damaged::anywhere(written, &mut random);
        let what = format!("#{} {}", numbers[i], damaged.what);
        let dir = tempfile::tempdir().unwrap();
        let set = damaged.copy(dir.path());
        let aof = open(&set, &written.server.name);
        let inner = match truncated(&aof) {
            Answer::Plan(inner) => inner,
            Answer::Refused(_) => return 0,
        };
        let after = outlook(&aof, &inner);
        assert_eq!((after.verdict(), after.loads()), (Verdict::Healthy, Loads::Yes), "{what}");
        let fixed = tempfile::tempdir().unwrap();
        copy_tree(dir.path(), fixed.path());
        if !checker.fix(fixed.path(), MANIFEST) {
            return 0;
        }
        // What it leaves may not load: it knows no commands. Then it has not kept anything.
        if written.server.load(fixed.path()).outcome != Outcome::Loaded {
            return 0;
        }
        let files = tree(&fixed.path().join(APPEND_DIR));
        let theirs: u64 = written.files().iter().map(|file| files[file].len() as u64).sum();
        let ours = size(&inner, &aof);
        assert!(ours >= theirs, "{what}: {ours} bytes are kept, redis-check-aof keeps {theirs}");
        1
    });
    let compared: usize = told.iter().sum();
    println!("salvage: {compared} of {} truncations compared with redis-check-aof", told.len());
    assert!(compared > 0 || told.len() == 1, "nothing was compared");
}
