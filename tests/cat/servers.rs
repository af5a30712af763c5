//! What `cat --with-base --format resp` prints, given to an empty server, makes it hold what a server holds
//! that loads the set itself.
//!
//! Each of the nine servers writes keys of every type and encoding, in several databases, under two
//! eviction policies, with a base that is an RDB or a log, and goes on writing. Without servers nothing is
//! compared, and the test says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::fill::{fill, more};
use crate::support::live::{Live, Reply};
use crate::support::server::Server;

const SERVERS: [&str; 9] = crate::support::server::ALL;

/// Longer than any window, and not to be compressed.
const BIG: usize = 3 << 20;

fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut random = crate::support::mutate::Random::new(seed, 0);
    (0..len).map(|_| random.next() as u8).collect()
}

/// How a set came to be.
#[derive(Clone, Copy, Debug)]
struct Way {
    server: usize,
    policy: &'static str,
    preamble: &'static str,
}

impl Way {
    fn has_functions(self) -> bool {
        SERVERS[self.server] != "redis-6.2"
    }

    fn settings(self, appends: bool) -> Vec<&'static str> {
        let mut settings = vec!["--appendonly", if appends { "yes" } else { "no" }];
        settings.extend(["--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"]);
        settings.extend(["--aof-use-rdb-preamble", self.preamble]);
        settings.extend(["--maxmemory-policy", self.policy]);
        if self.has_functions() {
            settings.extend(["--appenddirname", "aof", "--enable-debug-command", "yes"]);
        }
        settings
    }

    /// What `cat` is pointed at.
    fn path(self, dir: &Path) -> PathBuf {
        dir.join(if self.has_functions() { "aof" } else { "appendonly.aof" })
    }
}

/// A server that wrote a base and an increment, and ended.
fn written(way: Way, server: &Server, dir: &Path) {
    let mut live = Live::start_with(server, dir, &way.settings(true));
    fill(&mut live);
    // These servers die when they write vector sets as commands.
    if way.preamble == "yes" {
        more(&mut live);
    }
    live.call(&[b"SET", b"big:base", &noise(BIG, 1)]);
    live.call(&[b"SET", b"odd \x00\xff\r\n*1\r\n", b"key"]);
    // Expired when the set is loaded, and perhaps not yet when the base is written.
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() + 300;
    live.must(&format!("SET gone:soon x PXAT {soon}"));
    live.must("BGREWRITEAOF");
    let started = Instant::now();
    while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {
        assert!(started.elapsed() < Duration::from_secs(30), "a rewrite never ends");
        thread::sleep(Duration::from_millis(5));
    }
    for command in [
        "SELECT 0",
        "SET after 1",
        "INCR int",
        "APPEND short more",
        "DEL set:int",
        "SELECT 3",
        "LPUSH list x",
        "MOVE list 5",
        "COPY int int:copy DB 5",
        "RENAME int int:renamed",
        "MULTI",
        "SET in:transaction 1",
        "SELECT 5",
        "SET in:another 1",
        "EXEC",
        "SELECT 7",
        "SET emptied 1",
        "FLUSHDB",
        "SELECT 8",
        "SET swapped 1",
        "SWAPDB 8 9",
        "SELECT 0",
        "EXPIRE after 1000000",
        "XADD stream:large * f later",
        "XGROUP DESTROY stream:large g2",
        "HDEL hash:small f1",
    ] {
        live.must(command);
    }
    live.call(&[b"SET", b"big:increment", &noise(BIG, 2)]);
    live.must("SET last 1");
    live.shut_down();
}

/// What a server holds, in words that two of them share.
fn held(live: &mut Live, way: Way) -> BTreeMap<String, String> {
    // What has expired goes by itself, where nobody asks for it.
    let started = Instant::now();
    live.must("SELECT 0");
    while live.must("EXISTS gone:soon").number() > 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "a key outlives its expiry");
        thread::sleep(Duration::from_millis(10));
    }
    let mut held = BTreeMap::new();
    for db in 0..16 {
        live.must(&format!("SELECT {db}"));
        held.insert(format!("db{db} size"), live.must("DBSIZE").text());
        if db == 15 {
            // Thousands of keys that are all alike: the digest of everything speaks for them.
            continue;
        }
        for key in live.call(&[b"KEYS", b"*"]).list() {
            let Reply::Text(key) = key else { panic!("{key:?}") };
            let name = format!("db{db} {}", key.escape_ascii());
            let digest = live.call(&[b"DEBUG", b"DIGEST-VALUE", &key]).list().remove(0).text();
            let expiry = match way.has_functions() {
                true => live.call(&[b"PEXPIRETIME", &key]).text(),
                // To the second, by a clock that goes on: only whether there is one.
                false => (live.call(&[b"TTL", &key]) == Reply::Number(-1)).to_string(),
            };
            held.insert(name, format!("{digest} {expiry}"));
        }
    }
    live.must("SELECT 0");
    for (label, command) in [
        ("digest", "DEBUG DIGEST"),
        ("pending", "XPENDING stream:large g1 - + 100"),
        ("groups", "XINFO GROUPS stream:large"),
        ("producers", "XINFO STREAM stream:producers"),
        ("a vector", "VEMB vectors element:3"),
        ("attributes", "VGETATTR vectors:one element"),
        ("vectors", "VCARD vectors"),
        ("field expiries", "HPEXPIRETIME hash:ttl FIELDS 5 f0 f1 f2 f3 f4"),
        ("more of them", "HPEXPIRETIME hash:ttl:large FIELDS 2 f3 f4"),
        ("functions", "FUNCTION LIST WITHCODE"),
    ] {
        held.insert(label.to_owned(), without_idle_times(live.run(command)));
    }
    held
}

