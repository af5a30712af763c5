//! Configurations of several servers of one host, held against one another.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::asked::{audit, findings, report};
use crate::cases::{Case, Given, with};
use crate::sets::{Args, chmod, private};

pub const CASES: &[Case] = &[
    Case {
        rule: "servers-share-a-place",
        breaks: Given::Made(|dir| Some(both(dir, "port 7000", "port 7000"))),
        holds: Given::Made(|dir| Some(both(dir, "port 7000", "port 7001"))),
    },
    Case {
        rule: "nodes-differ",
        breaks: Given::Made(|dir| {
            Some(both(dir, &node(7000, "maxmemory 1gb"), &node(7001, "maxmemory 2gb")))
        }),
        holds: Given::Made(|dir| {
            Some(both(dir, &node(7000, "maxmemory 1gb"), &node(7001, "maxmemory 1024mb")))
        }),
    },
];

fn node(port: u16, line: &str) -> String {
    format!("port {port}\ncluster-enabled yes\ncluster-require-full-coverage no\n{line}")
}

/// Two configurations of these lines, each with a directory of its own where they name none.
fn both(dir: &Path, one: &str, other: &str) -> Args {
    let mut args: Vec<OsString> = Vec::new();
    for (name, lines) in [("a", one), ("b", other)] {
        let own = dir.join(name);
        fs::create_dir_all(&own).unwrap();
        chmod(&own, 0o700);
        let place = match lines.contains("dir ") {
            true => String::new(),
            false => format!("dir {}\n", own.display()),
        };
        let conf = own.join("redis.conf");
        fs::write(&conf, with(&format!("{place}{lines}\n"))).unwrap();
        chmod(&conf, 0o600);
        args.extend(["--conf".into(), conf.into()]);
    }
    args
}

#[test]
fn what_two_servers_of_a_host_share_is_told_and_what_they_do_not_is_not() {
    let told = |one: &str, other: &str| -> Vec<(String, String)> {
        let dir = private();
        let data = format!("dir {}", dir.path().display());
        let (one, other) = (one.replace("DATA", &data), other.replace("DATA", &data));
        let report = report(&both(dir.path(), &one, &other));
        let wanted = ["servers-share-a-place", "nodes-differ"];
        let found =
            findings(&report).iter().filter(|one| wanted.contains(&one["name"].as_str().unwrap()));
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        found.map(|one| (text(&one["name"]), text(&one["seen"]))).collect()
    };
    assert_eq!(told("port 1", "port 2"), []);
    assert_eq!(told("port 0", "port 0"), []);
    let shared = |one: &str, other: &str, part: &str| {
        let told = told(one, other);
        assert!(told.len() == 1 && told[0].1.contains(part), "{one} {other}: {told:?}");
        assert_eq!(told[0].0, "servers-share-a-place");
    };
    shared("port 7\nbind 127.0.0.1", "port 7\nbind 127.0.0.1 10.0.0.1", "port 7, as in ");
    assert_eq!(told("port 7\nbind 10.0.0.2", "port 7\nbind 10.0.0.1"), []);
    shared("port 7\nunixsocket /tmp/s", "port 8\nunixsocket /tmp/s", "unixsocket /tmp/s");
    shared("port 7\nDATA", "port 8\nDATA", "with the same appenddirname and appendfilename");
    let other =
        "port 8\nDATA\ndbfilename b.rdb\nappendfilename b.aof\ncluster-config-file nodes-8.conf";
    assert_eq!(told("port 7\nDATA", other), []);
    let node = |port: u16, line: &str| node(port, line);
    let unlike = told(
        &node(7, "appendonly yes\nmaxmemory-policy allkeys-lru\nmasterauth first-of-all-secrets"),
        &node(8, "appendonly no\nmaxmemory-policy noeviction\nmasterauth second-of-all-secrets"),
    );
    let names: Vec<_> =
        unlike.iter().map(|(_, seen)| seen.split([' ', ';']).next().unwrap()).collect();
    assert_eq!(names, ["appendonly", "maxmemory-policy", "masterauth"], "{unlike:?}");
    assert!(unlike.iter().all(|(_, seen)| !seen.contains("of-all-secrets")), "{unlike:?}");
    // Servers that are no nodes of a cluster may differ.
    assert_eq!(told("port 7\nmaxmemory 1gb", "port 8\nmaxmemory 2gb"), []);
}

#[test]
fn every_configuration_is_judged_and_only_the_audit_takes_several() {
    let dir = private();
    let args = both(dir.path(), "port 7", "port 8\nappendfsync no");
    let report = report(&args);
    let found = findings(&report).iter().find(|one| one["name"] == "appendfsync").unwrap();
    assert!(found["place"]["file"].as_str().unwrap().ends_with("/b/redis.conf"), "{found}");
    assert_eq!(report["source"]["more_confs"].as_array().unwrap().len(), 1);
    let text = audit(&args).out;
    assert!(text.contains("a/redis.conf") && text.contains("b/redis.conf"), "{text}");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let output = command.arg("check").args(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("only `audit` takes more than one"));
}
