//! Pairs of states of servers, compared as aofkit does it and as a reader of two servers does it.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use crate::ran::{keys, text, told};
use crate::support::live::{Live, Reply};
use crate::support::mutate::Random;
use crate::support::server::Server;
use crate::support::{copy_tree, number_from_env};

const SETTINGS: [&str; 6] =
    ["--appendonly", "yes", "--appenddirname", "aof", "--auto-aof-rewrite-percentage", "0"];

fn write(live: &mut Live, random: &mut Random, steps: usize) {
    for _ in 0..steps {
        let (n, m, value) = (random.below(12), random.below(300), random.below(1000));
        live.run(&match random.below(12) {
            0 => format!("SET s:{n} {value}"),
            1 => format!("SET s:{n} {value} PX 90000000"),
            2 => format!("RPUSH l:{n} {value}"),
            3 => format!("LPOP l:{n}"),
            4 => format!("HSET h:{n} f{m} {value}"),
            5 => format!("HDEL h:{n} f{m}"),
            6 => format!("ZADD z:{n} {value} m{m}"),
            7 => format!("SADD t:{n} {m} m{m}"),
            8 => format!("SREM t:{n} m{m}"),
            9 => format!("XADD x:{n} {value}-1 f v"),
            10 => format!("EXPIRE h:{n} 90000"),
            _ => format!("DEL l:{n} z:{n} s:{n}"),
        });
    }
}

/// What a server says of each key: its type, its expiry, its value.
fn state(server: &Server, set: &Path) -> BTreeMap<String, (String, String, String)> {
    let dir = TempDir::new().unwrap();
    copy_tree(set, &dir.path().join("aof"));
    let mut live = Live::start_with(server, dir.path(), &SETTINGS);
    let names = live.must("KEYS *").list();
    let mut state = BTreeMap::new();
    for name in names.iter().map(Reply::text) {
        let kind = live.must(&format!("TYPE {name}")).text();
        let (read, in_order) = match kind.as_str() {
            "string" => (format!("GET {name}"), 0),
            "list" => (format!("LRANGE {name} 0 -1"), 0),
            "hash" => (format!("HGETALL {name}"), 2),
            "zset" => (format!("ZRANGE {name} 0 -1 WITHSCORES"), 0),
            "set" => (format!("SMEMBERS {name}"), 1),
            _ => (format!("XRANGE {name} - +"), 0),
        };
        let value = match (live.must(&read), in_order) {
            (Reply::List(items), step @ 1..) => {
                let mut items: Vec<_> =
                    items.chunks(step).map(|chunk| format!("{chunk:?}")).collect();
                items.sort();
                items.concat()
            }
            (value, _) => format!("{value:?}"),
        };
        let expires = live.must(&format!("PEXPIRETIME {name}")).text();
        state.insert(name, (kind, expires, value));
    }
    live.shut_down();
    state
}

fn pair(server: &Server, index: u64, seed: u64) {
    let random = &mut Random::new(seed, index);
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let mut live = Live::start_with(server, &home, &SETTINGS);
    let mut copies = Vec::new();
    for name in ["a", "b"] {
        let steps = random.below(400);
        write(&mut live, random, steps);
        if random.chance(70) {
            live.must("BGREWRITEAOF");
            live.until_it_says("aof_rewrite_in_progress:0");
            live.until_it_says("aof_rewrite_scheduled:0");
        }
        let copy = dir.path().join(name);
        copy_tree(&home.join("aof"), &copy);
        copies.push(copy);
    }
    live.shut_down();
    let [one, two] = [&copies[0], &copies[1]].map(|copy| state(server, copy));
    let only = |a: &BTreeMap<String, _>, b: &BTreeMap<String, _>| {
        a.keys().filter(|key| !b.contains_key(*key)).cloned().collect::<Vec<_>>()
    };
    let changed = one.iter().filter(|(key, seen)| two.get(*key).is_some_and(|s| s != *seen));
    let changed = changed.map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let code = if one == two { 0 } else { 30 };
    let program = server.program();
    let found = told(text(&copies[0]), text(&copies[1]), &["--load", text(&program)], code);
    let rows = &found["loaded"]["keys"]["rows"];
    let case = format!("{}, seed {seed}, pair {index}: {found:#}", server.name);
    assert_eq!(keys(rows, |row| row["b"].is_null()), only(&one, &two), "{case}");
    assert_eq!(keys(rows, |row| row["a"].is_null()), only(&two, &one), "{case}");
    assert_eq!(keys(rows, |row| !row["a"].is_null() && !row["b"].is_null()), changed, "{case}");
}

#[test]
fn pairs_of_snapshots_differ_as_two_loaded_servers_do() {
    let seed = number_from_env("AOFKIT_SEED", 0);
    let servers = Server::all_or_none(&["redis-7.0", "redis-8.6", "valkey-9.1"]);
    for index in 0..number_from_env("AOFKIT_PAIRS", 6) {
        if !servers.is_empty() {
            pair(&servers[index as usize % servers.len()], index, seed);
        }
    }
}
