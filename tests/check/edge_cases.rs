//! Every recorded byte sequence, judged by the rules of every server that was asked.
//!
//! The table holds what three real servers and their check tools did with each increment, as the only
//! file of a set. Where aofkit differs on purpose, the difference stands in [`DELIBERATE`].

use std::collections::BTreeMap;
use std::fs;

use crate::support::recorded::{from_hex, rows};
use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Loads, Report, Wording, judge};
use aofkit::format::conf::Settings;
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

/// `(case, column)`: why we say something else than that server did.
const DELIBERATE: [(&str, &str, &str); 2] = [
    // Too few arguments for GET, queued by MULTI: Redis runs it without a look. This build happened to
    // survive reading past the arguments, the one of 7.0 crashed. Nobody should start on that.
    ("R68", "loader_yes_8.2.3", "undefined behaviour that happened to end well"),
    ("R68", "loader_no_8.2.3", "undefined behaviour that happened to end well"),
];

/// Lengths of which it depends on the machine's memory whether a server dies of them: we say that we do not know.
const MEMORY: [&str; 1] = ["R82"];

/// The columns of the table by their names.
type Case = BTreeMap<String, String>;

fn cases() -> Vec<Case> {
    rows("aof-edge-cases.tsv")
}

fn report(bytes: &[u8], target: &str, load_truncated: bool, tail_limit: u64) -> Report {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("F.1.incr.aof"), bytes).unwrap();
    let manifest = "file F.1.incr.aof seq 1 type i\n";
    fs::write(dir.path().join("F.manifest"), manifest).unwrap();
    let target = Some(target.parse().unwrap());
    let mut aof = Aof::open(dir.path(), &OpenOptions { target, ..OpenOptions::default() }).unwrap();
    aof.settings = Settings {
        load_truncated: Some(load_truncated),
        load_corrupt_tail_max_bytes: Some(tail_limit),
        ..Settings::default()
    };
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
    judge(&aof, facts, &Wording::default()).unwrap()
}

/// What the report says in the words of the table's loader columns.
fn loader_word(report: &Report) -> String {
    let facts = report.segments[0].facts.as_ref().unwrap();
    match report.loads {
        Loads::Yes | Loads::StartsEmpty => "OK".to_owned(),
        Loads::AfterTruncation => format!("T@{}", facts.own_cut.unwrap()),
        Loads::No => "no".to_owned(),
        Loads::Unknown => "not known".to_owned(),
    }
}

/// The table's word, as far as a verdict is concerned.
fn recorded_word(column: &str) -> String {
    if column.starts_with("OK") {
        "OK".to_owned()
    } else if column.starts_with("T@") {
        column.split('{').next().unwrap().to_owned()
    } else {
        "no".to_owned()
    }
}

fn deliberate(id: &str, column: &str) -> bool {
    DELIBERATE.iter().any(|(case, name, _)| *case == id && *name == column)
}

