//! The memory of a base's keys against MEMORY USAGE of the real servers that have loaded it: in sum, and by type.

use std::collections::BTreeMap;

use serde_json::Value;

use super::growing::{Growing, Random};
use super::support::number_from_env;
use super::support::server::{ALL, Server};
use super::world::*;

/// Percent by which a type, and the sum, may be off.
const OFF: f64 = 10.0;

fn letters(random: &mut Random, len: u64) -> String {
    (0..len).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
}

/// A word of some length: many short ones, few long ones.
fn word(random: &mut Random) -> String {
    let len = match random.below(20) {
        0..8 => 1 + random.below(12),
        8..14 => 10 + random.below(35),
        14..19 => 40 + random.below(80),
        _ => 100 + random.below(3_000),
    };
    letters(random, len)
}

struct Filling<'s> {
    server: &'s mut Growing,
    random: Random,
    has_field_ttls: bool,
}

impl Filling<'_> {
    fn queue(&mut self, words: &[String]) {
        self.server.queue(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn key(&mut self, kind: &str, number: u64) -> String {
        let more =
            letters(&mut self.random, if number.is_multiple_of(9) { 40 } else { number % 14 });
        format!("{kind}:{number}:{more}")
    }

    /// Members of a small or of a large value.
    fn count(&mut self, number: u64) -> u64 {
        if number.is_multiple_of(25) {
            600 + self.random.below(1_500)
        } else {
            1 + self.random.below(60)
        }
    }

    fn members(
        &mut self,
        key: &str,
        command: &str,
        count: u64,
        each: impl Fn(&mut Random) -> Vec<String>,
    ) {
        let mut words = vec![command.to_owned(), key.to_owned()];
        for _ in 0..count {
            words.extend(each(&mut self.random));
        }
        self.queue(&words);
    }

    fn text(&mut self, number: u64) {
        let key = self.key("text", number);
        let value = match number % 3 {
            0 => self.random.below(1 << 40).to_string(),
            _ => word(&mut self.random),
        };
        let mut words = vec!["SET".to_owned(), key, value];
        if number.is_multiple_of(5) {
            words.extend(["PXAT".to_owned(), "4102444800000".to_owned()]);
        }
        self.queue(&words);
    }

    fn hash(&mut self, number: u64) {
        let (key, count) = (self.key("hash", number), self.count(number));
        let is_long = number.is_multiple_of(4);
        self.members(&key, "HSET", count, |random| {
            let value = if is_long { word(random) } else { random.below(9_999).to_string() };
            vec![letters(random, 6), value]
        });
        if self.has_field_ttls && number.is_multiple_of(6) {
            let words = ["HSET", &key, "expiring", "value"].map(str::to_owned);
            self.queue(&words);
            let words = ["HPEXPIREAT", &key, "4102444800000", "FIELDS", "1", "expiring"];
            self.queue(&words.map(str::to_owned));
        }
    }

    fn stream(&mut self, number: u64) {
        let key = self.key("stream", number);
        let count = if number.is_multiple_of(8) { 2_000 } else { 1 + self.random.below(150) };
        for entry in 0..count {
            let value = word(&mut self.random);
            let id = format!("{}-1", 1_700_000_000_000 + entry * 37);
            let words = ["XADD", &key, &id, "name", &value, "n", &entry.to_string()];
            self.queue(&words.map(str::to_owned));
        }
        for group in 0..number % 3 {
            let group = format!("group{group}");
            self.queue(&["XGROUP", "CREATE", &key, &group, "0"].map(str::to_owned));
            for consumer in ["alice", "bob"] {
                let words =
                    ["XREADGROUP", "GROUP", &group, consumer, "COUNT", "20", "STREAMS", &key, ">"];
                self.queue(&words.map(str::to_owned));
            }
        }
    }

    fn all(&mut self) {
        for number in 0..600 {
            self.text(number);
        }
        for number in 0..150 {
            let count = self.count(number);
            let key = self.key("list", number);
            self.members(&key, "RPUSH", count, |random| vec![word(random)]);
            let key = self.key("set", number);
            match number % 3 {
                0 => self.members(&key, "SADD", count, |r| vec![r.below(1 << 20).to_string()]),
                1 => self.members(&key, "SADD", count, |r| vec![letters(r, 8)]),
                _ => self.members(&key, "SADD", count, |r| vec![word(r)]),
            }
            let key = self.key("zset", number);
            let is_whole = number.is_multiple_of(2);
            self.members(&key, "ZADD", count, |random| {
                let score = random.below(100_000);
                let score = if is_whole { score as f64 } else { score as f64 / 8.0 };
                vec![score.to_string(), letters(random, 12)]
            });
            self.hash(number);
        }
        for number in 0..40 {
            self.stream(number);
        }
        self.server.send();
    }
}

/// Bytes by type, as the server tells them.
fn of_server(server: &mut Growing) -> BTreeMap<String, f64> {
    let keys = server.must("KEYS *");
    let mut sums = BTreeMap::new();
    for key in keys.split(' ') {
        let kind = server.must(&format!("TYPE {key}"));
        let bytes: f64 = server.must(&format!("MEMORY USAGE {key} SAMPLES 0")).parse().unwrap();
        *sums.entry(kind).or_default() += bytes;
    }
    sums
}

/// The same as it was told.
fn estimated(answer: &Value) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for row in answer["types"].as_array().unwrap() {
        let bytes = row["memory_bytes"].as_u64().unwrap_or_else(|| panic!("{row}"));
        *sums.entry(row["type"].as_str().unwrap().to_owned()).or_default() += bytes as f64;
    }
    sums
}

