//! `inspect`, `check`, `stats` and `status` on a fleet of 200 sets.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::support::spelled::record;
use super::world::*;

/// Lines of a screen.
const SCREEN: usize = 24;

/// 200 sets, of which one is ten times as large, one has other commands, and one is damaged.
fn two_hundred(dir: &Path) {
    fleet(dir, 200);
    let mut numbers = Numbers(11);
    let mut large = Node::usual(&mut numbers);
    for n in 0..2000 {
        large.base.extend(set(&format!("user:{n}"), 40));
    }
    large.put(&dir.join("node-077/data"));
    let mut strange = Node::usual(&mut numbers);
    strange.log = (0..60)
        .flat_map(|n| record(&[b"RPUSH", b"queue", format!("{n:040}").as_bytes()]))
        .collect();
    strange.put(&dir.join("node-123/data"));
    let mut damaged = Node::usual(&mut numbers);
    damaged.log.extend(b"junk\r\n");
    damaged.log.extend((0..5).flat_map(|n| set(&format!("user:{n}"), 40)));
    damaged.put(&dir.join("node-199/data"));
}

fn fits_one_screen(run: &Run, what: &str) {
    let lines: Vec<_> = run.out.lines().collect();
    assert!(lines.len() <= SCREEN, "{what}: {} lines\n{}", lines.len(), run.out);
    for line in lines {
        assert!(line.chars().count() <= 80, "{what}: {line:?} is too long");
    }
}

#[test]
fn two_hundred_sets_fit_one_screen_and_the_planted_outliers_are_named() {
    let dir = tempfile::tempdir().unwrap();
    two_hundred(dir.path());
    for (verb, code) in [("status", 21), ("inspect", 0), ("stats", 0)] {
        let run = aofkit(dir.path(), &format!("{verb} .")).expect(code);
        fits_one_screen(&run, verb);
        assert!(run.out.contains("200 sets"), "{verb}:\n{}", run.out);
        assert!(run.out.contains("stands out: node-"), "{verb}:\n{}", run.out);
        assert!(run.out.contains("node-123: RPUSH is "), "{verb}:\n{}", run.out);
        assert!(run.out.contains("node-077: "), "{verb}:\n{}", run.out);
    }
    let status = aofkit(dir.path(), "status .");
    let first = status.out.lines().nth(1).unwrap();
    assert!(first.starts_with("node-199") && first.contains("inner-damage"), "{}", status.out);
    assert!(status.out.contains("190 more sets, all healthy"), "{}", status.out);
    for by in ["command", "db", "prefix", "key", "slot", "command,db,prefix,key,slot"] {
        for more in ["", " -v", " --top 3"] {
            let told = aofkit(dir.path(), &format!("stats --by {by}{more} .")).expect(0).out;
            let wide = told.lines().find(|line| line.chars().count() > 80);
            assert_eq!(wide, None, "{by}{more}");
        }
    }
    let growth = aofkit(dir.path(), "growth .").expect(0);
    fits_one_screen(&growth, "growth");
    let check = aofkit(dir.path(), "check .").expect(21);
    assert!(check.out.contains("200 sets, 199 healthy"), "{}", check.out);
    let every = aofkit(dir.path(), "status -v .").expect(21);
    assert_eq!(
        every
            .out
            .lines()
            .filter(|line| line.contains(" KiB ") && line.starts_with("node-"))
            .count(),
        200,
        "{}",
        every.out
    );
}

#[test]
fn outliers_are_the_same_in_json_and_nothing_usual_is_among_them() {
    let dir = tempfile::tempdir().unwrap();
    two_hundred(dir.path());
    let told = aofkit(dir.path(), "status --json .").expect(21).json("status");
    let named = |value: &Value| -> BTreeMap<String, Vec<String>> {
        let rows = value.as_array().unwrap().iter();
        rows.map(|row| {
            let why = row["why"].as_array().unwrap().iter();
            let why = why.map(|why| why["kind"].as_str().unwrap().to_owned()).collect();
            (row["name"].as_str().unwrap().to_owned(), why)
        })
        .collect()
    };
    let outliers = named(&told["outliers"]);
    assert_eq!(
        outliers.keys().collect::<Vec<_>>(),
        ["node-077", "node-123", "node-199"],
        "{outliers:?}"
    );
    assert_eq!(outliers["node-199"][0], "verdict");
    assert!(outliers["node-077"].contains(&"size".to_owned()), "{outliers:?}");
    assert!(outliers["node-123"].contains(&"commands".to_owned()), "{outliers:?}");
    let inspected = aofkit(dir.path(), "inspect --json .").expect(0).json("inspect");
    assert_eq!(named(&inspected["total"]["outliers"]).len(), 3);
}

