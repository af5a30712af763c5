//! Hot snapshots of real servers that write transactions and rewrite all the time: each comes back, is loaded
//! by a server that accepts no torn end, and keeps the transactions' invariant.
//!
//! `AOFKIT_SNAPSHOTS` says how many of each server.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aofkit::aof::OpenOptions;
use aofkit::backup::{BackupOptions, Depth, Repository, RestoreOptions, backup, restore, verify};
use aofkit::progress::Silent;
use aofkit::store::Location;
use tempfile::TempDir;

use super::home::run_script;
use super::support::live::{Live, Reply};
use super::support::number_from_env;
use super::support::server::Server;

const SERVERS: [&str; 3] = ["redis-7.0", "redis-8.2", "valkey-9.1"];

/// Writes two counters in one transaction, and other keys, and has the log rewritten every second.
fn write(mut live: Live, acknowledged: &AtomicU64, stop: &AtomicBool) -> Live {
    let padding = "x".repeat(200);
    let mut rewritten = Instant::now();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        live.must("MULTI");
        live.must(&format!("SET a {n}"));
        live.must(&format!("SET pad:{} {padding}", n % 1000));
        live.must(&format!("SET b {n}"));
        live.must("EXEC");
        acknowledged.store(n, Ordering::SeqCst);
        if rewritten.elapsed() > Duration::from_secs(1) {
            live.run("BGREWRITEAOF");
            rewritten = Instant::now();
        }
    }
    live
}

/// What a server that loads nothing torn says of the counters.
fn counters(server: &Server, data: &std::path::Path, append_dir: &str) -> (u64, u64) {
    let settings =
        ["--appendonly", "yes", "--appenddirname", append_dir, "--aof-load-truncated", "no"];
    let mut live = Live::start_with(server, data, &settings);
    let mut get = |key: &str| loop {
        match live.run(&format!("GET {key}")) {
            Reply::Error(why) if why.contains("LOADING") => {
                thread::sleep(Duration::from_millis(5));
            }
            reply => break reply.number(),
        }
    };
    (get("a"), get("b"))
}

fn campaign(server: &Server, snapshots: u64) {
    let data = TempDir::new().unwrap();
    let settings = ["--appendonly", "yes", "--appendfsync", "no", "--aof-timestamp-enabled", "yes"];
    let live = Live::start_with(server, data.path(), &settings);
    let (acknowledged, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let root = TempDir::new().unwrap();
    let repo = root.path().join("r");
    let repository = Repository::open_or_create(Location(&repo).store(Some(0))).unwrap();
    let (mut generations, mut reused) = (std::collections::BTreeSet::new(), 0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(live, &acknowledged, &stop));
        while acknowledged.load(Ordering::SeqCst) < 10 {
            thread::sleep(Duration::from_millis(1));
        }
        for number in 0..snapshots {
            let before = acknowledged.load(Ordering::SeqCst);
            let options = BackupOptions::default();
            let made = backup(data.path(), &OpenOptions::default(), &repository, &options, &Silent);
            let made = made.unwrap_or_else(|e| panic!("{} {number}: {e}", server.name));
            generations.insert(made.entry.files[0].seq);
            reused += u64::from(made.reused_bytes > 0);
            let out = root.path().join(format!("o{number}"));
            std::fs::create_dir(&out).unwrap();
            let dir = out.join("appendonlydir");
            if number % 2 == 0 {
                run_script(&repo, &made, &dir);
            } else {
                let options = RestoreOptions { replace: false, threads: 2 };
                restore(&repository, &made.entry, &dir, options, &Silent).unwrap();
            }
            let (a, b) = counters(server, &out, "appendonlydir");
            assert_eq!(a, b, "{} {number}: half a transaction", server.name);
            assert!(a >= before, "{} {number}: {a}, and {before} was acknowledged", server.name);
            std::fs::remove_dir_all(out).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        drop(writer.join().unwrap());
    });
    let depth = Depth::Contents { slice: 1, of: 1 };
    let verified = verify(&repository, depth, 2, &Silent).unwrap();
    assert!(verified.is_good(), "{verified:?}");
    println!(
        "{}: {snapshots} hot snapshots over {} rewrites, {reused} incremental; {} objects, {} commands parsed",
        server.name,
        generations.len() - 1,
        verified.objects_checked,
        verified.commands_checked
    );
}

#[test]
fn hot_snapshots_load_strictly_and_keep_every_acknowledged_transaction_whole() {
    let Some(servers) = Server::find_all(&SERVERS) else {
        println!("not all servers found: no hot snapshot was taken");
        return;
    };
    let snapshots = number_from_env("AOFKIT_SNAPSHOTS", 6);
    for server in servers {
        campaign(&server, snapshots);
    }
}
