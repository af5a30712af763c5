//! What `stats` says of a log that a real server wrote, against a count of the test's own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::live::Live;
use crate::support::server::Server;
use aofkit::stats::HyperLogLog;
use serde_json::Value;

const SERVERS: [&str; 2] = ["redis-8.2", "valkey-9.1"];
/// Commands of a workload, most of which change something and come into the log.
const COMMANDS: u64 = 60_000;
/// Keys written once, enough that not all can be counted one by one.
const COLD: u64 = 70_000;
/// Keys that are counted one by one.
const COUNTED_SINGLY: usize = 65_536;

/// Records and bytes.
type Tally = (u64, u64);

/// What the test itself finds in a log. Keys are a database and a name.
#[derive(Default)]
struct Counted {
    total: Tally,
    commands: BTreeMap<String, Tally>,
    databases: BTreeMap<u64, Tally>,
    keys: HashMap<(u64, String), Tally>,
    slots: BTreeMap<u64, Tally>,
}

fn add(tally: &mut Tally, other: Tally) {
    tally.0 += other.0;
    tally.1 += other.1;
}

/// The number in a header such as `*3`, and where its line ends.
fn header(log: &[u8], at: usize, kind: u8) -> (usize, usize) {
    assert_eq!(log[at], kind, "at {at}");
    let len = log[at..].windows(2).position(|two| two == b"\r\n").unwrap();
    (std::str::from_utf8(&log[at + 1..at + len]).unwrap().parse().unwrap(), at + len + 2)
}

fn slot(key: &str) -> u64 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let hashed = tag.map(|(tag, _)| tag).filter(|tag| !tag.is_empty()).unwrap_or(key);
    let mut crc = 0_u16;
    for byte in hashed.bytes() {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    u64::from(crc % 16_384)
}

fn count(log: &[u8]) -> Counted {
    let mut counted = Counted::default();
    let (mut at, mut db) = (0, 0);
    while at < log.len() {
        let start = at;
        let (arguments, mut next) = header(log, at, b'*');
        let mut words = Vec::new();
        for _ in 0..arguments {
            let (len, from) = header(log, next, b'$');
            words.push(std::str::from_utf8(&log[from..from + len]).unwrap());
            next = from + len + 2;
        }
        at = next;
        let one = (1, (at - start) as u64);
        let mut name = words[0].to_uppercase();
        // SELECT belongs to the database that it leaves.
        let in_db = db;
        if name == "SELECT" {
            db = words[1].parse().unwrap();
        }
        let key = match name.as_str() {
            "SELECT" | "MULTI" | "EXEC" => None,
            "BITOP" | "XGROUP" => Some(words[2]),
            _ => Some(words[1]),
        };
        if name == "XGROUP" {
            name += &format!("|{}", words[1].to_uppercase());
        }
        add(&mut counted.total, one);
        add(counted.commands.entry(name).or_default(), one);
        add(counted.databases.entry(in_db).or_default(), one);
        if let Some(key) = key {
            add(counted.keys.entry((db, key.to_owned())).or_default(), one);
            add(counted.slots.entry(slot(key)).or_default(), one);
        }
    }
    counted
}

