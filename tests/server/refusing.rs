//! Servers that answer and say nothing: one that wants a password, one that speaks another protocol, one that never comes to the
//! end of an answer. Sets are looked at without them, and why is told.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use super::support::live::Live;
use super::support::server::Server;
use super::{Access, address, refusal, socket};

/// Listens, and does this with whoever comes. Returns its URL.
fn listening(answer: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            thread::spawn(move || answer(stream));
        }
    });
    url
}

/// Answers whatever is asked with these bytes.
fn with_bytes(bytes: &'static [u8]) -> impl Fn(TcpStream) + Clone + Send + 'static {
    move |mut stream| {
        let mut asked = [0; 4096];
        while stream.read(&mut asked).is_ok_and(|len| len > 0) {
            if stream.write_all(bytes).is_err() {
                return;
            }
        }
    }
}

/// Begins an answer, and goes on with it a byte at a time, without end.
fn drop_by_drop(mut stream: TcpStream) {
    let mut asked = [0; 4096];
    let _ = stream.read(&mut asked);
    let _ = stream.write_all(b"$100000\r\n");
    while stream.write_all(b"x").is_ok() {
        thread::sleep(Duration::from_millis(200));
    }
}

fn set() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    fs::write(dir.path().join("appendonly.aof"), log).unwrap();
    dir
}

fn run(words: &[&str], url: &str, set: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.env_remove("AOFKIT_SERVER_PASSWORD").env_remove("REDISCLI_AUTH");
    command.args(words).args(["--server", url]).arg(set).output().unwrap()
}

/// All verbs that look at sets show this one, and say why once, in one line.
fn assert_is_told(url: &str, set: &Path, why: &str) {
    for verb in ["check", "growth", "status", "inspect"] {
        let told = run(&[verb], url, set);
        let (out, err) =
            (String::from_utf8(told.stdout).unwrap(), String::from_utf8(told.stderr).unwrap());
        assert_eq!(told.status.code(), Some(0), "{verb}: {err}");
        assert!(!out.is_empty(), "{verb}");
        assert_eq!(err.lines().count(), 1, "{verb}: {err}");
        assert!(err.contains(why) && err.contains("without it"), "{verb}: {err}");
        let json = run(&[verb, "--json"], url, set);
        assert_eq!(json.status.code(), Some(0), "{verb}");
        assert!(serde_json::from_slice::<serde_json::Value>(&json.stdout).is_ok(), "{verb}");
    }
    let metrics = run(&["metrics"], url, set);
    let out = String::from_utf8(metrics.stdout).unwrap();
    assert_eq!(metrics.status.code(), Some(0), "{out}");
    assert!(out.contains("aof_check_success{"), "{out}");
    assert!(String::from_utf8(metrics.stderr).unwrap().contains(why));
}

#[test]
fn a_server_that_wants_a_password() {
    let url = listening(with_bytes(b"-NOAUTH Authentication required.\r\n"));
    assert_is_told(&url, set().path(), "wants a password");
}

#[test]
fn what_is_no_server_of_these() {
    let url = listening(with_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let set = set();
    assert_is_told(&url, set.path(), "no Redis and no Valkey");
    let told = run(&["audit"], &url, set.path());
    let err = String::from_utf8(told.stderr).unwrap();
    assert!(err.contains("no Redis and no Valkey") && !err.contains("nexpected"), "{err}");
}

#[test]
fn real_servers_that_want_a_password() {
    for name in super::ALL {
        let Some(server) = Server::find(name) else {
            eprintln!("did not run: no {name}");
            continue;
        };
        let dir = tempfile::tempdir().unwrap();
        let settings = ["--appendonly", "yes", "--requirepass", "secret"];
        let _live = Live::start_with(&server, dir.path(), &settings);
        assert_is_told(&socket(dir.path()).to_string(), dir.path(), "wants a password");
    }
}

#[test]
fn an_answer_without_end_is_given_up_in_time() {
    let url = listening(drop_by_drop);
    let began = Instant::now();
    let patience = Duration::from_secs(1);
    let why = refusal(&address(&url), &Access { patience, ..Access::default() });
    assert!(why.contains("does not answer INFO in time"), "{why}");
    assert!(began.elapsed() < 4 * patience, "{:?}", began.elapsed());
    // Its first answer is waited for, and that of the other connection.
    for verb in ["check", "growth", "status", "audit"] {
        let began = Instant::now();
        let told = run(&[verb, "--server-timeout", "1"], &url, set().path());
        let err = String::from_utf8(told.stderr).unwrap();
        assert_eq!(told.status.code(), Some(1), "{verb}: {err}");
        assert!(err.contains("in time"), "{verb}: {err}");
        assert!(began.elapsed() < 6 * patience, "{verb}: {:?}", began.elapsed());
    }
}

#[test]
fn a_login_without_end_is_given_up_in_time() {
    let url = listening(drop_by_drop);
    let began = Instant::now();
    let patience = Duration::from_secs(1);
    let password = Some("secret".to_owned());
    let why = refusal(&address(&url), &Access { password, patience, ..Access::default() });
    assert!(why.contains("in time"), "{why}");
    assert!(began.elapsed() < 4 * patience, "{:?}", began.elapsed());
}
