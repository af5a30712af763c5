//! `stats`: sums that add up whatever is damaged, rows that an independent count confirms, and every form
//! of output.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::schema::faults;
use super::world::*;

const EVERYTHING: [&str; 15] = [
    "stats", "--by", "command", "--by", "db", "--by", "prefix", "--by", "key", "--by", "slot",
    "--by", "type", "--top", "100000",
];

fn stats(words: &[&str], path: &Path) -> Value {
    let mut command = aofkit();
    finish(command.args(words).arg("--json").arg(path)).expect(0).json()
}

fn sum(rows: &Value, field: &str) -> u64 {
    rows.as_array().unwrap().iter().map(|row| row[field].as_u64().unwrap()).sum()
}

fn assert_adds_up(report: &Value, what: &str) {
    let totals = &report["totals"];
    let total = |name: &str| totals[name].as_u64().unwrap();
    let parts = total("command_bytes") + total("annotation_bytes") + total("unparsed_bytes");
    assert_eq!(parts, total("resp_bytes"), "{what}");
    for (rows, count) in [
        ("commands", "count"),
        ("groups", "count"),
        ("databases", "commands"),
        ("prefixes", "commands"),
    ] {
        let rows = &report[rows];
        assert_eq!(sum(rows, "bytes"), total("command_bytes"), "{what}: {rows}");
        assert_eq!(sum(rows, count), total("commands"), "{what}: {rows}");
    }
    assert_eq!(sum(&report["keys"], "bytes"), sum(&report["slots"], "bytes"), "{what}");
    assert!(sum(&report["keys"], "bytes") <= total("command_bytes"), "{what}");
    assert_eq!(sum(&report["keys"], "error_bytes"), 0, "{what}: few keys are counted exactly");
}

#[test]
fn sums_add_up_on_everything_that_servers_wrote() {
    let schema = serde_json::from_str(&run(["schema", "stats"]).expect(0).out).unwrap();
    for dir in all_recorded() {
        let report = stats(&EVERYTHING, &dir);
        assert_adds_up(&report, &dir.display().to_string());
        let faults = faults(&schema, &report);
        assert!(faults.is_empty(), "{}: {faults:#?}", dir.display());
        let known: u64 = fs::read_dir(dir.join("aof")).map_or(0, |files| {
            let live = files.flatten().map(|file| file.metadata().unwrap().len());
            live.sum()
        });
        let totals = &report["totals"];
        let all = totals["resp_bytes"].as_u64().unwrap() + totals["rdb_bytes"].as_u64().unwrap();
        assert!(known == 0 || all <= known, "{}", dir.display());
    }
}

#[test]
fn sums_add_up_on_damaged_sets_and_the_exit_is_0_with_a_warning() {
    let sound = [sets(20), record(&[b"MULTI"]), sets(3), record(&[b"EXEC"])].concat();
    for at in (0..sound.len()).step_by(7) {
        let mut log = sound.clone();
        log[at] = log[at].wrapping_add(13);
        if at % 3 == 0 {
            log.truncate(sound.len() - at / 2 - 1);
        }
        let set = Set::of(&log);
        assert_adds_up(&stats(&EVERYTHING, &set.dir()), &format!("byte {at}"));
    }
    let set = Set::of(&[sets(9), b"junk".to_vec(), sets(9)].concat());
    let run = run(["stats".as_ref(), set.dir().as_os_str()]).expect(0);
    assert!(run.err.contains("1 damaged range (4 bytes) left out"), "{}", run.err);
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    let warned = finish(aofkit().arg("stats").arg(set.dir())).expect(0).err;
    assert!(warned.contains("manifest is missing"), "{warned}");
}

/// Commands, bytes, by db and key.
type Exact = BTreeMap<(u64, String), (u64, u64)>;

/// A log of many kinds of commands, and what is written to which key by it.
fn mixture() -> (Vec<u8>, Exact) {
    let mut log = Vec::new();
    let mut exact = Exact::new();
    for i in 0_u64..600 {
        let db = i / 100 % 3;
        if i % 100 == 0 {
            log.extend(record(&[b"SELECT", db.to_string().as_bytes()]));
        }
        let user = format!("user:{}:profile", i % 17);
        let (first, words): (&str, Vec<&str>) = match i % 6 {
            0 => (&user, vec!["SET", &user, "value"]),
            1 => ("counter", vec!["incrby", "counter", "1"]),
            2 => ("{a}1", vec!["MSET", "{a}1", "x", "{a}2", "y"]),
            3 => ("s:1", vec!["XGROUP", "CREATE", "s:1", "g", "0", "MKSTREAM"]),
            4 => ("dest", vec!["BITOP", "AND", "dest", "b:1", "b:2"]),
            _ => ("k1", vec!["EVAL", "return 1", "2", "k1", "k2", "arg"]),
        };
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let bytes = record(&words);
        let row = exact.entry((db, first.to_owned())).or_default();
        *row = (row.0 + 1, row.1 + bytes.len() as u64);
        log.extend(bytes);
    }
    (log, exact)
}

