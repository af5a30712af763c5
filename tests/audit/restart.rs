//! The running server against its file, on real servers.

use std::any::Any;
use std::fs;
use std::path::Path;

use crate::asked::{audit, broken, findings, report};
use crate::cases::{Case, Given, with};
use crate::sets::{Args, private};
use crate::support::in_parallel;
use crate::support::live::Live;
use crate::support::server::{ALL, Server};

pub const CASES: &[Case] = &[
    Case {
        rule: "differs-from-file",
        breaks: Given::Running(|dir| running(dir, "", &[], &["CONFIG SET timeout 100"])),
        holds: Given::Running(|dir| running(dir, "timeout 100", &[], &[])),
    },
    Case {
        rule: "started-with-arguments",
        breaks: Given::Running(|dir| {
            running(dir, "set-proc-title no\nhz 11", &["--hz", "11"], &[])
        }),
        holds: Given::Running(|dir| running(dir, "set-proc-title no\nhz 11", &[], &[])),
    },
    Case {
        rule: "other-configuration-file",
        breaks: Given::Running(|dir| {
            let (mut args, alive) = running(dir, "", &[], &[])?;
            let other = dir.join("other.conf");
            fs::copy(&args[1], &other).unwrap();
            args[1] = other.into();
            Some((args, alive))
        }),
        holds: Given::Running(|dir| running(dir, "", &[], &[])),
    },
];

