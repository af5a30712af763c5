//! Filters over bases that are RDBs, as real servers write them: every server that loads the whole loads what
//! was filtered, with exactly the keys the filter takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aofkit::stats::slot;

use super::support::fill::fill;
use super::support::live::{Live, Reply};
use super::support::server::{Outcome, SINGLE_FILE, Server};
use super::support::{self, copy_tree};
use super::{Takes, json};

const NAMES: [&str; 5] = ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-8.1", "valkey-9.1"];

/// What is known of a key: its digest, when it expires, and of a stream all of it, for digests know no groups.
type Account = BTreeMap<(u64, Vec<u8>), (String, u64, Vec<u8>)>;

fn settings(server: &Server) -> Vec<&'static str> {
    let mut settings = vec!["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
    if server.name != "redis-6.2" {
        settings.extend(["--appenddirname", "aof", "--enable-debug-command", "yes"]);
    }
    settings
}

/// The server with a copy of `dir`, when it loads that.
fn loaded(server: &Server, dir: &Path) -> Option<(Live, tempfile::TempDir)> {
    if server.load(dir).outcome != Outcome::Loaded {
        return None;
    }
    let copy = tempfile::tempdir().expect("make a temporary directory");
    copy_tree(dir, copy.path());
    let live = Live::start_with(server, copy.path(), &settings(server));
    Some((live, copy))
}

fn account(live: &mut Live) -> Account {
    let mut found = Account::new();
    for db in 0..16 {
        live.must(&format!("SELECT {db}"));
        let keys = live.must("KEYS *").list();
        assert_eq!(keys.len() as u64, live.must("DBSIZE").number());
        for key in keys {
            let Reply::Text(key) = key else { panic!("not a key: {key:?}") };
            let digest = live.call(&[b"DEBUG", b"DIGEST-VALUE", &key]).list();
            let ttl = live.call(&[b"PTTL", &key]).text();
            // Years from now, so that the moments between two servers do not count.
            let expires = ttl.parse::<u64>().map_or(0, |ms| ms / 3_600_000 + 1);
            let is_stream = live.call(&[b"TYPE", &key]).text() == "stream";
            let dump = match live.call(&[b"DUMP", &key]) {
                Reply::Text(dump) if is_stream => dump,
                _ => Vec::new(),
            };
            found.insert((db, key), (digest[0].text(), expires, dump));
        }
    }
    found
}

/// A data directory whose base is an RDB with every type there is, and commands behind it.
fn written(server: &Server) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let mut live = Live::start_with(server, dir.path(), &settings(server));
    fill(&mut live);
    live.must("SELECT 7");
    live.must("SET hash:alone x");
    live.must("BGREWRITEAOF");
    while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for command in [
        "SELECT 15",
        "DEL key:1 key:10 hash:none",
        "MSET key:20 new hash:new x list:new y",
        "SELECT 0",
        "HSET hash:small extra 1",
        "MULTI",
        "SELECT 3",
        "INCR int",
        "SET hash:three x",
        "EXEC",
        "SELECT 9",
        "SET gone x",
        "FLUSHDB",
        "SET hash:nine x",
        "XADD stream:nine 5-1 f v",
    ] {
        live.must(command);
    }
    live.shut_down();
    let _ = fs::remove_file(dir.path().join("s"));
    dir
}

/// Filters, and the same in other words.
fn cases() -> Vec<(&'static [&'static str], &'static Takes<'static>)> {
    vec![
        (&["--key", "*"], &|_, _| true),
        (&["--key", "hash:*", "--key", "stream*"], &|_, key: &[u8]| {
            key.starts_with(b"hash:") || key.starts_with(b"stream")
        }),
        (&["--db", "3,9"], &|db, _| db == 3 || db == 9),
        (&["--slot", "0-5000,16000-16383"], &|_, key| slot(key) <= 5000 || slot(key) >= 16000),
        (&["--db", "15,0", "--key-regex", "[0-4]$"], &|db, key: &[u8]| {
            (db == 0 || db == 15) && key.last().is_some_and(|c| (b'0'..=b'4').contains(c))
        }),
    ]
}

