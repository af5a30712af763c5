//! `backup --server`: what running servers are asked, what is refused, and that with `--exact` nothing that was
//! acknowledged is missing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use super::support::live::Live;
use super::support::number_from_env;
use super::support::server::Server;

const SERVERS: [&str; 3] = ["redis-7.0", "redis-8.2", "valkey-9.1"];

struct Run {
    code: Option<i32>,
    json: Value,
    err: String,
}

fn run(words: &[&str], paths: &[&Path]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let output = command.args(words).args(paths).arg("--json").stdin(Stdio::null()).output();
    let output = output.unwrap();
    Run {
        code: output.status.code(),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn beside(data: &Path, repo: &Path, more: &[&str]) -> Run {
    let server = format!("unix://{}", data.join("s").display());
    let words =
        ["backup", "--server", &server, "--min-free", "0", "--repo", repo.to_str().unwrap()];
    run(&[&words[..], more].concat(), &[data])
}

/// The entry of a snapshot as it lies in the repository.
fn entry(repo: &Path, made: &Value) -> Value {
    let (source, id) = (&made["snapshot"]["source_name"], &made["snapshot"]["id"]);
    let name =
        format!("sources/{}/snapshots/{}.json", source.as_str().unwrap(), id.as_str().unwrap());
    serde_json::from_slice(&std::fs::read(repo.join(name)).unwrap()).unwrap()
}

const ON: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];

#[test]
fn a_server_is_asked_and_what_it_says_is_kept() {
    let Some(servers) = Server::find_all(&SERVERS) else {
        println!("not all servers found: none was asked");
        return;
    };
    for server in &servers {
        let (data, repos) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let repo = repos.path().join("repo");
        let mut live = Live::start_with(server, data.path(), &ON);
        live.must("SET a 1");
        let settings = live.must("CONFIG GET *").list();
        let made = beside(data.path(), &repo, &["--exact"]);
        assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
        let entry = entry(&repo, &made.json);
        assert_eq!(entry["method"], "connected");
        let info = live.must("INFO").text();
        let said = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
            line.unwrap_or_default().trim().to_owned()
        };
        assert_eq!(entry["server"]["run_id"], said("run_id").as_str());
        assert_eq!(entry["server"]["replid"], said("master_replid").as_str());
        assert_eq!(entry["server"]["role"], "primary");
        assert!(server.name.starts_with(entry["server"]["kind"].as_str().unwrap()), "{entry}");
        assert!(live.must("CONFIG GET *").list() == settings, "{}: a setting changed", server.name);
        // The same again without a word, and with one.
        assert_eq!(beside(data.path(), &repo, &[]).json["unchanged"], true);
        assert_eq!(beside(data.path(), &repo, &["--always"]).json["unchanged"], false);
    }
}

#[test]
fn a_log_that_the_server_does_not_write_to_is_refused() {
    let Some(servers) = Server::find_all(&SERVERS) else {
        println!("not all servers found: none was asked");
        return;
    };
    for server in &servers {
        let (data, repos) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let repo = repos.path().join("repo");
        let refused = |what: &str| {
            let made = beside(data.path(), &repo, &[]);
            assert_eq!(made.code, Some(1), "{} {what}: {}", server.name, made.err);
            assert!(made.err.contains(what), "{}: {}", server.name, made.err);
        };
        let mut live = Live::start_with(server, data.path(), &ON);
        live.must("SET a 1");
        live.must("CONFIG SET appendonly no");
        refused("keeps no log now");
        live.must("CONFIG SET appendonly yes");
        live.must("REPLICAOF 127.0.0.1 1");
        refused("has lost its primary");
        drop(live);
        refused("no connection to the server");
        assert!(!repo.join("sources").exists(), "something was published");
    }
}

#[test]
fn with_exact_everything_that_was_acknowledged_before_is_in_it() {
    let Some(servers) = Server::find_all(&SERVERS) else {
        println!("not all servers found: none was asked");
        return;
    };
    let rounds = number_from_env("AOFKIT_EXACTS", 8);
    for server in &servers {
        let (data, repos) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let repo = repos.path().join("repo");
        let mut live = Live::start_with(server, data.path(), &ON);
        let (acknowledged, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    live.must(&format!("SET counter {n}"));
                    acknowledged.store(n, Ordering::SeqCst);
                    if n % 3000 == 0 {
                        live.run("BGREWRITEAOF");
                    }
                }
                live
            });
            while acknowledged.load(Ordering::SeqCst) < 10 {
                thread::yield_now();
            }
            let latest = format!("{}::latest", repo.display());
            for round in 0..rounds {
                let before = acknowledged.load(Ordering::SeqCst);
                let made = beside(data.path(), &repo, &["--exact"]);
                assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
                let out = repos.path().join(format!("out{round}"));
                let back = run(&["restore", &latest], &[&out]);
                assert_eq!(back.code, Some(0), "{}", back.err);
                let got = last_counter(server, repos.path(), &format!("out{round}"));
                assert!(got >= before, "{}: {got}, and {before} was acknowledged", server.name);
            }
            stop.store(true, Ordering::Relaxed);
            drop(writer.join().unwrap());
        });
        println!("{}: {rounds} exact snapshots beside a writer", server.name);
    }
}

fn last_counter(server: &Server, dir: &Path, name: &str) -> u64 {
    let words = ["--appendonly", "yes", "--appenddirname", name, "--aof-load-truncated", "no"];
    Live::start_with(server, dir, &words).must("GET counter").number()
}

#[test]
fn exact_without_a_server_makes_no_sense() {
    let dir = TempDir::new().unwrap();
    let repo = dir.path().join("repo");
    let made = run(&["backup", "--exact", "--repo", repo.to_str().unwrap()], &[dir.path()]);
    assert_eq!(made.code, Some(2), "{}", made.err);
}
