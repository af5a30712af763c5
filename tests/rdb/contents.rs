//! What a server holds is told apart by everything that counts, and by nothing else.
#![cfg(feature = "server")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::fill::many;
use crate::support::in_parallel;
use crate::support::live::{Live, Reply};
use crate::support::server::{ALL, Server};
use aofkit::server::{Access, Address, Contents, Difference, How, Server as Asked};
use tempfile::TempDir;

/// Far enough to outlast any test run, Unix milliseconds.
const LATE: i64 = 5_000_000_000_000;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// A server, its directory, and a connection that reads all of it.
struct One {
    live: Live,
    asked: Asked,
    _dir: TempDir,
}

impl One {
    fn start(server: &Server) -> Self {
        let dir = TempDir::new().unwrap();
        let live = Live::start(server, dir.path());
        let asked = connected(dir.path());
        Self { live, asked, _dir: dir }
    }

    fn contents(&mut self) -> Contents {
        self.asked.contents().unwrap()
    }

    fn knows(&mut self, command: &str) -> bool {
        let Reply::List(told) = self.live.must(&format!("COMMAND INFO {command}")) else {
            return false;
        };
        told[0] != Reply::Nothing
    }
}

fn connected(dir: &Path) -> Asked {
    Asked::connect(&Address::of_path(&dir.join("s")), &Access::default()).unwrap()
}

/// How the second differs, by the names of its keys and libraries.
fn differences(first: &mut One, second: &mut One) -> BTreeMap<String, How> {
    let found = first.contents().differences(&second.contents(), now());
    let keys: BTreeSet<_> = found.iter().filter_map(Difference::key).collect();
    let mut names = first.asked.names(&keys).unwrap();
    names.append(&mut second.asked.names(&keys).unwrap());
    let named = |one: Difference| match one {
        Difference::Key(id, how) => {
            (format!("{}/{}", id.db, String::from_utf8_lossy(&names[&id])), how)
        }
        Difference::Library(name, how) => {
            (format!("library {}", String::from_utf8_lossy(&name)), how)
        }
    };
    found.into_iter().map(named).collect()
}

/// Items of a collection that is read in three pieces.
const LARGE: usize = 11_000;

/// Keys of every type in three databases, small ones and such as are read in many pieces.
fn fill(one: &mut One) {
    let long = "abcdefgh".repeat(400_000);
    let mut commands = vec![
        "SET text hello".to_owned(),
        format!("SET text:large {long}"),
        format!("SET text:late x PXAT {LATE}"),
        "RPUSH list a b c".to_owned(),
        many("RPUSH", "list:large", LARGE, |i| format!("value:{i}")),
        "SADD set a b c".to_owned(),
        many("SADD", "set:large", LARGE, |i| format!("member:{i}")),
        "ZADD zset 1 a 2 b 3 c".to_owned(),
        many("ZADD", "zset:large", LARGE, |i| format!("{i} member:{i}")),
        "HSET hash a 1 b 2".to_owned(),
        many("HSET", "hash:large", LARGE, |i| format!("field:{i} value:{i}")),
        "PFADD hll a b c".to_owned(),
        "XADD stream:bare 1-1 a b".to_owned(),
        "SELECT 7".to_owned(),
        "SET text hello".to_owned(),
        "SELECT 15".to_owned(),
    ];
    commands.extend((0..1100).map(|i| format!("SET key:{i} value:{i}")));
    commands.push("SELECT 0".to_owned());
    commands.extend((1..2001).map(|i| format!("XADD stream {i}-1 f {i} g x")));
    commands.extend(["a", "b"].map(|name| format!("XGROUP CREATE stream {name} 0")));
    commands.push("XGROUP CREATE stream idle $".to_owned());
    commands.push("XGROUP CREATECONSUMER stream idle somebody".to_owned());
    // Both servers must have delivered at the same time.
    let claim = |id| format!("XCLAIM stream a one 0 {id}-1 TIME 1000 RETRYCOUNT 2 FORCE JUSTID");
    commands.extend((1..901).map(claim));
    commands.push("XCLAIM stream b two 0 7-1 TIME 2000 RETRYCOUNT 1 FORCE JUSTID".to_owned());
    if one.knows("HPEXPIREAT") {
        let half = format!("hash:ttl:large {LATE} FIELDS 1500");
        commands.extend([
            many("HSET", "hash:ttl", 5, |i| format!("f{i} v{i}")),
            format!("HPEXPIREAT hash:ttl {LATE} FIELDS 2 f1 f3"),
            many("HSET", "hash:ttl:large", 3000, |i| format!("f{i} v{i}")),
            many("HPEXPIREAT", &half, 1500, |i| format!("f{i}")),
            "HSET hash:fades f v".to_owned(),
            format!("HPEXPIREAT hash:fades {LATE} FIELDS 1 f"),
        ]);
    }
    commands.iter().for_each(|command| drop(one.live.must(command)));
    one.live.call(&[b"SET", b"\x00\xff\r\nbinary", b"\x00\x01\r\n\xfe"]);
    if one.knows("FUNCTION") {
        library(one, "1");
    }
}

