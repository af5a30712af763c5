//! What `growth --server` says of a running server: how it counts, and why it does not rewrite.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::live::Live;
use super::support::server::Server;
use super::support::small_disk::SmallDisk;
use super::support::troubled;
use super::{growth, schema, socket};

fn report(dir: &Path, words: &[&str]) -> Value {
    let url = socket(dir).to_string();
    let words = [&["--json", "--server", &url], words].concat();
    let (code, out, err) = growth(dir, &words, &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    serde_json::from_str(&out).unwrap()
}

#[test]
fn growth_counts_as_the_running_server_does() {
    for name in ["redis-7.0", "redis-8.2", "valkey-9.1"] {
        let Some(server) = Server::find(name) else { return eprintln!("did not run: no {name}") };
        let dir = tempfile::tempdir().unwrap();
        let settings = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "150"];
        let mut live = Live::start_with(&server, dir.path(), &settings);
        live.must("CONFIG SET auto-aof-rewrite-min-size 1mb");
        for at in 0..100 {
            live.call(&[b"SET", format!("key:{at}").as_bytes(), &[b'v'; 1000]]);
        }
        // It never loaded its first base, and leaves it out.
        let fresh = report(dir.path(), &[]);
        let current = live.must("INFO persistence").text();
        let current = current.split_once("aof_current_size:").unwrap().1;
        let current: u64 = current.split_once('\r').unwrap().0.parse().unwrap();
        let rule = &fresh["trigger"];
        assert_eq!((&rule["source"], &rule["percentage"]), (&"server".into(), &150.into()));
        assert_eq!(rule["remaining_bytes"], (1 << 20) + 1 - current, "{name}: {rule}");
        assert_eq!(rule["cases"][0]["since"], "server");
        assert_eq!(rule["cases"][1]["counted_bytes"], fresh["current_bytes"]);
        let said = &fresh["server"];
        assert_eq!((&said["same_log"], &said["aof_base_bytes"]), (&true.into(), &0.into()));
        let differs = said["differences"][0].as_str().unwrap();
        assert!(differs.contains("leaves out the base"), "{differs}");
        let schema =
            fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/growth.json")).unwrap();
        let schema = serde_json::from_slice(&schema).unwrap();
        assert_eq!(schema::faults(&schema, &fresh), [""; 0]);
        live.must("BGREWRITEAOF");
        while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {
            std::thread::sleep(Duration::from_millis(10));
        }
        let after = report(dir.path(), &[]);
        assert_eq!((&after["server"]["rewrites"], &after["holds"]), (&1.into(), &json!([])));
        assert_eq!(after["server"]["differences"], json!([]), "{name}");
        live.must("CONFIG SET auto-aof-rewrite-percentage 0");
        live.must("CONFIG SET appendonly no");
        let off = report(dir.path(), &[]);
        let kinds: Vec<_> =
            off["holds"].as_array().unwrap().iter().map(|hold| &hold["kind"]).collect();
        assert!(kinds.contains(&&"no-log".into()) && kinds.contains(&&"off".into()), "{kinds:?}");
        let (code, out, _) =
            growth(dir.path(), &["--server", &socket(dir.path()).to_string()], &[]);
        assert!(
            code == Some(0) && out.contains("the running server") && out.contains("appendonly no"),
            "{out}"
        );
    }
}

