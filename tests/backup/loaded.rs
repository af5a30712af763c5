//! `verify --load`: real servers load a snapshot in two ways, and a snapshot that is falsified so that all its
//! hashes are right is found out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::support::fill::{fill, many};
use super::support::live::Live;
use super::support::processes::{is_alive, is_closed, is_root, unshares, working_in};
use super::support::server::Server;
use super::support::{copy_tree, put_program};
use super::{Home, set};

const SERVERS: [&str; 5] = ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-8.1", "valkey-9.1"];

struct Run {
    code: Option<i32>,
    json: Value,
    err: String,
}

fn aofkit(words: &[&str], temporary: &Path) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(words).arg("--json").env("TMPDIR", temporary).stdin(Stdio::null());
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Verifies with a server; whatever comes, nothing is left in the temporary directory.
fn load(repo: &Path, server: &Path) -> Run {
    let temporary = TempDir::new().unwrap();
    let words = ["verify", "--load", server.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    let run = aofkit(&words, temporary.path());
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "something was left");
    run
}

fn rewrite(live: &mut Live) {
    live.must("BGREWRITEAOF");
    let started = Instant::now();
    let is_busy = |info: &str| {
        ["aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1"].iter().any(|w| info.contains(w))
    };
    while is_busy(&live.must("INFO persistence").text()) {
        assert!(started.elapsed() < Duration::from_secs(30), "a rewrite never ends");
        thread::sleep(Duration::from_millis(5));
    }
}

fn ms_from_now(ms: i64) -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64 + ms
}

/// Keys of every type in several databases; some expire soon, and one would have if it had not been kept.
fn write(server: &Server, data: &Path, preamble: &str) -> u64 {
    let settings =
        ["--appendonly", "yes", "--appendfsync", "no", "--aof-use-rdb-preamble", preamble];
    let mut live = Live::start_with(server, data, &settings);
    fill(&mut live);
    let has_vectors = live.must("INFO server").text().contains("redis_version:8.");
    live.must("SELECT 0");
    live.must(&format!("SET kept:alive 1 PXAT {}", ms_from_now(900)));
    rewrite(&mut live);
    live.must("PERSIST kept:alive");
    // A consumer is seen at another time in each load, and each builds another graph of the same vectors.
    live.must("XREADGROUP GROUP g2 c9 COUNT 7 STREAMS stream:large >");
    for n in 0..if has_vectors { 600 } else { 0 } {
        live.must(&format!("VADD vectors VALUES 3 1 2 {n} element:{n}"));
    }
    live.must(&many("SADD", "set:huge", 12_000, |i| format!("member:{i}")));
    live.call(&[b"RPUSH", b"\x00\xff\r\nbinary", b"\x00\r\n", b""]);
    live.must("SELECT 7");
    for n in 0..1500 {
        live.must(&format!("SET seven:{n} {n}"));
    }
    live.must(&format!("PEXPIREAT seven:1 {}", ms_from_now(600)));
    live.must(&format!("PEXPIREAT seven:2 {}", ms_from_now(3_600_000)));
    thread::sleep(Duration::from_millis(1000));
    let keys = live.must("DBSIZE").number();
    live.shut_down();
    keys
}

#[test]
fn five_servers_hold_the_same_by_the_files_as_by_the_commands_in_them() {
    let Some(servers) = Server::find_all(&SERVERS) else {
        println!("not all servers found: nothing was loaded");
        return;
    };
    for server in &servers {
        for preamble in ["yes", "no"] {
            let data = TempDir::new().unwrap();
            write(server, data.path(), preamble);
            let repo = data.path().join("repo");
            let words = ["backup", data.path().to_str().unwrap(), "--repo", repo.to_str().unwrap()];
            let made = aofkit(&[&words[..], &["--min-free", "0"]].concat(), data.path());
            assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
            let run = load(&repo, &server.program());
            assert_eq!(run.code, Some(0), "{} {preamble}: {} {:#}", server.name, run.err, run.json);
            let loaded = &run.json["loaded"][0];
            assert_eq!(loaded["compared"], true, "{loaded}");
            assert_eq!(loaded["left_out"], 0, "{loaded}");
            assert_eq!(loaded["digest"].as_str().unwrap().len(), 32, "{loaded}");
            let seven = loaded["databases"].as_array().unwrap().iter().find(|d| d["db"] == 7);
            assert_eq!(seven.unwrap()["keys"], 1499, "{loaded}");
            assert!(loaded["keys"].as_u64().unwrap() > 1520, "{loaded}");
        }
    }
}

