//! Which source of a repository each set is: by where it was taken, and by what it has; never one for two sets.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::world::*;

/// The source of each set, by its name.
fn sources(dir: &Path, words: &str) -> BTreeMap<String, Option<String>> {
    let told = aofkit(dir, words).json("status");
    let rows = told["sets"].as_array().unwrap().iter();
    let source = |row: &serde_json::Value| row["backup"]["source"].as_str().map(str::to_owned);
    rows.map(|row| (row["name"].as_str().unwrap().to_owned(), source(row))).collect()
}

fn backup(dir: &Path, source: &str, path: &str) {
    let words = format!("backup --repo repo --min-free 0 --source {source} {path}");
    aofkit(dir, &words).expect(0);
}

#[test]
fn sets_of_the_same_content_are_each_their_own_source() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::usual(&mut Numbers(3));
    for name in ["node-1", "node-2", "node-3"] {
        node.put(&dir.path().join(name));
        backup(dir.path(), &format!("of-{name}"), name);
    }
    let own = |path: &str| sources(dir.path(), &format!("status --json --repo repo {path}"));
    for name in ["node-1", "node-2", "node-3"] {
        let told = own(name);
        assert_eq!(told.values().next().unwrap().as_deref(), Some(&*format!("of-{name}")));
    }
    let all = own(".");
    for (name, source) in &all {
        assert_eq!(source.as_deref(), Some(&*format!("of-{name}")), "{all:?}");
    }
    // One that was never taken is none of them, though its content is theirs.
    node.put(&dir.path().join("node-4"));
    assert_eq!(own(".")["node-4"], None);
    fs::remove_dir_all(dir.path().join("node-4")).unwrap();
    // A set that was replaced is still what was taken at its place, and not the one whose content it has.
    let other = Node::usual(&mut Numbers(4));
    other.put(&dir.path().join("node-2"));
    assert_eq!(own(".")["node-2"].as_deref(), Some("of-node-2"));
    // Of two copies of a set that moved only one goes on with its source.
    fs::rename(dir.path().join("node-3"), dir.path().join("moved-1")).unwrap();
    node.put(&dir.path().join("moved-2"));
    let all = own(".");
    let of = |name: &str| all[name].as_deref() == Some("of-node-3");
    assert!(of("moved-1") != of("moved-2"), "{all:?}");
}

#[test]
fn of_two_sets_taken_at_one_path_each_finds_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (Node::usual(&mut Numbers(8)), Node::usual(&mut Numbers(9)));
    // As two containers do it, whose sets have the same path.
    let place = dir.path().join("data");
    for (name, node) in [("one", &one), ("two", &two)] {
        node.put(&place);
        backup(dir.path(), name, "data");
        fs::remove_dir_all(&place).unwrap();
    }
    for (name, node) in [("one", &one), ("two", &two)] {
        node.put(&place);
        let told = sources(dir.path(), "status --json --repo repo data");
        assert_eq!(told.values().next().unwrap().as_deref(), Some(name));
        // The next backup goes to its own source, too.
        let next = aofkit(dir.path(), "backup --json --always --repo repo --min-free 0 data");
        assert_eq!(next.expect(0).json("backup")["snapshot"]["source_name"], name);
        fs::remove_dir_all(&place).unwrap();
    }
}

#[test]
fn two_hundred_sets_and_their_sources_fit_one_screen() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 200);
    aofkit(dir.path(), "backup --all --min-free 0 --repo repo .").expect(0);
    let mut damaged = Node::usual(&mut Numbers(1));
    damaged.log.extend(b"junk\r\n");
    damaged.log.extend(set("user:1", 40));
    damaged.put(&dir.path().join("node-150/data"));
    let mut large = Node::usual(&mut Numbers(2));
    (0..2000).for_each(|n| large.base.extend(set(&format!("user:{n}"), 40)));
    large.put(&dir.path().join("node-077/data"));
    let mut strange = Node::usual(&mut Numbers(4));
    strange.log = (0..60).flat_map(|n| set(&format!("{n}:{}", "long".repeat(9)), 4_000)).collect();
    strange.put(&dir.path().join("node-123/data"));
    fs::remove_dir_all(dir.path().join("node-198/data/appendonlydir")).unwrap();
    let run = aofkit(dir.path(), "status --repo repo --max-age 1d .").expect(21);
    let lines: Vec<_> = run.out.lines().collect();
    assert!(lines.len() <= 24, "{} lines\n{}", lines.len(), run.out);
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{}", run.out);
    for what in
        ["199 sets", "200 sources", "node-150", "stands out: node-", "node-198 holds no set"]
    {
        assert!(run.out.contains(what), "{what}:\n{}", run.out);
    }
    let every = aofkit(dir.path(), "status -v --repo repo .").expect(21);
    assert!(every.out.lines().count() > 400);
}
