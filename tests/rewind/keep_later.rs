//! One command taken out and the rest kept: random histories that servers wrote, against a model that knows only which keys
//! later commands named, and reads all states from a server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::live::{Live, Reply};
use crate::support::mutate::Random;
use crate::support::server::Server;
use crate::support::{copy_tree, in_parallel, number_from_env};
use crate::typed::{Run, aofkit, record};

type Name = (u64, String);
type State = BTreeMap<Name, String>;

const SERVERS: [&str; 3] = ["redis-7.4", "redis-8.2", "valkey-9.1"];

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

/// A command of a history, and the keys that it names.
#[derive(Clone, Debug)]
struct Step {
    words: Vec<String>,
    keys: Vec<String>,
}

impl Step {
    fn of(line: &str, keys: &[&str]) -> Self {
        let words = line.split(' ').map(str::to_owned).collect();
        Self { words, keys: keys.iter().map(|key| (*key).to_owned()).collect() }
    }

    fn run(&self, live: &mut Live) -> Reply {
        live.call(&self.words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
    }

    /// Whether it can be in force for some of its keys alone.
    fn can_be_divided(&self) -> bool {
        matches!(self.words[0].as_str(), "DEL" | "UNLINK" | "FLUSHALL" | "FLUSHDB")
    }
}

/// One key of each type has a name by which it is known, so that most commands work.
fn step(random: &mut Random) -> Step {
    let n = random.below(6);
    let m = random.below(6);
    let (s, l, h, z, set, x) = (
        format!("s:{n}"),
        format!("l:{n}"),
        format!("h:{n}"),
        format!("z:{n}"),
        format!("t:{n}"),
        format!("x:{n}"),
    );
    let value = random.below(1000);
    let one = |line: String, key: &String| Step::of(&line, &[key]);
    match random.below(20) {
        0 => one(format!("SET {s} {value}"), &s),
        1 => one(format!("SET {s} {value} PX 90000000"), &s),
        2 => one(format!("INCRBY {s} {value}"), &s),
        3 => one(format!("APPEND {s} {value}"), &s),
        4 => one(format!("RPUSH {l} a{value} b{value}"), &l),
        5 => one(format!("LPOP {l}"), &l),
        6 => one(format!("HSET {h} f{m} {value}"), &h),
        7 => one(format!("HDEL {h} f{m}"), &h),
        8 => one(format!("ZADD {z} {value} m{m}"), &z),
        9 => one(format!("ZINCRBY {z} 3 m{m}"), &z),
        10 => one(format!("SADD {set} m{m} m{value}"), &set),
        11 => one(format!("SPOP {set}"), &set),
        12 => one(format!("XADD {x} * f {value}"), &x),
        13 => one(format!("EXPIRE {h} 90000"), &h),
        14 => Step::of(&format!("SUNIONSTORE t:{m} {set} t:0"), &[&format!("t:{m}"), &set, "t:0"]),
        15 => Step::of(&format!("LMOVE {l} l:{m} LEFT RIGHT"), &[&l, &format!("l:{m}")]),
        16 => Step::of(&format!("COPY {s} s:{m} REPLACE"), &[&s, &format!("s:{m}")]),
        17 => Step::of(&format!("MSET {s} {value} s:{m} {value}"), &[&s, &format!("s:{m}")]),
        18 => Step::of(&format!("DEL {l} h:{m}"), &[&l, &format!("h:{m}")]),
        _ => Step::of(&format!("SETNX {s} {value}"), &[&s]),
    }
}

/// The command to take out, alone or with others in a transaction.
fn unit(random: &mut Random) -> Vec<Step> {
    let removing = |random: &mut Random| {
        let (n, m) = (random.below(6), random.below(6));
        match random.below(5) {
            0 => Step::of("FLUSHALL", &[]),
            1 => Step::of("FLUSHDB", &[]),
            2 => Step::of(
                &format!("DEL s:{n} l:{n} h:{n} z:{n} t:{n} x:{n} s:{m}"),
                &[
                    &format!("s:{n}"),
                    &format!("l:{n}"),
                    &format!("h:{n}"),
                    &format!("z:{n}"),
                    &format!("t:{n}"),
                    &format!("x:{n}"),
                    &format!("s:{m}"),
                ],
            ),
            3 => Step::of(&format!("UNLINK h:{n} z:{m}"), &[&format!("h:{n}"), &format!("z:{m}")]),
            _ => Step::of(&format!("SET s:{n} broken"), &[&format!("s:{n}")]),
        }
    };
    match random.below(3) {
        0 => (0..2 + random.below(4))
            .map(|i| if i == 1 { removing(random) } else { step(random) })
            .collect(),
        _ => vec![removing(random)],
    }
}

/// Everything that a server holds, each value in a form that does not depend on how it is stored.
fn state(live: &mut Live) -> State {
    let mut state = State::new();
    for db in [0, 3] {
        live.must(&format!("SELECT {db}"));
        for key in live.must("KEYS *").list() {
            let key = key.text();
            let kind = live.must(&format!("TYPE {key}")).text();
            let read = match kind.as_str() {
                "string" => format!("GET {key}"),
                "list" => format!("LRANGE {key} 0 -1"),
                "hash" => format!("HGETALL {key}"),
                "set" => format!("SMEMBERS {key}"),
                "zset" => format!("ZRANGE {key} 0 -1 WITHSCORES"),
                _ => format!("XRANGE {key} - +"),
            };
            let mut value = live.must(&read);
            if let ("set" | "hash", Reply::List(list)) = (kind.as_str(), &mut value) {
                let step = if kind == "hash" { 2 } else { 1 };
                let mut parts: Vec<Vec<Reply>> = list.chunks(step).map(<[_]>::to_vec).collect();
                parts.sort_by_key(|part| part[0].text());
                *list = parts.concat();
            }
            let until = live.must(&format!("PEXPIRETIME {key}")).text();
            state.insert((db, key), format!("{kind} {until} {value:?}"));
        }
    }
    live.must("SELECT 0");
    state
}

/// What these bytes of a log make an empty server hold.
fn replayed(live: &mut Live, bytes: &[u8]) -> State {
    live.must("SELECT 0");
    live.must("FLUSHALL");
    let (_, errors) = live.pipe(bytes);
    assert_eq!(errors, Vec::<String>::new());
    state(live)
}

/// What one history left.
struct History {
    set: PathBuf,
    _dir: tempfile::TempDir,
    /// The increment's bytes, and where the unit begins and ends in them.
    log: Vec<u8>,
    from: usize,
    to: usize,
    db: u64,
    unit: Vec<Step>,
    later: Vec<(u64, Step)>,
}

fn increment(set: &Path) -> PathBuf {
    let manifest = fs::read_to_string(set.join("appendonly.aof.manifest")).unwrap();
    let line = manifest.lines().rfind(|line| line.contains(" type i")).unwrap();
    set.join(line.split(' ').nth(1).unwrap())
}

fn write(live: &mut Live, data: &Path, random: &mut Random) -> History {
    while !data.join("aof/appendonly.aof.manifest").exists() {
        live.must("PING");
    }
    let file = increment(&data.join("aof"));
    let len = || fs::metadata(&file).unwrap().len() as usize;
    live.must("SELECT 0");
    live.must("FLUSHALL");
    let mut db = 0;
    let mut turn = |live: &mut Live, random: &mut Random| {
        if random.below(8) == 0 {
            db = if db == 0 { 3 } else { 0 };
            live.must(&format!("SELECT {db}"));
        }
        let step = step(random);
        step.run(live);
        (db, step)
    };
    for _ in 0..30 + random.below(40) {
        turn(live, random);
    }
    // The database is selected in the log as well, so that the unit begins where it is said to.
    let (db, _) = turn(live, random);
    Step::of("SET last:before 1", &["last:before"]).run(live);
    let from = len();
    let unit = unit(random);
    match unit.as_slice() {
        [one] => drop(one.run(live)),
        many => {
            live.must("MULTI");
            many.iter().for_each(|step| drop(step.run(live)));
            live.must("EXEC");
        }
    }
    let to = len();
    let mut later = Vec::new();
    for _ in 0..random.below(25) {
        let before = len();
        let turned = turn(live, random);
        // A command that changes nothing is not logged.
        later.extend((len() > before).then_some(turned));
    }
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&data.join("aof"), &dir.path().join("aof"));
    let log = fs::read(&file).unwrap();
    History { set: dir.path().join("aof"), _dir: dir, log, from, to, db, unit, later }
}

