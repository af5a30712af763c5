//! Times to come are told from what was measured long enough and lately, and of sets that a server loads.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::world::*;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// So many bytes a second, from one second up to another, so long ago.
fn writes(seconds: i64, ended_ago: i64, each: usize) -> Vec<u8> {
    let last = now() - ended_ago;
    let second = |at: i64| [told(at), record(&["SET", "k", &"v".repeat(each)])].concat();
    (last - seconds..=last).flat_map(second).collect()
}

fn forecast(dir: &Path) -> (Value, Value) {
    let told = json(&["growth"], dir);
    (told["forecast"].clone(), told["rate_bytes_per_second"].clone())
}

#[test]
fn no_time_is_told_from_a_few_seconds_or_from_old_ones() {
    let base = record(&["SET", "k", "v"]);
    let cases = [
        (20, 0, 100_000, Some("too-short")),
        (59, 0, 100_000, Some("too-short")),
        (300, 86_400, 50_000, Some("too-old")),
        (300, 0, 50_000, None),
        (300, 3_000, 50_000, None),
        (100, 0, 10, Some("too-far")),
    ];
    for (seconds, ago, each, expected) in cases {
        let dir = set(&base, &writes(seconds, ago, each));
        let (told, rate) = forecast(dir.path());
        let what = format!("{seconds} s, {ago} s ago, {each} bytes: {told}");
        // The disk may be full a long time from now, whatever the rate.
        match expected {
            Some(why) => assert_eq!(
                (&told["withheld"], &told["rewrite_at"]),
                (&why.into(), &Value::Null),
                "{what}"
            ),
            None => assert!(told["rewrite_at"].is_string(), "{what}"),
        }
        // How fast it grew is told in any case, and over how long.
        assert!(rate.is_number() && told["measured_seconds"] == seconds, "{what}");
        let said = text(&["growth"], dir.path());
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let (at, unforeseen) = (said.contains("the next one is at"), said.contains("not foreseen"));
        assert_eq!(
            (at, unforeseen),
            (expected.is_none(), expected.is_some() || told["withheld"].is_string()),
            "{said}"
        );
        let status = json(&["status"], dir.path());
        assert_eq!(status["sets"][0]["rewrite_at"].is_string(), expected.is_none(), "{what}");
        if expected.is_some_and(|why| why != "too-far") {
            assert_eq!(status["sets"][0]["disk_full_at"], Value::Null, "{what}");
            assert!(!said.contains("full at"), "{said}");
        }
    }
}

#[test]
fn of_a_set_that_no_server_loads_no_time_is_told() {
    let base = record(&["SET", "k", "v"]);
    let good = writes(300, 0, 50_000);
    let damaged = [&good[..], b"junk\r\n", &writes(2, 0, 100)].concat();
    let dir = set(&base, &damaged);
    assert_eq!(forecast(dir.path()).0["withheld"], "not-loaded");
    let said = text(&["growth"], dir.path());
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("no server loads this set as it is"), "{said}");
    let dir = set(&base, &good);
    assert!(forecast(dir.path()).0["rewrite_at"].is_string());
    std::fs::remove_file(dir.path().join("appendonly.aof.1.base.aof")).unwrap();
    assert_eq!(forecast(dir.path()).0["withheld"], "not-loaded");
    // What is torn at its end is cut by the server that starts with it.
    let dir = set(&base, &[&good[..], b"*3\r\n$3\r\nSE"].concat());
    assert!(forecast(dir.path()).0["rewrite_at"].is_string());
}
