//! Nodes of a cluster, by configurations and node files.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::asked::{broken, findings, report};
use crate::cases::{Case, Given, conf};

pub const CASES: &[Case] = &[
    Case {
        rule: "cluster-node-place",
        breaks: Given::Made(|dir| by(dir, "dir .")),
        holds: Given::Made(|dir| by(dir, "")),
    },
    Case { rule: "cluster-nodes-mixed", breaks: Given::Made(twins), holds: Given::Made(two_nodes) },
    Case {
        rule: "cluster-node-timeout",
        breaks: Given::Made(|dir| by(dir, "cluster-node-timeout 1000")),
        holds: Given::Made(|dir| by(dir, "cluster-node-timeout 15000")),
    },
    Case {
        rule: "cluster-few-primaries",
        breaks: Given::Made(|dir| file(dir, &["0-8000", "8001-16383"], 1, "")),
        holds: Given::Made(sound),
    },
    Case {
        rule: "cluster-primary-alone",
        breaks: Given::Made(|dir| file(dir, THIRDS, 0, "")),
        holds: Given::Made(sound),
    },
    Case {
        rule: "cluster-slots",
        breaks: Given::Made(|dir| file(dir, &["0-5460", "5461-10922", "10924-16383"], 1, "")),
        holds: Given::Made(sound),
    },
    Case {
        rule: "cluster-failover",
        breaks: Given::Made(|dir| by(dir, "cluster-replica-no-failover yes")),
        holds: Given::Made(|dir| by(dir, "cluster-replica-validity-factor 10")),
    },
    Case {
        rule: "cluster-full-coverage",
        breaks: Given::Made(|dir| by(dir, "cluster-require-full-coverage yes")),
        holds: Given::Made(|dir| by(dir, "")),
    },
    Case {
        rule: "cluster-same-host",
        breaks: Given::Made(|dir| file(dir, THIRDS, 1, "10.0.0.1")),
        holds: Given::Made(sound),
    },
    Case {
        rule: "replica-cannot-log-in",
        breaks: Given::Made(|dir| by(dir, "requirepass f3b1c0d27a9e44584c5d11")),
        holds: Given::Made(|dir| {
            by(dir, "requirepass f3b1c0d27a9e44584c5d11\nmasterauth f3b1c0d27a9e44584c5d11")
        }),
    },
];

const THIRDS: &[&str] = &["0-5460", "5461-10922", "10923-16383"];

type Args = Option<Vec<OsString>>;

/// The configuration of a node with these lines.
fn by(dir: &Path, lines: &str) -> Args {
    let data = dir.join("data");
    fs::create_dir(&data).unwrap();
    let mut node = "cluster-enabled yes\n".to_owned();
    if !lines.contains("coverage") {
        node += "cluster-require-full-coverage no\n";
    }
    if !lines.contains("dir ") {
        writeln!(node, "dir {}", data.display()).unwrap();
    }
    Some(vec!["--conf".into(), conf(dir, &(node + lines)).into()])
}

/// A node's name.
fn id(number: usize) -> String {
    format!("{number:040x}")
}

/// A node file: primaries with these slots, and so many replicas each, on this host or each on its own. The node numbered
/// `own` is its own.
fn text(slots: &[&str], replicas: usize, host: &str, own: usize) -> String {
    let mut text = String::new();
    let mut line = |number: usize, role: &str, of: &str, slots: &str| {
        let own_host = format!("10.0.0.{number}");
        let host = if host.is_empty() { &own_host } else { host };
        let myself = if number == own { "myself," } else { "" };
        let id = id(number);
        writeln!(
            text,
            "{id} {host}:{}@{} {myself}{role} {of} 0 1796077404809 {number} connected {slots}",
            7000 + number,
            17_000 + number
        )
        .unwrap();
    };
    for (place, slots) in slots.iter().enumerate() {
        let number = place * 10 + 1;
        line(number, "master", "-", slots);
        (1..=replicas).for_each(|replica| line(number + replica, "slave", &id(number), ""));
    }
    text + "vars currentEpoch 9 lastVoteEpoch 0\n"
}

