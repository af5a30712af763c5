//! What a server makes of the lines of its file.

use std::fs;

use crate::asked::{audit, findings, report};
use crate::cases::Case;
use crate::sets::{by_conf, private};

pub const CASES: &[Case] = &[
    Case::lines("line-refused", "hz fast", "hz 11"),
    Case::lines("line-refused-by-some", "rdb-version-check relaxed", "hz 11"),
    Case::lines("comment-behind-value", "hz 10 # ticks", "# ticks\nhz 10"),
    Case::lines("unit-where-none", "databases 16k", "databases 16"),
    Case::lines("line-unreadable", "logfile \"open", "logfile \"closed\""),
    Case::lines("unknown-directive", "maxmemori 2gb", "hz 11"),
    Case::lines("include-missing", "include /no/such.conf", "include /no/such*.conf"),
    Case::lines("overruled-line", "timeout 1\ntimeout 2", "timeout 2\ntimeout 2"),
    Case::lines(
        "users-in-two-places",
        "aclfile /no/such.acl\nuser app on >Tei7ahxohl2quiecTei7ahxohl2quiec ~app:* +@read",
        "user app on >Tei7ahxohl2quiecTei7ahxohl2quiec ~app:* +@read",
    ),
    Case::lines(
        "replica-in-cluster",
        "cluster-enabled yes\ncluster-require-full-coverage no\ndir /usr\nreplicaof 10.0.0.7 6379",
        "cluster-enabled yes\ncluster-require-full-coverage no\ndir /usr\nreplicaof no one",
    ),
    Case::lines("module-file-missing", "loadmodule /no/such.so", "loadmodule ./such.so"),
    Case::lines("path-missing", "logfile /no/such/place/redis.log", "logfile /usr/redis.log"),
    Case::lines("line-refused", "appendfsync sometimes", "appendfsync everysec"),
];

/// What is found about these lines, for a server.
fn found(lines: &str, target: &str) -> Vec<(String, u64, Vec<String>)> {
    let dir = private();
    let mut args = by_conf(dir.path(), "");
    fs::write(&args[1], lines).unwrap();
    args.extend(["--target".into(), target.into()]);
    let report = report(&args);
    let is_syntax = |one: &&serde_json::Value| one["group"] == "syntax";
    let row = |one: &serde_json::Value| {
        let fixes = one["fix"].as_array().unwrap();
        let fixes = fixes.iter().map(|fix| fix["text"].as_str().unwrap().to_owned()).collect();
        let name = one["name"].as_str().unwrap().to_owned();
        (name, one["place"]["line"].as_u64().unwrap_or_default(), fixes)
    };
    findings(&report).iter().filter(is_syntax).map(row).collect()
}

#[test]
fn the_line_to_write_is_the_one_that_was_meant() {
    for (line, name, fix) in [
        ("port 0  # Disable non-TLS port", "comment-behind-value", "port 0"),
        ("save 60 1000 # often", "comment-behind-value", "save 60 1000"),
        (
            "aof-load-corrupt-tail-max-size 4k",
            "unit-where-none",
            "aof-load-corrupt-tail-max-size 4000",
        ),
        ("tcp-keepalive 1kb", "unit-where-none", "tcp-keepalive 1024"),
        ("appendonyl yes", "unknown-directive", "Is appendonly meant?"),
        ("io-uring yes", "unknown-directive", ""),
        (
            "rdb-version-check strict",
            "unknown-directive",
            "Known to valkey-8.1, valkey-9.0, valkey-9.1.",
        ),
    ] {
        let told = found(line, "redis-8.6");
        let [(said, 1, fixes)] = &told[..] else { panic!("{line}: {told:?}") };
        assert_eq!(said, name, "{line}");
        let has = |fixes: &[String]| fixes.iter().any(|one| one == fix);
        assert!(if fix.is_empty() { fixes.is_empty() } else { has(fixes) }, "{line}: {fixes:?}");
    }
}

