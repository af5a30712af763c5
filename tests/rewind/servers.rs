//! On sets that real servers wrote, loaded by those servers: an accidental FLUSHALL undone, a second, a border.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::live::Live;
use crate::support::server::Server;
use crate::support::{copy_tree, in_parallel};
use crate::typed::rewind;

const SETTINGS: [&str; 12] = [
    "--appendonly",
    "yes",
    "--appenddirname",
    "aof",
    "--aof-timestamp-enabled",
    "yes",
    "--auto-aof-rewrite-percentage",
    "0",
    "--enable-debug-command",
    "yes",
    "--appendfsync",
    "always",
];

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// Waits until the clock shows another second.
fn next_second() -> i64 {
    let then = now();
    while now() == then {
        thread::sleep(Duration::from_millis(20));
    }
    then
}

fn write_some(live: &mut Live, round: usize) {
    for i in 0..40 {
        live.must(&format!("SET user:{round}:{i} value-{i}"));
        live.must(&format!("RPUSH list:{} {i}", i % 5));
    }
    live.must("SELECT 3");
    live.must(&format!("HSET hash field:{round} {round}"));
    live.must("MULTI");
    live.must(&format!("SET in:multi {round}"));
    live.must("INCR counter");
    live.must("EXEC");
    live.must("SELECT 0");
}

/// What one server wrote: an RDB base and two increments, the second with a FLUSHALL and more.
struct Written {
    dir: tempfile::TempDir,
    /// The last second of the first half of the first increment.
    second: i64,
}