impl History {
    /// Whether a command of the unit did something, so that its keys belong together. It matters where it has several.
    fn was_logged(&self, step: &Step) -> bool {
        let logged = String::from_utf8_lossy(&self.log[self.from..self.to]);
        let [name, first, ..] = step.words.as_slice() else { return true };
        step.keys.len() < 2
            || logged.contains(&format!("{name}\r\n${}\r\n{first}\r\n", first.len()))
    }

    /// Keys for which the unit stays in force.
    fn staying(&self) -> BTreeSet<Name> {
        let of = |db: u64, step: &Step| {
            step.keys.iter().map(move |key| (db, key.clone())).collect::<Vec<_>>()
        };
        let mut staying: BTreeSet<Name> =
            self.later.iter().flat_map(|(db, step)| of(*db, step)).collect();
        let before = usize::MAX;
        let mut size = before;
        while size != staying.len() {
            size = staying.len();
            for step in
                self.unit.iter().filter(|step| self.was_logged(step) && !step.can_be_divided())
            {
                let keys = of(self.db, step);
                if keys.iter().any(|key| staying.contains(key)) {
                    staying.extend(keys);
                }
            }
        }
        staying
    }

    fn rewind(&self, words: &[&str], output: &Path) -> Run {
        let file = increment(&self.set);
        let at = format!("{}:{}", file.file_name().unwrap().to_str().unwrap(), self.from);
        let start = ["rewind", "--keep-later", "--json", "--at", &at];
        let end = ["--output", output.to_str().unwrap(), self.set.to_str().unwrap()];
        aofkit(&[&start[..], words, &end].concat())
    }
}

