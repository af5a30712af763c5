//! An RDB counts the same wherever it lies, and offsets are those of the file it lies in.

use std::fs;
use std::path::Path;

use crate::support::server::{APPEND_DIR, MANIFEST, Outcome, SINGLE_FILE, Server};
use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Kind, Loads, Report, Verdict, Wording, judge};
use aofkit::format::rdb::checksum::crc64;
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};
use aofkit::stats::{KeySpace, KeySpaceReport};

const SERVERS: &[&str] = &["redis-7.0", "redis-8.2", "valkey-8.1", "valkey-9.1"];

/// Three keys in two databases; the fields say what kind of file it is.
fn rdb(fields: &[u8]) -> Vec<u8> {
    let keys = b"\xfe\x00\0\x01a\x01v\x02\x01s\x02\x01x\x01y\xfe\x03\0\x01b\x01v";
    let body = [b"REDIS0009", fields, keys, b"\xff"].concat();
    [&body[..], &crc64(&body).to_le_bytes()].concat()
}

const COMMANDS: &[u8] =
    b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\nv\r\n";

/// A data directory of one base and one increment.
fn set(base: (&str, &[u8]), increment: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let put = |name: &str, bytes: &[u8]| {
        fs::write(dir.path().join(APPEND_DIR).join(name), bytes).expect("write a file");
    };
    fs::create_dir(dir.path().join(APPEND_DIR)).expect("make a directory");
    put(base.0, base.1);
    put("appendonly.aof.1.incr.aof", increment);
    let lines =
        format!("file {} seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n", base.0);
    put(&MANIFEST[APPEND_DIR.len() + 1..], lines.as_bytes());
    dir
}

fn looked_at(path: &Path) -> (Report, KeySpaceReport) {
    let aof = Aof::open(path, &OpenOptions::default()).expect("open a set");
    let observer = (Check::new(&aof), KeySpace::default());
    let (facts, keys) = scan(&aof, observer, &Pace::default(), &Silent).expect("scan a set");
    (judge(&aof, facts, &Wording::default()).expect("judge a set"), keys)
}

/// Sound, with so many keys in the base and in RDB parts, and as real servers say.
fn assert_sound(dir: &Path, keys: u64, loaded: Outcome) -> Report {
    let (report, counted) = looked_at(&dir.join(APPEND_DIR));
    assert_eq!(report.verdict, Verdict::Healthy, "{:?}", report.problems);
    assert_eq!(counted.keys, keys);
    match Server::find_all(SERVERS) {
        Some(servers) => {
            for server in servers {
                let start = server.load(dir);
                assert_eq!(start.outcome, loaded, "{}: {}", server.name, start.log);
            }
        }
        None => println!("not all servers found: no set was loaded"),
    }
    report
}

#[test]
fn a_base_that_is_resp_despite_its_name_is_read_as_what_it_is() {
    let dir = set(("appendonly.aof.1.base.rdb", COMMANDS), COMMANDS);
    let report = assert_sound(dir.path(), 1, Outcome::Loaded);
    assert_eq!(report.loads, Loads::Yes);
    let dir = set(("appendonly.aof.1.base.aof", &rdb(b"")), COMMANDS);
    assert_sound(dir.path(), 3, Outcome::Loaded);
}

#[test]
fn an_empty_base_is_sound() {
    let dir = set(("appendonly.aof.1.base.rdb", b""), COMMANDS);
    assert_eq!(assert_sound(dir.path(), 0, Outcome::Loaded).loads, Loads::Yes);
}

#[test]
fn an_rdb_in_an_increment_is_counted_and_told() {
    let dir = set(("appendonly.aof.1.base.rdb", &rdb(b"")), COMMANDS);
    assert_sound(dir.path(), 3, Outcome::Loaded);
    let other = [b"REDIS0009\xfe\x05\0\x01z\x01v\xff".as_slice(), &[0; 8]].concat();
    let dir = set(("appendonly.aof.1.base.rdb", &rdb(b"")), &[&other, COMMANDS].concat());
    let report = assert_sound(dir.path(), 4, Outcome::Loaded);
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert_eq!(report.problems[0].kind, Kind::NonCanonical);
    assert!(!report.check_aof.valid);
}

#[test]
fn behind_a_preamble_offsets_are_those_of_the_file() {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let path = dir.path().join(SINGLE_FILE);
    let preamble = rdb(b"\xfa\x0caof-preamble\xc0\x01");
    fs::write(&path, [&preamble, COMMANDS].concat()).expect("write a file");
    let (report, keys) = looked_at(&path);
    assert_eq!((report.verdict, keys.keys), (Verdict::Healthy, 3));
    let at: Vec<_> = keys.biggest_by_bytes.iter().map(|big| big.at).collect();
    let first = preamble.windows(2).position(|two| two == b"\x02\x01").expect("the set's type");
    assert_eq!(at[0], first as u64, "the set is the biggest");
    // A hole in the commands: its place counts from the file's first byte.
    fs::write(&path, [&preamble, b"junk".as_slice(), COMMANDS].concat()).expect("write a file");
    let (report, _) = looked_at(&path);
    assert_eq!(report.problems[0].offset, Some(preamble.len() as u64));
    if let Some(server) = Server::find("redis-6.2") {
        fs::write(&path, [&preamble, COMMANDS].concat()).expect("write a file");
        assert_eq!(server.load(dir.path()).outcome, Outcome::Loaded);
    }
}

#[test]
fn a_version_newer_than_the_target_s_is_told_before_the_restart() {
    for (target, wanted) in [
        ("redis-7.0", [Verdict::Healthy, Verdict::Unsupported, Verdict::Unsupported]),
        ("redis-8.2", [Verdict::Healthy, Verdict::Healthy, Verdict::Unsupported]),
        ("valkey-8.1", [Verdict::Healthy, Verdict::Unsupported, Verdict::Unsupported]),
        ("valkey-9.1", [Verdict::Healthy, Verdict::Unsupported, Verdict::Healthy]),
    ] {
        for (magic, wanted) in ["REDIS0010", "REDIS0012", "VALKEY080"].into_iter().zip(wanted) {
            let body = [magic.as_bytes(), b"\0\x01a\x01v\xff"].concat();
            let base = [&body[..], &crc64(&body).to_le_bytes()].concat();
            let dir = set(("appendonly.aof.1.base.rdb", &base), COMMANDS);
            let options = OpenOptions {
                target: Some(target.parse().expect("a target")),
                ..OpenOptions::default()
            };
            let aof = Aof::open(&dir.path().join(APPEND_DIR), &options).expect("open a set");
            let facts =
                scan(&aof, Check::new(&aof), &Pace::default(), &Silent).expect("scan a set");
            let report = judge(&aof, facts, &Wording::default()).expect("judge a set");
            assert_eq!(report.verdict, wanted, "{magic} for {target}: {:?}", report.problems);
            let loads = if wanted == Verdict::Healthy { Loads::Yes } else { Loads::No };
            assert_eq!(report.loads, loads, "{magic} for {target}");
            if let Some(server) = Server::find(target) {
                let loaded = server.load(dir.path()).outcome == Outcome::Loaded;
                assert_eq!(loaded, loads == Loads::Yes, "{magic} in {target}");
            }
        }
    }
}
