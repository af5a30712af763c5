//! First and last writes of prefixes and keys, by the annotations, also where a log was split and merged.

use aofkit::aof::Event;
use aofkit::command;
use aofkit::format::annotation;
use aofkit::format::resp;
use aofkit::scan::{Context, Merge, Observer};
use aofkit::stats::{Grouping, KeyOptions, KeyReport, KeyTraffic};
use proptest::prelude::*;
use serde_json::Value;

use super::world::*;

const BY: [&str; 3] = ["stats", "--by", "prefix,key"];

fn times(row: &Value) -> [Option<&str>; 2] {
    [row["first_write_at"].as_str(), row["last_write_at"].as_str()]
}

#[test]
fn prefixes_and_keys_tell_when_they_were_written() {
    let base = record(&["SET", "cart:1", "old"]);
    let log = [
        record(&["SET", "early:1", "v"]),
        told(1_700_000_000),
        record(&["SET", "user:1", "v"]),
        record(&["SET", "early:1", "v"]),
        told(1_700_000_060),
        record(&["SET", "user:2", "v"]),
        // A clock that was set back stands still.
        told(1_600_000_000),
        record(&["SET", "user:1", "v"]),
        record(&["FLUSHDB"]),
    ]
    .concat();
    let set = set(&base, &log);
    let answer = json(&BY, set.path());
    let of_prefix = |name| times(row(&answer["prefixes"], "prefix", name));
    let of_key = |name| times(row(&answer["keys"], "key", name));
    let (begun, end) = (Some("2023-11-14T22:13:20Z"), Some("2023-11-14T22:14:20Z"));
    assert_eq!(of_prefix("user:*"), [begun, end]);
    assert_eq!(of_prefix("early:*"), [None, begun]);
    assert_eq!(of_prefix("cart:*"), [None, None], "what a rewrite wrote has no time");
    assert_eq!(of_prefix("*"), [end, end]);
    assert_eq!((of_key("user:1"), of_key("user:2")), ([begun, end], [end, end]));
    assert_eq!(of_key("early:1"), [None, begun]);
    let screen = text(&BY, set.path());
    assert!(
        screen.contains("2023-11-14T22:14:20Z") && screen.lines().all(|l| l.chars().count() <= 80)
    );
}

/// What stands before the first annotation of an increment was written after the base was: a server tells no second twice.
#[test]
fn an_annotation_of_the_base_tells_when_the_increment_began() {
    let base = [told(1_600_000_000), record(&["SET", "user:1", "old"])].concat();
    let set = set(&base, &record(&["SET", "user:1", "new"]));
    let answer = json(&BY, set.path());
    let of_key = times(row(&answer["keys"], "key", "user:1"));
    assert_eq!(of_key, [None, Some("2020-09-13T12:26:40Z")]);
}

#[test]
fn a_log_without_times_tells_none() {
    let set = set(b"", &record(&["SET", "user:1", "v"]).repeat(3));
    let answer = json(&BY, set.path());
    let rows = answer["prefixes"].as_array().unwrap().iter();
    assert!(rows.chain(answer["keys"].as_array().unwrap()).all(|row| times(row) == [None, None]));
    assert!(!text(&BY, set.path()).contains("first and last write"));
}

/// More keys than are counted one by one: a family is exact all the same, and a key tells no first write that it may not have
/// seen.
#[test]
fn beyond_the_table_families_stay_exact_and_keys_say_only_what_they_know() {
    let mut log = told(1_700_000_000);
    for n in 0..150_000 {
        if n == 75_000 {
            log.extend(told(1_700_000_500));
        }
        log.extend(record(&["SET", &format!("u:{n}"), "v"]));
    }
    log.extend(told(1_700_001_000));
    for _ in 0..2_000 {
        log.extend(record(&["SET", "u:149999", &"heavy".repeat(20)]));
    }
    let set = set(b"", &log);
    let answer = json(&BY, set.path());
    let (first, last) = (Some("2023-11-14T22:13:20Z"), Some("2023-11-14T22:30:00Z"));
    assert_eq!(times(row(&answer["prefixes"], "prefix", "u:*")), [first, last]);
    let heavy = row(&answer["keys"], "key", "u:149999");
    assert_eq!(times(heavy)[1], last);
    if heavy["error_bytes"] != 0 {
        assert_eq!(times(heavy)[0], None);
    }
}

fn options() -> KeyOptions {
    let mut options = KeyOptions::default();
    (options.keys, options.prefixes, options.top) = (true, Some(Grouping::default()), 50);
    options
}

/// What is told of a log that is seen in pieces, each begun anew at these events.
pub fn in_pieces(log: &[u8], options: &KeyOptions, cuts: &[usize]) -> KeyReport {
    let mut pieces = vec![KeyTraffic::new(options.clone())];
    let mut context = Context { segment: 1, ..Context::default() };
    let (mut at, mut seen) = (0, 0);
    while at < log.len() {
        if cuts.contains(&seen) {
            pieces.push(KeyTraffic::new(options.clone()));
        }
        let observer = pieces.last_mut().unwrap();
        let start = at as u64;
        if log[at] == b'#' {
            let len = log[at..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
            let seconds = std::str::from_utf8(&log[at + 4..at + len - 2]).unwrap().parse().unwrap();
            let kind = annotation::Kind::Timestamp(seconds);
            let event = Event::Annotation { start, len: len as u64, kind, is_open: false };
            observer.observe(&context, &event);
            context.follow(&event);
            at += len;
        } else {
            let found = resp::records(&log[at..], start).next().unwrap().unwrap();
            let event = Event::Record(found, command::lookup(found.name));
            observer.observe(&context, &event);
            context.follow(&event);
            at += found.len as usize;
        }
        seen += 1;
    }
    let mut pieces = pieces.into_iter();
    let mut first = pieces.next().unwrap();
    pieces.for_each(|piece| first.merge(piece));
    first.finish()
}

proptest! {
    #[test]
    fn pieces_merged_tell_the_same_times(
        events in prop::collection::vec((0_u8..9, 0_i64..40), 1..120),
        cuts in prop::collection::vec(0_usize..120, 0..6),
    ) {
        let mut log = Vec::new();
        for (choice, number) in events {
            match choice {
                0 | 1 => log.extend(told(1_700_000_000 + number)),
                2 => log.extend(record(&["SELECT", &(number % 3).to_string()])),
                3 => log.extend(record(&["NOSUCHCOMMAND", "x"])),
                _ => log.extend(record(&["SET", &format!("f{}:{}", choice % 3, number % 9), "v"])),
            }
        }
        let options = options();
        prop_assert_eq!(in_pieces(&log, &options, &cuts), in_pieces(&log, &options, &[]));
    }
}