fn queue(queued: &mut Vec<u8>, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    queued.extend(format!("*{}\r\n", words.len()).into_bytes());
    for word in words {
        queued.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
}

/// A number below `limit`, from a fixed sequence.
fn below(state: &mut u64, limit: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % limit
}

/// Commands of many kinds on some 30,000 keys, low numbers far more often than high ones.
fn varied(mut state: u64) -> Vec<u8> {
    let mut queued = Vec::new();
    let state = &mut state;
    for i in 0..COMMANDS {
        if i % 40 == 0 {
            queue(&mut queued, &format!("SELECT {}", [0, 0, 3, 7, 15][below(state, 5) as usize]));
        }
        let part = below(state, 1 << 20) as f64 / f64::from(1 << 20);
        let n = (part.powi(4) * 30_000.0) as u64;
        let value = "v".repeat(1 + below(state, 90) as usize);
        let words = match below(state, 24) {
            0..=3 => format!("SET user:{n} {value}"),
            4 => format!("set user:{n} {value} EX 100000"),
            5 | 6 => format!("INCR counter:{n}"),
            7 => format!("INCRBYFLOAT gauge:{n} 1.5"),
            8 | 9 => format!("HSET cart:{{{n}}} field{} {value}", i % 9),
            10 | 11 => format!("LPUSH queue:{n} {value} {value}"),
            12 => format!("RPOP queue:{n}"),
            13 | 14 => format!("ZADD board:{n} {} {value}", i % 77),
            15 => format!("SADD tags:{n} a{} b{}", i % 5, i % 7),
            16 => format!("SPOP tags:{n}"),
            17 => format!("DEL user:{n} user:{}", n / 2),
            18 => format!("UNLINK cart:{{{n}}}"),
            19 => format!("EXPIRE user:{n} 90000"),
            20 => format!("MSET user:{n} {value} user:{} {value}", n + 1),
            21 => format!("XADD events:{n} * field {value}"),
            22 if i % 2 == 0 => format!("XGROUP CREATE events:{n} g{i} 0 MKSTREAM"),
            22 => format!("BITOP OR user:{n} user:{} user:{}", n / 2, n + 1),
            _ if i % 2 == 0 => {
                queue(&mut queued, "MULTI");
                queue(&mut queued, &format!("SET user:{n} {value}"));
                queue(&mut queued, &format!("HSET cart:{{{n}}} total {i}"));
                "EXEC".to_owned()
            }
            _ => {
                let script = "redis.call('SET',KEYS[1],ARGV[1]);redis.call('INCR',KEYS[2])";
                format!("EVAL {script} 2 user:{n} counter:{} {value}", n / 3)
            }
        };
        queue(&mut queued, &words);
    }
    queued
}

/// Keys that are written once each, and the varied commands between them.
fn with_cold_keys(varied: Vec<u8>) -> Vec<u8> {
    let mut queued = Vec::new();
    for i in 0..COLD / 2 {
        queue(&mut queued, &format!("SET cold:{i} once"));
    }
    queued.extend(varied);
    queue(&mut queued, "SELECT 1");
    for i in COLD / 2..COLD {
        queue(&mut queued, &format!("SET cold:{i} once"));
    }
    queued
}

/// Has a server write a log of that, and answers what the test and what the program say of it.
fn counted_and_told(server: &Server, workload: &[u8]) -> (Counted, Value) {
    let dir = tempfile::tempdir().unwrap();
    let settings = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
    let mut live = Live::start_with(server, dir.path(), &settings);
    let (replies, errors) = live.pipe(workload);
    assert!(replies > COMMANDS && errors.is_empty(), "{} {:?}", errors.len(), errors.first());
    live.shut_down();
    let set = dir.path().join("appendonlydir");
    let log = fs::read(set.join("appendonly.aof.1.incr.aof")).unwrap();
    (count(&log), told(&set))
}

fn told(set: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(["stats", "--json", "--top", "100000"]);
    for by in ["command", "db", "key", "prefix", "slot"] {
        command.args(["--by", by]);
    }
    let output = command.arg(set).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(row: &Value, field: &str) -> u64 {
    row[field].as_u64().unwrap_or_else(|| panic!("no {field} in {row}"))
}

/// The rows of one breakdown by what names them.
fn rows<K: Ord>(
    told: &Value,
    of: &str,
    records: &str,
    name: impl Fn(&Value) -> K,
) -> BTreeMap<K, Tally> {
    let list = told[of].as_array().unwrap();
    let rows: BTreeMap<K, Tally> =
        list.iter().map(|row| (name(row), (number(row, records), number(row, "bytes")))).collect();
    assert_eq!(rows.len(), list.len(), "{of}: two rows of one name");
    rows
}

fn sums_agree(counted: &Counted, told: &Value) {
    let totals = &told["totals"];
    assert_eq!((number(totals, "commands"), number(totals, "resp_bytes")), counted.total);
    assert_eq!((number(totals, "annotations"), number(totals, "unparsed_bytes")), (0, 0));
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    assert_eq!(rows(told, "commands", "count", |row| text(row, "name")), counted.commands);
    assert_eq!(rows(told, "databases", "commands", |row| number(row, "db")), counted.databases);
    assert_eq!(rows(told, "slots", "commands", |row| number(row, "slot")), counted.slots);
    let prefixes = rows(told, "prefixes", "commands", |row| text(row, "prefix"));
    let sum = prefixes.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    assert_eq!(sum, counted.total);
    let mut expected: BTreeMap<String, Tally> = BTreeMap::new();
    let mut rest = counted.total;
    for ((_, key), tally) in &counted.keys {
        add(expected.entry(family(key)).or_default(), *tally);
        rest = (rest.0 - tally.0, rest.1 - tally.1);
    }
    expected.insert("*".to_owned(), rest);
    let mut found: BTreeMap<String, Tally> = BTreeMap::new();
    for (prefix, tally) in prefixes {
        add(found.entry(family(&prefix)).or_default(), tally);
    }
    assert_eq!(found, expected);
}

/// The first word of a key or prefix.
fn family(key: &str) -> String {
    key.split(':').next().unwrap().to_owned()
}

/// Answers how many rows may be wrong by something.
fn keys_are_within_their_errors(counted: &Counted, told: &Value) -> usize {
    let mut seen = HashSet::new();
    let mut inexact = 0;
    for row in told["keys"].as_array().unwrap() {
        let key = (number(row, "db"), row["key"].as_str().unwrap().to_owned());
        let (records, bytes) = counted.keys[&key];
        let (told, error) = (number(row, "bytes"), number(row, "error_bytes"));
        assert!(told.saturating_sub(error) <= bytes && bytes <= told, "{bytes}: {row}");
        let (told, more) = (number(row, "commands"), number(row, "error_commands"));
        assert!(told <= records && records <= told + more, "{records}: {row}");
        inexact += usize::from(error > 0);
        assert!(seen.insert(key), "told twice: {row}");
    }
    let heavy = |bytes: u64| bytes > counted.total.1 / 1000;
    let mut heavy_keys = 0;
    for (key, (_, bytes)) in counted.keys.iter().filter(|(_, tally)| heavy(tally.1)) {
        assert!(seen.contains(key), "{key:?} has {bytes} bytes and no row");
        heavy_keys += 1;
    }
    assert!(heavy_keys >= 5, "only {heavy_keys} heavy keys: nothing was asked");
    if counted.keys.len() <= COUNTED_SINGLY {
        assert_eq!((seen.len(), inexact), (counted.keys.len(), 0));
    }
    inexact
}

/// Hashes are seeded at random, so the bound is one that chance does not reach: six standard errors, and where
/// keys are few, three of them that share a register with others.
fn distinct_keys_are_within_their_error(counted: &Counted, told: &Value) {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for (_, key) in counted.keys.keys() {
        *expected.entry(family(key)).or_default() += 1;
    }
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for row in told["prefixes"].as_array().unwrap() {
        let family = family(row["prefix"].as_str().unwrap());
        *found.entry(family).or_default() += number(row, "keys_estimate");
    }
    assert_eq!(found.remove("*"), Some(0));
    assert!(expected.keys().eq(found.keys()), "{expected:?} {found:?}");
    for (family, keys) in expected {
        let most = 3.0 + 6.0 * HyperLogLog::ERROR * keys as f64;
        assert!(
            found[&family].abs_diff(keys) as f64 <= most,
            "{family}: {} of {keys}",
            found[&family]
        );
    }
}

fn servers() -> Vec<Server> {
    let found = Server::find_all(&SERVERS);
    if found.is_none() {
        eprintln!("NOT RUN: not all of {SERVERS:?} are here; tests/servers/fetch brings them");
    }
    found.unwrap_or_default()
}

/// Asks of every server; answers how many different keys each log had.
fn compare(workload: &[u8]) -> Vec<usize> {
    let mut compared = Vec::new();
    for server in servers() {
        let (counted, told) = counted_and_told(&server, workload);
        assert!(counted.total.0 > COMMANDS / 2 && counted.commands.len() >= 15);
        sums_agree(&counted, &told);
        let inexact = keys_are_within_their_errors(&counted, &told);
        distinct_keys_are_within_their_error(&counted, &told);
        eprintln!(
            "{}: {:?} records and bytes, {} commands, {} keys, {inexact} rows with an error",
            server.name,
            counted.total,
            counted.commands.len(),
            counted.keys.len()
        );
        compared.push(counted.keys.len());
    }
    compared
}

#[test]
fn what_a_server_logged_is_counted_exactly_while_its_keys_fit() {
    for keys in compare(&varied(1)) {
        assert!(keys <= COUNTED_SINGLY);
    }
}

#[test]
fn of_more_keys_than_fit_every_row_keeps_its_error_and_no_heavy_key_is_missing() {
    for keys in compare(&with_cold_keys(varied(2))) {
        assert!(keys > COUNTED_SINGLY);
    }
}
