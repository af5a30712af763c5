//! Every recorded manifest, opened as a set and judged by the rules of every server that was asked.
//!
//! The directory is the one the table was made with: a base and two increments, each a SELECT and a SET.

use std::collections::BTreeMap;
use std::fs;

use crate::support::recorded::{from_hex, rows};
use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Loads, Report, Verdict, Wording, judge};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

fn log(key: &str) -> String {
    format!(
        "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$1\r\n1\r\n",
        key.len()
    )
}

fn report(case: &BTreeMap<String, String>, target: &str) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("appendonlydir");
    fs::create_dir(&set).unwrap();
    let files = [("1.base", "base"), ("1.incr", "i1"), ("2.incr", "i2")];
    for (name, key) in files {
        fs::write(set.join(format!("appendonly.aof.{name}.aof")), log(key)).unwrap();
    }
    for extra in case["extra_files"].split(',').filter(|name| !name.is_empty()) {
        fs::write(dir.path().join(extra), log("base")).unwrap();
    }
    let manifest = set.join("appendonly.aof.manifest");
    fs::write(&manifest, from_hex(&case["manifest_hex"])).unwrap();
    let target = Some(target.parse().unwrap());
    let aof = Aof::open(&manifest, &OpenOptions { target, ..OpenOptions::default() }).unwrap();
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
    judge(&aof, facts, &Wording::default()).unwrap()
}

#[test]
fn loaders_are_predicted_for_every_recorded_manifest() {
    let cases = rows("aof-manifest-cases.tsv");
    assert_eq!(cases.len(), 87, "a case is missing from the table");
    let mut wrong = Vec::new();
    for case in &cases {
        for (column, target) in [
            ("loader_7.0.15", "redis-7.0"),
            ("loader_8.2.3", "redis-8.2"),
            ("loader_V9.1.2", "valkey-9.1"),
        ] {
            let report = report(case, target);
            let theirs = match case[column].as_str() {
                "OK{}" => Loads::StartsEmpty,
                ok if ok.starts_with("OK{") => Loads::Yes,
                _ => Loads::No,
            };
            if report.loads != theirs {
                let (id, ours) = (&case["id"], report.loads);
                wrong.push(format!("{id} {column}: ours {ours:?}, theirs {}", case[column]));
            }
            let refused = theirs == Loads::No;
            if refused && report.verdict != Verdict::SetInconsistent {
                wrong.push(format!("{} {column}: refused, but {:?}", case["id"], report.verdict));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn redis_check_aof_is_predicted_for_every_recorded_manifest() {
    let mut wrong = Vec::new();
    for case in &rows("aof-manifest-cases.tsv") {
        let ours = report(case, "redis-8.2").check_aof;
        let theirs = &case["check_8.2.3"];
        if ours.valid != theirs.starts_with("rc0") {
            wrong.push(format!("{}: ours {ours:?}, theirs {theirs}", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