#[test]
fn loaders_are_predicted_for_every_recorded_sequence() {
    let mut wrong = Vec::new();
    let cases = cases();
    assert_eq!(cases.len(), 95, "a case is missing from the table");
    for case in &cases {
        for (version, target) in
            [("7.0.15", "redis-7.0"), ("8.2.3", "redis-8.2"), ("V9.1.2", "valkey-9.1")]
        {
            for (kind, load_truncated) in [("loader_yes_", true), ("loader_no_", false)] {
                let name = format!("{kind}{version}");
                let column = &case[&name];
                let ours = loader_word(&report(
                    &from_hex(&case["incr_file_hex"]),
                    target,
                    load_truncated,
                    0,
                ));
                let theirs = recorded_word(column);
                let agree =
                    ours == theirs || ours == "not known" && MEMORY.contains(&case["id"].as_str());
                assert!(
                    !(agree && deliberate(&case["id"], &name)),
                    "{} {name} agrees now",
                    case["id"]
                );
                if !agree && !deliberate(&case["id"], &name) {
                    wrong.push(format!("{} {name}: ours {ours}, theirs {column}", case["id"]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn redis_check_aof_is_predicted_for_every_recorded_sequence() {
    let mut wrong = Vec::new();
    for case in &cases() {
        let report = report(&from_hex(&case["incr_file_hex"]), "redis-8.2", true, 0);
        let facts = report.segments[0].facts.as_ref().unwrap();
        let theirs = &case["check_8.2.3"];
        let ours = match report.check_aof.valid {
            true if facts.len == 0 => "empty(0)".to_owned(),
            true => "valid".to_owned(),
            false => format!("bad@{}", facts.ok_up_to()),
        };
        if ours != *theirs {
            wrong.push(format!("{}: ours {ours}, theirs {theirs}", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What Redis 8.6.2 did with the same sequences. Where it differs from 8.2.3, that is what a build does with
/// memory that is not there, or with arguments that are not there.
#[test]
fn redis_8_6_is_predicted_for_every_recorded_sequence() {
    const UNDEFINED: [&str; 3] = ["R66", "R68", "R82"];
    let newer: BTreeMap<String, String> = rows("aof-edge-cases-8.6.2.tsv")
        .into_iter()
        .map(|row| (row["id"].clone(), row["loader_yes_8.6.2"].clone()))
        .collect();
    let mut wrong = Vec::new();
    let cases = cases();
    assert_eq!(cases.len(), newer.len());
    for case in cases.iter().filter(|case| !UNDEFINED.contains(&case["id"].as_str())) {
        let ours = loader_word(&report(&from_hex(&case["incr_file_hex"]), "redis-8.6", true, 0));
        let theirs = &newer[&case["id"]];
        let depends = ours == "not known" && MEMORY.contains(&case["id"].as_str());
        if ours != recorded_word(theirs) && !depends {
            wrong.push(format!("{}: ours {ours}, theirs {theirs}", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Cases in which the server of that table read memory that was not its own, or asked for more than there was.
const UNDEFINED: [&str; 2] = ["R66", "R82"];

#[test]
fn what_redis_8_6_cuts_off_a_corrupt_tail_is_predicted_to_the_byte() {
    let hex: BTreeMap<_, _> = cases()
        .into_iter()
        .map(|case| (case["id"].clone(), case["incr_file_hex"].clone()))
        .collect();
    let mut wrong = Vec::new();
    let rows = rows("aof-edge-cases-8.6.2.tsv");
    assert_eq!(rows.len(), 95, "a case is missing from the table");
    for case in rows.iter().filter(|case| !UNDEFINED.contains(&&*case["id"])) {
        for (name, limit) in [("loader_yes_8.6.2", 0), ("loader_yes_tail1m_8.6.2", 1 << 20)] {
            let bytes = from_hex(&hex[&case["id"]]);
            let ours = loader_word(&report(&bytes, "redis-8.6", true, limit));
            if ours != recorded_word(&case[name]) {
                wrong.push(format!("{} {name}: ours {ours}, theirs {}", case["id"], case[name]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Run on Redis 8.6.2: behind the marker of a record it takes a NUL byte for an error of reading, unless the file ends
/// within the line.
#[test]
fn nul_bytes_behind_the_marker_of_a_record_are_no_corrupt_tail() {
    let record = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    for (zeros, end, word) in
        [(100_000, &b""[..], "no"), (1_022, b"", "no"), (1_021, b"", "T@27"), (3, b"\r\n", "no")]
    {
        let bytes = [&record[..], b"*", &vec![0; zeros], end].concat();
        let ours = loader_word(&report(&bytes, "redis-8.6", true, 1 << 20));
        assert_eq!(ours, word, "{zeros} {end:?}");
    }
}

#[test]
fn a_tail_is_cut_when_it_is_shorter_than_the_limit_and_not_when_it_is_as_long() {
    let record = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    for (tail, behind) in [(&b"x"[..], 1), (b"#TS:1\r\nxxxx", 11), (&[0; 4096], 4096)] {
        let bytes = [&record[..], tail].concat();
        let refused = report(&bytes, "redis-8.6", true, behind);
        assert_eq!(refused.loads, Loads::No);
        let told = format!("max-size is at least {} ", behind + 1);
        assert!(refused.problems[0].message.contains(&told), "{}", refused.problems[0].message);
        let cut = report(&bytes, "redis-8.6", true, behind + 1);
        assert_eq!(loader_word(&cut), format!("T@{}", record.len()));
        assert_eq!(
            report(&bytes, "redis-8.2", true, behind + 1).loads,
            Loads::No,
            "it has no such option"
        );
    }
}
