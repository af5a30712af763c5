//! `backup --server --exact` beside a server whose log is switched off and on, and rewritten, at any moment.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::beside::{Beside, run, servers, strs};
use super::support::live::Live;
use super::support::mutate::Random;
use super::support::number_from_env;
use super::support::server::Server;
use super::support::trace::{Act, Tracer};

/// Switches the log off and on, with writes in between and after, until it is told to stop.
fn flip(live: &mut Live, acknowledged: &AtomicU64, stop: &AtomicBool, seed: u64) {
    let mut random = Random::new(seed, 0);
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        for words in ["CONFIG SET appendonly no", "", "CONFIG SET appendonly yes", ""] {
            if words.is_empty() {
                n += 1;
                live.must(&format!("SET counter {n}"));
                acknowledged.store(n, Ordering::SeqCst);
            } else {
                live.must(words);
            }
        }
        thread::sleep(Duration::from_millis(random.below(600) as u64));
    }
}

/// What a server makes of the newest snapshot.
fn counter(place: &Beside, server: &Server, name: &str) -> u64 {
    let from = format!("{}::latest", place.repo().display());
    let out = place.repo().with_file_name(name);
    std::fs::create_dir(&out).unwrap();
    let set = out.join("appendonlydir");
    let back = run(&["restore", &from, set.to_str().unwrap()]);
    assert_eq!(back.code, Some(0), "{}: {}", server.name, back.err);
    let settings = ["--appendonly", "yes", "--aof-load-truncated", "no"];
    let mut live = Live::start_with(server, &out, &settings);
    match live.must("GET counter") {
        super::support::live::Reply::Nothing => 0,
        reply => reply.number(),
    }
}

#[test]
fn what_is_exact_has_all_that_was_acknowledged_before_however_the_log_is_switched() {
    let Some(tracer) = Tracer::find() else { return };
    let (rounds, seed) = (number_from_env("AOFKIT_RACES", 14), number_from_env("AOFKIT_SEED", 4));
    let mut all = 0;
    for server in &servers() {
        let place = Beside::new();
        let mut live = Live::start_with(server, place.data.path(), &["--appendonly", "yes"]);
        live.must("SET counter 0");
        let (acknowledged, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut taken = 0;
        thread::scope(|scope| {
            scope.spawn(|| flip(&mut live, &acknowledged, &stop, seed));
            let mut random = Random::new(seed, 1);
            for round in 0..rounds {
                let words = place.words(place.data.path());
                let words = [&strs(&words)[..], &["--exact=3"]].concat();
                // Some milliseconds before one of its looks at the set.
                let delay = format!("delay={}", 5 + random.below(60));
                let act = Act {
                    what: &delay,
                    at: 1 + random.below(40) as u64,
                    calls: "openat,read,pread64",
                };
                let before = acknowledged.load(Ordering::SeqCst);
                let made = tracer.run(act, &[place.data.path()], &words);
                match made.code {
                    0 => {
                        let got = counter(&place, server, &format!("out{round}"));
                        assert!(got >= before, "{}, round {round}: {got} of {before}", server.name);
                        taken += 1;
                    }
                    code => assert_eq!(code, 1, "{}: {}", server.name, made.stderr),
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        println!("{}: {taken} of {rounds} exact snapshots were taken", server.name);
        all += taken;
    }
    assert!(all > 0, "none was ever taken");
}
