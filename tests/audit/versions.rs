//! Versions, and what is known of them.

use std::ffi::OsString;
use std::path::Path;

use aofkit::audit::{Subject, audit};
use aofkit::server::ServerSeen;

use crate::cases::{Case, Given, conf_of, subject, with};

pub const CASES: &[Case] = &[
    Case {
        rule: "server-older-than-7",
        breaks: Given::Made(|dir| Some(for_target(dir, "redis-6.2"))),
        holds: Given::Made(|dir| Some(for_target(dir, "redis-7.0"))),
    },
    Case {
        rule: "security-fixes-missing",
        breaks: Given::Seen(|dir| runs(dir, "redis", "8.2.1", 0)),
        holds: Given::Seen(|dir| runs(dir, "redis", "8.12.9", 0)),
    },
    Case {
        rule: "security-table-old",
        breaks: Given::Seen(|dir| runs(dir, "redis", "8.12.9", 200)),
        holds: Given::Seen(|dir| runs(dir, "redis", "8.12.9", 20)),
    },
];

/// The day of the table, Unix seconds.
const DAY: i64 = 1_795_996_800;

/// A configuration that all servers from 6.2 on take, judged for this one.
fn for_target(dir: &Path, target: &str) -> Vec<OsString> {
    let text = with("");
    let kept = text.lines().filter(|line| !line.starts_with("aof-timestamp-enabled"));
    let conf = conf_of(dir, &kept.map(|line| format!("{line}\n")).collect::<String>());
    vec!["--target".into(), target.into(), "--conf".into(), conf.into()]
}

/// A server of this version, so many days after the table was made.
fn runs(dir: &Path, family: &'static str, version: &str, days: i64) -> Subject {
    let mut server = ServerSeen { address: "redis://h".into(), ..ServerSeen::default() };
    server.state.family = family;
    server.state.version = Some(version.to_owned());
    Subject { server: Some(server), now: Some(DAY + days * 86_400), ..subject(dir, "") }
}

#[test]
fn what_is_missing_is_named_with_the_version_to_go_to_and_the_age_of_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let told = |family, version| {
        let report = audit(&runs(dir.path(), family, version, 3), &[]);
        let found = report.findings.iter().find(|one| one.rule.id == "AOF-131");
        found.map(|one| format!("{} | {}", one.seen, one.fix[0].what()))
    };
    let redis = told("redis", "7.0.15").unwrap();
    assert!(redis.contains("CVE-") && redis.contains("list of 2026-11-30, 3 days old"), "{redis}");
    assert!(told("redis", "8.2.3").unwrap().contains("8.2.9 or later"));
    assert!(told("valkey", "9.0.3").unwrap().contains("9.0.5 or later"));
    assert_eq!(told("valkey", "9.1.2"), None);
    assert_eq!(
        (told("redis", "8.2"), told("redis", "unstable")),
        (None, None),
        "not known in full"
    );
}
