//! The running server against its file, on real servers.

use std::any::Any;
use std::fs;
use std::path::Path;

use crate::asked::{audit, findings, report};
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
    // With the file at hand its lines count, and the server's value is a difference.
    let both = crate::asked::report(&args);
    let names: Vec<_> = findings(&both).iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"differs-from-file") && !names.contains(&"appendfsync"), "{names:?}");
}

#[test]
fn a_server_that_does_not_answer_is_an_error() {
    let answer = audit(&["--server", "unix:///no/such/socket"]);
    assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{}", answer.err);
}