/// The bytes of an entry with another sum.
fn sealed(entry: &Value) -> Vec<u8> {
    let mut rest = entry.clone();
    rest.as_object_mut().unwrap().remove("sum");
    let rest = serde_json::to_string(&rest).unwrap();
    let body = format!("\",{}\n", rest.strip_prefix('{').unwrap());
    let hash = hex(format!("{{\"sum\":\"{}{body}", "0".repeat(64)).as_bytes());
    format!("{{\"sum\":\"{hash}{body}").into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Changes the only entry of a repository so that all its hashes are right.
fn falsify(home: &Home, change: impl Fn(&mut Value)) {
    let repository = home.repository();
    let listed = repository.list().unwrap().pop().unwrap();
    let path = home.repo().join(listed.key());
    let mut entry: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut entry);
    fs::write(path, sealed(&entry)).unwrap();
}

fn differences(run: &Run) -> String {
    run.json["loaded"][0]["differences"].to_string()
}

#[test]
fn a_snapshot_that_is_falsified_with_right_hashes_is_found_out() {
    let Some(server) = Server::find("redis-7.0") else {
        println!("no redis-7.0: nothing was loaded");
        return;
    };
    let new = || {
        let home = Home::with_increment(&[set("a", b"1"), set("b", b"2")].concat());
        home.backup();
        home
    };
    let program = server.program();
    let home = new();
    assert_eq!(load(&home.repo(), &program).code, Some(0));
    // The manifest keeps silent about the increment.
    falsify(&home, |entry| {
        let text = entry["manifest"]["text"].as_str().unwrap();
        let first = text.split_inclusive('\n').next().unwrap().to_owned();
        entry["manifest"]["sha256"] = hex(first.as_bytes()).into();
        entry["manifest"]["text"] = first.into();
    });
    let quiet = ["verify", "--repo", home.repo().to_str().unwrap()].map(str::to_owned);
    let quiet: Vec<&str> = quiet.iter().map(String::as_str).collect();
    assert_eq!(aofkit(&quiet, home.root.path()).code, Some(0), "all hashes are right");
    let run = load(&home.repo(), &program);
    assert_eq!(run.code, Some(25), "{}", run.json);
    let found = differences(&run);
    assert!(found.contains("db 0: 1 loaded, the commands in it give 3"), "{found}");
    assert!(found.contains("\"key\":\"a\"") && found.contains("\"key\":\"b\""), "{found}");
    // More commands are promised than there are.
    let home = new();
    falsify(&home, |entry| entry["files"][1]["commands"] = 3.into());
    let run = load(&home.repo(), &program);
    assert_eq!(run.code, Some(25), "{}", run.json);
    assert!(differences(&run).contains("it holds 3 commands, and says 4"), "{}", differences(&run));
    // The same file twice over: what counts twice has another value.
    let home = Home::with_increment(b"*2\r\n$4\r\nINCR\r\n$4\r\nbase\r\n");
    home.backup();
    falsify(&home, |entry| {
        let text = entry["manifest"]["text"].as_str().unwrap().to_owned();
        let text = text + "file appendonly.aof.2.incr.aof seq 2 type i\n";
        entry["manifest"]["sha256"] = hex(text.as_bytes()).into();
        entry["manifest"]["text"] = text.into();
        let mut base = entry["files"][0].clone();
        base["name"] = "appendonly.aof.2.incr.aof".into();
        entry["files"].as_array_mut().unwrap().insert(1, base);
    });
    let run = load(&home.repo(), &program);
    let found = differences(&run);
    assert!(found.contains("\"key\":\"base\"") && found.contains("another value"), "{found}");
}

