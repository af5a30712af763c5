//! Random histories of servers, a random place in each, and a target that holds something else: what is brought back is told
//! by a model that reads states from a server and knows the rule alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ran::{Run, aofkit, text};
use crate::state::{State, replayed, state};
use crate::support::live::Live;
use crate::support::mutate::Random;
use crate::support::server::Server;
use crate::support::{copy_tree, in_parallel, number_from_env};

/// Who writes and tells the values, and where they go: the second pair cannot take each other's payloads.
const PAIRS: [(&str, &str); 3] =
    [("redis-7.4", "redis-7.4"), ("redis-8.2", "redis-7.0"), ("valkey-9.1", "valkey-9.1")];

const SETTINGS: [&str; 8] = [
    "--appendonly",
    "yes",
    "--appenddirname",
    "aof",
    "--appendfsync",
    "always",
    "--auto-aof-rewrite-percentage",
    "0",
];

type Takes = fn(&str) -> bool;

/// Patterns, and which names they take.
const PATTERNS: [(&str, Takes); 5] = [
    ("*", |_| true),
    ("s:*", |name| name.starts_with("s:")),
    ("?:1", |name| name.ends_with(":1")),
    ("[hlx]:*", |name| name.starts_with(['h', 'l', 'x'])),
    ("nobody", |_| false),
];

fn step(random: &mut Random) -> String {
    let (n, m, value) = (random.below(5), random.below(5), random.below(1000));
    match random.below(22) {
        0 => format!("SET s:{n} {value}"),
        1 => format!("SET s:{n} {value} PX 90000000"),
        2 => format!("INCRBY s:{n} {value}"),
        3 => format!("APPEND s:{n} {value}"),
        4 => format!("RPUSH l:{n} a{value} b{value}"),
        5 => format!("LPOP l:{n}"),
        6 => format!("HSET h:{n} f{m} {value}"),
        7 => format!("HDEL h:{n} f{m}"),
        8 => format!("ZADD z:{n} {value} m{m}"),
        9 => format!("ZINCRBY z:{n} 3.5 m{m}"),
        10 => format!("SADD t:{n} m{m} m{value}"),
        11 => format!("SPOP t:{n}"),
        12 => format!("XADD x:{n} * f {value}"),
        13 => format!("EXPIRE h:{n} 90000"),
        14 => format!("SUNIONSTORE t:{m} t:{n} t:0"),
        15 => format!("PERSIST h:{n}"),
        16 => format!("DEL l:{n} z:{m}"),
        17 => format!("XGROUP CREATE x:{n} g{m} 0"),
        18 => format!("XREADGROUP GROUP g{m} c1 COUNT 1 STREAMS x:{n} >"),
        19 => format!("RENAME s:{n} s:{m}"),
        20 => format!("XDEL x:{n} 1-1"),
        _ => format!("PFADD s:p{n} {value}"),
    }
}

fn increment(set: &Path) -> PathBuf {
    let manifest = fs::read_to_string(set.join("appendonly.aof.manifest")).unwrap();
    let line = manifest.lines().rfind(|line| line.contains(" type i")).unwrap();
    set.join(line.split(' ').nth(1).unwrap())
}

/// A history: its set, its log, and places between two commands of it.
struct History {
    _dir: tempfile::TempDir,
    set: PathBuf,
    log: Vec<u8>,
    places: Vec<usize>,
}

fn write(live: &mut Live, data: &Path, random: &mut Random) -> History {
    while !data.join("aof/appendonly.aof.manifest").exists() {
        live.must("PING");
    }
    let file = increment(&data.join("aof"));
    live.must("SELECT 0");
    live.must("FLUSHALL");
    let mut places = Vec::new();
    let mut db = 0;
    for _ in 0..60 + random.below(60) {
        if random.below(8) == 0 {
            db = if db == 0 { 3 } else { 0 };
            live.must(&format!("SELECT {db}"));
        }
        live.run(&step(random));
        places.push(fs::metadata(&file).unwrap().len() as usize);
    }
    if random.below(2) == 0 {
        live.must("FLUSHALL");
    }
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&data.join("aof"), &dir.path().join("aof"));
    let log = fs::read(&file).unwrap();
    History { set: dir.path().join("aof"), _dir: dir, log, places }
}

/// What the target must hold afterwards, and how many keys are new, equal and different to it before.
fn expected(
    moment: &State,
    before: &State,
    takes: fn(&str) -> bool,
    replaces: bool,
) -> (State, [u64; 3]) {
    let (mut after, mut counts) = (before.clone(), [0; 3]);
    for (name, value) in moment.iter().filter(|((_, name), _)| takes(name)) {
        match before.get(name) {
            None => counts[0] += 1,
            Some(there) if there == value => counts[1] += 1,
            Some(_) => counts[2] += 1,
        }
        if replaces || !before.contains_key(name) {
            after.insert(name.clone(), value.clone());
        }
    }
    (after, counts)
}

fn counts(json: &Value) -> [u64; 3] {
    ["new", "equal", "different"].map(|name| json[name]["count"].as_u64().unwrap())
}

