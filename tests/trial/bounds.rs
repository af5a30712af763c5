//! What a program on trial may take: time, memory and words. One that takes more is ended, with all that it started.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::support::live::Process;
use super::support::processes::{unshares, working_in};
use super::support::put_program;
use super::support::server::Server;
use super::walls::{home, keeper_of};
use super::{Run, Set, aofkit, set};

/// No bound but these: seconds until it is ready, and memory that must stay free.
fn bounds(seconds: u64, spare: u64) -> [u64; 3] {
    [1 << 20, seconds, spare]
}

fn script(dir: &Path, text: &str) -> std::path::PathBuf {
    let program = dir.join("program");
    put_program(&program, format!("#!/bin/sh\n{text}\n").as_bytes());
    program
}

/// Everything that a keeper says to its end, which must come.
fn said(keeper: &mut Child) -> String {
    let output = BufReader::new(keeper.stdout.take().unwrap());
    let lines: Vec<String> = output.lines().map_while(Result::ok).collect();
    keeper.wait().unwrap();
    lines.join("\n")
}

fn nothing_is_left_in(home: &Path) {
    let ended = Instant::now();
    while !working_in(home).is_empty() {
        assert!(ended.elapsed() < Duration::from_secs(10), "something is left");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// It hears no signal, has children that have left it, and keeps a processor busy.
const STUBBORN: &str = "trap '' TERM INT HUP\nsleep 600 &\nsetsid sleep 600 &\n(setsid sh -c 'sleep 600 & sleep 600' &)\nwhile :; do :; done";

#[test]
fn a_program_that_is_not_ready_in_time_is_ended_with_all_that_it_started() {
    let (home, place) = (home(&[]), TempDir::new().unwrap());
    let program = script(place.path(), STUBBORN);
    let started = Instant::now();
    let mut keeper = keeper_of(home.path(), bounds(1, 0), &program, &[]);
    let told = said(&mut keeper);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(told.ends_with("\u{1}ended it was not ready after 1 s"), "{told}");
    nothing_is_left_in(home.path());
}

#[test]
fn a_program_is_ended_before_it_takes_the_memory_that_others_need() {
    let (home, place) = (home(&[]), TempDir::new().unwrap());
    let program = script(place.path(), STUBBORN);
    let mut keeper = keeper_of(home.path(), bounds(600, u64::MAX), &program, &[]);
    let told = said(&mut keeper);
    assert!(told.contains("\u{1}ended only ") && told.contains(" of memory were free"), "{told}");
    nothing_is_left_in(home.path());
}

#[test]
fn what_was_ready_in_time_is_not_hurried_any_more() {
    let (home, place) = (home(&[]), TempDir::new().unwrap());
    let program = script(place.path(), "echo begun\nexec sleep 600");
    let mut keeper = Process(keeper_of(home.path(), bounds(2, 0), &program, &[]));
    let mut output = BufReader::new(keeper.0.stdout.take().unwrap());
    let mut line = String::new();
    while !line.ends_with("begun\n") {
        assert!(output.read_line(&mut line).unwrap() > 0, "{line}");
    }
    keeper.0.stdin.as_mut().unwrap().write_all(b"r").unwrap();
    std::thread::sleep(Duration::from_secs(4));
    assert!(keeper.0.try_wait().unwrap().is_none(), "it was ended");
    drop(keeper.0.stdin.take());
    keeper.0.wait().unwrap();
    nothing_is_left_in(home.path());
}

/// A server that tells its version, and does that instead of loading.
fn server(dir: &Path, instead: &str) -> std::path::PathBuf {
    script(
        dir,
        &format!("case $1 in --version) echo 'Redis server v=8.2.0 sha=0'; exit;; esac\n{instead}"),
    )
}

fn calibrated(program: &Path) -> Run {
    let (one, started) = (Set::new(&set("a"), &set("b")), Instant::now());
    let dir = one.dir();
    let words =
        ["growth", dir.to_str().unwrap(), "--calibrate", program.to_str().unwrap(), "--json"];
    let run = aofkit(&words);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    run
}

/// An error on standard error is one JSON object and nothing else.
fn error(run: &Run) -> Value {
    let told: Value = serde_json::from_str(&run.err).unwrap_or_else(|e| panic!("{e}: {}", run.err));
    told["error"].clone()
}

#[test]
fn a_server_without_end_in_its_words_is_ended_and_nobody_says_that_it_refused() {
    let dir = TempDir::new().unwrap();
    for instead in ["yes", "yes | tr -d '\\n'", "cat /dev/zero", "yes >&2"] {
        let run = calibrated(&server(dir.path(), instead));
        assert_eq!(run.code, Some(24), "{instead}: {}", run.err);
        let error = error(&run);
        assert_eq!(error["kind"], "not-tried", "{instead}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("bytes and was not ready") && message.contains("has said"),
            "{message}"
        );
    }
}

#[test]
fn a_program_that_answers_the_question_for_its_version_without_end_is_no_server() {
    let dir = TempDir::new().unwrap();
    for always in ["exec yes", "exec cat /dev/zero", "yes & exec sleep 600"] {
        let run = calibrated(&script(dir.path(), always));
        assert!([Some(1), Some(24)].contains(&run.code), "{always}: {:?} {}", run.code, run.err);
        error(&run);
    }
}

#[test]
fn a_server_that_somebody_kills_has_refused_nothing() {
    let dir = TempDir::new().unwrap();
    let run = calibrated(&server(dir.path(), "echo loading; kill -9 $$"));
    assert_eq!(run.code, Some(24), "{}", run.err);
    assert!(error(&run)["message"].as_str().unwrap().contains("killed"), "{}", run.err);
    // One that leaves has.
    let run = calibrated(&server(dir.path(), "echo 'Bad file format'; exit 1"));
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(error(&run)["message"].as_str().unwrap().contains("Bad file format"), "{}", run.err);
}

#[test]
fn a_verification_does_not_call_a_snapshot_bad_whose_server_was_ended() {
    let dir = TempDir::new().unwrap();
    let one = Set::new(&set("a"), &set("b"));
    let run = one.verify(&server(dir.path(), "kill -9 $$"));
    assert_eq!(run.code, Some(24), "{} {}", run.out, run.err);
    let told: Value = serde_json::from_str(&run.out).unwrap();
    assert!(told["loaded"][0]["loads"].is_null(), "{told}");
    assert_eq!(run.err, "");
}

#[test]
fn children_that_a_server_leaves_behind_are_ended_and_do_not_hold_us() {
    let dir = TempDir::new().unwrap();
    let program =
        server(dir.path(), "setsid sleep 600 &\n(setsid sh -c 'sleep 600 & sleep 600' &)\nexit 1");
    let run = calibrated(&program);
    assert_eq!(run.code, Some(1), "{}", run.err);
    nothing_is_left_in(dir.path());
}

/// Runs aofkit where no process can have processes of its own.
fn without_own_processes(words: &[&str], temporary: &Path) -> Run {
    let text = "echo 0 >/proc/sys/user/max_pid_namespaces && exec \"$@\"";
    let output = Command::new("unshare")
        .args(["-Ur", "sh", "-c", text, "sh", env!("CARGO_BIN_EXE_aofkit")])
        .args(words)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 0, "something was left");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn without_processes_of_its_own_a_server_leaves_nothing_either_and_json_says_what_was_missing() {
    if !unshares("-p") || !unshares("-U") {
        println!("no namespaces: nothing was tried");
        return;
    }
    let (dir, one) = (TempDir::new().unwrap(), Set::new(&set("a"), &set("b")));
    let temporary = TempDir::new().unwrap();
    let program =
        server(dir.path(), "setsid sleep 600 &\n(setsid sh -c 'sleep 600 & sleep 600' &)\nexit 1");
    let set = one.dir();
    let words = |program: &Path| {
        let words =
            ["growth", set.to_str().unwrap(), "--calibrate", program.to_str().unwrap(), "--json"];
        words.map(str::to_owned)
    };
    let run = |program: &Path| {
        let words = words(program);
        without_own_processes(&words.each_ref().map(String::as_str), temporary.path())
    };
    let started = Instant::now();
    let left = run(&program);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(left.code, Some(1), "{}", left.err);
    error(&left);
    nothing_is_left_in(dir.path());
    let Some(real) = Server::find("redis-8.2") else { return };
    let measured = run(&real.program());
    assert_eq!((measured.code, measured.err.as_str()), (Some(0), ""), "{}", measured.out);
    let told: Value = serde_json::from_str(&measured.out).unwrap();
    let missing = told["load"]["walls_missing"].as_array().unwrap();
    let of_its_own = |wall: &Value| wall.as_str().unwrap().starts_with("processes of its own");
    assert!(missing.iter().any(of_its_own), "{missing:?}");
}
