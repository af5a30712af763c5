//! Sets that real servers with all their modules write in the course of a test, healthy and damaged, each judged with
//! the modules and without, and held against that server.
//!
//! `AOFKIT_SEED`, `AOFKIT_SETS`: other or more of them; 120 are a campaign.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::real::{damage, did};
use super::support::live::Live;
use super::support::mutate::Random;
use super::support::server::Server;
use super::support::{copy_tree, in_parallel, number_from_env};
use super::world::run;

/// Servers, and the names of what they have loaded; vector sets are built in, and told as a module.
const SERVERS: [(&str, &str); 4] = [
    ("redis-7.4", "ReJSON,bf,search,timeseries"),
    ("redis-8.0", "none"),
    ("redis-8.2", "none"),
    ("redis-8.6", "none"),
];

/// How many damaged copies each set is judged in.
const DAMAGED: u64 = 3;

fn key(random: &mut Random, kind: &str) -> String {
    format!("{kind}:{}", random.below(6))
}

fn number(random: &mut Random) -> String {
    format!("{}.{}", random.below(1000), random.below(100))
}

/// Some words, of which a few look like records.
fn text(random: &mut Random) -> String {
    let words = ["ada", "grace", "*1\r\n$4\r\nEXEC\r\n", "\u{e9}t\u{e9}", "$3\r\n", "x"];
    (0..1 + random.below(6)).map(|_| *random.pick(&words)).collect::<Vec<_>>().join(" ")
}

fn json_command(random: &mut Random) -> Vec<String> {
    let key = key(random, "doc");
    let value =
        json!({"n": random.below(99), "t": text(random), "a": [1, 2.5, null], "o": {"x": true}});
    let words: Vec<String> = match random.below(9) {
        0..=3 => vec!["JSON.SET".into(), key, "$".into(), value.to_string()],
        4 => vec!["JSON.NUMINCRBY".into(), key, "$.n".into(), "2".into()],
        5 => vec!["JSON.ARRAPPEND".into(), key, "$.a".into(), "7".into(), "\"seven\"".into()],
        6 => vec!["JSON.STRAPPEND".into(), key, "$.t".into(), "\"more\"".into()],
        7 => vec!["JSON.TOGGLE".into(), key, "$.o.x".into()],
        _ => vec!["JSON.DEL".into(), key, "$.o".into()],
    };
    words
}

fn filter_command(random: &mut Random) -> Vec<String> {
    let item = format!("item-{}", random.below(500));
    let of = |name: &str, key: String, rest: &[&str]| {
        let rest = rest.iter().map(|word| (*word).to_owned());
        [name.to_owned(), key].into_iter().chain(rest).collect::<Vec<_>>()
    };
    match random.below(9) {
        0 => of("BF.RESERVE", key(random, "bloom"), &["0.01", "100"]),
        1 | 2 => of("BF.MADD", key(random, "bloom"), &[&item, &text(random)]),
        3 => of("CF.ADD", key(random, "cuckoo"), &[&item]),
        4 => of("CF.DEL", key(random, "cuckoo"), &[&item]),
        5 => of("CMS.INITBYDIM", key(random, "sketch"), &["32", "3"]),
        6 => of("CMS.INCRBY", key(random, "sketch"), &[&item, "3"]),
        7 => of("TOPK.RESERVE", key(random, "top"), &["3"]),
        _ => match random.below(3) {
            0 => of("TOPK.ADD", key(random, "top"), &[&item]),
            1 => of("TDIGEST.CREATE", key(random, "digest"), &[]),
            _ => of("TDIGEST.ADD", key(random, "digest"), &[&number(random), "1"]),
        },
    }
}

fn series_command(random: &mut Random) -> Vec<String> {
    let at = (1_000 + random.below(100_000)).to_string();
    let words: Vec<String> = match random.below(6) {
        0 => ["TS.CREATE", &key(random, "series"), "RETENTION", "0", "LABELS", "room", "a"]
            .map(str::to_owned)
            .into(),
        1..=3 => ["TS.ADD", &key(random, "series"), &at, &number(random)].map(str::to_owned).into(),
        4 => {
            ["TS.INCRBY", &key(random, "counter"), "1", "TIMESTAMP", &at].map(str::to_owned).into()
        }
        _ => [
            "TS.CREATERULE",
            &key(random, "series"),
            &key(random, "series"),
            "AGGREGATION",
            "avg",
            "60000",
        ]
        .map(str::to_owned)
        .into(),
    };
    words
}

