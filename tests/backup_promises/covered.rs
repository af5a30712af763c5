//! No silent gap: every second from the first snapshot's beginning to the last one's end can be restored, or is named in
//! a gap with its reason.
//!
//! `AOFKIT_COVERED_SECONDS` says for how long a server writes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aofkit::backup::{Entry, Moment};

use super::expect;
use super::home::Home;
use super::support::live::Live;
use super::support::number_from_env;
use super::support::server::Server;

const SERVERS: [&str; 2] = ["redis-8.2", "valkey-9.1"];

fn seconds(text: &str) -> i64 {
    Moment::parse(text).unwrap().milliseconds().div_euclid(1000)
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// First and last seconds.
type Stretches = Vec<(i64, i64)>;

/// Stretches that entries cover, and those that they call gaps.
fn stretches(entries: &[Entry]) -> (Stretches, Stretches) {
    let mut covered = Vec::new();
    let mut gaps = Vec::new();
    for entry in entries {
        covered.extend(entry.covers.iter().map(|c| (seconds(&c.from), seconds(&c.to))));
        for gap in &entry.gaps {
            assert!(!gap.reason.is_empty());
            // Without a known end it reaches to where the snapshot's own history begins.
            let end = entry.covers.first().map_or(&entry.taken, |covers| &covers.from);
            gaps.push((seconds(&gap.from), seconds(gap.to.as_ref().unwrap_or(end))));
        }
    }
    (covered, gaps)
}

/// The clock that a restored set ends with: the value of the last `SET clock`.
fn last_clock(dir: &Path) -> Option<i64> {
    let text = expect(0, &["cat", dir.to_str().unwrap(), "--key", "clock", "-q", "--with-base"]);
    let last = text.lines().rfind(|line| line.contains("clock"))?;
    let digits: String = last.chars().rev().skip_while(|c| !c.is_ascii_digit()).collect();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.chars().rev().collect::<String>().parse().ok()
}

fn campaign(server: &Server) {
    let home = Home::new();
    let data = home.root.path().join("data");
    fs::create_dir(&data).unwrap();
    let settings = ["--appendonly", "yes", "--aof-timestamp-enabled", "yes"];
    let settings = [&settings[..], &["--aof-use-rdb-preamble", "no"]].concat();
    let mut live = Live::start_with(server, &data, &settings);
    let dir = data.join("appendonlydir");
    let repo = home.repo();
    let words = ["backup", dir.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    let words = [&words[..], &["--min-free", "0", "--source", "s"]].concat();
    let length = Duration::from_secs(number_from_env("AOFKIT_COVERED_SECONDS", 9));
    let (started, mut backed, mut rewritten) = (Instant::now(), Instant::now(), Instant::now());
    while started.elapsed() < length {
        live.must(&format!("SET clock {}", now()));
        std::thread::sleep(Duration::from_millis(15));
        if backed.elapsed() > Duration::from_millis(700) {
            expect(0, &words);
            backed = Instant::now();
        }
        if rewritten.elapsed() > Duration::from_millis(2600) {
            live.must("BGREWRITEAOF");
            rewritten = Instant::now();
        }
    }
    expect(0, &words);
    let by_source = home.repository().entries().unwrap();
    let entries = &by_source["s"];
    let (covered, gaps) = stretches(entries);
    let from = covered.iter().map(|c| c.0).min().unwrap();
    let to = covered.iter().map(|c| c.1).max().unwrap();
    let within = |all: &[(i64, i64)], t| all.iter().any(|(from, to)| (*from..=*to).contains(&t));
    let (mut restored, mut in_gaps) = (0, 0);
    for t in from..=to {
        let is_gap = within(&gaps, t);
        assert!(
            within(&covered, t) || is_gap,
            "{}: second {t} is nowhere: {covered:?} {gaps:?}",
            server.name
        );
        in_gaps += u64::from(is_gap);
        if !within(&covered, t) || is_gap {
            continue;
        }
        let target = home.root.path().join("t");
        let snapshot = format!("{}::latest", repo.display());
        let until = format!("@{t}");
        expect(0, &["restore", &snapshot, target.to_str().unwrap(), "--until", &until]);
        if let Some(clock) = last_clock(&target) {
            // The server stamps by its own cached clock.
            assert!((t - 1..=t + 1).contains(&clock), "{}: {t} became {clock}", server.name);
            restored += 1;
        }
        fs::remove_dir_all(target).unwrap();
    }
    println!(
        "{}: {} snapshots over {} s: {restored} seconds restored and compared, {in_gaps} in gaps",
        server.name,
        entries.len(),
        to - from
    );
    assert!(restored > 2, "{restored}");
}

#[test]
fn every_second_is_restorable_or_named_in_a_gap() {
    let Some(servers) = Server::find_all(&SERVERS) else {
        println!("did not run: not all servers were found");
        return;
    };
    std::thread::scope(|scope| {
        for server in &servers {
            scope.spawn(move || campaign(server));
        }
    });
}