/// The sums of a member over equal names in all sets.
fn by_name(sets: &Value, list: &str, name: &str, member: &str) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for set in sets.as_array().unwrap() {
        for row in set[list].as_array().unwrap() {
            *all.entry(row[name].to_string()).or_default() += number(&row[member]);
        }
    }
    all
}

fn of_total(total: &Value, list: &str, name: &str, member: &str) -> BTreeMap<String, u64> {
    by_name(&Value::Array(vec![total.clone()]), list, name, member)
}

#[test]
fn totals_are_the_sums_of_all_rows_whatever_the_threads() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 40);
    let mut totals = Vec::new();
    for threads in [1, 2, 16] {
        let words = format!(
            "stats --json --threads {threads} --top 40000 --by command,db,prefix,key,slot ."
        );
        let told = aofkit(dir.path(), &words).expect(0).json("stats");
        let (sets, total) = (&told["sets"], &told["total"]);
        assert_eq!(number(&total["sets"]), 40);
        for member in ["commands", "command_bytes", "resp_bytes", "rdb_bytes"] {
            let rows: u64 =
                sets.as_array().unwrap().iter().map(|set| number(&set["totals"][member])).sum();
            assert_eq!(number(&total["totals"][member]), rows, "{member}");
        }
        for (list, name) in [
            ("commands", "name"),
            ("databases", "db"),
            ("prefixes", "prefix"),
            ("keys", "key"),
            ("slots", "slot"),
        ] {
            for member in ["bytes", if list == "commands" { "count" } else { "commands" }] {
                let rows = by_name(sets, list, name, member);
                assert!(rows.len() > 1 || list == "databases", "{list}");
                assert_eq!(of_total(total, list, name, member), rows, "{list} {member}");
            }
        }
        totals.push(total.clone());
    }
    assert!(totals.iter().all(|total| *total == totals[0]), "the same on any number of threads");
    let (status, check) = (
        aofkit(dir.path(), "status --json .").expect(0).json("status"),
        aofkit(dir.path(), "check --json .").expect(0).json("check"),
    );
    for member in ["size_bytes", "ok_bytes", "commands"] {
        assert_eq!(number(&status["total"][member]), sum(&status["sets"], member));
        assert_eq!(status["total"][member], check["total"][member], "{member}");
    }
    assert_eq!(status["total"]["commands"], totals[0]["totals"]["commands"]);
    let inspected = aofkit(dir.path(), "inspect --json .").expect(0).json("inspect");
    assert_eq!(
        of_total(&inspected["total"], "commands", "name", "bytes"),
        of_total(&totals[0], "commands", "name", "bytes")
    );
}

#[test]
fn one_set_among_several_that_cannot_be_read_is_told_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 3);
    let run = aofkit(dir.path(), "status node-001 nowhere node-002").expect(10);
    assert!(run.err.contains("nowhere") && run.out.contains("2 sets, 2 healthy"), "{run:#?}");
    let told =
        aofkit(dir.path(), "status --json node-001 nowhere node-002").expect(10).json("status");
    assert_eq!((number(&told["total"]["sets"]), number(&told["total"]["failed"])), (2, 1));
    aofkit(dir.path(), "status nowhere").expect(10);
    aofkit(dir.path(), "status").expect(2);
    // Words of keys are hidden in the total as well.
    let hidden = aofkit(dir.path(), "stats --redact --by prefix .").expect(0);
    assert!(!hidden.out.contains("user") && !hidden.out.contains("session"), "{}", hidden.out);
    let hidden = aofkit(dir.path(), "inspect --redact .").expect(0);
    assert!(!hidden.out.contains("user:") && !hidden.out.contains("session"), "{}", hidden.out);
}