#[test]
fn a_child_that_runs_is_told_as_the_server_tells_it() {
    let Some(server) = Server::find("redis-8.2") else {
        return eprintln!("did not run: no redis-8.2");
    };
    let dir = tempfile::tempdir().unwrap();
    let settings = ["--appendonly", "yes"];
    let mut live = Live::start_with(&server, dir.path(), &settings);
    for at in 0..100 {
        live.call(&[b"SET", format!("key:{at}").as_bytes(), b"value"]);
    }
    // Twenty milliseconds for each key: the child is slow enough to be seen.
    live.must("CONFIG SET rdb-key-save-delay 20000");
    live.must("BGREWRITEAOF");
    let running = report(dir.path(), &[]);
    assert_eq!(running["holds"][0]["kind"], "running", "{}", running["holds"]);
    let is_running = |hold: &&Value| hold["kind"] == "running";
    let holds = running["holds"].as_array().unwrap();
    assert_eq!(holds.iter().filter(is_running).count(), 1, "its file is no second one: {holds:?}");
    let child = live.must("INFO persistence").text();
    assert!(child.contains("aof_rewrite_in_progress:1"), "it ended too soon to be seen");
    while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {
        std::thread::sleep(Duration::from_millis(10));
    }
    live.must("CONFIG SET rdb-key-save-delay 0");
    let saving = {
        live.must("CONFIG SET rdb-key-save-delay 20000");
        live.must("BGSAVE");
        live.must("BGREWRITEAOF");
        report(dir.path(), &[])
    };
    assert_eq!(saving["holds"][0]["kind"], "saving", "{}", saving["holds"]);
    assert_eq!(saving["server"]["rewrite_scheduled"], true);
}

/// Kinds of what keeps the server from rewriting, and the text for people.
fn holds(dir: &Path) -> (Vec<String>, String) {
    let told = report(dir, &[]);
    let holds = told["holds"].as_array().unwrap().iter();
    let kinds = holds.map(|hold| hold["kind"].as_str().unwrap().to_owned()).collect();
    let (code, out, err) = growth(dir, &["--server", &socket(dir).to_string()], &[]);
    assert_eq!(code, Some(0), "{err}");
    (kinds, out.split_whitespace().collect::<Vec<_>>().join(" "))
}

const TROUBLED: [&str; 3] = ["redis-7.0", "redis-8.2", "valkey-9.1"];

#[test]
fn a_server_that_loads_rewrites_nothing_yet() {
    for name in TROUBLED {
        let Some(server) = Server::find(name) else { return eprintln!("did not run: no {name}") };
        let dir = tempfile::tempdir().unwrap();
        let _live = troubled::loading(&server, dir.path());
        let (kinds, text) = holds(dir.path());
        assert!(kinds.contains(&"loading".to_owned()), "{name}: {kinds:?}");
        assert!(!kinds.contains(&"no-log".to_owned()), "{name}: {kinds:?}");
        assert!(
            text.contains("the server loads its data") && !text.contains("keeps no log"),
            "{text}"
        );
    }
}

#[test]
fn a_server_that_cannot_write_is_told_until_it_can() {
    for name in TROUBLED {
        let Some(server) = Server::find(name) else { return eprintln!("did not run: no {name}") };
        let dir = tempfile::tempdir().unwrap();
        let Some(disk) = SmallDisk::at(dir.path(), "size=2m") else { return };
        let mut live = troubled::unwritable(&server, &disk);
        let (kinds, text) = holds(dir.path());
        assert!(kinds.contains(&"unwritable".to_owned()), "{name}: {kinds:?}");
        assert!(text.contains("could not write to its log"), "{text}");
        disk.empty();
        live.until_it_says("aof_last_write_status:ok");
        let (kinds, _) = holds(dir.path());
        assert!(!kinds.contains(&"unwritable".to_owned()), "{name}: {kinds:?}");
    }
}

#[test]
fn rewrites_that_failed_are_counted_until_one_succeeds() {
    for name in TROUBLED {
        let Some(server) = Server::find(name) else { return eprintln!("did not run: no {name}") };
        let dir = tempfile::tempdir().unwrap();
        let Some(disk) = SmallDisk::at(dir.path(), "size=4m") else { return };
        let mut live = troubled::failing_to_rewrite(&server, &disk);
        let (kinds, text) = holds(dir.path());
        // Every rewrite that failed left an increment behind.
        for kind in ["failed", "failing"] {
            assert!(kinds.contains(&kind.to_owned()), "{name}: {kinds:?}");
        }
        assert!(text.contains("last rewrite failed, 2 times in a row"), "{text}");
        disk.empty();
        live.must("BGREWRITEAOF");
        live.until_it_says("aof_rewrites_consecutive_failures:0");
        live.until_it_says("aof_rewrite_in_progress:0");
        assert_eq!(holds(dir.path()).0, ["off"], "{name}");
    }
}
