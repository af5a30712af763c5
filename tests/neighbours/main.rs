//! What lies beside a set, as real servers and hands leave it: whether it may be the only copy of something is told by
//! `check`, and `clean` never takes such a file. A set whose neighbours only repeat it stays silent.

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod cut_down;
mod dumps;
mod foreign;
mod full_disk;
mod hands;
mod imports;
mod made;
mod misplaced;
mod moments;
mod only_copy;
mod other_sets;
mod others;
mod rights;
mod running;
mod sealed;
mod split;
mod started_empty;
mod unfinished;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::live::Live;
use support::processes::working_in;
use support::server::Server;

/// Servers that are tried: the oldest that keeps sets, the newest, and one of the other family.
const SERVERS: &[&str] = &["redis-7.0", "redis-8.6", "valkey-9.1"];

/// What is told of neighbours, and of who else has touched a set.
const TOLD: [&str; 8] = [
    "mixed-moments",
    "neighbour-data",
    "started-empty",
    "deleted-but-open",
    "two-writers",
    "other-filesystem",
    "not-readable",
    "foreign-file",
];

fn servers() -> Vec<Server> {
    let found = Server::all_or_none(SERVERS);
    if found.is_empty() {
        eprintln!("not run: no servers are installed (tests/servers/fetch)");
    }
    found
}

/// A server that keeps a log in `dir`, and does not rewrite it by itself. It hands each write to the system before it
/// answers: with `everysec` a busy disk makes it wait, and a kill loses what waits.
fn logging(server: &Server, dir: &Path) -> Live {
    let settings =
        ["--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"];
    Live::start_with(server, dir, &settings)
}

fn fill(live: &mut Live, prefix: &str, keys: usize) {
    for n in 0..keys {
        live.must(&format!("SET {prefix}:{n} value-{n}"));
    }
}

/// The number of its process.
fn pid(live: &mut Live) -> u32 {
    let info = live.must("INFO server").text();
    let line = info.lines().find_map(|line| line.strip_prefix("process_id:"));
    line.and_then(|pid| pid.trim().parse().ok()).expect("its number")
}

fn rewrite(live: &mut Live) {
    live.must("BGREWRITEAOF");
    live.until_it_says("aof_rewrite_in_progress:0");
    live.until_it_says("aof_last_bgrewrite_status:ok");
}

/// The exit status and the JSON of a verb on the set of a data directory.
fn json(verb: &str, path: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .arg(verb)
        .arg(path)
        .arg("--json")
        .args(more)
        .output()
        .expect("run aofkit");
    let value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    (output.status.code(), value)
}

/// The problems of a kind: the file each is about, its severity and its message.
fn problems(report: &Value, kind: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = report["problems"].as_array().expect("problems").iter();
    all.filter(|problem| problem["kind"] == kind)
        .map(|one| (text(&one["file"]), text(&one["severity"]), text(&one["message"])))
        .collect()
}

/// Adopts what lies beside the set, and answers how many keys the server has after it was started on the result.
fn adopted(server: &Server, dir: &Path, more: &[&str]) -> u64 {
    let (_, done) = json("repair", dir, &[&["--adopt", "--apply"], more].concat());
    assert_eq!(done["applied"], true, "{}: {done:#}", server.name);
    let (_, report) = json("check", dir, &[]);
    assert_eq!(problems(&report, "segment-missing"), [], "{report:#}");
    let mut live = logging(server, dir);
    live.must("DBSIZE").number()
}

/// Kills what a server has left running in this directory: the child that saves outlives its parent.
fn kill_children(dir: &Path) {
    for process in working_in(dir) {
        let _ = Command::new("kill").args(["-KILL", &process]).output();
    }
    while !working_in(dir).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Names in a directory that end so.
fn names(dir: &Path, end: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(dir).expect("list").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<_> = all.filter(|path| path.to_string_lossy().ends_with(end)).collect();
    all.sort();
    all
}

/// Whether the set stays silent about its neighbours.
fn assert_silent(dir: &Path, name: &str) {
    let (status, report) = json("check", dir, &[]);
    assert_eq!(status, Some(0), "{name}: {report:#}");
    for kind in TOLD {
        assert_eq!(problems(&report, kind), [], "{name}");
    }
}
