//! Numbers that nobody knows: not understood where the checksum fits, damaged where none does.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::files::{Rdb, crc64, string};
use super::{aofkit, text};

const TAIL: &[u8] =
    b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n";

/// Type 60, between two strings; what it holds looks like records, ends and checksums.
fn unknown(magic: &str) -> Vec<u8> {
    Rdb::new(magic)
        .key(0, "before", &[&string(b"v")])
        .key(60, "odd", &[b"\xff\0\0\0\0\0\0\0\0", TAIL, &[0xff; 40]])
        .key(0, "after", &[&string(b"v")])
        .sealed()
}

/// What `check` says, and its exit code.
fn check(path: &Path) -> (Value, i32) {
    let run = aofkit(&["check", "--json"], path);
    let report = serde_json::from_slice(&run.stdout);
    let report = report.unwrap_or_else(|e| panic!("{e}: {}", text(&run.stderr)));
    (report, run.status.code().unwrap())
}

/// The one problem about the RDB: its kind, its message, and how many commands were counted.
fn about(name: &str, bytes: &[u8]) -> (String, String, u64, i32) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    let (told, exit) = check(&path);
    let problems = told["problems"].as_array().unwrap();
    let of = |problem: &&Value| problem["kind"].as_str().unwrap().starts_with("rdb-");
    let problem = problems.iter().find(of).unwrap_or_else(|| panic!("{told:#}"));
    let word = |member: &str| problem[member].as_str().unwrap().to_owned();
    (word("kind"), word("message"), told["segments"][0]["commands"].as_u64().unwrap(), exit)
}

#[test]
fn what_is_unknown_and_intact_is_not_understood_and_not_refused_in_anybodys_name() {
    for magic in ["REDIS0012", "REDIS0013", "REDIS0017", "REDIS0018", "VALKEY080", "VALKEY099"] {
        let (kind, message, _, exit) = about("dump.rdb", &unknown(magic));
        assert_eq!((&*kind, exit), ("rdb-unsupported", 24), "{magic}: {message}");
        assert!(message.contains("intact by its checksum, only not understood"), "{message}");
        assert!(message.contains("unknown type or opcode 60"), "{message}");
    }
    let opcode = Rdb::new("REDIS0012").key(0, "k", &[&string(b"v")]).put(&[0xf0, 1, 2]).sealed();
    assert_eq!(about("dump.rdb", &opcode).3, 24);
}

#[test]
fn commands_behind_it_are_found_by_its_checksum_and_counted() {
    let bytes = [&unknown("REDIS0018"), TAIL].concat();
    let (kind, message, commands, exit) = about("appendonly.aof", &bytes);
    assert_eq!((&*kind, commands, exit), ("rdb-unsupported", 3, 24), "{message}");
    assert!(message.contains("intact by its checksum"), "{message}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("appendonly.aof");
    fs::write(&path, &bytes).unwrap();
    let run = aofkit(&["cat", "--format", "resp"], &path);
    assert_eq!(text(&run.stdout), text(TAIL));
    for verb in ["cat", "stats", "inspect"] {
        let run = aofkit(&[verb], &path);
        let told = text(&run.stderr);
        let is_told = told.contains("not understood") || verb == "inspect";
        assert!(run.status.success() && is_told && !told.contains("damage"), "{verb}: {told}");
    }
}

#[test]
fn a_stream_is_told_the_same() {
    for tail in [&b""[..], TAIL] {
        let bytes = [&unknown("REDIS0018"), tail].concat();
        let mut run = Command::new(env!("CARGO_BIN_EXE_aofkit"))
            .args(["check", "--json", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        run.stdin.take().unwrap().write_all(&bytes).unwrap();
        let run = run.wait_with_output().unwrap();
        let told = text(&run.stdout);
        assert!(told.contains("intact by its checksum, only not understood"), "{told}");
        assert_eq!(run.status.code(), Some(24), "{told}");
    }
}

#[test]
fn a_number_that_a_flipped_byte_made_is_damage() {
    let sound = Rdb::new("REDIS0012").key(0, "k", &[&string(b"v")]).key(0, "l", &[&string(b"w")]);
    let bytes = sound.sealed();
    for tail in [&b""[..], TAIL] {
        let mut bytes = [&bytes, tail].concat();
        bytes[16] = 60;
        let (kind, message, _, exit) = about("appendonly.aof", &bytes);
        assert_eq!((&*kind, exit), ("rdb-bad-structure", 21), "{message}");
        assert!(message.contains("no checksum fits behind it"), "{message}");
    }
}

#[test]
fn without_a_checksum_nothing_is_asserted() {
    let mut bytes = unknown("REDIS0018");
    let body = bytes.len() - 8;
    bytes[body..].fill(0);
    let (kind, message, _, exit) = about("dump.rdb", &bytes);
    assert_eq!((&*kind, exit), ("rdb-unsupported", 24));
    assert!(message.contains("has no checksum to tell"), "{message}");
}

/// A layout that was only read about, and is another one in the file.
#[test]
fn what_does_not_fit_a_layout_nobody_has_run_is_not_understood_when_its_checksum_fits() {
    let draft = |magic: &str, number: u8| {
        Rdb::new(magic).key(number, "odd", &[&[0x90, 1, 2, 3], &string(b"v")]).sealed()
    };
    for (magic, number) in
        [("REDIS0016", 33), ("REDIS0017", 35), ("VALKEY081", 23), ("REDIS0018", 2)]
    {
        let (kind, message, _, exit) = about("dump.rdb", &draft(magic, number));
        assert_eq!((&*kind, exit), ("rdb-unsupported", 24), "{magic} {number}: {message}");
    }
    // Of this one servers were run: no writer writes it.
    let (kind, message, _, exit) = about("dump.rdb", &draft("REDIS0012", 2));
    assert_eq!((&*kind, exit), ("rdb-bad-structure", 21), "{message}");
    let mut bytes = draft("REDIS0017", 35);
    let at = bytes.len() - 10;
    bytes[at] ^= 1;
    assert_ne!(crc64(&bytes), 0);
    assert_eq!(about("dump.rdb", &bytes).3, 21);
}

/// Of Valkey 9.2 in development, and a capture of replication: known by their first bytes, and not read.
#[test]
fn what_is_wrapped_as_a_whole_is_named_and_never_offered_to_repair() {
    let frame = [b"\x04\x22\x4d\x18", TAIL, TAIL].concat();
    let wrapped = [
        ([&b"VCS\x01\x01\0\x01"[..], &frame].concat(), "compressed as a whole"),
        ([&b"VKCS\x01\x01\0\x01"[..], &frame].concat(), "compressed as a whole"),
        (
            [&b"$EOF:0123456789012345678901234567890123456789\r\n"[..], &frame].concat(),
            "replication",
        ),
    ];
    for (bytes, what) in wrapped {
        let (kind, message, commands, exit) = about("dump.rdb", &bytes);
        assert_eq!((&*kind, commands, exit), ("rdb-unsupported", 0, 24), "{message}");
        assert!(message.contains(what) && !message.contains("damaged, or"), "{message}");
    }
}