fn file(dir: &Path, slots: &[&str], replicas: usize, host: &str) -> Args {
    let path = dir.join("nodes.conf");
    fs::write(&path, text(slots, replicas, host, 1)).unwrap();
    Some(vec![path.into()])
}

fn sound(dir: &Path) -> Args {
    file(dir, THIRDS, 1, "")
}

/// The files of two nodes, each in its directory.
fn pair(dir: &Path, numbers: [usize; 2]) -> Args {
    let write = |place: usize, number: usize| {
        let below = dir.join(place.to_string());
        fs::create_dir(&below).unwrap();
        fs::write(below.join("nodes.conf"), text(THIRDS, 1, "", number)).unwrap();
        below.join("nodes.conf").into()
    };
    Some(vec![write(0, numbers[0]), write(1, numbers[1])])
}

fn twins(dir: &Path) -> Args {
    pair(dir, [1, 1])
}

fn two_nodes(dir: &Path) -> Args {
    pair(dir, [1, 11])
}

#[test]
fn nodes_of_one_directory_and_slots_of_two_nodes_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let name = |name: &str| dir.path().join(name);
    fs::write(name("nodes-1.conf"), text(THIRDS, 1, "", 1)).unwrap();
    // The second node takes a slot of the first for its own.
    fs::write(name("nodes-2.conf"), text(&["0-5460", "5460-10922", "10923-16383"], 1, "", 11))
        .unwrap();
    let report = report(&[name("nodes-1.conf"), name("nodes-2.conf")]);
    assert_eq!(broken(&report), ["AOF-051", "AOF-055"].map(str::to_owned).into());
    let seen: Vec<_> = findings(&report).iter().map(|one| one["seen"].as_str().unwrap()).collect();
    assert!(seen.iter().any(|seen| seen.contains("slots 5460 ")), "{seen:?}");
}

/// Files that real clusters wrote while slot 7 was moving.
#[test]
fn node_files_of_real_servers_are_read_with_slots_that_move() {
    for server in ["redis-6.2", "redis-7.0", "redis-8.6", "valkey-9.1"] {
        let at = |name: &str| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/clusters");
            root.join(server).join(name).join("nodes.conf")
        };
        let report = report(&[at("from"), at("to"), at("replica")]);
        // All on one host, and slot 7 is on its way.
        assert_eq!(broken(&report), ["AOF-055", "AOF-058"].map(str::to_owned).into(), "{server}");
        let moving = findings(&report).iter().filter(|one| one["rule"] == "AOF-055");
        assert!(
            moving.clone().all(|one| one["seen"].as_str().unwrap().contains("moving: 7")),
            "{server}"
        );
        assert!(moving.count() > 0, "{server}");
    }
}

#[test]
fn a_slot_that_one_file_lists_twice_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let args = file(dir.path(), &["0-5461", "5461-10922", "10923-16383"], 1, "").unwrap();
    let report = report(&args);
    let [one] = findings(&report) else { panic!("{report}") };
    assert_eq!(one["rule"], "AOF-055");
    assert!(one["seen"].as_str().unwrap().contains("slots 5461 "), "{one}");
}

/// Slots of nobody may lie on a node that is down: giving them away loses their keys.
#[test]
fn slots_are_to_be_found_before_they_are_given_away() {
    let dir = tempfile::tempdir().unwrap();
    for slots in
        [&["0-5460", "5461-10922", "10924-16383"], &["0-5461", "5461-10922", "10923-16383"]]
    {
        let report = report(&file(dir.path(), slots, 1, "").unwrap());
        let fixes = findings(&report)[0]["fix"].as_array().unwrap();
        assert!(fixes.iter().all(|fix| fix["kind"] == "text"), "{fixes:?}");
        let first = fixes[0]["text"].as_str().unwrap();
        assert!(
            first.starts_with("Find first") || first.starts_with("Ask the running nodes first")
        );
    }
    let report = report(&by(dir.path(), "dir .").unwrap());
    let place = findings(&report).iter().find(|one| one["rule"] == "AOF-050").unwrap();
    assert!(place["fix"][0]["text"].as_str().unwrap().contains("move its node file"), "{place}");
}
