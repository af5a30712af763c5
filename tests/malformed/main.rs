//! Malformed values of every encoding, in bases and in payloads of RESTORE: all of them are found, and whether a
//! server loads them is said as eight real servers did it (`values.tsv`, recorded from them).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod looked;
mod slots;

use std::fs;
use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Kind, Loads, Report, Wording, judge};
use aofkit::format::rdb::checksum::crc64;
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};
use support::live::Live;
use support::server::Server;
use support::{in_parallel, number_from_env};

/// The newest version of the format that a server writes of those here.
const VERSIONS: [(&str, u16); 8] = [
    ("redis-6.2", 9),
    ("redis-7.0", 10),
    ("redis-7.4", 12),
    ("redis-8.2", 12),
    ("redis-8.6", 13),
    ("valkey-8.1", 11),
    ("valkey-9.0", 80),
    ("valkey-9.1", 80),
];

/// What Redis 6.2 does otherwise than is said of it: it loads two consumers of one name, and refuses a ziplist whose
/// last entry should lie beyond its end.
const OF_OLD: [&str; 5] = [
    "stream15-consumer-twice",
    "ziplist-list-tail-past-end",
    "ziplist-zset-tail-past-end",
    "ziplist-hash-tail-past-end",
    "ziplist-quicklist-tail-past-end",
];

/// One value, and what each server did: RESTORE, a base, RESTORE in a log.
struct Row {
    name: String,
    number: u8,
    value: Vec<u8>,
    seen: Vec<(&'static str, u16, [String; 3])>,
}

fn rows() -> Vec<Row> {
    let text = include_str!("values.tsv");
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let heads: Vec<_> = lines.next().unwrap().split('\t').skip(3).collect();
    assert_eq!(heads, VERSIONS.map(|(name, _)| name));
    lines
        .map(|line| {
            let cells: Vec<_> = line.split('\t').collect();
            let each = VERSIONS.iter().zip(&cells[3..]).filter(|(_, cell)| **cell != "-");
            let three = |cell: &str| {
                let words: Vec<_> = cell.split(' ').map(str::to_owned).collect();
                words.try_into().unwrap()
            };
            Row {
                name: cells[0].to_owned(),
                number: cells[1].parse().unwrap(),
                value: bytes_of(cells[2]),
                seen: each.map(|(&(name, version), cell)| (name, version, three(cell))).collect(),
            }
        })
        .collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn sealed(body: Vec<u8>) -> Vec<u8> {
    let sum = crc64(&body).to_le_bytes();
    [body, sum.to_vec()].concat()
}

fn header(version: u16) -> Vec<u8> {
    if version < 80 { format!("REDIS{version:04}") } else { format!("VALKEY{version:03}") }
        .into_bytes()
}

/// An RDB with this value alone.
fn base(row: &Row, version: u16) -> Vec<u8> {
    sealed([&header(version)[..], &[row.number, 1, b'k'], &row.value, &[0xFF]].concat())
}

fn payload(number: u8, value: &[u8], version: u16) -> Vec<u8> {
    sealed([&[number], value, &version.to_le_bytes()].concat())
}

/// A log with a RESTORE of this payload.
fn log(payload: &[u8]) -> Vec<u8> {
    let head = format!("*4\r\n$7\r\nRESTORE\r\n$1\r\nk\r\n$1\r\n0\r\n${}\r\n", payload.len());
    [b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n", head.as_bytes(), payload, b"\r\n"].concat()
}

fn checked(file: &Path, target: &str, thorough: bool) -> Report {
    let target = Some(target.parse().unwrap());
    let aof = Aof::open(file, &OpenOptions { target, ..OpenOptions::default() }).unwrap();
    let facts = scan(&aof, Check::new(&aof).thorough(thorough), &Pace::default(), &Silent).unwrap();
    judge(&aof, facts, &Wording::default()).unwrap()
}

fn of_bytes(bytes: &[u8], target: &str, thorough: bool) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    fs::write(&file, bytes).unwrap();
    checked(&file, target, thorough)
}

/// Problems of a value.
fn found(report: &Report) -> Vec<Kind> {
    let of_values = [Kind::RdbBadStructure, Kind::DuplicateKey, Kind::RestorePayload];
    let kinds = report.problems.iter().map(|problem| problem.kind);
    kinds.filter(|kind| of_values.contains(kind)).collect()
}

/// Whether what was said fits what a server did; what is not known to us fits all.
fn fits(loads: Loads, did: &str) -> bool {
    match (loads, did) {
        (Loads::Unknown, _) | (_, "?") => true,
        (Loads::No, did) => did == "ends",
        (_, did) => did == "loads",
    }
}

#[test]
fn every_malformed_value_is_found_and_judged_as_servers_did() {
    let rows = rows();
    let malformed = |row: &&Row| row.seen.iter().any(|(_, _, did)| did[0] != "takes");
    assert!(rows.iter().filter(malformed).count() >= 190, "the values are there");
    let wrong: Vec<String> = in_parallel(rows.len(), |index| {
        let row = &rows[index];
        let mut wrong = Vec::new();
        for (server, version, did) in &row.seen {
            let base = of_bytes(&base(row, *version), server, true);
            let log = of_bytes(&log(&payload(row.number, &row.value, *version)), server, true);
            let is_old = *server == "redis-6.2" && OF_OLD.contains(&&*row.name);
            for (what, report, loaded) in [("base", &base, &did[1]), ("log", &log, &did[2])] {
                let is_found = !found(report).is_empty();
                if did[0] != "takes" && !is_found {
                    wrong.push(format!("{server} {what} {}: not found", row.name));
                }
                if row.name.starts_with("sound") && is_found {
                    wrong.push(format!("{server} {what} {}: {:?}", row.name, report.problems));
                }
                if !is_old && !fits(report.loads, loaded) {
                    let said = report.loads;
                    wrong.push(format!("{server} {what} {}: {said:?}, it {loaded}", row.name));
                }
                assert!(report.not_looked_at.is_empty(), "{}: {report:?}", row.name);
            }
        }
        wrong
    })
    .concat();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What stands in the table is what servers do.
#[test]
fn servers_do_what_was_recorded_of_them() {
    let rows = rows();
    let cases = number_from_env("AOFKIT_MALFORMED_CASES", 40) as usize;
    let start = number_from_env("AOFKIT_SEED", 20_260_723) as usize;
    for (name, version) in VERSIONS {
        let Some(server) = Server::find(name) else {
            println!("no {name} found: what it does with malformed values was not seen again");
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        let options = ["--appendonly", "no", "--sanitize-dump-payload", "yes"];
        let is_asked =
            |row: &&Row| row.seen.iter().any(|(seen, _, did)| *seen == name && did[0] != "dies");
        let asked: Vec<_> = rows.iter().filter(is_asked).collect();
        // Valkey 9.1 has no such setting: it always looks.
        let options = if name == "valkey-9.1" { &options[..2] } else { &options[..] };
        let mut live = Live::start_with(&server, folder.path(), options);
        for row in (0..cases).map(|n| asked[(start + n * 7) % asked.len()]) {
            let (_, _, did) = row.seen.iter().find(|(seen, _, _)| *seen == name).unwrap();
            let payload = payload(row.number, &row.value, version);
            let answer = live.call(&[b"RESTORE", b"k", b"0", &payload, b"REPLACE"]).text();
            assert_eq!(answer == "OK", did[0] == "takes", "{name} {}: {answer}", row.name);
        }
    }
}
