//! Sentinels, by their configurations.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::asked::{broken, findings, report};
use crate::cases::{Case, Given, conf};

pub const CASES: &[Case] = &[
    Case {
        rule: "sentinel-quorum-unreachable",
        breaks: Given::Made(|dir| one(dir, "quorum 2", "quorum 4")),
        holds: Given::Made(good),
    },
    Case {
        rule: "sentinel-quorum-one",
        breaks: Given::Made(|dir| one(dir, "quorum 2", "quorum 1")),
        holds: Given::Made(good),
    },
    Case {
        rule: "sentinel-number",
        breaks: Given::Made(|dir| one(dir, "sentinel known-sentinel main 10.0.0.3 26379 c\n", "")),
        holds: Given::Made(good),
    },
    Case {
        rule: "sentinel-down-after",
        breaks: Given::Made(|dir| one(dir, "main 5000", "main 500")),
        holds: Given::Made(good),
    },
    Case {
        rule: "sentinel-failover-timeout",
        breaks: Given::Made(|dir| one(dir, "main 60000", "main 6000")),
        holds: Given::Made(good),
    },
    Case {
        rule: "sentinel-auth",
        breaks: Given::Made(|dir| watched(dir, "")),
        holds: Given::Made(|dir| watched(dir, "sentinel auth-pass main f3b1c0d27a9e44584c5d11")),
    },
    Case {
        rule: "sentinel-address",
        breaks: Given::Made(|dir| one(dir, "10.0.0.5", "127.0.0.1")),
        holds: Given::Made(good),
    },
    Case {
        rule: "sentinel-disagree",
        breaks: Given::Made(|dir| two(dir, "10.0.0.6")),
        holds: Given::Made(|dir| two(dir, "10.0.0.5")),
    },
    Case {
        rule: "sentinel-same-host",
        breaks: Given::Made(|dir| one(dir, "10.0.0.3", "10.0.0.2")),
        holds: Given::Made(good),
    },
    Case {
        rule: "sentinel-line-refused",
        breaks: Given::Made(|dir| one(dir, "port 26379\n", "port 26379\nsentinel nonsense x\n")),
        holds: Given::Made(good),
    },
    Case {
        rule: "sentinel-open",
        breaks: Given::Made(|dir| one(dir, "protected-mode yes", "protected-mode no")),
        holds: Given::Made(good),
    },
];

const GOOD: &str = "\
port 26379
protected-mode yes
sentinel monitor main 10.0.0.5 6379 quorum 2
sentinel down-after-milliseconds main 5000
sentinel failover-timeout main 60000
sentinel myid a
sentinel known-replica main 10.0.0.7 6379
sentinel known-sentinel main 10.0.0.2 26379 b
sentinel known-sentinel main 10.0.0.3 26379 c
";

type Args = Option<Vec<OsString>>;

fn write(dir: &Path, name: &str, text: &str) -> OsString {
    let path = dir.join(name);
    // The word is there so that a case can name the number.
    fs::write(&path, text.replace("quorum ", "")).unwrap();
    path.into()
}

/// The good one with one thing for another.
fn one(dir: &Path, from: &str, to: &str) -> Args {
    assert!(GOOD.contains(from), "{from}");
    Some(vec!["--sentinel-conf".into(), write(dir, "sentinel.conf", &GOOD.replace(from, to))])
}

fn good(dir: &Path) -> Args {
    one(dir, "port 26379", "port 26379")
}

/// One that has met nobody yet, and the configuration of the server it watches.
fn watched(dir: &Path, lines: &str) -> Args {
    let server = conf(dir, "requirepass f3b1c0d27a9e44584c5d11");
    let text = format!("port 26379\nsentinel monitor main 127.0.0.1 6379 2\n{lines}\n");
    let sentinel = write(dir, "sentinel.conf", &text);
    Some(vec!["--conf".into(), server.into(), "--sentinel-conf".into(), sentinel])
}

