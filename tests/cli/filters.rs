//! Filters of `stats`: what is selected is what an independent count finds, and parts add up to the whole.

use serde_json::Value;

use super::schema::faults;
use super::world::*;

/// Two databases, three keys, times from 100 to 109, and records before any time.
fn dated() -> Vec<u8> {
    let mut log = record(&[b"SET", b"undated", b"1"]);
    for second in 100_u64..110 {
        log.extend(format!("#TS:{second}\r\n").into_bytes());
        log.extend(record(&[b"SELECT", if second % 2 == 0 { b"0" } else { b"7" }]));
        log.extend(record(&[b"SET", format!("user:{second}").as_bytes(), b"value"]));
        log.extend(record(&[b"MSET", b"a", b"1", b"user:x", b"2"]));
        log.extend(record(&[b"XGROUP", b"create", b"s", b"g", b"0"]));
        log.extend(record(&[b"xgroup", b"DESTROY", b"s", b"g"]));
    }
    log.extend(record(&[b"FLUSHALL"]));
    log
}

fn selected(set: &Set, words: &[&str]) -> Value {
    let run = finish(
        aofkit().args(["stats", "--json", "--by", "command,db,key"]).args(words).arg(set.dir()),
    );
    let report = run.expect(0).json();
    let totals = &report["totals"];
    assert_eq!(totals["resp_bytes"], totals["command_bytes"], "nothing but what was selected");
    assert_eq!(report["selected"]["commands"], totals["commands"]);
    for rows in ["commands", "databases"] {
        let bytes =
            report[rows].as_array().unwrap().iter().map(|row| row["bytes"].as_u64().unwrap());
        assert_eq!(Value::from(bytes.sum::<u64>()), totals["command_bytes"], "{rows}");
    }
    let schema = serde_json::from_str(&run_schema()).unwrap();
    assert_eq!(faults(&schema, &report), [""; 0]);
    report
}

fn run_schema() -> String {
    run(["schema", "stats"]).expect(0).out
}

fn commands(set: &Set, words: &[&str]) -> u64 {
    selected(set, words)["totals"]["commands"].as_u64().unwrap()
}

/// A set whose base is empty, so that only the log counts.
fn only(log: &[u8]) -> Set {
    let set = Set::of(log);
    set.put(BASE, b"");
    set
}

#[test]
fn each_filter_takes_what_it_names_and_all_of_them_together_what_fits_all() {
    let set = only(&dated());
    let cases: [(&[&str], u64); 16] = [
        (&["--key", "user:*"], 20),
        (&["--key", "user:10?"], 10),
        (&["--key", "user:100", "--key", "undated"], 2),
        (&["--key-regex", "^user:10[0-4]$"], 5),
        (&["--key-regex", "^s$", "--key", "undated"], 21),
        (&["--command", "set"], 11),
        (&["--command", "XGROUP"], 20),
        (&["--command", "xgroup|Destroy"], 10),
        (&["--command", "SET,MSET", "--key", "a"], 10),
        // A SELECT runs in the database that it leaves.
        (&["--db", "7"], 25),
        (&["--db", "7", "--command", "SET"], 5),
        (&["--since", "@105"], 26),
        (&["--until", "@104"], 25),
        (&["--since", "@103", "--until", "@103"], 5),
        (&["--since", "1970-01-01T00:01:45Z"], 26),
        (&["--until", "1000w", "--key", "nothing"], 0),
    ];
    for (words, expected) in cases {
        assert_eq!(commands(&set, words), expected, "{words:?}");
    }
}

#[test]
fn parts_that_exclude_each_other_add_up_to_the_whole() {
    let set = only(&dated());
    let all = run(["stats".as_ref(), "--json".as_ref(), set.dir().as_os_str()]).expect(0).json();
    assert!(all["selected"].is_null());
    let all = all["totals"]["commands"].as_u64().unwrap();
    let sum = |parts: &[&[&str]]| parts.iter().map(|words| commands(&set, words)).sum::<u64>();
    assert_eq!(sum(&[&["--db", "0"], &["--db", "7"]]), all);
    let names = ["SET", "MSET", "SELECT", "XGROUP|CREATE", "XGROUP|DESTROY", "FLUSHALL"];
    let by_name: u64 = names.iter().map(|name| commands(&set, &["--command", name])).sum();
    assert_eq!(by_name, all);
    let report = selected(&set, &["--since", "@105"]);
    assert_eq!(report["selected"]["undated"], 1);
    let dated = sum(&[&["--until", "@104"], &["--since", "@105"]]);
    assert_eq!(dated + 1, all);
}

#[test]
fn time_goes_on_from_one_file_to_the_next() {
    let set = only(&dated());
    let second = "appendonly.aof.2.incr.aof";
    set.put(second, &record(&[b"SET", b"later", b"1"]));
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\nfile {second} seq 2 type i\n"
    ));
    assert_eq!(commands(&set, &["--since", "@109", "--key", "later"]), 1);
}

#[test]
fn what_no_annotation_dates_is_left_out_and_said() {
    let set = only(&dated());
    let dir = set.dir();
    let run = finish(aofkit().args(["stats", "--since", "@1"]).arg(&dir)).expect(0);
    assert!(run.err.contains("1 command left out that no #TS annotation dates"), "{}", run.err);
    assert!(run.out.contains("selected 51 of 52 commands"), "{}", run.out);
}

#[test]
fn filters_that_make_no_sense_end_with_2_and_a_form_that_does() {
    let set = only(&dated());
    let dir = set.dir();
    let cases: [(&[&str], &str); 5] = [
        (&["--since", "yesterday"], "@1764000000"),
        (&["--until", "2026-11-24T03:00:00"], "names no zone"),
        (&["--since", "@10", "--until", "@9"], "later than"),
        (&["--key-regex", "("], "--key-regex"),
        (&["--db", "x"], "--db"),
    ];
    for (words, why) in cases {
        let run = finish(aofkit().arg("stats").args(words).arg(&dir)).expect(2);
        assert!(run.err.contains(why), "{words:?}: {}", run.err);
    }
    let run = finish(aofkit().args(["stats", "--command", "SETT"]).arg(&dir)).expect(0);
    assert!(run.err.contains("no known server has a command 'SETT'"), "{}", run.err);
}