fn search_command(random: &mut Random) -> Vec<String> {
    let index = format!("idx{}", random.below(3));
    let words: Vec<String> = match random.below(8) {
        0 => [
            "FT.CREATE",
            &index,
            "ON",
            "HASH",
            "PREFIX",
            "1",
            "h:",
            "SCHEMA",
            "title",
            "TEXT",
            "n",
            "NUMERIC",
        ]
        .map(str::to_owned)
        .into(),
        1 => ["FT.DICTADD", "words", &format!("w{}", random.below(50))].map(str::to_owned).into(),
        2 => ["FT.SUGADD", &key(random, "suggest"), &text(random), "1"].map(str::to_owned).into(),
        3 => ["FT.ALIASUPDATE", "alias", &index].map(str::to_owned).into(),
        4 => ["FT.SYNUPDATE", &index, "g", "boy", "child"].map(str::to_owned).into(),
        5 => ["FT.ALTER", &index, "SCHEMA", "ADD", &format!("f{}", random.below(9)), "TAG"]
            .map(str::to_owned)
            .into(),
        6 => {
            ["HSET", &key(random, "h"), "title", &text(random), "n", "5"].map(str::to_owned).into()
        }
        _ => ["FT.DROPINDEX", &index].map(str::to_owned).into(),
    };
    words
}

fn vector_command(random: &mut Random) -> Vec<String> {
    let key = key(random, "vectors");
    let element = format!("e{}", random.below(40));
    let words: Vec<String> = match random.below(8) {
        0..=4 => {
            let numbers = [number(random), number(random), number(random)];
            let head = ["VADD", &key, "VALUES", "3"].map(str::to_owned);
            let form = *random.pick(&["NOQUANT", "Q8", "BIN"]);
            // All of one key are quantised alike, or the server refuses it.
            let tail = if random.chance(10) { vec![form.to_owned()] } else { Vec::new() };
            head.into_iter().chain(numbers).chain([element]).chain(tail).collect()
        }
        5 => ["VREM", &key, &element].map(str::to_owned).into(),
        6 => ["VSETATTR", &key, &element, "{\"year\":1999}"].map(str::to_owned).into(),
        _ => ["SET", "plain", &text(random)].map(str::to_owned).into(),
    };
    words
}

/// Writes with all modules, some of them in transactions; what makes no sense the server refuses and does not log.
fn write(live: &mut Live, random: &mut Random, has_modules: bool) {
    for _ in 0..random.below(150) + 10 {
        let words = match random.below(8) {
            _ if !has_modules => vector_command(random),
            0 | 1 => json_command(random),
            2 | 3 => filter_command(random),
            4 | 5 => series_command(random),
            6 => search_command(random),
            _ => ["SET", &key(random, "plain"), &text(random)].map(str::to_owned).into(),
        };
        let is_whole = random.chance(10);
        if is_whole {
            live.must("MULTI");
        }
        live.call(&words.iter().map(String::as_bytes).collect::<Vec<_>>());
        if is_whole {
            live.call(&[b"INCR", b"transactions"]);
            live.run("EXEC");
        }
        if random.chance(5) {
            live.must(&format!("SELECT {}", random.below(3)));
        }
    }
}