/// XPENDING tells how long ago something was, which goes on.
fn without_idle_times(reply: Reply) -> String {
    let Reply::List(rows) = reply else { return reply.text() };
    let row = |row: Reply| match row {
        Reply::List(mut columns) if columns.len() == 4 => {
            columns.remove(2);
            format!("{columns:?}")
        }
        other => format!("{other:?}"),
    };
    rows.into_iter().map(row).collect::<Vec<_>>().join("\n")
}

fn cat(path: &Path, words: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let run = command.arg("cat").args(words).args(["--format", "resp"]).arg(path).output().unwrap();
    assert!(run.status.success(), "{:?}", run.status);
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
    run.stdout
}

/// An empty server that is given these bytes.
fn fed(way: Way, server: &Server, dir: &Path, bytes: &[u8]) -> Live {
    let mut live = Live::start_with(server, dir, &way.settings(false));
    let (replies, errors) = live.pipe(bytes);
    assert_eq!(errors, [""; 0], "{way:?}");
    assert!(replies > 0);
    live
}

fn compare(way: Way, server: &Server) {
    let (wrote, loads, empty) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(way, server, wrote.path());
    crate::support::copy_tree(wrote.path(), loads.path());
    let mut live = Live::start_with(server, loads.path(), &way.settings(true));
    // The socket opens before the set is loaded.
    while live.run("PING").text() != "PONG" {
        thread::sleep(Duration::from_millis(5));
    }
    let loaded = held(&mut live, way);
    assert!(loaded.len() > 50, "{way:?}: only {} keys", loaded.len());
    assert_eq!(loaded["db15 size"], "3000", "{way:?}");
    drop(live);
    let printed = cat(&way.path(wrote.path()), &["--with-base"]);
    let piped = held(&mut fed(way, server, empty.path(), &printed), way);
    for (what, value) in &loaded {
        assert_eq!(piped.get(what), Some(value), "{way:?}: {what}");
    }
    assert_eq!(loaded.len(), piped.len(), "{way:?}");
    if way.policy == "noeviction" {
        one_by_one(way, server, wrote.path(), &loaded);
    }
}

/// The history of a key alone makes the key what it is, whatever emptied or exchanged its database.
fn one_by_one(way: Way, server: &Server, wrote: &Path, loaded: &BTreeMap<String, String>) {
    let empty = tempfile::tempdir().unwrap();
    let mut live = Live::start_with(server, empty.path(), &way.settings(false));
    for (db, key) in [
        (0, "stream:large"),
        (0, "hash:small"),
        (0, "big:base"),
        (0, "big:increment"),
        (9, "swapped"),
        (0, "hash:ttl"),
        (0, "int"),
        (5, "in:another"),
        (5, "list"),
    ] {
        live.must("FLUSHALL");
        live.must("SELECT 0");
        let (_, errors) = live.pipe(&cat(&way.path(wrote), &["--with-base", "--key", key]));
        assert_eq!(errors, [""; 0], "{way:?} {key}");
        live.must(&format!("SELECT {db}"));
        let digest = live.must(&format!("DEBUG DIGEST-VALUE {key}")).list().remove(0).text();
        let name = format!("db{db} {key}");
        assert!(loaded[&name].starts_with(&digest), "{way:?} {key}: {digest}, {}", loaded[&name]);
    }
    live.must("FLUSHALL");
    live.must("SELECT 0");
    live.pipe(&cat(&way.path(wrote), &["--with-base", "--key", "emptied"]));
    live.must("SELECT 7");
    assert_eq!(live.must("DBSIZE").number(), 0, "{way:?}");
}

#[test]
fn what_is_printed_makes_a_server_hold_what_the_set_makes_it_hold() {
    let servers: Vec<_> = SERVERS.iter().map(|name| Server::find(name)).collect();
    let mut ways: Vec<Way> = (0..SERVERS.len())
        .map(|server| Way { server, policy: "noeviction", preamble: "yes" })
        .collect();
    for (server, policy, preamble) in [
        ("redis-6.2", "allkeys-lfu", "yes"),
        ("redis-8.2", "allkeys-lfu", "yes"),
        ("valkey-8.1", "allkeys-lfu", "yes"),
        ("redis-6.2", "noeviction", "no"),
        ("redis-8.2", "allkeys-lru", "no"),
        ("redis-8.6", "noeviction", "no"),
        ("valkey-9.1", "allkeys-lru", "yes"),
    ] {
        let server = SERVERS.iter().position(|name| *name == server).unwrap();
        ways.push(Way { server, policy, preamble });
    }
    crate::support::in_parallel(ways.len(), |at| match &servers[ways[at].server] {
        Some(server) => compare(ways[at], server),
        None => eprintln!("{} was not found: it was not compared with", SERVERS[ways[at].server]),
    });
}