#[test]
fn keys_that_later_commands_name_keep_the_value_of_today_and_the_others_return() {
    let servers = Server::all_or_none(&SERVERS);
    let seed = number_from_env("AOFKIT_SEED", 20_261_130);
    let histories = number_from_env("AOFKIT_HISTORIES", 12);
    let told = in_parallel(servers.len(), |i| {
        let server = &servers[i];
        let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut writer = Live::start_with(server, data.path(), &SETTINGS);
        let mut reader = Live::start_with(server, other.path(), &["--appendonly", "no"]);
        let (mut planned, mut refused) = (0, 0);
        for n in 0..histories {
            let random = &mut Random::new(seed, n * 10 + i as u64);
            let history = write(&mut writer, data.path(), random);
            let what =
                || format!("{} {n}: {:?}, then {:?}", server.name, history.unit, history.later);
            // A command that did nothing is not logged.
            if history.from == history.to {
                continue;
            }
            let staying = history.staying();
            let before = replayed(&mut reader, &history.log[..history.from]);
            let today = replayed(&mut reader, &history.log);
            let output = history.set.with_extension("output");
            let run = history.rewind(&[], &output);
            let expected: State = before
                .iter()
                .filter(|(name, _)| !staying.contains(*name))
                .chain(today.iter().filter(|(name, _)| staying.contains(*name)))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if run.code == 1 {
                refused += 1;
                assert_eq!(expected, today, "{}\n{}{}", what(), run.out, run.err);
                continue;
            }
            assert_eq!(run.code, 0, "{}\n{}{}", what(), run.out, run.err);
            planned += 1;
            let result = fs::read(increment(&output)).unwrap();
            let got = replayed(&mut reader, &result);
            let names: BTreeSet<_> = got.keys().chain(expected.keys()).collect();
            for name in names {
                let log = history.log[history.from..history.to].escape_ascii();
                assert_eq!(got.get(name), expected.get(name), "{name:?} {} {log}", what());
            }
            let json = run.json();
            let back = json["omitted"]["keys_returning_at_most"].as_u64();
            if let Some(back) = back {
                // A key that went with its last element is not known to be gone.
                assert!(back as usize >= got.len() - today.len(), "{}\n{}", what(), run.out);
            }
        }
        (planned, refused)
    });
    for (server, (planned, refused)) in servers.iter().zip(told) {
        assert!(planned > refused, "{}: {planned} planned, {refused} refused", server.name);
    }
}