#[test]
fn every_server_loads_what_was_filtered_with_exactly_those_keys() {
    let Some(servers) = Server::find_all(&NAMES) else {
        println!("not all servers found: no filtered base was loaded");
        return;
    };
    let pairs = support::in_parallel(servers.len(), |writer| {
        let writer = &servers[writer];
        let original = written(writer);
        let is_single = writer.name == "redis-6.2";
        let from = original.path().join(if is_single { SINGLE_FILE } else { "aof" });
        let mut readers = Vec::new();
        for reader in &servers {
            if let Some((mut live, _dir)) = loaded(reader, original.path()) {
                readers.push((reader, account(&mut live), live.must("DBSIZE").number()));
            }
        }
        assert!(!readers.is_empty(), "nobody loads what {} wrote", writer.name);
        for (words, takes) in cases() {
            let into = tempfile::tempdir().expect("make a temporary directory");
            let made = into.path().join("aof");
            json(words, [&from, &made]);
            let single = tempfile::tempdir().expect("make a temporary directory");
            let file = single.path().join("f");
            json(&[&["--to", "file"], words].concat(), [&from, &file]);
            fs::rename(file.join(SINGLE_FILE), single.path().join(SINGLE_FILE)).expect("rename");
            fs::remove_dir(&file).expect("remove");
            if words == ["--key", "*"] {
                same_base(&from, is_single, &made);
            }
            for (reader, all, _) in &readers {
                let mut wanted = all.clone();
                wanted.retain(|(db, key), _| takes(*db, key));
                assert!(!wanted.is_empty(), "{words:?} takes nothing");
                let dir = if reader.name == "redis-6.2" { &single } else { &into };
                let what = format!("{words:?} of {} in {}", writer.name, reader.name);
                let (mut live, _dir) = loaded(reader, dir.path()).expect(&what);
                let found = account(&mut live);
                let differs = found.iter().find(|(key, is)| wanted.get(key) != Some(is));
                assert!(differs.is_none(), "{what}: {differs:?}");
                assert_eq!(found.len(), wanted.len(), "{what}");
                if reader.name != "redis-6.2" {
                    let libraries = live.must("FUNCTION LIST").list().len();
                    assert_eq!(libraries, usize::from(!is_single), "{what}: libraries");
                }
            }
        }
        readers.len()
    });
    println!("filtered sets of {} servers, {pairs:?} readers each", pairs.len());
    assert!(pairs.iter().sum::<usize>() >= 10, "too few pairs: {pairs:?}");
}

/// Where a filter takes everything, the base is the same to the byte.
fn same_base(from: &Path, is_single: bool, made: &Path) {
    let base = fs::read(made.join("appendonly.aof.1.base.rdb")).expect("read");
    if is_single {
        assert!(fs::read(from).expect("read").starts_with(&base));
        return;
    }
    let old = fs::read_dir(from).expect("list").map(|entry| entry.expect("an entry").path());
    let old = old.into_iter().find(|path| path.to_string_lossy().ends_with(".base.rdb"));
    assert!(fs::read(old.expect("a base")).expect("read") == base, "the base has changed");
}

