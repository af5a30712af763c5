//! What is needed, who says that it is there, and what follows from that.

use std::fs;

use serde_json::{Value, json};

use super::world::*;
use super::{ALL, OF_MODULES, OF_VECTORS};

/// `aofkit check --json WORDS… DIR`: exit status, and the answer.
fn check_with(set: &Set, words: &[&str]) -> (i32, Value) {
    let dir = set.dir();
    let run = run(["check", "--json"].iter().chain(words).copied().chain([dir.to_str().unwrap()]));
    (run.code, run.json())
}

/// Verdict, `loads` and exit status.
fn judged(set: &Set, words: &[&str]) -> (String, Value, i32) {
    let (code, report) = check_with(set, words);
    (report["verdict"].as_str().unwrap().to_owned(), report["loads"].clone(), code)
}

fn unsupported(loads: Value) -> (String, Value, i32) {
    ("unsupported".to_owned(), loads, 24)
}

fn healthy() -> (String, Value, i32) {
    ("healthy".to_owned(), json!("yes"), 0)
}

/// `ReJSON type`, one a row.
fn needs(report: &Value) -> Vec<String> {
    let rows = report["needs_modules"].as_array().unwrap();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    rows.iter().map(|row| format!("{} {}", text(row, "name"), text(row, "need"))).collect()
}

fn problem_kinds(report: &Value) -> Vec<String> {
    let mut kinds = kinds(report, "error");
    kinds.dedup();
    kinds
}

#[test]
fn a_set_is_its_own_evidence_for_the_version_that_wrote_it() {
    for name in OF_MODULES {
        let set = Set::recorded(name);
        for words in [&[][..], &["--target", "redis-7.4"]] {
            let (code, report) = check_with(&set, words);
            assert_eq!((code, &report["loads"]), (0, &json!("yes")), "{name} {words:?} {report:#}");
            let modules = report["modules"].as_array().unwrap();
            assert_eq!(modules.len(), 4, "{name}");
            assert!(modules.iter().all(|module| module["by"] == "set"), "{modules:?}");
        }
        assert_eq!(judged(&set, &["--target", "redis-8.2"]), unsupported(Value::Null), "{name}");
        assert_eq!(judged(&set, &["--target", "redis-7.0"]).1, json!("no"), "an RDB of 12: {name}");
    }
    let (_, report) = check_with(&Set::recorded(OF_MODULES[0]), &[]);
    let wanted = [
        "ReJSON type",
        "ReJSON command",
        "bf type",
        "bf command",
        "search type",
        "search aux",
        "search command",
        "timeseries type",
        "timeseries command",
    ];
    assert_eq!(needs(&report), wanted);
}

#[test]
fn a_complete_list_decides_and_what_it_lacks_is_missing() {
    for name in OF_MODULES {
        let set = Set::recorded(name);
        for target in ["redis-7.4", "redis-8.2"] {
            let with = |list| check_with(&set, &["--target", target, "--modules", list]);
            let (code, all) = with(ALL);
            assert_eq!((code, &all["loads"]), (0, &json!("yes")), "{name} {target} {all:#}");
            assert!(all["modules"].as_array().unwrap().iter().all(|row| row["by"] == "option"));
            for list in ["none", "ReJSON,bf,timeseries", "bf"] {
                let (code, report) = with(list);
                assert_eq!((code, &report["loads"]), (24, &json!("no")), "{name} {target} {list}");
                assert_eq!(report["verdict"], "unsupported");
                assert_eq!(problem_kinds(&report), ["module-missing"], "{name} {target} {list}");
                assert_eq!(needs(&report), needs(&all));
            }
        }
    }
}

#[test]
fn what_is_built_in_is_there_without_a_word() {
    for (name, own) in OF_VECTORS {
        let set = Set::recorded(name);
        for words in [&[][..], &["--modules", "none"], &["--target", own]] {
            let (code, report) = check_with(&set, words);
            assert_eq!(code, 0, "{name} {words:?} {report:#}");
            assert_eq!(needs(&report), ["vectorset type", "vectorset command"]);
            assert_eq!(report["modules"], json!([{"name": "vectorset", "by": "server"}]));
        }
        if own != "redis-8.6" {
            let old = |words: &[&str]| judged(&set, &[&["--target", "redis-7.4"], words].concat());
            assert_eq!(old(&[]), unsupported(Value::Null), "{name}");
            assert_eq!(old(&["--modules", "none"]), unsupported(json!("no")), "{name}");
        }
    }
}