#[test]
fn what_came_after_is_replayed_byte_for_byte_where_it_is_merged() {
    for server in Server::all_or_none(&SERVERS[1..2]) {
        let data = tempfile::tempdir().unwrap();
        let mut writer = Live::start_with(&server, data.path(), &SETTINGS);
        for n in 0..number_from_env("AOFKIT_HISTORIES", 6) {
            let random = &mut Random::new(7, n);
            let history = write(&mut writer, data.path(), random);
            if history.from == history.to {
                continue;
            }
            let output = history.set.with_extension("output");
            let run = history.rewind(&["--merge"], &output);
            assert_eq!(run.code, 0, "{:?}\n{}{}", history.unit, run.out, run.err);
            let rest = [&history.log[..history.from], &history.log[history.to..]].concat();
            assert_eq!(fs::read(increment(&output)).unwrap(), rest);
            let json = run.json();
            let listed = json["omitted"]["dependents"].as_array().unwrap();
            let listed: BTreeSet<&str> =
                listed.iter().map(|one| one["command"].as_str().unwrap()).collect();
            let flushed = history.unit.iter().any(|step| step.words[0] == "FLUSHALL");
            let builds = history.later.iter().map(|(_, step)| step.words[0].as_str());
            for name in builds.filter(|name| ["APPEND", "COPY", "LMOVE"].contains(name) && flushed)
            {
                // What was replaced as a whole before is as it was; what did nothing was not logged.
                let logged = record(&[name]).split_once("\r\n").unwrap().1.to_owned();
                let is_logged =
                    String::from_utf8_lossy(&history.log[history.to..]).contains(&logged);
                assert!(
                    listed.contains(name) || !is_logged || name != "LMOVE",
                    "{name} {}",
                    run.out
                );
            }
        }
    }
}

fn set_of(records: &[String]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("aof");
    fs::create_dir(&set).unwrap();
    fs::write(set.join("appendonly.aof.1.base.aof"), record(&["SELECT", "0"])).unwrap();
    fs::write(set.join("appendonly.aof.1.incr.aof"), records.concat()).unwrap();
    let lines = "file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    fs::write(set.join("appendonly.aof.manifest"), lines).unwrap();
    (dir, set)
}

fn plan(words: &[&str], set: &Path) -> Run {
    let start = ["rewind", "--keep-later"];
    aofkit(&[&start[..], words, &[set.to_str().unwrap()]].concat()[..])
}

/// A log with a FLUSHALL and this command behind it.
fn flushed(later: &[&str]) -> (tempfile::TempDir, PathBuf) {
    set_of(&[
        record(&["SELECT", "0"]),
        record(&["SET", "a", "1"]),
        record(&["SET", "b", "1"]),
        record(&["FLUSHALL"]),
        record(&["SET", "b", "2"]),
        record(later),
    ])
}