#[test]
fn an_rdb_alone_is_compared_with_the_number_of_its_keys() {
    let Some(server) = Server::find("redis-7.0") else {
        println!("no redis-7.0: nothing was loaded");
        return;
    };
    let data = TempDir::new().unwrap();
    let mut live = Live::start(&server, data.path());
    fill(&mut live);
    live.must("SELECT 2");
    live.must(&format!("SET short 1 PXAT {}", ms_from_now(700)));
    live.must("SAVE");
    live.shut_down();
    thread::sleep(Duration::from_millis(700));
    let repo = data.path().join("repo");
    let dump = data.path().join("dump.rdb");
    let words = ["backup", dump.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    let made = aofkit(&[&words[..], &["--min-free", "0"]].concat(), data.path());
    assert_eq!(made.code, Some(0), "{}", made.err);
    let run = load(&repo, &server.program());
    assert_eq!(run.code, Some(0), "{:#}", run.json);
    assert_eq!(run.json["loaded"][0]["compared"], true);
}

#[test]
fn files_as_they_were_found_are_not_asked_about_unless_their_source_is_named() {
    let Some(server) = Server::find("redis-7.0") else {
        println!("no redis-7.0: nothing was loaded");
        return;
    };
    let home = Home::in_memory();
    home.fill(&set("k", b"1"));
    let source = home.backup().entry.source;
    home.put("appendonly.aof.1.base.aof", b"*3\r\n$3\r\nSE");
    let options = aofkit::backup::BackupOptions { as_is: true, ..Default::default() };
    let kept = home.try_backup(&options).unwrap().entry;
    let run = load(&home.repo(), &server.program());
    assert_eq!(run.code, Some(0), "{}", run.err);
    let loaded = run.json["loaded"].as_array().unwrap();
    let sources: Vec<_> = loaded.iter().map(|one| one["source_name"].as_str().unwrap()).collect();
    assert_eq!((sources, kept.source), (vec![source.as_str()], format!("{source}.as-is")));
}

/// An executable script.
fn script(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("server");
    put_program(&path, format!("#!/bin/sh\n{text}").as_bytes());
    path
}

/// The comparison went by DEBUG DIGEST-VALUE once, and a server without it was loaded and not compared.
#[test]
fn a_server_without_debug_is_compared_like_any_other() {
    let names = ["redis-6.2", "redis-8.2", "valkey-9.1"];
    let Some(servers) = Server::find_all(&names) else {
        println!("not all servers found: nothing was loaded");
        return;
    };
    for server in servers {
        let data = TempDir::new().unwrap();
        write(&server, data.path(), "no");
        let repo = data.path().join("repo");
        let words = ["backup", data.path().to_str().unwrap(), "--repo", repo.to_str().unwrap()];
        let made = aofkit(&[&words[..], &["--min-free", "0"]].concat(), data.path());
        assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
        let bare = ["DEBUG", "OBJECT", "COMMAND", "MEMORY", "CONFIG", "DBSIZE", "KEYS"];
        let bare = bare.map(|name| format!("--rename-command {name} ''")).join(" ");
        let program = server.program();
        let text = format!("exec {} \"$@\" {bare}\n", program.display());
        let run = load(&repo, &script(data.path(), &text));
        assert_eq!(run.code, Some(0), "{}: {} {:#}", server.name, run.err, run.json);
        assert_eq!(run.json["loaded"][0]["compared"], true, "{:#}", run.json);
        // The script leads to where another user than root may not be able to go, and nobody is silent about that.
        let closed = is_root() && is_closed(&program);
        let missing = run.json["loaded"][0]["walls_missing"].to_string();
        assert_eq!(missing.contains("a user of its own"), closed, "{missing}");
        // Both say the same of it.
        let usual = load(&repo, &program);
        assert_eq!(usual.json["loaded"][0]["keys"], run.json["loaded"][0]["keys"]);
    }
}

/// A snapshot with one such key was not compared at all.
#[test]
fn a_key_that_no_command_can_give_is_left_out_and_the_others_are_compared() {
    let Some(server) = Server::find("redis-7.0") else {
        println!("no redis-7.0: nothing was loaded");
        return;
    };
    let data = TempDir::new().unwrap();
    let dump = data.path().join("dump.rdb");
    let long = vec![b'k'; (64 << 20) + 1];
    let mut rdb = b"REDIS0009\xfe\x00\x00\x80".to_vec();
    rdb.extend((long.len() as u32).to_be_bytes());
    rdb.extend(long);
    // Its value, another key, the end, and no checksum.
    rdb.extend(b"\x01v\x00\x05short\x01w\xff\0\0\0\0\0\0\0\0");
    fs::write(&dump, rdb).unwrap();
    let repo = data.path().join("repo");
    let words = ["backup", dump.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    let made = aofkit(&[&words[..], &["--min-free", "0"]].concat(), data.path());
    assert_eq!(made.code, Some(0), "{}", made.err);
    let run = load(&repo, &server.program());
    assert_eq!(run.code, Some(0), "{} {:#}", run.err, run.json);
    let loaded = &run.json["loaded"][0];
    assert_eq!((&loaded["compared"], &loaded["left_out"]), (&true.into(), &1.into()), "{loaded}");
    assert_eq!(loaded["keys"], 2, "{loaded}");
}

/// A program that says it is a server, and is never done loading.
fn idler(dir: &Path, work: &str) -> PathBuf {
    script(dir, &format!("case $1 in --version) echo 'X server v=7.0.0'; exit;; esac\n{work}\n"))
}

/// Starts a verification with an idler. Answers it and the processes that must not be left, one of which runs `what`.
fn idling(home: &Home, server: &Path, temporary: &Path, what: &str) -> (Child, Vec<String>) {
    let child = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .args(["verify", "--load", server.to_str().unwrap(), "--repo"])
        .arg(home.repo())
        .env("TMPDIR", temporary)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let servers = loop {
        assert!(started.elapsed() < Duration::from_secs(30), "the server was not started");
        let all = working_in(temporary);
        match all.iter().any(|pid| runs(pid, what)) {
            true => break all,
            false => thread::sleep(Duration::from_millis(10)),
        }
    };
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 1);
    assert!(servers.iter().all(|pid| is_alive(pid)));
    (child, servers)
}

/// Whether a process has this word in its command line.
fn runs(pid: &str, what: &str) -> bool {
    let line = fs::read(Path::new("/proc").join(pid).join("cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|word| String::from_utf8_lossy(word).contains(what))
}

fn signal(child: &Child, signal: &str) {
    let told = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(told.unwrap().success());
}

#[test]
fn an_interrupted_load_leaves_neither_files_nor_servers() {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    let (temporary, dir) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let server = idler(dir.path(), "exec sleep 60");
    let (mut child, servers) = idling(&home, &server, temporary.path(), "sleep");
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "something was left");
    assert!(!servers.iter().any(|pid| is_alive(pid)), "the server lives on");
}

/// A verification that was killed left its servers running, and their copy of the set.
#[test]
fn a_killed_load_leaves_neither_files_nor_servers() {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    let real = Server::find("redis-8.2");
    let mut works = vec![
        ("exec sleep 60".to_owned(), "sleep"),
        // A script that starts the server and waits for it.
        ("sleep 60 & wait".to_owned(), "sleep"),
    ];
    // One that has the server leave its group and its session, where it can have processes of its own.
    if unshares("-p") {
        works.push(("setsid sleep 60 & wait".to_owned(), "sleep"));
    }
    // A real one says that it is ready, and is not heard.
    let exec = "exec \"${0%/*}/real/server\" \"$@\" > /dev/null".to_owned();
    works.extend(real.as_ref().map(|_| (exec, "redis-server")));
    for (work, what) in works {
        let (temporary, dir) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        if let Some(real) = real.as_ref().filter(|_| what == "redis-server") {
            // Nobody else can go where it is; beside the script, he can.
            copy_tree(real.program().parent().unwrap(), &dir.path().join("real"));
        }
        let server = idler(dir.path(), &work);
        let (mut child, servers) = idling(&home, &server, temporary.path(), what);
        signal(&child, "-KILL");
        child.wait().unwrap();
        let killed = Instant::now();
        while servers.iter().any(|pid| is_alive(pid))
            || fs::read_dir(temporary.path()).unwrap().count() > 0
        {
            assert!(killed.elapsed() < Duration::from_secs(10), "something is left: {work}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_server_that_does_not_start_is_told_in_its_own_words() {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    let dir = TempDir::new().unwrap();
    let program = idler(dir.path(), "echo one; echo two >&2; exit 3");
    // A server that was named from the current directory on was looked for in the scratch directory.
    let here = std::env::current_dir().unwrap();
    let up = here.components().skip(1).map(|_| "..").collect::<PathBuf>();
    let from_here = up.join(program.strip_prefix("/").unwrap());
    for program in [program, from_here] {
        let run = load(&home.repo(), &program);
        assert_eq!(run.code, Some(25), "{}", run.json);
        let why = run.json["loaded"][0]["message"].as_str().unwrap();
        assert_eq!(why, "the server does not start: one; two");
        assert_eq!(run.json["loaded"][0]["compared"], false);
    }
}
