//! What we count in an RDB is what the server that wrote it says it holds.
//!
//! Each of the five servers gets keys of every type and encoding it has, saves them with and without
//! compression and under both eviction policies, and is asked about them.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Verdict, Wording, judge};
use aofkit::format::rdb::checksum::crc64;
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};
use aofkit::stats::{KeySpace, KeySpaceOptions, KeySpaceReport};
use support::live::{Live, Reply};
use support::server::Server;

const SERVERS: &[&str] = &["redis-6.2", "redis-7.0", "redis-8.2", "valkey-8.1", "valkey-9.1"];

/// Far enough to outlast any test run, Unix milliseconds.
const SOON: i64 = 4_000_000_000_000;
const LATE: i64 = 5_000_000_000_000;

/// Fields of a hash whose packed encoding has more entries than its header can tell.
const MANY: usize = 33_000;

/// What cannot be asked for afterwards.
#[derive(Default)]
struct Written {
    field_ttls: u64,
    libraries: u64,
}

fn many(command: &str, key: &str, count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..count).map(item).collect();
    format!("{command} {key} {}", items.join(" "))
}

/// Keys of every type and encoding, in several databases.
fn fill(live: &mut Live) -> Written {
    let long = "abcdefgh".repeat(2000);
    let mut commands = vec![
        "SET int 12345".to_owned(),
        "SET 987654 key-is-a-number".to_owned(),
        "SET short hello".to_owned(),
        format!("SET long {long}"),
        format!("SET {} long-key", "k".repeat(300)),
        many("SADD", "set:int", 100, |i| i.to_string()),
        many("SADD", "set:small", 20, |i| format!("m{i}")),
        many("SADD", "set:large", 2000, |i| format!("member:{i}")),
        many("RPUSH", "list:small", 10, |i| format!("v{i}")),
        many("RPUSH", "list:large", 5000, |i| format!("value:{i}")),
        format!("RPUSH list:plain {long} x {long}"),
        many("ZADD", "zset:small", 20, |i| format!("{i}.5 m{i}")),
        many("ZADD", "zset:large", 2000, |i| format!("{i} member:{i}")),
        "ZADD zset:inf -inf a +inf b 0 c".to_owned(),
        many("HSET", "hash:small", 20, |i| format!("f{i} {i}")),
        many("HSET", "hash:large", 2000, |i| format!("field:{i} value:{i}")),
        format!("HSET hash:long f {long}"),
        "PFADD hll a b c".to_owned(),
        "GEOADD geo 13.361389 38.115556 Palermo".to_owned(),
        "SETBIT bits 4000 1".to_owned(),
        "XGROUP CREATE stream:empty g $ MKSTREAM".to_owned(),
        "XGROUP CREATE stream:large g1 0 MKSTREAM".to_owned(),
        "XGROUP CREATE stream:large g2 0".to_owned(),
    ];
    commands.extend((0..500).map(|i| format!("XADD stream:large {}-1 f {i} g x", i + 1)));
    commands.extend([
        "XREADGROUP GROUP g1 c1 COUNT 30 STREAMS stream:large >".to_owned(),
        "XREADGROUP GROUP g1 c2 COUNT 12 STREAMS stream:large >".to_owned(),
        "XREADGROUP GROUP g2 c1 COUNT 5 STREAMS stream:large >".to_owned(),
        "XACK stream:large g1 1-1 2-1".to_owned(),
        "XDEL stream:large 400-1 401-1".to_owned(),
        format!("PEXPIREAT short {SOON}"),
        format!("PEXPIREAT hash:large {LATE}"),
        "SELECT 3".to_owned(),
        "SET int 1".to_owned(),
        format!("SET brief x PXAT {}", SOON + 5),
        "SELECT 15".to_owned(),
    ]);
    commands.extend((0..3000).map(|i| format!("SET key:{i} value:{i}")));
    commands.push("SELECT 0".to_owned());
    for command in &commands {
        live.must(command);
    }
    let mut written = Written::default();
    let library: &[u8] = b"#!lua name=mylib\nredis.register_function('f', function() return 1 end)";
    let loaded = live.call(&[b"FUNCTION", b"LOAD", library]);
    written.libraries = u64::from(!matches!(loaded, Reply::Error(_)));
    // Once in the small encoding, once in a table; some servers have no expiry of fields.
    for key in ["hash:ttl", "hash:ttl:large"] {
        let size = if key == "hash:ttl" { 5 } else { 1000 };
        live.must(&many("HSET", key, size, |i| format!("f{i} v{i}")));
        let command = format!("HPEXPIREAT {key} {LATE} FIELDS 2 f1 f3");
        if !matches!(live.run(&command), Reply::Error(_)) {
            written.field_ttls += 2;
        }
    }
    written.field_ttls += pack_many(live);
    written
}

