//! What eviction by `maxmemory` and what expiry leave in a log, against what the server itself counted.
//!
//! A server that evicts a key writes a DEL of it, one that evicts lazily an UNLINK, and the same for a key that
//! expired. So all of them are in the log, each by itself, and the sums are those of INFO. What is not in the
//! log is the reason: only because the keys here have names of their own can the test tell the two apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::live::Live;
use crate::support::server::Server;
use serde_json::Value;

const SERVERS: [&str; 3] = ["redis-7.0", "redis-8.2", "valkey-9.1"];
/// Keys written while memory is short.
const WRITTEN: u64 = 40_000;
/// Memory that they may have, bytes: enough for some of them.
const ROOM: u64 = 3 << 20;
/// Keys that expire.
const EXPIRING: u64 = 700;

/// How a server is set up.
#[derive(Clone, Copy, Debug)]
struct Way {
    policy: &'static str,
    is_lazy: bool,
}

const WAYS: [Way; 3] = [
    Way { policy: "allkeys-lru", is_lazy: false },
    Way { policy: "volatile-lru", is_lazy: true },
    Way { policy: "volatile-lru", is_lazy: false },
];

/// A figure of INFO.
fn info(live: &mut Live, section: &str, field: &str) -> u64 {
    let text = live.must(&format!("INFO {section}")).text();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    line.unwrap_or_else(|| panic!("no {field}: {text}")).trim().parse().unwrap()
}

fn queue(queued: &mut Vec<u8>, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    queued.extend(format!("*{}\r\n", words.len()).into_bytes());
    for word in words {
        queued.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
}

fn pipe(live: &mut Live, commands: impl Iterator<Item = String>) {
    let mut queued = Vec::new();
    commands.for_each(|words| queue(&mut queued, &words));
    let (_, errors) = live.pipe(&queued);
    assert!(errors.is_empty(), "{} {:?}", errors.len(), errors.first());
}

/// Writes more than memory may hold, then keys that expire by themselves and one that expires as it is used.
/// Answers how many keys the server says it evicted and expired.
fn press(live: &mut Live, policy: &str) -> (u64, u64) {
    let limit = info(live, "memory", "used_memory") + ROOM;
    live.must(&format!("CONFIG SET maxmemory {limit}"));
    let value = "v".repeat(100);
    let expiry = if policy == "volatile-lru" { " EX 100000" } else { "" };
    pipe(live, (0..WRITTEN).map(|i| format!("SET pressed:{i} {value}{expiry}")));
    live.must("CONFIG SET maxmemory 0");
    let evicted = info(live, "stats", "evicted_keys");
    pipe(live, (0..EXPIRING).map(|i| format!("SET gone:{i} v PX 20")));
    // One that is written to when it is past, whether the server has found it meanwhile or not.
    live.must("SET used v PX 1");
    thread::sleep(Duration::from_millis(5));
    live.must("APPEND used more");
    // By itself a server may take its time to find them among others that will expire one day: some it finds
    // because they are asked for.
    let started = Instant::now();
    while info(live, "stats", "expired_keys") < EXPIRING + 1 {
        assert!(started.elapsed() < Duration::from_secs(20), "keys do not expire");
        thread::sleep(Duration::from_millis(50));
        pipe(live, (0..EXPIRING).map(|i| format!("GET gone:{i}")));
    }
    assert_eq!(info(live, "stats", "evicted_keys"), evicted);
    (evicted, info(live, "stats", "expired_keys"))
}

fn deletes(set: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let output = command.args(["stats", "--json"]).arg(set).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["deletes"].clone()
}

fn number(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap_or_else(|| panic!("no {field} in {row}"))
}

fn compare(server: &Server, way: Way) {
    let dir = tempfile::tempdir().unwrap();
    let lazy = if way.is_lazy { "yes" } else { "no" };
    let settings = [
        ["--appendonly", "yes"],
        ["--auto-aof-rewrite-percentage", "0"],
        ["--appendfsync", "no"],
        ["--maxmemory-policy", way.policy],
        ["--lazyfree-lazy-eviction", lazy],
        ["--lazyfree-lazy-expire", lazy],
    ];
    let mut live = Live::start_with(server, dir.path(), settings.as_flattened());
    let (evicted, expired) = press(&mut live, way.policy);
    let left = live.must("DBSIZE").number();
    live.shut_down();
    let told = deletes(&dir.path().join("appendonlydir"));
    eprintln!("{} {way:?}: {evicted} evicted, {expired} expired: {told}", server.name);
    assert!(evicted > WRITTEN / 10 && evicted < WRITTEN, "{evicted}");
    assert_eq!((expired, left), (EXPIRING + 1, WRITTEN - evicted + 1));

    let both = evicted + expired;
    let kinds = (number(&told, "del"), number(&told, "unlink"));
    assert_eq!(kinds, if way.is_lazy { (0, both) } else { (both, 0) });
    assert_eq!((number(&told, "keys"), number(&told, "by_clients")), (both, 0));
    // What a key that expired leaves when it is used stands in one transaction with the command.
    assert!(number(&told, "in_transactions") <= 1, "{told}");
    let by_others = number(&told, "in_transactions") + number(&told, "by_anybody");
    assert_eq!(by_others, both);
    let rows = told["prefixes"].as_array().unwrap();
    let by_prefix: BTreeMap<_, _> =
        rows.iter().map(|row| (row["prefix"].as_str().unwrap(), number(row, "keys"))).collect();
    let expected = [("gone:*", EXPIRING), ("pressed:*", evicted), ("used", 1)];
    assert_eq!(by_prefix, expected.into_iter().collect());
}

#[test]
fn what_a_server_evicts_and_expires_is_in_its_log_one_by_one() {
    let Some(servers) = Server::find_all(&SERVERS) else {
        eprintln!("NOT RUN: not all of {SERVERS:?} are here; tests/servers/fetch brings them");
        return;
    };
    for server in &servers {
        for way in WAYS {
            compare(server, way);
        }
    }
}
