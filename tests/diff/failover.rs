//! A real failover: a replica is promoted while the old primary still takes writes.

use std::fs;
use std::net::TcpListener;

use tempfile::TempDir;

use crate::ran::{diff, keys, text, told};
use crate::support::live::Live;
use crate::support::server::Server;

fn start(server: &Server, dir: &std::path::Path, port: u16) -> Live {
    fs::create_dir(dir).unwrap();
    let port = port.to_string();
    let set = ["--appendonly", "yes", "--appenddirname", "aof", "--appendfsync", "always"];
    let words =
        [&set[..], &["--port", &port, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"]];
    Live::start_with(server, dir, &words.concat())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn split(server: &Server) {
    let dir = TempDir::new().unwrap();
    let (port, other) = (free_port(), free_port());
    let mut old = start(server, &dir.path().join("old"), port);
    for n in 0..50 {
        old.must(&format!("SET before:{n} {n}"));
    }
    let mut new = start(server, &dir.path().join("new"), other);
    new.must(&format!("REPLICAOF 127.0.0.1 {port}"));
    new.until_it_says("master_link_status:up");
    new.until_it_says("aof_rewrite_in_progress:0");
    for n in 0..40 {
        old.must(&format!("SET common:{n} v{n}"));
        old.must(&format!("EXPIRE common:{n} 100000"));
        old.must(&format!("SADD set {n}"));
    }
    old.must("SPOP set");
    old.must("WAIT 1 10000");
    new.must("REPLICAOF NO ONE");
    for n in 0..7 {
        old.must(&format!("SET lost:{n} {n}"));
        old.must("INCR twice");
        new.must(&format!("SET won:{n} {n}"));
    }
    new.must("SELECT 4");
    new.must("SET twice x");
    new.must("SELECT 0");
    new.must("SET twice x");
    old.shut_down();
    new.shut_down();
    let [a, b] = ["old/aof", "new/aof"].map(|name| dir.path().join(name));
    let found = told(text(&a), text(&b), &[], 30);
    let name = &server.name;
    assert_eq!(found["verdict"], "parted", "{name}: {found:#}");
    // The base of the new node holds what the old one has in its log: that is no loss, and no key of it is listed.
    let said = diff(text(&a), text(&b), &[]).out;
    assert!(said.contains("of different moments") && !said.contains("before:"), "{name}: {said}");
    let rows = &found["keys"]["rows"];
    let of = |who: (bool, bool)| {
        keys(rows, |row| (row["a_commands"] != 0, row["b_commands"] != 0) == who)
    };
    let numbered = |who: &str| (0..7).map(|n| format!("{who}:{n}")).collect::<Vec<_>>();
    assert_eq!(of((true, false)), numbered("lost"), "{name}");
    assert_eq!(of((false, true)), [vec!["twice".to_owned()], numbered("won")].concat(), "{name}");
    assert_eq!(of((true, true)), ["twice"], "{name}: {found:#}");
    let program = server.program();
    let loaded = told(text(&a), text(&b), &["--load", text(&program)], 30);
    let loaded = &loaded["loaded"]["keys"];
    assert_eq!(
        (&loaded["only_a"], &loaded["only_b"]),
        (&7.into(), &8.into()),
        "{name}: {loaded:#}"
    );
    assert_eq!(loaded["different"], 1, "{name}: {loaded:#}");
}

#[test]
fn the_keys_of_a_split_brain_are_told_exactly() {
    for server in Server::all_or_none(&["redis-7.0", "redis-8.6", "valkey-9.1"]) {
        split(&server);
    }
}