/// A data directory that this server wrote.
fn written(server: &Server, random: &mut Random) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let modules: Vec<String> =
        server.modules().iter().map(|word| word.to_str().unwrap().to_owned()).collect();
    let mut settings =
        vec!["--appendonly", "yes", "--appenddirname", "aof", "--appendfsync", "always"];
    settings.extend(["--auto-aof-rewrite-percentage", "0"]);
    settings.extend(modules.iter().map(String::as_str));
    let mut live = Live::start_with(server, dir.path(), &settings);
    write(&mut live, random, !modules.is_empty());
    if random.chance(60) {
        live.must("BGREWRITEAOF");
        live.until_it_says("aof_rewrite_in_progress:0");
        live.until_it_says("aof_rewrite_scheduled:0");
        write(&mut live, random, !modules.is_empty());
    }
    live.must("SET last one");
    match random.chance(50) {
        true => live.shut_down(),
        false => drop(live),
    }
    let _ = fs::remove_file(dir.path().join("s"));
    dir
}

/// `VERB --json --target SERVER --modules LIST DIR`
fn said(words: &[&str], server: &str, list: &str, dir: &Path) -> (i32, Value) {
    let dir = dir.join("aof");
    let tail = ["--json", "--target", server, "--modules", list, dir.to_str().unwrap()];
    let answer = run(words.iter().copied().chain(tail));
    let report = serde_json::from_str(&answer.out).unwrap_or_default();
    (answer.code, report)
}

/// What of a set is judged otherwise than the server does.
fn judged(
    server: &Server,
    list: &str,
    dir: &Path,
    is_healthy: bool,
    what: &str,
) -> (u64, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    let without: &[&str] = if server.modules().is_empty() { &[] } else { &["none"] };
    for list in std::iter::once(list).chain(without.iter().copied()) {
        let options: Vec<PathBuf> = if list == "none" { Vec::new() } else { server.modules() };
        let real = did(server.load_with(dir, &options).outcome);
        let (code, report) = said(&["check"], &server.name, list, dir);
        count += 1;
        let told = format!("{what}, {list}: {real}, said {} ({code})", report["loads"]);
        if report["loads"] != real {
            wrong.push(told.clone());
        }
        let is_alone = report["verdict"] == "healthy" || report["verdict"] == "unsupported";
        assert!(!is_healthy || is_alone, "a false alarm: {told} {report:#}");
        // Nothing goes because of a module: with them and without, the same is lost.
        let whole = said(&["repair", "--salvage"], &server.name, list, dir).1;
        if is_healthy {
            assert_eq!(whole["actions"], json!([]), "{told}");
        }
        let with = said(&["repair", "--salvage"], &server.name, &known(server), dir).1;
        assert_eq!(whole["loss"], with["loss"], "{told}");
    }
    (count, wrong)
}

fn known(server: &Server) -> String {
    let row = SERVERS.iter().find(|(name, _)| *name == server.name);
    row.map_or("none", |(_, list)| list).to_owned()
}

#[test]
fn what_servers_with_modules_write_is_judged_as_they_load_it() {
    let (seed, sets) = (number_from_env("AOFKIT_SEED", 11), number_from_env("AOFKIT_SETS", 8));
    let sets = usize::try_from(sets).unwrap();
    let results = in_parallel(sets, |number| {
        let (name, list) = SERVERS[if number % 2 == 0 { 0 } else { 1 + number / 2 % 3 }];
        let Some(server) = Server::find(name) else {
            println!("did not run: no {name}");
            return (0, Vec::new());
        };
        let mut random = Random::new(seed, number as u64);
        let dir = written(&server, &mut random);
        let mut all = judged(&server, list, dir.path(), true, &format!("{name}, set {number}"));
        for damaged in 0..DAMAGED {
            let copy = tempfile::tempdir().unwrap();
            copy_tree(dir.path(), copy.path());
            if !damage(&mut random, &copy.path().join("aof")) {
                continue;
            }
            let what = format!("{name}, set {number}, damage {damaged}");
            let (count, wrong) = judged(&server, list, copy.path(), false, &what);
            all.0 += count;
            all.1.extend(wrong);
        }
        all
    });
    let count: u64 = results.iter().map(|(count, _)| count).sum();
    let wrong: Vec<String> = results.into_iter().flat_map(|(_, wrong)| wrong).collect();
    println!("seed {seed}: {count} judgements, {} of them wrong: {wrong:#?}", wrong.len());
    assert!(wrong.len() as u64 * 50 <= count, "{} of {count}: {wrong:#?}", wrong.len());
}