#[test]
fn a_later_command_that_reaches_further_than_its_keys_is_named_with_its_place() {
    for (later, why) in [
        (&["FLUSHDB"][..], "changes keys that it does not name"),
        (&["SWAPDB", "0", "1"], "changes keys that it does not name"),
        (&["MOVE", "a", "1"], "changes keys that it does not name"),
        (&["FUNCTION", "FLUSH"], "changes functions"),
        (&["NOBODYKNOWS", "a"], "not known which keys"),
        (&["SORT", "b", "BY", "w_*", "STORE", "c"], "not known which keys"),
        (&["EVAL", "return 1", "0"], "not known which keys"),
    ] {
        let (_dir, set) = flushed(later);
        let run = plan(&["--before-command", "FLUSHALL:first"], &set);
        assert_eq!(run.code, 1, "{later:?} {}", run.out);
        let offset =
            fs::read(set.join("appendonly.aof.1.incr.aof")).unwrap().len() - record(later).len();
        assert!(run.err.contains(why) && run.err.contains(later[0]), "{later:?} {}", run.err);
        assert!(run.err.contains(&format!("{offset}")), "{offset}: {}", run.err);
        if later[0] != "NOBODYKNOWS" {
            let merged = plan(&["--before-command", "FLUSHALL:first", "--merge", "--json"], &set);
            let json = merged.json();
            assert_eq!(merged.code, 0, "{later:?} {}", merged.out);
            assert!(json["omitted"]["dependents_total"].as_u64().unwrap() > 0, "{}", merged.out);
        }
    }
}

#[test]
fn a_plan_says_how_many_keys_return_and_how_many_keep_their_value_and_can_be_undone() {
    let (_dir, set) = flushed(&["INCR", "c"]);
    let files = || {
        let mut files: Vec<_> = fs::read_dir(&set).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect::<Vec<_>>()
    };
    let before = files();
    let run = plan(&["--before-command", "FLUSHALL"], &set);
    assert_eq!(run.code, 0, "{}", run.err);
    for said in [
        "FLUSHALL at byte 77 of appendonly.aof.1.incr.aof would be taken out",
        "at most 1 key would return",
        "2 keys that later commands name would keep the value of today",
        "nothing was changed",
    ] {
        assert!(run.out.contains(said), "{said}: {}", run.out);
    }
    assert_eq!(files(), before);
    let run = plan(&["--before-command", "FLUSHALL", "--apply", "--json"], &set);
    let json = run.json();
    assert_eq!((run.code, json["applied"].as_bool()), (0, Some(true)), "{}", run.err);
    let log = fs::read_to_string(increment(&set)).unwrap();
    let expected = [
        record(&["SELECT", "0"]),
        record(&["SET", "a", "1"]),
        record(&["SET", "b", "1"]),
        record(&["DEL", "b"]),
        record(&["DEL", "c"]),
        record(&["SET", "b", "2"]),
        record(&["INCR", "c"]),
    ];
    assert_eq!(log, expected.concat());
    let undo = aofkit(&["repair", "--undo", "--apply", set.to_str().unwrap()]);
    assert_eq!(undo.code, 0, "{}{}", undo.out, undo.err);
    assert_eq!(files(), before);
}

#[test]
fn keys_of_a_base_return_and_servers_load_the_result() {
    for server in Server::all_or_none(&SERVERS) {
        let data = tempfile::tempdir().unwrap();
        let mut live = Live::start_with(&server, data.path(), &SETTINGS);
        for n in 0..50 {
            live.must(&format!("SET base:{n} {n}"));
        }
        live.must("BGREWRITEAOF");
        while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {}
        live.must("SELECT 3");
        live.must("RPUSH list 1 2 3");
        live.must("FLUSHALL");
        live.must("SET base:1 new");
        live.must("RPUSH list 4");
        live.shut_down();
        let set = data.path().join("aof");
        let run = plan(&["--before-command", "FLUSHALL", "--apply", "--json"], &set);
        assert_eq!(run.code, 0, "{} {}{}", server.name, run.out, run.err);
        let omitted = run.json()["omitted"].clone();
        assert_eq!(omitted["keys_returning_at_most"], 50, "{omitted}");
        let mut live = Live::start_with(&server, data.path(), &SETTINGS);
        let state = state(&mut live);
        // base:1 was written in database 3 since; the one of the base is in database 0, and returns.
        assert_eq!(state.keys().filter(|(db, _)| *db == 0).count(), 50, "{state:?}");
        let list = &state[&(3, "list".to_owned())];
        assert!(list.contains("52") && !list.contains("49"), "only what was pushed since: {list}");
        assert_eq!(state.keys().filter(|(db, _)| *db == 3).count(), 2, "{state:?}");
        live.shut_down();
    }
}
