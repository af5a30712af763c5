//! The first wall: names of commands.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::support::put_program;
use super::support::server::Server;
use super::support::spelled::record;
use super::{BASE, INCREMENT, SERVERS, Set, library, set};

/// A program that tells its version, and says whether it was given a log.
fn watcher(dir: &Path) -> PathBuf {
    let path = dir.join("server");
    let text =
        "#!/bin/sh\ncase $1 in --version) echo 'X server v=7.0.0';; *) echo given: \"$@\";; esac\n";
    put_program(&path, text.as_bytes());
    path
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// An RDB without keys and without a checksum.
const RDB: &[u8] = b"REDIS0009\xff\0\0\0\0\0\0\0\0";

#[test]
fn no_server_is_given_a_log_with_a_command_that_no_server_logs() {
    let dir = TempDir::new().unwrap();
    let server = watcher(dir.path());
    let hostile: [(&[&[u8]], &str); 14] = [
        (&[b"MODULE", b"LOAD", b"/tmp/x.so"], "MODULE LOAD"),
        (&[b"mOdUlE", b"lOaDeX", b"/tmp/x.so"], "MODULE LOADEX"),
        (&[b"REPLICAOF", b"127.0.0.1", b"1"], "REPLICAOF"),
        (&[b"slaveof", b"127.0.0.1", b"1"], "SLAVEOF"),
        (&[b"CONFIG", b"SET", b"dir", b"/"], "CONFIG SET"),
        (&[b"DEBUG", b"SEGFAULT"], "DEBUG SEGFAULT"),
        (&[b"SHUTDOWN", b"NOSAVE"], "SHUTDOWN"),
        (&[b"SAVE"], "SAVE"),
        (&[b"bgsave"], "BGSAVE"),
        (&[b"ACL", b"SETUSER", b"x", b"on"], "ACL SETUSER"),
        (&[b"MIGRATE", b"127.0.0.1", b"1", b"k", b"0", b"1"], "MIGRATE"),
        (&[b"CLUSTER", b"MEET", b"127.0.0.1", b"1"], "CLUSTER MEET"),
        (&[b"FAILOVER"], "FAILOVER"),
        (&[b"PSYNC", b"?", b"-1"], "PSYNC"),
    ];
    for (words, told) in hostile {
        let (bad, multi, exec) = (record(words), record(&[b"MULTI"]), record(&[b"EXEC"]));
        // In an increment, in a base of commands, behind an RDB, in a transaction, in one that has no end, and behind damage.
        let sets = [
            (set("a"), joined(&[&set("b"), &bad]), INCREMENT, set("b").len()),
            (joined(&[&set("a"), &bad, &set("c")]), set("b"), BASE, set("a").len()),
            (joined(&[RDB, &set("a"), &bad]), set("b"), BASE, RDB.len() + set("a").len()),
            (set("a"), joined(&[&multi, &bad, &exec]), INCREMENT, multi.len()),
            (set("a"), joined(&[&multi, &set("b"), &bad]), INCREMENT, multi.len() + set("b").len()),
            (set("a"), joined(&[b"garbage", &bad, &set("b"), &set("c")]), INCREMENT, 7),
        ];
        for (base, increment, file, offset) in sets {
            let one = Set::new(&base, &increment);
            let run = one.calibrate(&server);
            let place = format!("not loaded: the log holds {told} at {file}:{offset}");
            assert!(run.err.contains(&place), "{place}: {}", run.err);
            assert_eq!(run.code, Some(24), "{}", run.err);
            assert!(!run.err.contains("given:"), "{}", run.err);
        }
    }
    // What servers log, and what only looks like it, is loaded.
    for words in [
        &[&b"SET"[..], b"MODULE", b"LOAD"][..],
        &[b"CLUSTER", b"FLUSHSLOT", b"1"],
        &[b"SCRIPT", b"LOAD", b"return 1"],
        &[b"FUNCTION", b"LOAD", b"#!lua name=x"],
    ] {
        let run = Set::new(&set("a"), &record(words)).calibrate(&server);
        assert!(run.err.contains("given:"), "{}", run.err);
    }
}

#[test]
fn what_a_server_is_started_with_takes_its_means_from_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("server");
    let text = "#!/bin/sh\ncase $1 in --version) echo 'X server v=7.0.0';; *) echo \"<$@>\" HOME=$HOME; env | cut -d= -f1 | sort | tr '\\n' ' ';; esac\n";
    put_program(&path, text.as_bytes());
    let run = Set::new(&set("a"), &set("b")).calibrate(&path);
    assert_eq!(run.code, Some(1), "{}", run.err);
    for word in [
        "--rename-command MODULE ",
        "--rename-command CONFIG ",
        "--rename-command DEBUG ",
        "--rename-command REPLICAOF ",
        "--enable-module-command no",
        "--enable-debug-command no",
        "--enable-protected-configs no",
        "--port 0",
    ] {
        assert!(run.err.contains(word), "{word}: {}", run.err);
    }
    assert!(run.err.contains("; HOME LC_ALL "), "{}", run.err);
    assert!(!run.err.contains("CARGO"), "{}", run.err);
}

#[test]
fn a_verification_tells_that_it_was_not_tried() {
    let dir = TempDir::new().unwrap();
    let server = watcher(dir.path());
    let bad = record(&[b"CONFIG", b"SET", b"dir", b"/"]);
    let one = Set::new(&set("a"), &joined(&[&set("b"), &bad]));
    let run = one.verify(&server);
    assert_eq!(run.code, Some(24), "{} {}", run.out, run.err);
    let told: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let loaded = &told["loaded"][0];
    assert!(loaded["loads"].is_null(), "{loaded}");
    let place = format!("not loaded: the log holds CONFIG SET at {INCREMENT}:{}", set("b").len());
    assert_eq!(loaded["message"], place, "{loaded}");
    assert_eq!(loaded["compared"], false);
}

/// Measured: it ran as root, and the verification said that all was as it was written.
#[test]
fn no_module_is_loaded_and_nobody_is_called() {
    let servers = Server::all_or_none(&SERVERS);
    let dir = TempDir::new().unwrap();
    let marker = dir.path().join("marker");
    let code = format!("creat(\"{}\", 0644);", marker.display());
    let Some(module) = library(dir.path(), &code) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let load = record(&[b"MODULE", b"LOAD", module.to_str().unwrap().as_bytes()]);
    let call = record(&[b"REPLICAOF", b"127.0.0.1", port.as_bytes()]);
    for server in servers {
        for bad in [&load, &call] {
            let one = Set::new(&set("a"), &joined(&[&set("b"), bad]));
            let run = one.verify(&server.program());
            assert_eq!(run.code, Some(24), "{}: {} {}", server.name, run.out, run.err);
            let run = one.calibrate(&server.program());
            assert_eq!(run.code, Some(24), "{}: {} {}", server.name, run.out, run.err);
        }
        assert!(!fs::exists(&marker).unwrap(), "{}: the module ran", server.name);
        assert!(listener.accept().is_err(), "{}: it called", server.name);
    }
}