fn library(one: &mut One, answer: &str) {
    let code =
        format!("#!lua name=mylib\nredis.register_function('f', function() return {answer} end)");
    let loaded = one.live.call(&[b"FUNCTION", b"LOAD", b"REPLACE", code.as_bytes()]);
    assert_eq!(loaded.text(), "mylib");
}

/// A set of vectors in both. Each server builds it by chance, so the second takes what the first made.
fn vectors(first: &mut One, second: &mut One) {
    for n in 0..20 {
        first.live.must(&format!("VADD vectors VALUES 3 1 2 {n} element:{n}"));
    }
    let Reply::Text(dump) = first.live.must("DUMP vectors") else { panic!("no dump") };
    let restored = second.live.call(&[b"RESTORE", b"vectors", b"0", &dump]);
    assert_eq!(restored.text(), "OK");
}

/// What a server must know for it, the database, commands, and what is different when only the second has run them.
type Case = (&'static str, u64, &'static [&'static str], &'static [(&'static str, How)]);

const CASES: &[Case] = &[
    // When a consumer was last seen does not count.
    ("", 0, &["XREADGROUP GROUP idle somebody STREAMS stream >"], &[]),
    ("", 0, &["SETRANGE text 4 0"], &[("0/text", How::Value)]),
    ("", 0, &["SETRANGE text:large 3199999 X"], &[("0/text:large", How::Value)]),
    ("", 0, &["PEXPIREAT text:late 5000000060000"], &[("0/text:late", How::Expiry)]),
    ("", 0, &["PERSIST text:late"], &[("0/text:late", How::Expiry)]),
    ("", 0, &["LSET list 2 d"], &[("0/list", How::Value)]),
    ("", 0, &["LPUSH list d", "RPOP list"], &[("0/list", How::Value)]),
    ("", 0, &["LSET list:large 10999 d"], &[("0/list:large", How::Value)]),
    ("", 0, &["SADD set d"], &[("0/set", How::Value)]),
    ("", 0, &["SREM set:large member:10999"], &[("0/set:large", How::Value)]),
    ("", 0, &["ZADD zset 2.5 b"], &[("0/zset", How::Value)]),
    ("", 0, &["ZADD zset:large 10999.5 member:10999"], &[("0/zset:large", How::Value)]),
    ("", 0, &["HSET hash b 3"], &[("0/hash", How::Value)]),
    ("", 0, &["HDEL hash:large field:10999"], &[("0/hash:large", How::Value)]),
    ("", 0, &["PFADD hll d"], &[("0/hll", How::Value)]),
    ("", 0, &["DEL set", "RPUSH set a b c d"], &[("0/set", How::Value)]),
    ("", 0, &["SADD new x"], &[("0/new", How::OnlySecond)]),
    ("", 7, &["MOVE text 3"], &[("3/text", How::OnlySecond), ("7/text", How::OnlyFirst)]),
    ("", 15, &["DEL key:1099"], &[("15/key:1099", How::OnlyFirst)]),
    ("", 0, &["XADD stream 2001-1 f v"], &[("0/stream", How::Value)]),
    ("", 0, &["XDEL stream 1000-1"], &[("0/stream", How::Value)]),
    ("", 0, &["XSETID stream 3000-1"], &[("0/stream", How::Value)]),
    ("", 0, &["XGROUP SETID stream b 100-1"], &[("0/stream", How::Value)]),
    ("", 0, &["XACK stream a 500-1"], &[("0/stream", How::Value)]),
    ("", 0, &["XCLAIM stream a two 0 501-1 TIME 1000 RETRYCOUNT 2"], &[("0/stream", How::Value)]),
    ("", 0, &["XCLAIM stream a one 0 502-1 TIME 1000 RETRYCOUNT 3"], &[("0/stream", How::Value)]),
    ("", 0, &["XCLAIM stream a one 0 503-1 TIME 1001 RETRYCOUNT 2"], &[("0/stream", How::Value)]),
    ("", 0, &["XGROUP CREATECONSUMER stream b three"], &[("0/stream", How::Value)]),
    ("", 0, &["XGROUP DESTROY stream b"], &[("0/stream", How::Value)]),
    ("", 0, &["XGROUP CREATE stream:bare g 0"], &[("0/stream:bare", How::Value)]),
    (
        "",
        0,
        &["XADD stream:bare 2-1 a b", "XDEL stream:bare 2-1"],
        &[("0/stream:bare", How::Value)],
    ),
    (
        "FUNCTION",
        0,
        &["XSETID stream 3000-1 ENTRIESADDED 4000 MAXDELETEDID 0-1"],
        &[("0/stream", How::Value)],
    ),
    ("FUNCTION", 0, &["XGROUP SETID stream a 0 ENTRIESREAD 3"], &[("0/stream", How::Value)]),
    ("FUNCTION", 0, &["LIBRARY 2"], &[("library mylib", How::Value)]),
    ("FUNCTION", 0, &["FUNCTION DELETE mylib"], &[("library mylib", How::OnlyFirst)]),
    ("HPEXPIREAT", 0, &["HSET hash:ttl f0 w"], &[("0/hash:ttl", How::Value)]),
    (
        "HPEXPIREAT",
        0,
        &["HPEXPIREAT hash:ttl 5000000000001 FIELDS 1 f3"],
        &[("0/hash:ttl", How::Field)],
    ),
    ("HPEXPIREAT", 0, &["HPERSIST hash:ttl FIELDS 1 f1"], &[("0/hash:ttl", How::Value)]),
    ("HPEXPIREAT", 0, &["HDEL hash:ttl:large f1499"], &[("0/hash:ttl:large", How::Field)]),
    ("HPEXPIREAT", 0, &["HDEL hash:ttl:large f2999"], &[("0/hash:ttl:large", How::Value)]),
    ("HPEXPIREAT", 0, &["PEXPIREAT hash:fades 4900000000000"], &[("0/hash:fades", How::Field)]),
    ("HPEXPIREAT", 0, &["HDEL hash:fades f"], &[("0/hash:fades", How::Field)]),
    ("VSETATTR", 0, &["VSETATTR vectors element:3 {\"a\":1}"], &[("0/vectors", How::Value)]),
    // Nor do when and how often a key was used, and how it is stored.
    ("", 0, &["GET text", "OBJECT FREQ text", "TOUCH hash"], &[]),
    (
        "",
        0,
        &[
            "HSET hash long xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "HDEL hash long",
        ],
        &[],
    ),
];

fn apply(one: &mut One, db: u64, commands: &[&str]) {
    one.live.must(&format!("SELECT {db}"));
    for command in commands {
        match command.strip_prefix("LIBRARY ") {
            Some(answer) => library(one, answer),
            // It is refused unless the server counts uses, which does not matter here.
            None if command.starts_with("OBJECT FREQ") => drop(one.live.run(command)),
            None => drop(one.live.must(command)),
        }
    }
}

/// Each case is run on one of them, then on the other as well: what the next one finds is its own, and in the end there
/// is no difference.
fn differ_by_what_was_changed(server: &Server) {
    let (mut first, mut second) = (One::start(server), One::start(server));
    fill(&mut first);
    fill(&mut second);
    let mut known = BTreeMap::from([("", true)]);
    for word in ["FUNCTION", "HPEXPIREAT", "VSETATTR"] {
        known.insert(word, first.knows(word));
    }
    if known["VSETATTR"] {
        vectors(&mut first, &mut second);
    }
    assert_eq!(differences(&mut first, &mut second), BTreeMap::new(), "{}", server.name);
    for (needed, db, commands, expected) in CASES.iter().filter(|case| known[case.0]) {
        apply(&mut second, *db, commands);
        let found = differences(&mut first, &mut second);
        let expected = expected.iter().map(|(name, how)| ((*name).to_owned(), *how)).collect();
        assert_eq!(found, expected, "{} {commands:?} {needed}", server.name);
        apply(&mut first, *db, commands);
    }
    assert_eq!(differences(&mut first, &mut second), BTreeMap::new(), "{}", server.name);
}

#[test]
fn two_servers_differ_by_exactly_what_was_changed_in_one_of_them() {
    let Some(servers) = Server::find_all(&ALL) else { return eprintln!("did not run: no servers") };
    in_parallel(servers.len(), |at| differ_by_what_was_changed(&servers[at]));
}

#[test]
fn keys_and_databases_are_counted_and_the_digest_is_of_the_content_alone() {
    let Some(servers) = Server::find_all(&ALL) else { return eprintln!("did not run: no servers") };
    for server in servers {
        let (mut first, mut second) = (One::start(&server), One::start(&server));
        // The same content in another order and another encoding.
        for command in ["SELECT 3", "SET b 1", "SET a 2", "SELECT 0", "SADD s 1 2 3"] {
            first.live.must(command);
        }
        for command in ["SADD s x 3 2 1", "SREM s x", "SELECT 3", "SET a 2", "SET b 1"] {
            second.live.must(command);
        }
        let (ours, theirs) = (first.contents(), second.contents());
        assert_eq!(ours.living(now()), BTreeMap::from([(0, 1), (3, 2)]), "{}", server.name);
        assert_eq!(ours.digest(now()), theirs.digest(now()), "{}", server.name);
        second.live.must("SET b 2");
        assert_ne!(ours.digest(now()), second.contents().digest(now()), "{}", server.name);
    }
}

#[test]
fn a_field_that_expires_between_two_readings_is_no_difference() {
    let Some(servers) = Server::find_all(&["redis-8.2", "valkey-9.1"]) else {
        return eprintln!("did not run: no servers");
    };
    for server in servers {
        let mut one = One::start(&server);
        one.live.must("HSET h a 1 b 2 c 3");
        one.live.must("HSET gone a 1");
        let soon = now() + 1500;
        one.live.must(&format!("HPEXPIREAT h {soon} FIELDS 1 a"));
        one.live.must(&format!("HPEXPIREAT gone {soon} FIELDS 1 a"));
        let before = one.contents();
        assert_eq!(before.living(now()), BTreeMap::from([(0, 2)]), "{}", server.name);
        std::thread::sleep(std::time::Duration::from_millis(1700));
        let after = one.contents();
        assert_eq!(before.differences(&after, now()), [], "{}", server.name);
        assert_ne!(before.differences(&after, soon - 1), [], "{}", server.name);
        assert_eq!(after.living(now()), BTreeMap::from([(0, 1)]), "{}", server.name);
    }
}