fn compare(name: &str, seed: u64) -> Vec<String> {
    let Some(program) = Server::find(name) else {
        eprintln!("NOT RUN: no {name}; tests/servers/fetch brings it");
        return Vec::new();
    };
    let mut server = Growing::start(&program, &["--auto-aof-rewrite-percentage", "0"]);
    let has_field_ttls = !["redis-6.2", "redis-7.0", "valkey-8.1"].contains(&name);
    Filling { server: &mut server, random: Random(seed), has_field_ttls }.all();
    server.rewrite();
    server.restart();
    let answer = json(&["stats", "--memory", "--by", "type,key"], &server.log());
    assert_eq!(answer["base"]["memory_server"], name);
    let (real, told) = (of_server(&mut server), estimated(&answer));
    let whole: f64 = told.values().sum();
    assert_eq!(answer["base"]["memory_bytes"], whole as u64);
    let mut wrong = Vec::new();
    let mut look = |kind: &str, told: f64, real: f64| {
        let off = 100.0 * (told / real - 1.0);
        let line = format!("{name}, seed {seed}, {kind}: {told} told, {real} real ({off:+.1} %)");
        eprintln!("{line}");
        wrong.extend((off.abs() > OFF).then_some(line));
    };
    for (kind, bytes) in &real {
        look(kind, told.get(kind).copied().unwrap_or(0.0), *bytes);
    }
    look("all", whole, real.values().sum());
    let most = answer["base_most_memory"][0]["memory_bytes"].as_f64().unwrap();
    let key = answer["base_most_memory"][0]["key"].as_str().unwrap();
    let bytes: f64 = server.must(&format!("MEMORY USAGE {key} SAMPLES 0")).parse().unwrap();
    look("the largest key", most, bytes);
    wrong
}

fn of(name: &str) {
    let seed = number_from_env("AOFKIT_SEED", 11);
    let sets = number_from_env("AOFKIT_SETS", 1);
    let wrong: Vec<String> = (seed..seed + sets).flat_map(|seed| compare(name, seed)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn redis_before_8_2() {
    ["redis-6.2", "redis-7.0", "redis-7.4", "redis-8.0"].into_iter().for_each(of);
}

#[test]
fn redis_from_8_2_on() {
    ["redis-8.2", "redis-8.6"].into_iter().for_each(of);
}

#[test]
fn valkey() {
    ALL.into_iter().filter(|name| name.starts_with("valkey")).for_each(of);
}

#[test]
fn what_is_not_known_is_not_told() {
    // Nobody says which server wrote it.
    let base = b"REDIS0011\0\x01k\x01v\xff\0\0\0\0\0\0\0\0";
    let nobody = set(base, b"");
    let by = ["stats", "--memory", "--by", "type,key"];
    let answer = json(&by, nobody.path());
    assert_eq!(answer["base"]["memory_server"], Value::Null);
    assert_eq!(answer["base"]["memory_bytes"], Value::Null);
    assert_eq!(answer["types"][0]["memory_bytes"], Value::Null);
    assert_eq!(answer["base_most_memory"], Value::Null);
    assert!(!text(&by, nobody.path()).contains("MEMORY"));
    let named =
        json(&["stats", "--memory", "--by", "type", "--target", "valkey-9.1"], nobody.path());
    assert_eq!(named["base"]["memory_server"], "valkey-9.1");
    assert!(named["types"][0]["memory_bytes"].as_u64().unwrap() > 16);
    // A base of commands, and a value of a module: its keys are counted as unknown.
    let commands = set(&record(&["SET", "k", "v"]), b"");
    let answer =
        json(&["stats", "--memory", "--by", "type", "--target", "redis-8.2"], commands.path());
    assert_eq!(answer["types"][0]["memory_bytes"], Value::Null);
    assert_eq!(answer["base"]["memory_unknown_keys"], 1);
    assert_eq!(answer["base"]["memory_bytes"], Value::Null);
}

#[test]
fn values_are_opened_only_where_memory_is_asked_for() {
    let base = b"REDIS0011\0\x01k\x01v\xff\0\0\0\0\0\0\0\0";
    let set = set(base, b"");
    let by = ["stats", "--by", "type,key", "--target", "redis-8.2"];
    let answer = json(&by, set.path());
    for member in ["memory_server", "memory_bytes", "memory_unknown_keys"] {
        assert_eq!(answer["base"][member], Value::Null, "{member}");
    }
    assert_eq!(answer["types"][0]["memory_bytes"], Value::Null);
    assert_eq!(answer["base_biggest"][0]["memory_bytes"], Value::Null);
    assert_eq!(answer["base_most_memory"], Value::Null);
    assert!(!text(&by, set.path()).contains("MEMORY"));
    let asked = [&by[..], &["--memory"]].concat();
    assert!(json(&asked, set.path())["base"]["memory_bytes"].as_u64().unwrap() > 16);
    assert!(text(&asked, set.path()).contains("MEMORY"));
}