/// Two that have met each other and a third; the second watches this address.
fn two(dir: &Path, address: &str) -> Args {
    let other = GOOD.replace("myid a", "myid b").replace("10.0.0.2 26379 b", "10.0.0.1 26379 a");
    let [first, second] =
        [("a.conf", GOOD.to_owned()), ("b.conf", other.replace("10.0.0.5", address))]
            .map(|(name, text)| write(dir, name, &text));
    Some(vec!["--sentinel-conf".into(), first, "--sentinel-conf".into(), second])
}

#[test]
fn a_file_that_watches_nothing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "redis.conf", "port 1\n");
    let answer = crate::asked::audit(&["--sentinel-conf".into(), path]);
    assert_eq!(answer.code, 1, "{}", answer.out);
    assert!(answer.err.contains("sentinel monitor"), "{}", answer.err);
}

/// What two real Sentinels wrote after they had met.
#[test]
fn what_real_sentinels_wrote_is_read() {
    for name in ["redis-7.0.conf", "redis-8.6.conf"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sentinels").join(name);
        let report = report(&["--sentinel-conf".into(), path.into_os_string()]);
        // Two of them, on the loopback address, the other at an announced one, and open to everybody.
        let expected = ["AOF-062", "AOF-066", "AOF-069"].map(str::to_owned);
        assert_eq!(broken(&report), expected.into(), "{name}");
        assert!(!report.to_string().contains("s3cret"));
    }
}

/// Real Sentinels were seen to refuse and to take these lines.
#[test]
fn lines_that_a_sentinel_refuses_are_told() {
    for (line, severity) in [
        ("sentinel monitor bad", "error"),
        ("sentinel monitor m 127.0.0.1 6379 -1", "error"),
        ("sentinel monitor m 127.0.0.1 6379 two", "error"),
        ("sentinel monitor m 127.0.0.1 99999 2", "error"),
        ("sentinel nonsense x", "error"),
        ("nonsense here", "warning"),
        ("loglevel notice", ""),
        ("sentinel monitor m 127.0.0.1 6379 2", ""),
        ("sentinel master-reboot-down-after-period main 0", ""),
        ("sentinel down-after-milliseconds MAIN 5000", "error"),
        ("sentinel auth-pass other s3cret", "error"),
        ("sentinel known-replica other 127.0.0.1 6380", "error"),
        ("sentinel rename-command other CONFIG x", "error"),
        ("sentinel announce-ip other", ""),
        ("sentinel monitor main 127.0.0.1 6379 2", "error"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let args = one(dir.path(), "port 26379\n", &format!("port 26379\n{line}\n")).unwrap();
        let report = report(&args);
        let mut told = findings(&report).iter().filter(|one| one["rule"] == "AOF-122");
        let said = told.next().map_or("", |one| one["severity"].as_str().unwrap());
        assert_eq!(said, severity, "{line}: {report}");
    }
    // Alone, such a line is one of a Sentinel.
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "sentinel.conf", "sentinel monitor m 10.0.0.5 6379 -1\n");
    assert_eq!(broken(&report(&["--sentinel-conf".into(), path])), ["AOF-122".to_owned()].into());
}

/// Whatever is advised, it is one quorum that the known Sentinels can reach.
#[test]
fn one_quorum_is_advised_and_it_can_be_reached() {
    let dir = tempfile::tempdir().unwrap();
    let text = |quorum: u32, own: &str, other: &str| {
        format!(
            "sentinel monitor main 10.0.0.5 6379 {quorum}\nsentinel myid {own}\n\
             sentinel known-sentinel main 10.0.0.2 26379 {other}\n"
        )
    };
    let first = write(dir.path(), "a.conf", &text(5, "a", "b"));
    let second = write(dir.path(), "b.conf", &text(2, "b", "a"));
    let report = report(&["--sentinel-conf".into(), first, "--sentinel-conf".into(), second]);
    let fixes = findings(&report).iter().flat_map(|one| one["fix"].as_array().unwrap());
    let commands: Vec<_> = fixes.filter(|fix| fix["kind"] == "command").collect();
    assert_eq!(commands.len(), 2, "{report}");
    assert!(commands.iter().all(|one| one["text"] == "SENTINEL SET main quorum 2"), "{commands:?}");
}
