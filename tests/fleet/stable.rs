//! What stays when a set goes away: the names of the others, and that it was there.

use std::fs;

use serde_json::Value;

use super::world::*;

fn names(told: &Value) -> Vec<String> {
    let rows = told["sets"].as_array().unwrap().iter();
    let mut names: Vec<_> = rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// The labels `set` of `aof_check_success`, each with its value.
fn success(out: &str) -> Vec<(String, String)> {
    let lines = out.lines().filter_map(|line| line.strip_prefix("aof_check_success{set=\""));
    let split = |line: &str| line.rsplit_once("\"} ").map(|(a, b)| (a.to_owned(), b.to_owned()));
    lines.filter_map(split).collect()
}

fn said(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn names_of_sets_stay_when_another_goes_away_and_its_directory_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 3);
    let status = aofkit(dir.path(), "status --json .").expect(0).json("status");
    assert_eq!(names(&status), ["node-001", "node-002", "node-003"]);
    assert_eq!(status["without_set"], Value::Array(vec![]));
    let all = said(&[("./node-001/data", "1"), ("./node-002/data", "1"), ("./node-003/data", "1")]);
    assert_eq!(success(&aofkit(dir.path(), "metrics .").expect(0).out), all);
    for gone in [2, 3] {
        fs::remove_dir_all(dir.path().join(format!("node-00{gone}/data"))).unwrap();
        fs::create_dir_all(dir.path().join(format!("node-00{gone}/data/appendonlydir"))).unwrap();
    }
    // Of three one is left: it has the name that it had among the others.
    let status = aofkit(dir.path(), "status --json .").expect(10).json("status");
    assert_eq!(names(&status), ["node-001"]);
    let gone: Vec<_> = status["without_set"].as_array().unwrap().iter().collect();
    assert_eq!(gone.len(), 2);
    assert_eq!((&gone[0]["path"], &gone[0]["is_of_server"]), (&"./node-002".into(), &true.into()));
    let text = aofkit(dir.path(), "status .").expect(10);
    assert!(text.out.contains("node-002, node-003 hold no set"), "{}", text.out);
    let metrics = aofkit(dir.path(), "metrics .").expect(0);
    let told = success(&metrics.out);
    assert_eq!(told[0], said(&[("./node-001/data", "1")])[0]);
    assert_eq!(told[1..], said(&[("./node-002", "0"), ("./node-003", "0")]));
    assert!(metrics.out.contains("aof_check_error{set=\"./node-002\",kind=\"not-found\"} 1"));
    for verb in ["check", "inspect", "stats", "growth", "audit"] {
        let run = aofkit(dir.path(), &format!("{verb} ."));
        assert!(run.err.contains("node-002, node-003 hold no set"), "{verb}: {run:?}");
    }
    let run = aofkit(dir.path(), "backup --all --min-free 0 --repo ../repo .");
    assert!(run.err.contains("hold no set"), "{run:?}");
    fs::remove_dir_all(dir.path().parent().unwrap().join("repo")).unwrap();
}

#[test]
fn one_set_that_goes_away_keeps_its_name_in_metrics() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::usual(&mut Numbers(5));
    // Whatever the server calls the directory of its set.
    for (append, typed) in [("appendonlydir", "r"), ("aof", "r"), ("aof", "r/aof")] {
        node.put(&dir.path().join("r"));
        if append != "appendonlydir" {
            let own = dir.path().join("r/aof");
            fs::rename(dir.path().join("r/appendonlydir"), own).unwrap();
        }
        let run = |value: &str| {
            let out = aofkit(dir.path(), &format!("metrics {typed}")).expect(0).out;
            assert_eq!(success(&out), said(&[(typed, value)]), "{append}: {out}");
        };
        run("1");
        let status = aofkit(dir.path(), &format!("status --json {typed}")).expect(0);
        assert_eq!(names(&status.json("status")).len(), 1);
        fs::remove_dir_all(dir.path().join("r")).unwrap();
        run("0");
    }
}

#[test]
fn a_directory_that_is_no_nodes_is_not_told_as_one() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 2);
    for other in ["lost+found", ".cache", "node-003/data", "tools"] {
        fs::create_dir_all(dir.path().join(other)).unwrap();
    }
    // What holds a file may be anything.
    fs::write(dir.path().join("node-003/data/readme"), "x").unwrap();
    let told = aofkit(dir.path(), "status --json .").expect(0).json("status");
    let without: Vec<_> = told["without_set"].as_array().unwrap().iter().collect();
    assert_eq!(without.len(), 1, "{without:?}");
    assert_eq!(
        (&without[0]["path"], &without[0]["is_of_server"]),
        (&"./tools".into(), &false.into())
    );
    // A node of a cluster remembers it.
    fs::write(dir.path().join("tools/nodes.conf"), "").unwrap();
    let told = aofkit(dir.path(), "status --json .").expect(10).json("status");
    assert_eq!(told["without_set"][0]["is_of_server"], true);
}
