//! `backup --server`: what running servers are asked, and that with `--exact` nothing that was acknowledged is
//! missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use super::support::live::Live;
use super::support::number_from_env;
use super::support::server::Server;

const SERVERS: [&str; 3] = ["redis-7.0", "redis-8.2", "valkey-9.1"];

pub struct Run {
    pub code: Option<i32>,
    pub json: Value,
    pub out: String,
    pub err: String,
}

pub fn run(words: &[&str]) -> Run {
    finish(Command::new(env!("CARGO_BIN_EXE_aofkit")).args(words))
}

pub fn finish(command: &mut Command) -> Run {
    ended(command.stdin(Stdio::null()).output().unwrap())
}

pub fn ended(output: Output) -> Run {
    Run {
        code: output.status.code(),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A server's directory, and a repository elsewhere.
pub struct Beside {
    pub data: TempDir,
    repos: TempDir,
}

impl Beside {
    pub fn new() -> Self {
        Self { data: TempDir::new().unwrap(), repos: TempDir::new().unwrap() }
    }

    pub fn repo(&self) -> PathBuf {
        self.repos.path().join("repo")
    }

    /// Words of a backup of what lies in `data`, beside the server that has its socket there.
    pub fn words(&self, data: &Path) -> Vec<String> {
        let (server, repo) = (format!("unix://{}", data.join("s").display()), self.repo());
        let words = ["backup", "--server", &server, "--min-free", "0", "--json", "--repo"];
        let paths = [repo.to_str().unwrap(), data.to_str().unwrap()];
        words.into_iter().chain(paths).map(str::to_owned).collect()
    }

    pub fn backup(&self, more: &[&str]) -> Run {
        run(&[&strs(&self.words(self.data.path())), more].concat())
    }
}

pub fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// The servers that are asked.
pub fn servers() -> Vec<Server> {
    Server::all_or_none(&SERVERS)
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
    for server in &servers() {
        let place = Beside::new();
        let mut live = Live::start_with(server, place.data.path(), &ON);
        live.must("SET a 1");
        let settings = live.must("CONFIG GET *").list();
        let made = place.backup(&["--exact"]);
        assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
        let entry = entry(&place.repo(), &made.json);
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
        assert_eq!(place.backup(&[]).json["unchanged"], true);
        assert_eq!(place.backup(&["--always"]).json["unchanged"], false);
    }
}

#[test]
fn with_exact_everything_that_was_acknowledged_before_is_in_it() {
    let rounds = number_from_env("AOFKIT_EXACTS", 8);
    for server in &servers() {
        let place = Beside::new();
        let mut live = Live::start_with(server, place.data.path(), &ON);
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
            let latest = format!("{}::latest", place.repo().display());
            for round in 0..rounds {
                let before = acknowledged.load(Ordering::SeqCst);
                let made = place.backup(&["--exact"]);
                assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
                let out = place.repos.path().join(format!("out{round}"));
                let back = run(&["restore", &latest, out.to_str().unwrap()]);
                assert_eq!(back.code, Some(0), "{}", back.err);
                let got = last_counter(server, place.repos.path(), &format!("out{round}"));
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
    let (repo, data) = (dir.path().join("repo"), dir.path().to_str().unwrap());
    let made = run(&["backup", "--exact", "--repo", repo.to_str().unwrap(), data]);
    assert_eq!(made.code, Some(2), "{}", made.err);
}