/// A server that was started by a good configuration with these lines and arguments, and was told these things since.
fn start(server: &Server, dir: &Path, lines: &str, arguments: &[&str]) -> (Args, Live) {
    let data = dir.join("data");
    fs::create_dir(&data).unwrap();
    let socket = dir.join("s");
    let place = format!("port 0\nunixsocket {}\ndir {}\n{lines}", socket.display(), data.display());
    let conf = dir.join("redis.conf");
    // Tests log in without a password.
    let text = with(&place);
    let kept = text.lines().filter(|line| !line.starts_with("user "));
    fs::write(&conf, kept.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let mut command = server.command();
    command.arg(&conf).args(arguments);
    let live = Live::spawn(server, command, dir, &socket);
    let url = format!("unix://{}", socket.display());
    (vec!["--conf".into(), conf.into(), "--server".into(), url.into()], live)
}

fn running(
    dir: &Path,
    lines: &str,
    arguments: &[&str],
    said: &[&str],
) -> Option<(Args, Box<dyn Any>)> {
    let Some(server) = Server::find("redis-7.4") else {
        println!("did not run: no server was found");
        return None;
    };
    let (args, mut live) = start(&server, dir, lines, arguments);
    for words in said {
        live.must(words);
    }
    Some((args, Box::new(live)))
}

/// Settings in forms that a server changes when it tells or writes them.
const LINES: &str = "maxmemory 100mb\nsave 3600 1 300 100\nsave 60 10000\nnotify-keyspace-events KEA\n\
    client-output-buffer-limit replica 256mb 64mb 60\nmaxmemory-policy ALLKEYS-LRU\nhash-max-ziplist-entries 64\n\
    requirepass Tei7ahxohl2quiec\nslowlog-max-len 100\nproto-max-bulk-len 512mb\noom-score-adj no\nlogfile \"\"";

#[test]
fn a_file_and_the_server_that_runs_by_it_differ_in_nothing_before_and_after_config_rewrite() {
    let servers = Server::all_or_none(&ALL);
    in_parallel(servers.len(), |i| {
        let server = &servers[i];
        let dir = private();
        let lines = match server.name.as_str() {
            // It knows no such log.
            "redis-6.2" => return,
            _ => LINES,
        };
        let (args, mut live) = start(server, dir.path(), lines, &[]);
        live.must("AUTH Tei7ahxohl2quiec");
        let judged = |when: &str| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_aofkit"));
            command.env("AOFKIT_SERVER_PASSWORD", "Tei7ahxohl2quiec");
            let output = command.arg("audit").args(&args).arg("--json").output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(
                !format!("{text}{said}").contains("Tei7ahxohl2quiec"),
                "{} {when}",
                server.name
            );
            let report: serde_json::Value = serde_json::from_str(&text).expect(&said);
            let rules = ["AOF-017", "AOF-018", "AOF-019"];
            let found = findings(&report).iter().filter(|one| {
                let rule = one["rule"].as_str().unwrap();
                rules.contains(&rule) || ("AOF-110".."AOF-130").contains(&rule)
            });
            found.map(|one| one["seen"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(judged("started"), Vec::<String>::new(), "{}", server.name);
        live.must("CONFIG SET timeout 100");
        live.must("CONFIG SET maxmemory 200mb");
        let told = judged("set");
        assert_eq!(told.len(), 2, "{}: {told:?}", server.name);
        live.must("CONFIG REWRITE");
        let written = fs::read_to_string(&args[1]).unwrap();
        assert!(written.contains("# Generated by CONFIG REWRITE"), "{}: {written}", server.name);
        assert_eq!(judged("rewritten"), Vec::<String>::new(), "{}: {written}", server.name);
    });
}

#[test]
fn places_clients_and_buffers_are_compared_as_a_restart_would_change_them() {
    let servers = Server::all_or_none(&ALL);
    in_parallel(servers.len(), |i| {
        let (server, dir) = (&servers[i], private());
        // It does not know all lines of a good configuration.
        if server.name == "redis-6.2" {
            return;
        }
        let lines = "maxclients 100\nclient-output-buffer-limit replica 256mb 64mb 60\nenable-protected-configs yes";
        let (args, mut live) = start(server, dir.path(), lines, &[]);
        let told = |args: &Args| -> Vec<String> {
            let report = report(args);
            let found = findings(&report).iter().filter(|one| one["rule"] == "AOF-017");
            found.map(|one| one["seen"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(told(&args), Vec::<String>::new(), "{}", server.name);
        let other = dir.path().join("elsewhere");
        fs::create_dir(&other).unwrap();
        live.must(&format!("CONFIG SET dir {}", other.display()));
        live.must("CONFIG SET maxclients 90");
        let words: [&[u8]; 4] =
            [b"CONFIG", b"SET", b"client-output-buffer-limit", b"pubsub 1048576 0 10"];
        live.call(&words);
        let seen = told(&args);
        let has = |part: &str| seen.iter().any(|one| one.contains(part));
        assert_eq!(seen.len(), 3, "{}: {seen:?}", server.name);
        assert!(has("elsewhere") && has("maxclients"), "{}: {seen:?}", server.name);
        assert!(
            has("has pubsub 33554432 8388608 60; the running server has pubsub 1048576 0 10"),
            "{seen:?}"
        );
    });
}

#[test]
fn a_server_alone_is_judged_by_what_it_tells() {
    let dir = private();
    let Some((args, _alive)) = running(dir.path(), "", &[], &["CONFIG SET appendfsync no"]) else {
        return;
    };
    let report = report(&args[2..]);
    let found = findings(&report).iter().find(|one| one["name"] == "appendfsync").unwrap();
    assert_eq!(found["place"]["kind"], "setting");
    assert_eq!(found["place"]["setting"], "appendfsync");
    assert_eq!(report["target"], "redis-7.4");
    // With the file at hand the server's value is a difference as well, and still what runs.
    let both = crate::asked::report(&args);
    let of =
        |name: &str| findings(&both).iter().filter(|one| one["name"] == name).collect::<Vec<_>>();
    assert_eq!(of("differs-from-file").len(), 1, "{both}");
    assert_eq!(of("appendfsync").len(), 1, "{both}");
    assert_eq!(of("appendfsync")[0]["place"]["kind"], "setting");
}

/// A server that was started in another way than its file says keeps nothing, and that is not to be made permanent.
#[test]
fn a_value_that_is_a_fault_is_not_to_be_written_into_the_file() {
    let dir = private();
    let arguments = ["--appendonly", "no", "--save", "", "--maxmemory", "0"];
    let Some((args, _alive)) = running(dir.path(), "maxmemory 100mb", &arguments, &[]) else {
        return;
    };
    let both = report(&args);
    let one = |rule: &str, kind: &str| {
        let is_meant =
            |one: &&serde_json::Value| one["rule"] == rule && one["place"]["kind"] == kind;
        findings(&both).iter().find(is_meant).unwrap_or_else(|| panic!("{rule} {kind}: {both}"))
    };
    assert_eq!(one("AOF-002", "setting")["severity"], "error");
    assert_eq!(one("AOF-040", "setting")["place"]["setting"], "maxmemory");
    let differs = findings(&both).iter().filter(|one| one["rule"] == "AOF-017");
    for (name, set) in
        [("appendonly", "CONFIG SET appendonly yes"), ("maxmemory", "CONFIG SET maxmemory 100mb")]
    {
        let told = differs.clone().find(|one| one["seen"].as_str().unwrap().starts_with(name));
        let fixes = &told.unwrap_or_else(|| panic!("{name}: {both}"))["fix"];
        assert_eq!(fixes[0]["text"], set);
        assert!(fixes.as_array().unwrap().iter().all(|fix| fix["text"] != "CONFIG REWRITE"));
    }
    let appendonly =
        differs.clone().find(|one| one["seen"].as_str().unwrap().starts_with("appendonly"));
    assert_eq!(appendonly.unwrap()["severity"], "error");
}

#[test]
fn a_server_that_runs_without_the_file_is_judged_by_what_it_runs_with() {
    let dir = private();
    let Some((mut args, _alive)) =
        running(dir.path(), "appendonly no\nsave \"\"\nmaxmemory 0", &[], &[])
    else {
        return;
    };
    let alone = broken(&report(&args[2..]));
    let other = dir.path().join("other.conf");
    fs::write(&other, with("save 60 1000")).unwrap();
    args[1] = other.into();
    let both = broken(&report(&args));
    for rule in ["AOF-002", "AOF-040"] {
        assert!(alone.contains(rule) && both.contains(rule), "{rule}: {alone:?} {both:?}");
    }
    assert!(both.contains("AOF-019"), "{both:?}");
}

#[test]
fn a_server_that_does_not_answer_is_an_error() {
    let answer = audit(&["--server", "unix:///no/such/socket"]);
    assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{}", answer.err);
}