#[test]
fn rows_are_what_an_independent_count_gives() {
    let (log, exact) = mixture();
    let set = Set::empty();
    set.put("log.aof", &log);
    let report = stats(&EVERYTHING, &set.file("log.aof"));
    assert_adds_up(&report, "mixture");
    let rows = report["keys"].as_array().unwrap();
    let told: Exact = rows
        .iter()
        .map(|row| {
            let number = |name: &str| row[name].as_u64().unwrap();
            let key = row["key"].as_str().unwrap().to_owned();
            ((number("db"), key), (number("commands"), number("bytes")))
        })
        .collect();
    assert_eq!(told, exact);
    let prefixes = report["prefixes"].as_array().unwrap();
    let users = prefixes.iter().find(|row| row["prefix"] == "user:*:profile").unwrap();
    assert_eq!(users["commands"], 100);
    let different = exact.keys().filter(|k| k.1.starts_with("user")).count() as u64;
    // An estimate under a seed that is new in every run: two of fifty keys may look like one.
    let off = users["keys_estimate"].as_u64().unwrap().abs_diff(different);
    assert!(off <= 3, "{} for {different} keys", users["keys_estimate"]);
    let names: Vec<_> = report["commands"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert!(names.iter().any(|name| *name == "XGROUP|CREATE"), "{names:?}");
    let slots = report["slots"].as_array().unwrap();
    // What servers answered for `{a}`, `a` and the like.
    let tagged = slots.iter().find(|row| row["slot"] == 15495).unwrap();
    assert_eq!(tagged["commands"], 100);
}

#[test]
fn top_cuts_keys_and_prefixes_but_never_commands_and_prefixes_still_add_up() {
    let (log, _) = mixture();
    let set = Set::of(&log);
    let words = ["stats", "--by", "command,prefix,key", "--top", "2", "--depth", "1,2"];
    let report = stats(&words, &set.dir());
    assert!(report["commands"].as_array().unwrap().len() > 5);
    assert_eq!(report["keys"].as_array().unwrap().len(), 2);
    assert!(report["databases"].is_null() && report["slots"].is_null());
    let prefixes = report["prefixes"].as_array().unwrap();
    for depth in [1, 2] {
        let rows: Vec<_> = prefixes.iter().filter(|row| row["depth"] == depth).collect();
        assert!(rows.len() <= 3 && rows.iter().any(|row| row["prefix"] == "*"), "{rows:?}");
        let bytes: u64 = rows.iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
        assert_eq!(report["totals"]["command_bytes"], bytes);
    }
    let by_default = stats(&["stats"], &set.dir());
    assert!(by_default["commands"].is_array() && by_default["keys"].is_null());
}

#[test]
fn csv_and_folded_stacks_add_up_and_keep_to_their_grammar() {
    let odd = record(&[b"SET", b"a;b,\"c\x1b\n:1", b"v"]);
    let (log, _) = mixture();
    let set = Set::of(&[log, odd].concat());
    let dir = set.dir();
    let total = stats(&["stats"], &dir)["totals"]["command_bytes"].as_u64().unwrap();
    for by in ["command", "db", "prefix"] {
        let words = ["stats", "--by", by, "--top", "1000", "--format", "folded"];
        let run = finish(aofkit().args(words).arg(&dir)).expect(0);
        let bytes = run.out.lines().map(|line| {
            assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
            line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
        });
        assert_eq!(bytes.sum::<u64>(), total, "{by}");
        let run = finish(aofkit().args(&words[..6]).arg("csv").arg(&dir)).expect(0);
        assert!(run.out.lines().count() > 2 && run.out.starts_with("set,by,name,"), "{}", run.out);
        assert!(!run.out.contains('\x1b'));
    }
    let two = ["stats", "--by", "key,prefix", "--format", "folded", "."];
    assert!(run(two).expect(2).err.contains("one --by"));
    run(["check", "--format", "csv", "."]).expect(2);
    run(["stats", "--by", "colour", "."]).expect(2);
    run(["stats", "--depth", "0", "."]).expect(2);
}

#[test]
fn text_fits_the_screen_and_hides_keys_when_asked() {
    let long = "x".repeat(300);
    let (log, _) = mixture();
    let set = Set::of(&[log, record(&[b"SET", long.as_bytes(), b"v"])].concat());
    for columns in ["80", "100"] {
        let mut command = aofkit();
        command.args(&EVERYTHING[..13]).arg(set.dir()).env("COLUMNS", columns);
        let run = finish(&mut command).expect(0);
        let width: usize = columns.parse().unwrap();
        let path = set.dir().display().to_string();
        let wide = |line: &&str| line.chars().count() > width && !line.contains(&path);
        assert_eq!(run.out.lines().filter(wide).collect::<Vec<_>>(), [""; 0], "{columns}");
        assert!(run.out.contains("user:*:profile") && run.out.contains("xx"), "{}", run.out);
    }
    let hidden = finish(aofkit().args(EVERYTHING).arg("--redact").arg(set.dir())).expect(0).out;
    assert!(!hidden.contains("user:") && !hidden.contains("xx"), "{hidden}");
}

#[test]
fn figures_above_their_threshold_end_with_30_and_are_named() {
    let set = Set::of(&[sets(9), b"junk".to_vec(), sets(9)].concat());
    let status = |limits: &[&str], code: i32| {
        let mut command = aofkit();
        command.arg("stats").arg(set.dir());
        for limit in limits {
            command.args(["--fail-above", limit]);
        }
        finish(&mut command).expect(code)
    };
    assert!(status(&["unparsed_bytes=3"], 30).err.contains("unparsed_bytes is 4, above 3"));
    status(&["unparsed_bytes=4", "resp_bytes=1mb", "command_share=100%"], 0);
    assert!(status(&["no_such=1"], 2).err.contains("largest_bytes"));
    assert!(status(&["key_share=10%"], 2).err.contains("--by key"));
    let words = ["stats", "--by", "key", "--fail-above", "key_share=1%,commands=100", "--json"];
    let report = finish(aofkit().args(words).arg(set.dir())).expect(30).json();
    let exceeded = report["exceeded"].as_array().unwrap();
    assert_eq!(exceeded.len(), 1, "{exceeded:?}");
    assert_eq!(exceeded[0]["name"], "key_share");
}

#[test]
fn several_sets_are_told_each_and_in_total() {
    let set = Set::of(&sets(5));
    copy_tree(&Set::of(&sets(7)).dir(), &set.root().join("second"));
    let report = stats(&["stats"], set.root());
    let each = report["sets"].as_array().unwrap();
    assert_eq!(each.len(), 2);
    let commands = |report: &Value| report["totals"]["commands"].as_u64().unwrap();
    let sum: u64 = each.iter().map(commands).sum();
    assert_eq!(commands(&report["total"]), sum);
    let schema = serde_json::from_str(&run(["schema", "stats"]).expect(0).out).unwrap();
    assert_eq!(faults(&schema, &report), [""; 0]);
}

#[test]
fn a_base_is_told_in_full_and_inspect_counts_the_same() {
    let of_7 = ["redis-7.0.15", "redis-8.2.3", "valkey-8.1.8", "valkey-9.1.2"];
    let names = of_7.map(|server| format!("{server}/rdb-base"));
    for name in names.into_iter().chain(["redis-6.2.14/preamble".to_owned()]) {
        let dir = recorded(&name);
        let counted = stats(&["stats", "--by", "type,db,key"], &dir);
        let inspected = finish(aofkit().args(["inspect", "--json"]).arg(&dir)).expect(0).json();
        let (base, key_space) = (&counted["base"], &inspected["key_space"]);
        let keys = base["keys"].as_u64().unwrap();
        assert!(keys > 0, "{name}");
        for field in
            ["keys", "bytes", "databases", "types", "expires", "libraries", "stream_pending"]
        {
            assert_eq!(base[field], key_space[field], "{name} {field}");
        }
        assert_eq!(base["types"], counted["types"], "{name}");
        assert_eq!(base["biggest"], counted["base_biggest"], "{name}");
        for rows in [&base["types"], &base["databases"]] {
            assert_eq!(sum(rows, "keys"), keys, "{name}");
            assert_eq!(sum(rows, "bytes"), base["bytes"].as_u64().unwrap(), "{name}");
        }
        assert_eq!(sum(&counted["databases"], "base_keys"), keys, "{name}");
        let elements: Vec<_> = base["most_elements"].as_array().unwrap().iter().collect();
        assert!(
            elements.is_sorted_by_key(|big| std::cmp::Reverse(big["elements"].as_u64())),
            "{name}"
        );
        let text = finish(aofkit().args(["stats", "--by", "type,db"]).arg(&dir)).expect(0).out;
        for part in ["databases of the base", "EXPIRING", "ELEMENTS"] {
            assert!(text.contains(part), "{name}: {text}");
        }
    }
}