struct Setting<'a> {
    teller: &'a Server,
    socket: &'a Path,
    keep: &'a Path,
}

impl Setting<'_> {
    fn recover(&self, path: &Path, words: &[&str]) -> Run {
        let program = self.teller.program();
        let url = format!("unix://{}", self.socket.display());
        let start = ["recover", text(path), "--json", "--load", text(&program), "--into", &url];
        aofkit(&[&start[..], words].concat())
    }
}

fn differences(got: &State, wanted: &State) -> Vec<String> {
    let names: BTreeSet<_> = got.keys().chain(wanted.keys()).collect();
    let differ = names.into_iter().filter(|name| got.get(*name) != wanted.get(*name));
    differ
        .map(|name| format!("{name:?}: {:?}, not {:?}", got.get(name), wanted.get(name)))
        .collect()
}

#[test]
fn the_keys_of_a_moment_come_back_and_nothing_else_is_changed() {
    let names: BTreeSet<_> = PAIRS.iter().flat_map(|(a, b)| [*a, *b]).collect();
    if Server::all_or_none(&names.into_iter().collect::<Vec<_>>()).is_empty() {
        return;
    }
    let seed = number_from_env("AOFKIT_SEED", 20_261_201);
    let histories = number_from_env("AOFKIT_HISTORIES", 4);
    let seen = in_parallel(PAIRS.len(), |i| {
        let (teller, taker) =
            (Server::find(PAIRS[i].0).unwrap(), Server::find(PAIRS[i].1).unwrap());
        let [data, other, there] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let mut writer = Live::start_with(&teller, data.path(), &SETTINGS);
        let mut reader = Live::start_with(&teller, other.path(), &["--appendonly", "no"]);
        let mut target = Live::start_with(&taker, there.path(), &["--appendonly", "no"]);
        let keep = tempfile::tempdir().unwrap();
        let setting =
            Setting { teller: &teller, socket: &there.path().join("s"), keep: keep.path() };
        let mut seen = [0; 3];
        for n in 0..histories {
            let random = &mut Random::new(seed, n * 10 + i as u64);
            let history = write(&mut writer, data.path(), random);
            let place = history.places[random.below(history.places.len())];
            let other = history.places[random.below(history.places.len())];
            let moment = replayed(&mut reader, &history.log[..place]);
            // The target holds what the set was at another place.
            let before = replayed(&mut target, &history.log[..other]);
            let chosen = if random.below(2) == 0 { 0 } else { random.below(PATTERNS.len()) };
            let (pattern, takes) = PATTERNS[chosen];
            let replaces = random.below(2) == 0;
            let (after, counted) = expected(&moment, &before, takes, replaces);
            let file = increment(&history.set);
            let at = format!("{}:{place}", file.file_name().unwrap().to_str().unwrap());
            let mut words = vec!["--key", pattern, "--at", &at];
            let what = format!("{} history {n}, {words:?}, {replaces}", PAIRS[i].0);

            let plan = setting.recover(&history.set, &words);
            assert_eq!(plan.code, 0, "{what}: {}{}", plan.text(), plan.err);
            assert_eq!(counts(&plan.json()), counted, "{what}: {}", plan.text());
            assert_eq!(differences(&state(&mut target), &before), [""; 0], "{what}");

            words.push("--apply");
            if replaces {
                words.extend(["--replace", "--keep-in", text(setting.keep)]);
            }
            let run = setting.recover(&history.set, &words);
            assert_eq!(run.code, 0, "{what}: {}{}", run.text(), run.err);
            assert_eq!(differences(&state(&mut target), &after), [""; 0], "{what}: {}", run.text());
            let json = run.json();
            assert_eq!(json["written"]["new"], counted[0], "{what}: {}", run.text());
            let replaced = if replaces { counted[2] } else { 0 };
            assert_eq!(json["written"]["replaced"], replaced, "{what}: {}", run.text());
            seen[0] += counted[0];
            seen[1] += replaced;
            seen[2] += json["written"]["by_commands"].as_u64().unwrap();

            // What was replaced comes back, and the new keys stay. Only a server of its own version tells old values.
            if let Some(kept) = json["kept_at"].as_str() {
                let words = ["--key", "*", "--replace", "--apply", "--keep-in", text(setting.keep)];
                let back = setting.recover(Path::new(kept), &words);
                assert_eq!(back.code, 0, "{what}: {}{}", back.text(), back.err);
                let mut wanted = after.clone();
                wanted.extend(before.clone());
                assert_eq!(differences(&state(&mut target), &wanted), [""; 0], "{what}");
            }
        }
        seen
    });
    for ((teller, taker), [new, replaced, by_commands]) in PAIRS.iter().zip(seen) {
        println!("{teller} to {taker}: {new} new, {replaced} replaced, {by_commands} by commands");
        assert!(new > 0, "{teller}: nothing was new");
        assert_eq!(by_commands > 0, *teller == "redis-8.2", "{teller}: by commands");
    }
}