#[test]
fn of_passwords_nothing_is_shown_wherever_they_stand() {
    let lines = "requirepass hunter2hunter2 # x\nmasterauth \"hunter2hunter2\nrequirepas hunter2hunter2\n\
                 user a on >hunter2hunter2 foo\nrequirepass hunter2hunter2 hunter2hunter2\nrequirepass other\n";
    let dir = private();
    let args = by_conf(dir.path(), "");
    fs::write(&args[1], lines).unwrap();
    for form in ["text", "json", "sarif"] {
        let args = [&args[..], &["--format".into(), form.into()]].concat();
        let answer = audit(&args);
        assert_eq!(answer.code, 0, "{}", answer.err);
        assert!(answer.out.contains("AOF-112"), "{}", answer.out);
        assert!(!(answer.out + &answer.err).contains("hunter2"), "{form}");
    }
}

#[test]
fn includes_stand_in_their_place_and_the_last_line_counts() {
    let dir = private();
    let args = by_conf(dir.path(), "");
    let more = dir.path().join("more.conf");
    fs::write(&more, "appendonly no\nappendfsync nothing\n").unwrap();
    fs::write(&args[1], format!("include {}\nappendonly yes\n", more.display())).unwrap();
    let report = report(&args);
    let place = |name: &str| {
        let one = findings(&report).iter().find(|one| one["name"] == name).unwrap();
        (one["place"]["file"].as_str().unwrap().to_owned(), one["place"]["line"].as_u64().unwrap())
    };
    let more = more.to_str().unwrap().to_owned();
    assert_eq!(place("overruled-line"), (more.clone(), 1));
    assert_eq!(place("line-refused"), (more, 2));
    let names: Vec<_> = findings(&report).iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(!names.contains(&"appendonly-off"), "{names:?}");
}

/// Real servers were seen to refuse and to take these lines.
#[test]
fn users_that_a_server_refuses_are_told() {
    for (lines, target, is_refused) in [
        ("user bob on >x ~* +@nonsense", "redis-8.6", true),
        ("user bob on >x ~* -@nonsense", "redis-6.2", true),
        ("user bob on %Z~x", "valkey-9.1", true),
        ("user bob on ~*\nuser bob on ~*", "redis-7.0", true),
        ("user default on nopass\nuser default on nopass", "valkey-9.1", true),
        ("user bob on ~*\nuser bob on ~*", "redis-6.2", false),
        ("user bob on %RW~x +@read", "redis-7.0", false),
        ("user bob on %r~x +@ALL -@Dangerous", "valkey-9.1", false),
        ("user bob on >+@nonsense ~* +@read (%W~x +@read)", "redis-8.6", false),
        ("user bob on ~* (%W~x +@nonsense)", "redis-8.6", true),
        ("user bob on ~* +@search", "redis-8.6", false),
        ("loadmodule ./such.so\nuser bob on ~* +@nonsense", "redis-8.6", false),
    ] {
        let told = found(lines, target);
        let refused = told.iter().filter(|(name, ..)| name == "line-refused");
        assert_eq!(refused.count(), usize::from(is_refused), "{lines} {target}: {told:?}");
    }
}

#[test]
fn a_unit_is_told_only_to_the_servers_that_know_the_setting() {
    let dir = private();
    let args = by_conf(dir.path(), "aof-load-corrupt-tail-max-size 1kb");
    let report = report(&args);
    let [one] = findings(&report) else { panic!("{report}") };
    assert_eq!(one["name"], "line-refused");
    assert!(!one["fix"].to_string().contains("1024"), "{one}");
    let seen = one["seen"].as_str().unwrap();
    assert!(!seen.contains("knows no such directive") && seen.contains("do not know"), "{seen}");
    assert!(one["fix"][0]["text"].as_str().unwrap().contains("redis-8.6"), "{one}");
}
