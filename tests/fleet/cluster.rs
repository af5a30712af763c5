//! The slots of a cluster by the files of its nodes: a real one, and such as are wrong.

use std::fs;
use std::path::Path;

use super::support::live::Live;
use super::support::server::Server;
use super::support::spelled::record;
use super::world::*;

fn id(n: usize) -> String {
    format!("{n:040x}")
}

/// `nodes.conf` of a node, as it sees these slots.
fn nodes(own: usize, slots: &[&str]) -> String {
    let mut text = String::new();
    for (n, slots) in slots.iter().enumerate() {
        let myself = if n == own { "myself," } else { "" };
        text += &format!(
            "{} 127.0.0.1:{}@{} {myself}master - 0 0 {n} connected {slots}\n",
            id(n),
            7000 + n,
            17000 + n
        );
    }
    text + "vars currentEpoch 3 lastVoteEpoch 0\n"
}

#[test]
fn holes_overlaps_and_keys_under_slots_of_others_are_named() {
    let dir = tempfile::tempdir().unwrap();
    // Slots of a, b and foo are 15495, 3300 and 12182.
    let keys = [&["b"][..], &["a"], &["foo", "b"]];
    let told = [
        ["0-5460", "5461-10922", "10923-16383"],
        ["0-5460", "5000-10922", "10923-16383"],
        ["0-5460", "5461-10922", "10923-16000 16010-16383"],
    ];
    for (n, keys) in keys.iter().enumerate() {
        let log = keys.iter().flat_map(|key| record(&[b"SET", key.as_bytes(), b"v"])).collect();
        let node = dir.path().join(format!("node-{n}/data"));
        Node { base: Vec::new(), log }.put(&node);
        fs::write(node.join("nodes.conf"), nodes(n, &told[n])).unwrap();
    }
    let run = aofkit(dir.path(), "status .").expect(0);
    assert!(run.out.contains("slots 5000-5460: node-"), "{}", run.out);
    assert!(run.out.contains("no node has 9 slots: 16001-16009"), "{}", run.out);
    let status = aofkit(dir.path(), "status --json .").expect(0).json("status");
    assert_eq!(number(&status["cluster"]["missing_slots"]), 9);
    let run = aofkit(dir.path(), "stats --by slot .").expect(0);
    assert!(
        run.out.contains("slots by node") && run.out.contains("no node has 9 slots"),
        "{}",
        run.out
    );
    let stats = aofkit(dir.path(), "stats --by slot --json .").expect(0).json("stats");
    let nodes = stats["total"]["nodes"].as_array().unwrap();
    let row = |n: usize| nodes.iter().find(|row| row["name"] == format!("node-{n}")).unwrap();
    assert_eq!((number(&row(0)["outside"]), number(&row(1)["outside"])), (0, 1), "{nodes:?}");
    assert_eq!((number(&row(2)["in_use"]), number(&row(2)["outside"])), (2, 1), "{nodes:?}");
    assert_eq!(number(&row(1)["owned"]), 16384 - 5000 - 5461);
    // As many nodes as were asked for have a row, and as many slots.
    let few = aofkit(dir.path(), "stats --by slot --top 1 .").expect(0).out;
    let of_nodes = few.split("slots by node").nth(1).unwrap();
    assert_eq!(of_nodes.lines().filter(|line| line.starts_with("node-")).count(), 1, "{few}");
    assert!(of_nodes.contains("… 2 more"), "{few}");
    assert_eq!(few.lines().filter(|line| line.contains('█')).count(), 1, "{few}");
    assert!(few.lines().all(|line| line.chars().count() <= 80), "{few}");
    // A set by itself says what it has of the cluster, in one line.
    let one = aofkit(dir.path(), "inspect node-2").expect(0);
    let told = "2 slots in the log, 5,452 its own by nodes.conf, 1 slot of others";
    assert!(one.out.replace("\n  ", " ").contains(told), "{}", one.out);
    let one = aofkit(dir.path(), "inspect --json node-0").expect(0).json("inspect");
    assert_eq!((number(&one["slots"]["owned"]), number(&one["slots"]["outside"])), (5461, 0));
    // Without one node its slots are those of a set that is not here.
    fs::remove_dir_all(dir.path().join("node-0")).unwrap();
    let status = aofkit(dir.path(), "status --json .").expect(0).json("status");
    assert_eq!(status["cluster"]["absent_nodes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_real_cluster_is_covered_once_and_its_keys_are_where_they_belong() {
    for name in ["redis-7.0", "redis-8.6", "valkey-8.1", "valkey-9.1"] {
        let Some(server) = Server::find(name) else {
            eprintln!("{name} is not there: skipped");
            continue;
        };
        real(&server);
    }
}

fn real(server: &Server) {
    let dir = tempfile::tempdir().unwrap();
    let slots = [(0, 5460), (5461, 10922), (10923, 16383)];
    let mut live: Vec<_> =
        (0..3).map(|n| node(server, &dir.path().join(format!("node-{n}")))).collect();
    for (server, (first, last)) in live.iter_mut().zip(slots) {
        let all: Vec<_> = (first..=last).map(|slot: u16| slot.to_string()).collect();
        server.must(&format!("CLUSTER ADDSLOTS {}", all.join(" ")));
        server.must("CLUSTER SAVECONFIG");
    }
    // Alone in its view of the cluster, a node takes keys of its own slots.
    let keys = [["b", "bar"], ["{}x", "foo{}{bar}"], ["a", "foo"]];
    for (server, keys) in live.iter_mut().zip(keys) {
        server.must("CONFIG SET cluster-require-full-coverage no");
        for key in keys {
            // A node that has just started takes no writes for two seconds.
            let mut takes =
                || !server.run(&format!("SET {key} v")).text().starts_with("CLUSTERDOWN");
            let is_taken = (0..100).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(100));
                takes()
            });
            assert!(is_taken, "{key} is never taken");
        }
    }
    drop(live);
    let status = aofkit(dir.path(), "status --json .").expect(0).json("status");
    let cluster = &status["cluster"];
    assert_eq!(number(&cluster["missing_slots"]), 0, "{}: {cluster}", server.name);
    assert_eq!(cluster["overlaps"].as_array().unwrap().len(), 0, "{}: {cluster}", server.name);
    assert_eq!(sum_of(&status["sets"]), 16384, "{}", server.name);
    let stats = aofkit(dir.path(), "stats --by slot --json .").expect(0).json("stats");
    assert_eq!(sum(&stats["total"]["nodes"], "outside"), 0, "{}: {}", server.name, stats["total"]);
    assert_eq!(sum(&stats["total"]["nodes"], "in_use"), 6, "{}", server.name);
}

fn sum_of(sets: &serde_json::Value) -> u64 {
    sets.as_array().unwrap().iter().map(|set| number(&set["node"]["slots"])).sum()
}

fn node(server: &Server, dir: &Path) -> Live {
    fs::create_dir_all(dir).unwrap();
    let port = free_port();
    let bus = free_port();
    let (port, bus) = (port.to_string(), bus.to_string());
    let socket = dir.join("s");
    let mut command = server.command();
    command
        .args(["--port", &port, "--cluster-port", &bus, "--save", "", "--daemonize", "no"])
        .args([
            "--appendonly",
            "yes",
            "--cluster-enabled",
            "yes",
            "--bind",
            "127.0.0.1",
            "--logfile",
            "",
        ])
        .args(["--cluster-require-full-coverage", "no"])
        .arg("--dir")
        .arg(dir)
        .arg("--unixsocket")
        .arg(&socket);
    let mut live = Live::spawn(server, command, dir, &socket);
    live.until_it_says("loading:0");
    live
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