#[test]
fn data_beside_keys_needs_its_module_as_well() {
    let set = Set::recorded(OF_MODULES[0]);
    // The base alone of a server that had the module, and nothing of it but that.
    let base = "appendonly.aof.1.base.rdb";
    let from = Set::recorded(OF_MODULES[1]);
    fs::copy(from.file(base), set.file(base)).unwrap();
    set.manifest(&format!("file {base} seq 1 type b\n"));
    for orphan in ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof"] {
        fs::remove_file(set.file(orphan)).unwrap();
    }
    let (code, report) = check_with(&set, &[]);
    assert_eq!((code, needs(&report)), (0, vec!["search aux".to_owned()]));
    let (_, bare) = check_with(&set, &["--modules", "none"]);
    assert_eq!(
        (&bare["loads"], problem_kinds(&bare)),
        (&json!("no"), vec!["module-missing".to_owned()])
    );
    assert_eq!(bare["unknown"][0]["what"], "module type scdtype00");
}

#[test]
fn commands_of_recorded_modules_tell_who_may_have_written_a_set_that_names_nobody() {
    let set = Set::of(&record(&[b"JSON.SET", b"k", b"$", b"1"]));
    let (code, report) = check_with(&set, &[]);
    assert_eq!((code, &report["target"]), (0, &json!("redis-7.4")), "{report:#}");
    assert_eq!(report["modules"], json!([{"name": "ReJSON", "by": "set"}]));
    assert_eq!(judged(&set, &["--target", "redis-8.2"]), unsupported(Value::Null));
    assert_eq!(judged(&set, &["--target", "redis-8.2", "--modules", "json"]), healthy());
}

#[test]
fn a_module_that_nobody_recorded_goes_by_the_form_of_its_commands() {
    let set = Set::of(&record(&[b"MELT.ADD", b"k", b"1"]));
    let (_, report) = check_with(&set, &[]);
    assert_eq!(needs(&report), ["MELT command"]);
    assert_eq!(judged(&set, &[]), unsupported(Value::Null));
    assert_eq!(report["unknown"][0]["what"], "MELT.ADD");
    let said = report["problems"][0]["message"].as_str().unwrap();
    assert!(said.contains("--modules MELT"), "{said}");
    assert_eq!(judged(&set, &["--modules", "melt"]), healthy());
    assert_eq!(judged(&set, &["--modules", "none"]), unsupported(json!("no")));
    assert_eq!(judged(&set, &["--modules", "bf,ReJSON"]), unsupported(json!("no")));
    // A module that nobody recorded may have any command.
    assert_eq!(judged(&set, &["--modules", "other"]), unsupported(Value::Null));
}

#[test]
fn a_command_that_a_recorded_module_does_not_have_is_not_known_to_its_server() {
    let set = Set::of(&record(&[b"JSON.MELT", b"k", b"1"]));
    for list in [ALL, "none"] {
        let words = ["--target", "redis-7.4", "--modules", list];
        assert_eq!(judged(&set, &words), unsupported(json!("no")), "{list}");
    }
    assert_eq!(
        judged(&set, &["--target", "redis-8.2", "--modules", ALL]),
        unsupported(Value::Null)
    );
}

#[test]
fn lines_of_a_configuration_add_modules_and_take_none_away() {
    let set = Set::recorded(OF_MODULES[0]);
    let conf = |libraries: &[&str]| {
        let lines = libraries.iter().map(|name| format!("loadmodule /opt/modules/{name} A 1\n"));
        let dir = format!("dir {}\nappenddirname aof\n", set.root().display());
        fs::write(set.root().join("redis.conf"), lines.fold(dir, |text, line| text + &line))
            .unwrap();
        let mut command = aofkit();
        let words = ["check", "--json", "--target", "redis-8.2", "--conf", "redis.conf"];
        let run = finish(command.args(words).current_dir(set.root()));
        (run.code, run.json())
    };
    let all = ["rejson.so", "redisbloom.so", "redisearch.so", "redistimeseries.so"];
    let (code, report) = conf(&all);
    assert_eq!((code, &report["loads"]), (0, &json!("yes")), "{report:#}");
    assert!(report["modules"].as_array().unwrap().iter().all(|row| row["by"] == "conf"));
    let (code, report) = conf(&all[..3]);
    assert_eq!((code, &report["loads"]), (24, &Value::Null), "{report:#}");
}

#[test]
fn a_list_of_modules_is_names_or_none() {
    let set = Set::recorded(OF_MODULES[0]);
    for wrong in ["none,bf", "bf,,ReJSON", ""] {
        let dir = set.dir();
        run(["check", "--modules", wrong, dir.to_str().unwrap()]).expect(2);
    }
}
