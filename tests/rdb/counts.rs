//! What we count in an RDB is what the server that wrote it says it holds.
//!
//! Each server gets keys of every type and encoding it has, saves them with and without
//! compression and under both eviction policies, and is asked about them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::fill::{LATE, MANY, SOON, Written, fill, more};
use crate::support::live::Live;
use crate::support::server::Server;
use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Kind, Problem, Verdict, Wording, judge};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};
use aofkit::stats::{KeySpace, KeySpaceOptions, KeySpaceReport};

const SERVERS: &[&str] = &crate::support::server::ALL;

/// Keys and elements by type and encoding on disk, as the server tells.
type Types = BTreeMap<(String, String), (u64, u64)>;

/// The server's own account: keys and expires by database, and types.
fn account(live: &mut Live) -> (BTreeMap<u64, (u64, u64)>, Types) {
    let mut types = Types::new();
    let mut databases = BTreeMap::new();
    let info = live.must("INFO keyspace").text();
    for db in [0, 3, 15] {
        live.must(&format!("SELECT {db}"));
        let line = info.lines().find(|line| line.starts_with(&format!("db{db}:"))).expect("a line");
        let expires = line.split("expires=").nth(1).and_then(|rest| rest.split(',').next());
        let size = live.must("DBSIZE").number();
        databases.insert(db, (size, expires.expect("expires").parse().expect("a number")));
        for key in live.must("KEYS *").list() {
            let (kind, encoding, elements) = describe(live, &key.text());
            let row = types.entry((kind, encoding)).or_default();
            row.0 += 1;
            row.1 += elements;
        }
    }
    live.must("SELECT 0");
    (databases, types)
}

fn describe(live: &mut Live, key: &str) -> (String, String, u64) {
    let kind = live.must(&format!("TYPE {key}")).text();
    if kind == "vectorset" {
        // A module's, wherever it was built in: one thing, by the name of its type.
        return (kind, "module".to_owned(), 1);
    }
    let encoding = live.must(&format!("OBJECT ENCODING {key}")).text();
    let count = match kind.as_str() {
        "list" => "LLEN",
        "set" => "SCARD",
        "zset" => "ZCARD",
        "hash" => "HLEN",
        "stream" => "XLEN",
        _ => "EXISTS",
    };
    let elements = live.must(&format!("{count} {key}")).number();
    // On disk all strings are alike, and all lists are lists of nodes.
    let encoding = match kind.as_str() {
        "string" => "raw".to_owned(),
        "list" => "quicklist".to_owned(),
        _ => encoding,
    };
    (kind, encoding, elements)
}

/// Saves, and counts what was saved; the thorough check finds it sound.
fn saved(live: &mut Live, dir: &Path) -> KeySpaceReport {
    live.must("SAVE");
    let aof = Aof::open(&dir.join("dump.rdb"), &OpenOptions::default()).expect("open a dump");
    let options = KeySpaceOptions { now_ms: Some(SOON + 1), top: 3, memory: None };
    let observer = (Check::new(&aof).thorough(true), KeySpace::new(options));
    let (facts, keys) = scan(&aof, observer, &Pace::default(), &Silent).expect("scan a dump");
    let report = judge(&aof, facts, &Wording::default()).expect("judge a dump");
    // Whether the target reads the version at all is not what is asked here.
    let is_else = |problem: &&Problem| problem.kind != Kind::RdbUnsupported;
    let others: Vec<_> = report.problems.iter().filter(is_else).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(matches!(report.verdict, Verdict::Healthy | Verdict::Unsupported));
    let silent =
        scan(&aof, KeySpace::new(options), &Pace::default(), &Silent).expect("scan a dump");
    assert_eq!(silent, keys, "looking into values changes the count");
    keys
}

fn compare(server: &Server) {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let mut live = Live::start(server, dir.path());
    let written = fill(&mut live);
    let more_streams = more(&mut live);
    let (databases, types) = account(&mut live);
    let name = &server.name;
    for (compression, policy) in
        [("yes", "noeviction"), ("no", "noeviction"), ("yes", "allkeys-lfu"), ("no", "allkeys-lru")]
    {
        live.must(&format!("CONFIG SET rdbcompression {compression}"));
        live.must(&format!("CONFIG SET maxmemory-policy {policy}"));
        let keys = saved(&mut live, dir.path());
        let told: BTreeMap<_, _> = keys
            .databases
            .iter()
            .map(|row| (row.db.expect("few databases"), (row.keys, row.expires)))
            .collect();
        assert_eq!(told, databases, "{name}");
        let mut told = Types::new();
        for row in &keys.types {
            let key = (row.type_name.to_string(), row.encoding.to_owned());
            let sum = told.entry(key).or_default();
            *sum = (sum.0 + row.keys, sum.1 + row.elements);
            assert_eq!(row.uncounted, 0, "{name} {row:?}");
        }
        assert_eq!(told, types, "{name}, compression {compression}, {policy}");
        rest(name, &keys, &written, policy, more_streams);
    }
}

/// Everything that is not counted by database or type.
fn rest(name: &str, keys: &KeySpaceReport, written: &Written, policy: &str, more: u64) {
    let expiry = keys.expiry;
    assert_eq!((expiry.soonest_ms, expiry.latest_ms), (Some(SOON), Some(LATE)), "{name}");
    assert_eq!((expiry.keys, expiry.past), (3, Some(1)), "{name}");
    let streams = keys.streams;
    let told = (streams.keys, streams.groups, streams.consumers, streams.pending);
    assert_eq!(told, (2 + more, 3 + more, 3 + more, 45 + 7 * more), "{name}");
    assert_eq!(keys.libraries_seen, written.libraries, "{name}");
    let is_mine = |line: &Vec<u8>| line == b"#!lua name=mylib";
    assert!(keys.libraries.iter().all(is_mine), "{name}");
    assert_eq!(keys.field_ttls.fields, written.field_ttls, "{name}");
    assert_eq!(keys.field_ttls.unseen_keys, 0, "{name}");
    let with = |wanted: &str| if policy == wanted { keys.keys } else { 0 };
    assert_eq!(keys.frequency.keys, with("allkeys-lfu"), "{name}");
    assert_eq!(keys.idle.keys, with("allkeys-lru"), "{name}");
    let biggest = keys.biggest_by_elements.iter().map(|big| (&*big.key, big.elements));
    let biggest: Vec<_> = biggest.take(2).collect();
    let wanted = [(&b"hash:many"[..], Some(MANY as u64)), (b"list:large", Some(5000))];
    assert_eq!(biggest, wanted, "{name}");
}

#[test]
fn counts_are_those_of_the_server_that_wrote_the_file() {
    for name in SERVERS {
        match Server::find(name) {
            Some(server) => compare(&server),
            None => println!("{name} was not found: it was not compared with"),
        }
    }
}
