//! Memory and the kernel: by the configuration, by a server's words, and by a machine made of files.

use std::fs;
use std::path::Path;

use aofkit::audit::{Subject, audit, named};
use aofkit::disk::Machine;
use aofkit::server::ServerSeen;

use crate::cases::{Case, Given, subject};

pub const CASES: &[Case] = &[
    Case::lines("maxmemory-unset", "maxmemory 0", "maxmemory 2gb"),
    Case {
        rule: "maxmemory-against-machine",
        breaks: Given::Seen(|dir| on(dir, "", 1500)),
        holds: Given::Seen(|dir| on(dir, "", 4000)),
    },
    Case::lines("eviction-policy", "maxmemory-policy noeviction", "maxmemory-policy allkeys-lrm"),
    Case {
        rule: "keys-evicted",
        breaks: Given::Seen(|dir| said(dir, 7, 1)),
        holds: Given::Seen(|dir| said(dir, 0, 1)),
    },
    Case {
        rule: "memory-near-limit",
        breaks: Given::Seen(|dir| said(dir, 0, 95)),
        holds: Given::Seen(|dir| said(dir, 0, 80)),
    },
    Case::lines("maxmemory-samples", "maxmemory-samples 1", "maxmemory-samples 10"),
    Case {
        rule: "overcommit-memory",
        breaks: Given::Seen(|dir| with_file(dir, "", "proc/sys/vm/overcommit_memory", "0")),
        holds: Given::Seen(|dir| with_file(dir, "", "proc/sys/vm/overcommit_memory", "1")),
    },
    Case {
        rule: "transparent-huge-pages",
        breaks: Given::Seen(|dir| with_file(dir, "disable-thp no", HUGE, "[always] madvise never")),
        holds: Given::Seen(|dir| with_file(dir, "disable-thp yes", HUGE, "[always] madvise never")),
    },
    Case {
        rule: "somaxconn",
        breaks: Given::Seen(|dir| with_file(dir, "", "proc/sys/net/core/somaxconn", "128")),
        holds: Given::Seen(|dir| with_file(dir, "", "proc/sys/net/core/somaxconn", "4096")),
    },
];

const HUGE: &str = "sys/kernel/mm/transparent_hugepage/enabled";

/// A good configuration with these lines, on a machine that has this file.
fn with_file(dir: &Path, lines: &str, name: &str, text: &str) -> Subject {
    let file = dir.join("root").join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    Subject { machine: Some(Machine::read(&dir.join("root"), None)), ..subject(dir, lines) }
}

/// On a machine with so many MiB.
fn on(dir: &Path, lines: &str, mib: u64) -> Subject {
    with_file(dir, lines, "proc/meminfo", &format!("MemTotal: {} kB\n", mib << 10))
}

/// Beside a server that has evicted so many keys and uses so many percent of its memory.
fn said(dir: &Path, evicted: u64, percent: u64) -> Subject {
    let mut server = ServerSeen { address: "redis://h".into(), ..ServerSeen::default() };
    server.info.insert("evicted_keys".into(), evicted.to_string());
    server.state.maxmemory_bytes = Some(1 << 30);
    server.state.used_memory_bytes = Some((1 << 30) / 100 * percent);
    Subject { server: Some(server), ..subject(dir, "") }
}

#[test]
fn the_limit_that_is_proposed_breaks_no_rule_itself() {
    let dir = tempfile::tempdir().unwrap();
    let rule = named("maxmemory-against-machine").unwrap();
    for mib in [1000, 1500, 2047, 70_000] {
        let report = audit(&on(dir.path(), &format!("maxmemory {mib}mb"), mib), &[]);
        let found = report.findings.iter().find(|one| one.rule == rule).unwrap();
        let line = found.fix[0].what().to_owned();
        let again = audit(&on(dir.path(), &line, mib), &[]);
        assert!(again.findings.iter().all(|one| one.rule != rule), "{mib}: {line}");
    }
}

#[test]
fn a_volatile_policy_without_expiries_is_told_by_what_the_server_counts() {
    let dir = tempfile::tempdir().unwrap();
    let rule = named("eviction-policy").unwrap();
    for (databases, breaks) in [
        (
            &[("db0", "keys=10,expires=0,avg_ttl=0"), ("db3", "keys=2,expires=0,avg_ttl=0")][..],
            true,
        ),
        (&[("db0", "keys=10,expires=1,avg_ttl=0")][..], false),
        (&[][..], false),
    ] {
        let mut seen = said(dir.path(), 0, 1);
        let server = seen.server.as_mut().unwrap();
        server.info.extend(databases.iter().map(|(db, said)| ((*db).into(), (*said).into())));
        let report = audit(&seen, &[]);
        let found = report.findings.iter().find(|one| one.rule == rule);
        assert_eq!(found.is_some(), breaks, "{databases:?}");
        assert!(found.is_none_or(|one| one.seen.contains("none of 12 keys")), "{found:?}");
    }
}