fn write(server: &Server) -> Written {
    let dir = tempfile::tempdir().unwrap();
    let mut live = Live::start_with(server, dir.path(), &SETTINGS);
    write_some(&mut live, 1);
    live.must("BGREWRITEAOF");
    loop {
        let info = live.must("INFO persistence").text();
        let waits = ["aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1"];
        if !waits.iter().any(|wait| info.contains(wait)) {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    next_second();
    write_some(&mut live, 2);
    let second = next_second();
    write_some(&mut live, 3);
    live.shut_down();
    // The next start goes on in a second increment.
    let aof = dir.path().join("aof");
    let manifest = aof.join("appendonly.aof.manifest");
    let mut lines = fs::read_to_string(&manifest).unwrap();
    lines.push_str("file appendonly.aof.9.incr.aof seq 9 type i\n");
    fs::write(manifest, lines).unwrap();
    fs::write(aof.join("appendonly.aof.9.incr.aof"), b"").unwrap();
    let mut live = Live::start_with(server, dir.path(), &SETTINGS);
    write_some(&mut live, 4);
    next_second();
    live.must("FLUSHALL");
    live.must("SET after the-flush");
    live.shut_down();
    Written { dir, second }
}

fn set_of(data: &Path) -> PathBuf {
    data.join("aof")
}

/// Names and bytes of the live files, in the order of loading.
fn files(set: &Path) -> Vec<(String, Vec<u8>)> {
    let manifest = fs::read_to_string(set.join("appendonly.aof.manifest")).unwrap();
    let live = manifest.lines().filter(|line| !line.contains(" type h"));
    let name = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
    live.map(name).map(|name| (name.clone(), fs::read(set.join(&name)).unwrap())).collect()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|window| window == what)
}

/// What a server holds after loading: keys of every database, and the digest of them all.
fn loaded(server: &Server, data: &Path) -> (Vec<u64>, String) {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(data, copy.path());
    let mut live = Live::start_with(server, copy.path(), &SETTINGS);
    let mut sizes = Vec::new();
    for db in [0, 3] {
        live.must(&format!("SELECT {db}"));
        sizes.push(live.must("DBSIZE").number());
    }
    (sizes, live.must("DEBUG DIGEST").text())
}

/// The set cut by hand: this file ends after so many bytes, the ones after it are not there.
fn by_hand(written: &Written, file: usize, len: usize) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(written.dir.path(), copy.path());
    let set = set_of(copy.path());
    let all = files(&set);
    let path = set.join("appendonly.aof.manifest");
    let manifest = fs::read_to_string(&path).unwrap();
    let gone: Vec<_> = all[file + 1..].iter().map(|(name, _)| format!("file {name} ")).collect();
    let kept = manifest.lines().filter(|line| !gone.iter().any(|name| line.starts_with(name)));
    fs::write(path, kept.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    fs::write(set.join(&all[file].0), &all[file].1[..len]).unwrap();
    copy
}

/// All bytes of the live files, in the order of loading.
fn content(data: &Path) -> Vec<u8> {
    files(&set_of(data)).into_iter().flat_map(|(_, bytes)| bytes).collect()
}

/// Rewinds in place and into a copy, and compares what the server loads with the set that was cut by hand.
fn agree(server: &Server, written: &Written, words: &[&str], (file, len): (usize, usize)) {
    let what = format!("{}: {words:?}", server.name);
    let hand = by_hand(written, file, len);
    let wanted = loaded(server, hand.path());
    assert!(wanted.0[0] > 0, "{what}");
    let place = tempfile::tempdir().unwrap();
    copy_tree(written.dir.path(), place.path());
    let run = rewind(&[words, &["--apply"]].concat(), &set_of(place.path()));
    assert_eq!(run.code, 0, "{what}: {}{}", run.out, run.err);
    let copy = tempfile::tempdir().unwrap();
    let made = set_of(copy.path());
    let run = rewind(
        &[words, &["--output", made.to_str().unwrap()]].concat(),
        &set_of(written.dir.path()),
    );
    assert_eq!(run.code, 0, "{what}: {}{}", run.out, run.err);
    for (how, data) in [("in place", place.path()), ("a copy", copy.path())] {
        assert!(content(data) == content(hand.path()), "{what}, {how}");
        assert_eq!(loaded(server, data), wanted, "{what}, {how}");
    }
}

fn on_one(server: &Server) {
    let written = write(server);
    let before = loaded(server, written.dir.path());
    assert_eq!(before.0, [1, 0], "{}: FLUSHALL did not do what it should", server.name);
    let all = files(&set_of(written.dir.path()));
    let last = all.len() - 1;
    let first = |file: usize, what: &str| {
        let bytes = &all[file].1;
        bytes.windows(what.len()).position(|window| window == what.as_bytes())
    };
    let flush = find(&all[last].1, b"*1\r\n$8\r\nFLUSHALL\r\n").unwrap();
    agree(server, &written, &["--before-command", "flushall"], (last, flush));
    // The end of that second, in the first increment: the second one goes as a whole.
    let seconds = written.second + 1..written.second + 60;
    let later = seconds.into_iter().find_map(|second| first(1, &format!("#TS:{second}\r")));
    let until = format!("@{}", written.second);
    agree(server, &written, &["--until", &until], (1, later.unwrap()));
    // The border between both; and everything since the base.
    let at = |file: usize, offset: usize| format!("{}:{offset}", all[file].0);
    agree(server, &written, &["--at", &at(2, 0)], (1, all[1].1.len()));
    agree(server, &written, &["--at", &at(1, 0)], (0, all[0].1.len()));
    // The middle of a record goes back to its beginning.
    let record = "*3\r\n$3\r\nSET\r\n$9\r\nuser:3:20\r\n";
    let place = first(1, record).unwrap();
    agree(server, &written, &["--at", &at(1, place + 9)], (1, place));
    // The first and the last push to one of the lists, of which each round has eight.
    let push = |value: usize| {
        format!("*3\r\n$5\r\nRPUSH\r\n$6\r\nlist:2\r\n${}\r\n{value}\r\n", value.to_string().len())
    };
    let key = ["--key", "list:2"];
    let words = [&["--before-command", "RPUSH:first"][..], &key].concat();
    agree(server, &written, &words, (1, first(1, &push(2)).unwrap()));
    let words = [&["--before-command", "RPUSH:last"][..], &key].concat();
    agree(server, &written, &words, (last, find(&all[last].1, push(37).as_bytes()).unwrap()));
    // A command inside a transaction, which goes as a whole.
    let words = ["--before-command", "INCR:last"];
    let multi = find(&all[last].1, b"*1\r\n$5\r\nMULTI\r\n").unwrap();
    agree(server, &written, &words, (last, multi));
}

#[test]
fn servers_load_what_was_promised() {
    let names = ["redis-7.0", "redis-8.2", "valkey-9.1"];
    let Some(servers) = Server::find_all(&names) else {
        eprintln!("not run: {names:?} are not all installed");
        return;
    };
    in_parallel(servers.len(), |i| on_one(&servers[i]));
}