/// An RDB of strings, read by hand: announced and found keys and expiries of each slot, and of the database.
fn slots_of(rdb: &[u8]) -> (Vec<[u64; 5]>, [u64; 4]) {
    let number = |at: &mut usize| {
        let (lead, len) = (rdb[*at], [1, 2][usize::from(rdb[*at] >= 0x40)]);
        assert!(lead < 0x80, "a number larger than this reader knows");
        let value = if len == 1 {
            lead.into()
        } else {
            u64::from(lead & 0x3F) << 8 | u64::from(rdb[*at + 1])
        };
        *at += len;
        value
    };
    let string = |at: &mut usize| {
        let len = match rdb[*at] {
            lead @ 0xC0..=0xC2 => {
                *at += 1;
                1 << (lead - 0xC0)
            }
            _ => number(at) as usize,
        };
        *at += len;
        *at - len
    };
    let (mut at, mut slots, mut sizes) = (9, Vec::<[u64; 5]>::new(), [0; 4]);
    let mut expires = 0;
    loop {
        at += 1;
        match rdb[at - 1] {
            0xFA => {
                let name = string(&mut at);
                let is_slot = rdb[name..at] == *b"slot-info";
                let value = string(&mut at);
                if is_slot {
                    let text = String::from_utf8_lossy(&rdb[value..at]);
                    let told: Vec<u64> = text.split(',').map(|n| n.parse().expect("n")).collect();
                    assert_eq!((told.len(), told[3]), (4, 0), "no fields expire here");
                    slots.push([told[0], told[1], told[2], 0, 0]);
                }
            }
            0xFE => assert_eq!(number(&mut at), 0),
            0xFB => (sizes[0], sizes[1]) = (number(&mut at), number(&mut at)),
            0xF4 => {
                let told = [number(&mut at), number(&mut at), number(&mut at)];
                slots.push([told[0], told[1], told[2], 0, 0]);
            }
            0xFC => {
                at += 8;
                expires = 1;
            }
            0x00 => {
                let key = string(&mut at);
                let key = &rdb[key..at];
                string(&mut at);
                let last = slots.last_mut().expect("a slot");
                assert_eq!(u64::from(slot(key)), last[0], "{key:?}");
                (last[3], last[4]) = (last[3] + 1, last[4] + expires);
                (sizes[2], sizes[3]) = (sizes[2] + 1, sizes[3] + expires);
                expires = 0;
            }
            0xFF => return (slots, sizes),
            other => panic!("{other:#x} at {}", at - 1),
        }
    }
}

#[test]
fn sizes_of_slots_are_those_of_the_keys_that_are_left() {
    for name in ["redis-8.2", "valkey-9.1"] {
        let Some(server) = Server::find(name) else {
            println!("no {name}: no slots were filtered");
            continue;
        };
        let settings = [&settings(&server)[..], &["--cluster-enabled", "yes"]].concat();
        let dir = tempfile::tempdir().expect("make a temporary directory");
        let mut live = Live::start_with(&server, dir.path(), &settings);
        live.must("CLUSTER ADDSLOTSRANGE 0 16383");
        // A cluster is up a moment after it has all slots.
        while !live.must("CLUSTER INFO").text().contains("cluster_state:ok") {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        for i in 0..400 {
            live.must(&format!("SET k{{{}}}:{i} value", i % 90));
            if i % 3 == 0 {
                live.must(&format!("EXPIRE k{{{}}}:{i} 100000", i % 90));
            }
        }
        live.must("BGREWRITEAOF");
        while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        live.shut_down();
        let _ = fs::remove_file(dir.path().join("s"));
        let into = tempfile::tempdir().expect("make a temporary directory");
        json(&["--slot", "0-8000"], [&dir.path().join("aof"), &into.path().join("aof")]);
        let made = into.path().join("aof/appendonly.aof.1.base.rdb");
        let (slots, sizes) = slots_of(&fs::read(made).expect("read"));
        assert!(slots.len() > 20, "{name}: {slots:?}");
        assert_eq!((sizes[0], sizes[1]), (sizes[2], sizes[3]), "{name}");
        for [slot, keys, expires, found, expiring] in &slots {
            assert!(*slot <= 8000 && keys == found && expires == expiring, "{name}: {slots:?}");
        }
        fs::copy(dir.path().join("nodes.conf"), into.path().join("nodes.conf")).expect("copy");
        let mut live = Live::start_with(&server, into.path(), &settings);
        assert_eq!(live.must("DBSIZE").number(), sizes[2], "{name}");
        for [slot, keys, ..] in slots {
            let there = live.must(&format!("CLUSTER COUNTKEYSINSLOT {slot}")).number();
            assert_eq!(there, keys, "{name}: slot {slot}");
        }
    }
}
