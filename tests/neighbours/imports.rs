//! Slots of a cluster that were being imported when the node was killed. The sets are recorded: two nodes and a migration
//! between them.

use std::fs;

use super::*;

fn recorded(name: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases/unfinished-import");
    let dir = tempfile::tempdir().expect("make a directory");
    super::support::copy_tree(&from.join(name), dir.path());
    dir
}

fn told(dir: &Path) -> Vec<(String, String, String)> {
    let (status, report) = json("check", dir, &[]);
    assert_eq!((status, &report["loads"]), (Some(0), &"yes".into()), "{report:#}");
    problems(&report, "server-trap")
}

/// Whether a node of a cluster comes to so many keys that has loaded the set: it deletes keys a moment later. True where
/// that server is not installed.
fn comes_to(name: &str, dir: &Path, keys: u64) -> bool {
    let Some(server) = Server::all_or_none(&[name]).pop() else { return true };
    let settings = ["--appendonly", "yes", "--cluster-enabled", "yes"];
    let mut live = Live::start_with(&server, dir, &settings);
    let mut is_so = || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        live.must("DBSIZE").number() == keys
    };
    (0..100).any(|_| is_so())
}

#[test]
fn an_import_of_slots_without_an_end_is_told_for_its_keys_go_at_the_next_start() {
    for name in ["valkey-9.0", "valkey-9.1"] {
        let dir = recorded(name);
        let told = told(dir.path());
        assert_eq!(told.len(), 1, "{name}: {told:?}");
        let (file, severity, message) = &told[0];
        assert_eq!((file.as_str(), severity.as_str()), ("appendonly.aof.1.incr.aof", "warning"));
        assert!(message.contains("slots 15891 begins here and has no end"), "{message}");
        let (_, stats) = json("stats", dir.path(), &["--by", "key", "--top", "100"]);
        assert_eq!(stats["keys"].as_array().map(Vec::len), Some(37), "{name}: they are there");
    }
}

#[test]
fn an_import_that_has_ended_is_nothing_to_tell_of() {
    for name in ["valkey-9.1-done", "valkey-9.1-base"] {
        let dir = recorded(name);
        assert_eq!(told(dir.path()), [], "{name}");
        assert_silent(dir.path(), name);
    }
}

/// The node was rewriting meanwhile: the begin is in the base, and the node is killed before the end.
#[test]
fn an_import_that_a_base_tells_of_is_open_until_a_log_says_otherwise() {
    let dir = recorded("valkey-9.1-base");
    let increment = dir.path().join("appendonlydir/appendonly.aof.2.incr.aof");
    let log = fs::read(&increment).expect("read");
    let end = b"*9\r\n$7\r\nCLUSTER\r\n";
    let at = log.windows(end.len()).position(|window| window == end).expect("its end");
    fs::write(&increment, &log[..at]).expect("write");
    let told = told(dir.path());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].2.contains("under way when it was saved"), "{told:?}");
}

/// Redis logs no end: what is known is told, and is no warning.
#[test]
fn an_import_of_which_nobody_knows_the_end_is_an_info() {
    let dir = recorded("redis-8.6");
    let told = told(dir.path());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1, "info");
    assert!(told[0].2.contains("slots 15891-15891"), "{told:?}");
}

/// One after the other: nodes of a cluster have a port that they all want.
#[test]
fn a_node_deletes_the_keys_of_an_import_without_an_end_and_no_others() {
    let sets = [("valkey-9.0", "valkey-9.0", 0), ("valkey-9.1", "valkey-9.1", 0)];
    for (name, server, keys) in sets.into_iter().chain([("valkey-9.1-done", "valkey-9.1", 80)]) {
        let dir = recorded(name);
        assert!(comes_to(server, dir.path(), keys), "{name}");
    }
}
