//! The law of removing: what a plan takes out of a set holds no whole record, unless it was named, cut at, or part of a
//! transaction that is broken; and each is counted.

use std::fs;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{Action, Piece, Plan};
use aofkit::check::{Check, Wording, judge};
use aofkit::progress::Silent;
use aofkit::repair::{self, Drops, inner};
use aofkit::scan::{Pace, scan};

use super::repaired::planned;
use super::support::mutate::Random;
use super::support::number_from_env;
use super::support::spelled::record;

/// Names of commands, some of which no server has.
const NAMES: [&[u8]; 6] = [b"SET", b"NEWCMD", b"my.module", b"INCR", b"\xff\\weird", b"HSETEX"];

/// A record of the log, and what is known of it.
struct Part {
    from: usize,
    to: usize,
    name: &'static [u8],
    /// Which transaction it belongs to.
    transaction: Option<usize>,
}

struct Log {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    /// The range that was overwritten or put in.
    damage: (usize, usize),
    /// The name of an EXEC that was overwritten, too.
    exec: (usize, usize),
}

fn made(random: &mut Random) -> Log {
    let mut log = Log { bytes: Vec::new(), parts: Vec::new(), damage: (0, 0), exec: (0, 0) };
    let put = |log: &mut Log, words: &[&[u8]], name: &'static [u8], transaction| {
        let from = log.bytes.len();
        log.bytes.extend(record(words));
        log.parts.push(Part { from, to: log.bytes.len(), name, transaction });
    };
    put(&mut log, &[b"SELECT", b"0"], b"SELECT", None);
    for number in 0..30 + random.below(40) {
        let key = format!("key:{number}");
        let value = "v".repeat(random.below(40));
        if random.below(8) == 0 {
            put(&mut log, &[b"MULTI"], b"MULTI", Some(number));
            for _ in 0..=random.below(3) {
                let name = NAMES[random.below(NAMES.len())];
                put(&mut log, &[name, key.as_bytes(), value.as_bytes()], name, Some(number));
            }
            put(&mut log, &[b"EXEC"], b"EXEC", Some(number));
        } else {
            let name = NAMES[random.below(NAMES.len())];
            put(&mut log, &[name, key.as_bytes(), value.as_bytes()], name, None);
        }
    }
    damage(&mut log, random);
    log
}

/// NUL bytes over a part of a record, or between two, or at the end; or the end torn off.
fn damage(log: &mut Log, random: &mut Random) {
    let place = random.below(log.parts.len());
    let Part { from, to, .. } = log.parts[place];
    match random.below(5) {
        0 => {}
        4 => damage_transaction(log, random),
        1 => {
            // Never the last two bytes, which loaders pass over without a look.
            let begin = from + random.below((to - from - 2).min(12));
            let end = (begin + 4 + random.below(8)).min(to - 2);
            log.bytes[begin..end].fill(0);
            log.damage = (begin, end);
        }
        2 => {
            let junk = vec![0; 5 + random.below(20)];
            log.bytes.splice(from..from, junk.iter().copied());
            for part in &mut log.parts[place..] {
                (part.from, part.to) = (part.from + junk.len(), part.to + junk.len());
            }
            log.damage = (from, from + junk.len());
        }
        _ => {
            let len = from + 1 + random.below(to - from - 1);
            log.bytes.truncate(len);
            log.parts.truncate(place + 1);
            log.damage = (from, len);
        }
    }
}

/// A transaction loses a part, and its EXEC the name.
fn damage_transaction(log: &mut Log, random: &mut Random) {
    let ends: Vec<usize> = (0..log.parts.len()).filter(|&n| log.parts[n].name == b"EXEC").collect();
    if ends.is_empty() {
        return;
    }
    let end = ends[random.below(ends.len())];
    let (from, to) = (log.parts[end].to - 6, log.parts[end].to - 2);
    log.bytes[from..to].copy_from_slice(b"\0\x01\0\x02");
    log.exec = (from, to);
    let Part { from, .. } = log.parts[end - 1];
    log.bytes[from..from + 6].fill(0);
    log.damage = (from, from + 6);
}

