//! Killed at any moment: each key of the target is as it was or as it was to be, and a second run completes.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::ran::{aofkit, command, record, text};
use crate::support::live::Live;
use crate::support::mutate::Random;
use crate::support::number_from_env;
use crate::support::server::Server;

const KEYS: usize = 3000;

fn value(n: usize, age: &str) -> String {
    format!("{age}{n}{}", ".".repeat(200))
}

/// A log in which every key has its new value.
fn log(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("appendonly.aof");
    let sets = (0..KEYS).map(|n| record(&["SET", &format!("k{n}"), &value(n, "new")]));
    fs::write(&path, record(&["SELECT", "0"]) + &sets.collect::<String>()).unwrap();
    path
}

/// Every second key with its old value.
fn old(live: &mut Live) {
    live.must("FLUSHALL");
    let sets = (0..KEYS).step_by(2).map(|n| record(&["SET", &format!("k{n}"), &value(n, "old")]));
    live.pipe(sets.collect::<String>().as_bytes());
}

/// How many keys are new, and how many are old; others there are none.
fn looked_at(live: &mut Live) -> (usize, usize) {
    let mut seen = (0, 0);
    for n in 0..KEYS {
        let got = live.must(&format!("GET k{n}"));
        match got {
            crate::support::live::Reply::Nothing => assert_eq!(n % 2, 1, "k{n} is gone"),
            got if got.text() == value(n, "new") => seen.0 += 1,
            got => {
                assert_eq!(got.text(), value(n, "old"), "k{n}");
                seen.1 += 1;
            }
        }
    }
    assert_eq!(live.must("DBSIZE").number() as usize, seen.0 + seen.1, "nothing else is there");
    seen
}

#[test]
fn a_key_is_old_or_new_whenever_the_run_is_killed_and_the_next_run_completes() {
    let Some(server) = Server::find("redis-8.2") else {
        println!("did not run: redis-8.2 was not found");
        return;
    };
    let [home, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let set = log(home.path());
    let mut live = Live::start_with(&server, there.path(), &["--appendonly", "no"]);
    let (program, url) = (server.program(), format!("unix://{}/s", there.path().display()));
    let words = |replace: bool| {
        let mut words = vec!["recover", text(&set), "--key", "*", "--load", text(&program)];
        words.extend(["--into", &url, "--apply"]);
        if replace {
            words.extend(["--replace", "--keep-in", text(home.path())]);
        }
        words.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let began = Instant::now();
    old(&mut live);
    assert_eq!(aofkit(&words(true)).code, 0);
    let whole = began.elapsed();
    assert_eq!(looked_at(&mut live), (KEYS, 0));

    let random = &mut Random::new(number_from_env("AOFKIT_SEED", 7), 1);
    let mut cut_short = 0;
    for _ in 0..number_from_env("AOFKIT_KILLS", 4) {
        old(&mut live);
        let mut child = command(&words(true)).stdout(std::process::Stdio::null()).spawn().unwrap();
        // The writes are the last part of a run.
        let share = 500 + random.below(550);
        thread::sleep(Duration::from_micros(whole.as_micros() as u64 * share as u64 / 1000));
        let _ = child.kill();
        child.wait().unwrap();
        let (new, there) = looked_at(&mut live);
        cut_short += u32::from(new > 0 && there > 0);
        // Each old value that is gone is kept.
        let run = aofkit(&words(true));
        assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
        assert_eq!(looked_at(&mut live), (KEYS, 0), "{new} were new");
    }
    println!("{cut_short} runs were ended among their writes");
}
