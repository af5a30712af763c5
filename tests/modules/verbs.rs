//! Every verb on sets with modules, healthy and damaged.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::OF_MODULES;
use super::world::*;

/// The increment of a recorded set.
pub fn increment(set: &Set) -> std::path::PathBuf {
    let names = fs::read_dir(set.dir()).unwrap().map(|entry| entry.unwrap().path());
    names.into_iter().find(|path| path.to_str().unwrap().ends_with(".incr.aof")).unwrap()
}

pub fn words(verb: &str, rest: &[&str], set: &Path) -> Run {
    run([verb, "--json"].iter().chain(rest).copied().chain([set.to_str().unwrap()]))
}

/// How many records there are with commands of modules.
fn records_of_modules(report: &Value) -> u64 {
    let rows = report["needs_modules"].as_array().unwrap();
    rows.iter()
        .filter(|row| row["need"] == "command")
        .map(|row| row["count"].as_u64().unwrap())
        .sum()
}

#[test]
fn every_verb_that_reads_tells_what_a_set_needs() {
    for name in OF_MODULES {
        let set = Set::recorded(name);
        let (_, check) = check_json(&set.dir());
        let needed = &check["needs_modules"];
        assert!(records_of_modules(&check) >= 17, "{check:#}");
        assert_eq!(&inspect_json(&set.dir())["needs_modules"], needed);
        assert_eq!(&words("stats", &[], &set.dir()).expect(0).json()["needs_modules"], needed);
        words("growth", &[], &set.dir()).expect(0);
        words("clean", &[], &set.dir()).expect(0);
        let repair = words("repair", &[], &set.dir()).expect(0).json();
        assert_eq!((&repair["actions"], &repair["needs_modules"]), (&json!([]), needed));
        let home = Set::empty();
        let out = home.root().join("out");
        let converted = words("convert", &["--output", out.to_str().unwrap()], &set.dir());
        assert_eq!(&converted.expect(0).json()["needs_modules"], needed);
        assert_eq!(&check_json(&out).1["needs_modules"], needed);
        let repo = home.root().join("repo");
        let backed_up = words("backup", &["--repo", repo.to_str().unwrap()], &set.dir());
        assert_eq!(&backed_up.expect(0).json()["needs_modules"], needed);
        let snapshot = format!("{}::latest", repo.display());
        let (code, kept) = check_json(Path::new(&snapshot));
        assert_eq!((code, &kept["needs_modules"]), (0, needed));
    }
}

#[test]
fn keys_and_types_of_modules_are_counted_as_others_are() {
    let set = Set::recorded(OF_MODULES[0]);
    let by = ["--by", "command,key,prefix,slot,type"];
    let stats = words("stats", &by, &set.dir()).expect(0).json();
    let named = |rows: &str, field: &str, name: &str| {
        let rows = stats[rows].as_array().unwrap();
        rows.iter().find(|row| row[field] == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    assert_eq!(named("commands", "name", "JSON.SET")["group"], "module");
    assert_eq!(named("keys", "key", "doc:1")["commands"], 1);
    assert_eq!(named("prefixes", "prefix", "doc:*")["commands"], 5);
    let json = named("types", "type", "ReJSON-RL");
    assert_eq!((&json["encoding"], &json["keys"]), (&json!("module"), &json!(2)));
    assert!(json["bytes"].as_u64().unwrap() > 80);
    assert_eq!(named("types", "type", "TSDB-TYPE")["keys"], 1);

    let dir = set.dir();
    let cat = run(["cat", "--key", "doc:1", "--with-base", dir.to_str().unwrap()]).expect(0).out;
    assert!(
        cat.contains("ReJSON-RL (module)") && cat.contains("JSON.ARRAPPEND \"doc:1\""),
        "{cat}"
    );
}

#[test]
fn a_filter_keeps_every_byte_of_a_value_of_a_module() {
    let set = Set::recorded(OF_MODULES[0]);
    let out = Set::empty();
    let to = out.root().join("out");
    let rest = ["--key", "doc:*", "--key", "top", "--output", to.to_str().unwrap()];
    words("convert", &rest, &set.dir()).expect(0);
    let base = |dir: &Path| {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        fs::read(names.into_iter().find(|path| path.to_str().unwrap().ends_with(".rdb")).unwrap())
    };
    let (before, after) = (base(&set.dir()).unwrap(), base(&to).unwrap());
    for key in [&b"\x07\x05doc:1"[..], b"\x07\x05doc:2", b"\x07\x03top"] {
        let at = |bytes: &[u8]| bytes.windows(key.len()).position(|part| part == key).unwrap();
        // Up to its end mark, and that is more than the next forty bytes for none.
        let value = &before[at(&before)..][..43];
        assert_eq!(&after[at(&after)..][..43], value, "{key:?}");
    }
    let stats = words("stats", &["--by", "type"], &to).expect(0).json();
    let types: Vec<_> =
        stats["types"].as_array().unwrap().iter().map(|t| t["type"].clone()).collect();
    assert_eq!(types.len(), 2, "{types:?}");
}

#[test]
fn a_torn_tail_behind_commands_of_modules_is_a_torn_tail() {
    for name in OF_MODULES {
        let set = Set::recorded(name);
        let file = increment(&set);
        let whole = fs::read(&file).unwrap();
        let next = record(&[b"JSON.SET", b"doc:9", b"$", b"{\"torn\":true}"]);
        for torn in [3, 12, next.len() - 1] {
            fs::write(&file, [&whole[..], &next[..torn]].concat()).unwrap();
            let (code, report) = check_json(&set.dir());
            assert_eq!((code, &report["loads"]), (20, &json!("after-truncation")), "{name} {torn}");
            words("repair", &["--apply"], &set.dir()).expect(0);
            assert_eq!(fs::read(&file).unwrap(), whole, "{name} {torn}");
        }
    }
}

#[test]
fn salvage_keeps_what_is_of_modules_whether_or_not_they_are_loaded() {
    for name in OF_MODULES {
        for list in ["ReJSON,bf,search,timeseries", "none"] {
            let set = Set::recorded(name);
            let (_, before) = check_json(&set.dir());
            let file = increment(&set);
            let mut bytes = fs::read(&file).unwrap();
            // One record that is no module's loses its header.
            let at = bytes.windows(9).position(|part| part == b"$3\r\nSET\r\n").unwrap();
            bytes[at] = b'!';
            fs::write(&file, &bytes).unwrap();
            let to = Set::empty();
            let to = to.root().join("out");
            let rest = ["--salvage", "--modules", list, "--output", to.to_str().unwrap()];
            let repaired = words("repair", &rest, &set.dir());
            let code = if list == "none" { 24 } else { 0 };
            let answer = repaired.expect(code).json();
            assert!(answer["refused"].is_null(), "{name} {list} {answer:#}");
            let (_, after) = check_json(&to);
            let counts = [&before, &after].map(records_of_modules);
            assert!(counts[0] - counts[1] <= 3, "those of the transaction alone: {counts:?}");
            assert_eq!(before["segments"][0]["rdb"]["keys"], after["segments"][0]["rdb"]["keys"]);
        }
    }
}

#[test]
fn nothing_of_a_module_is_offered_for_removal() {
    for name in OF_MODULES {
        let set = Set::recorded(name);
        for way in [&[][..], &["--salvage"], &["--truncate"]] {
            let rest = [&["--modules", "none"], way].concat();
            let answer = words("repair", &rest, &set.dir()).expect(24).json();
            assert_eq!(answer["actions"], json!([]), "{name} {way:?}");
            assert_eq!(answer["loss"]["commands"], 0);
        }
    }
}