/// Ranges of the only file that are not there afterwards.
fn removed(plan: &Plan, len: usize) -> Vec<(usize, usize)> {
    let Some(action) = plan.actions.iter().find(|a| !matches!(a, Action::Manifest { .. })) else {
        return Vec::new();
    };
    let kept = match action {
        Action::Cut { to_bytes, .. } => vec![(0, *to_bytes)],
        Action::Rewrite { pieces, .. } => {
            let kept = pieces.iter().filter_map(|piece| match piece {
                Piece::Keep { from, to, .. } => Some((*from, *to)),
                _ => None,
            });
            kept.collect()
        }
        other => panic!("{other:?}"),
    };
    let (mut gaps, mut at) = (Vec::new(), 0);
    for (from, to) in kept.into_iter().chain([(len as u64, len as u64)]) {
        if from > at {
            gaps.push((at as usize, from as usize));
        }
        at = to;
    }
    gaps
}

/// Holds the law over a plan for `log`; `cut` where everything from there on may go.
fn holds(log: &Log, plan: &Plan, cut: Option<usize>, named: &[u8], what: &str) {
    let gaps = removed(plan, log.bytes.len());
    let is_gone = |part: &Part| gaps.iter().any(|gap| gap.0 < part.to && part.from < gap.1);
    let is_hurt = |part: &Part| {
        let hits = |(from, to): (usize, usize)| to > from && from < part.to && part.from < to;
        hits(log.damage) || hits(log.exec) || part.to > log.bytes.len()
    };
    let broken = |number: usize| {
        let members = || log.parts.iter().filter(move |p| p.transaction == Some(number));
        // One that lies around the damage, or lost its end.
        let first = members().map(|p| p.from).min().unwrap_or(0);
        let last = members().map(|p| p.to).max().unwrap_or(0);
        let around = log.damage.1 > log.damage.0 && first <= log.damage.0 && log.damage.0 < last;
        around || members().any(is_hurt) || !members().any(|p| p.name == b"EXEC")
    };
    let mut whole = 0;
    for part in log.parts.iter().filter(|part| is_gone(part) && !is_hurt(part)) {
        whole += 1;
        let excused = cut.is_some_and(|cut| part.from >= cut)
            || part.transaction.is_some_and(broken)
            || !named.is_empty() && part.name.eq_ignore_ascii_case(named);
        assert!(
            excused,
            "{what}: {} at {} goes; damage {:?}, gaps {gaps:?}",
            part.name.escape_ascii(),
            part.from,
            log.damage
        );
    }
    assert!(plan.loss.commands >= whole, "{what}: {whole} go, {} told", plan.loss.commands);
    let bytes: usize = gaps.iter().map(|gap| gap.1 - gap.0).sum();
    assert_eq!(plan.loss.bytes, bytes as u64, "{what}");
}

#[test]
fn no_whole_record_goes_that_was_not_named_cut_at_or_part_of_a_broken_transaction() {
    let seed = number_from_env("AOFKIT_SEED", 15);
    let targets = ["redis-7.0", "redis-8.2", "redis-8.6", "valkey-8.1", "valkey-9.1"];
    for number in 0..number_from_env("AOFKIT_LAWS", 300) {
        let mut random = Random::new(seed, number);
        let log = made(&mut random);
        let target = targets[number as usize % targets.len()];
        let what = format!("seed {seed}, log {number}, {target}");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &log.bytes).unwrap();
        file.as_file().set_modified(std::time::UNIX_EPOCH).unwrap();
        let options =
            OpenOptions { target: Some(target.parse().unwrap()), ..OpenOptions::default() };
        let aof = Aof::open(file.path(), &options).unwrap();
        let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
        let report = judge(&aof, facts, &Wording::default()).unwrap();
        let plan = repair::tail_and_manifest(&aof, &report).unwrap();
        // Without a word only the end goes, where nothing sound is behind the damage.
        holds(&log, &plan, None, b"", &format!("{what}, repair"));
        let none = Drops::default();
        if let inner::Answer::Plan(inner) = inner::salvage(&aof, &report, &none).unwrap() {
            holds(&log, &inner.plan, None, b"", &format!("{what}, salvage"));
        }
        let named = NAMES[random.below(NAMES.len())];
        let drops = Drops { commands: vec![named.to_ascii_lowercase()], places: Vec::new() };
        let (answer, _) = inner::drop_named(&aof, &report, &drops).unwrap();
        holds(&log, &planned(answer).plan, None, named, &format!("{what}, named"));
        if let inner::Answer::Plan(inner) = inner::truncate(&aof, &report, &none).unwrap() {
            let cut = removed(&inner.plan, log.bytes.len()).first().map(|gap| gap.0);
            assert!(cut.is_none_or(|cut| cut <= log.damage.0), "{what}: cut before any damage");
            holds(&log, &inner.plan, cut, b"", &format!("{what}, truncate"));
        }
    }
}