/// A hash in one packed encoding whose header can only say "many". Answers how many of its fields got an
/// expiry.
fn pack_many(live: &mut Live) -> u64 {
    let is_ziplist = live.must("INFO server").text().contains("redis_version:6.");
    let mut entries = Vec::new();
    for i in (0..MANY).flat_map(|i| [i, i]) {
        // A number of 16 bits, with the length of an entry before or behind it.
        let number = (i as i16).wrapping_sub(i16::MAX).to_le_bytes();
        match is_ziplist {
            true if entries.is_empty() => entries.extend([0, 0xc0]),
            true => entries.extend([4, 0xc0]),
            false => entries.push(0xf1),
        }
        entries.extend(number);
        if !is_ziplist {
            entries.push(3);
        }
    }
    let header = if is_ziplist { 10 } else { 6 };
    let size = (header + entries.len() + 1) as u32;
    let mut packed = size.to_le_bytes().to_vec();
    if is_ziplist {
        packed.extend((size - 5).to_le_bytes());
    }
    packed.extend([0xff, 0xff]);
    packed.extend(entries);
    packed.push(0xff);
    let (kind, version) = if is_ziplist { (13, 9_u16) } else { (16, 10) };
    let mut dump = vec![kind, 0x80];
    dump.extend(size.to_be_bytes());
    dump.extend(packed);
    dump.extend(version.to_le_bytes());
    dump.extend(crc64(&dump).to_le_bytes());
    live.must("CONFIG SET hash-max-ziplist-entries 100000");
    let reply = live.call(&[b"RESTORE", b"hash:many", b"0", &dump]);
    assert_eq!(reply.text(), "OK");
    live.must("CONFIG SET hash-max-ziplist-entries 128");
    let command = format!("HPEXPIREAT hash:many {LATE} FIELDS 3 0 1 2");
    // A server that moves the hash into a table for that has no listpack of fields with an expiry.
    if matches!(live.run(&command), Reply::Error(_)) { 0 } else { 3 }
}

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
    let options = KeySpaceOptions { now_ms: Some(SOON + 1), top: 3 };
    let observer = (Check::new(&aof).thorough(true), KeySpace::new(options));
    let (facts, keys) = scan(&aof, observer, &Pace::default(), &Silent).expect("scan a dump");
    let report = judge(&aof, facts, &Wording::default()).expect("judge a dump");
    assert_eq!(report.verdict, Verdict::Healthy, "{:?}", report.problems);
    let silent =
        scan(&aof, KeySpace::new(options), &Pace::default(), &Silent).expect("scan a dump");
    assert_eq!(silent, keys, "looking into values changes the count");
    keys
}

fn compare(server: &Server) {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let mut live = Live::start(server, dir.path());
    let written = fill(&mut live);
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
            let key = (row.type_name.to_owned(), row.encoding.to_owned());
            let sum = told.entry(key).or_default();
            *sum = (sum.0 + row.keys, sum.1 + row.elements);
            assert_eq!(row.uncounted, 0, "{name} {row:?}");
        }
        assert_eq!(told, types, "{name}, compression {compression}, {policy}");
        rest(name, &keys, &written, policy);
    }
}

/// Everything that is not counted by database or type.
fn rest(name: &str, keys: &KeySpaceReport, written: &Written, policy: &str) {
    let expiry = keys.expiry;
    assert_eq!((expiry.soonest_ms, expiry.latest_ms), (Some(SOON), Some(LATE)), "{name}");
    assert_eq!((expiry.keys, expiry.past), (3, Some(1)), "{name}");
    let streams = keys.streams;
    let told = (streams.keys, streams.groups, streams.consumers, streams.pending);
    assert_eq!(told, (2, 3, 3, 45), "{name}");
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
    let Some(servers) = Server::find_all(SERVERS) else {
        println!("not all servers found: the comparison with live servers did not run");
        return;
    };
    for server in &servers {
        compare(server);
    }
}
