//! What `status` tells of backups, and `backup --all`.

use std::fs;
use std::path::Path;

use super::world::*;

/// Three sets with a backup each.
fn backed_up(dir: &Path) {
    fleet(dir, 3);
    aofkit(dir, "backup --repo repo --all node-001 node-002 node-003").expect(0);
}

#[test]
fn every_set_becomes_a_source_of_one_repository_and_one_that_fails_stops_no_other() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 5);
    let increment = dir.path().join("node-003/data/appendonlydir/appendonly.aof.1.incr.aof");
    let sound = fs::read(&increment).unwrap();
    fs::write(&increment, [b"junk\r\n".to_vec(), sound.clone()].concat()).unwrap();
    let run = aofkit(dir.path(), "backup --repo repo --all .").expect(25);
    assert!(run.out.contains("5 sets: 4 taken, 0 unchanged, 1 failed"), "{}", run.out);
    assert!(
        run.out.lines().nth(1).unwrap().starts_with("node-003"),
        "the worst first:\n{}",
        run.out
    );
    assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{}", run.out);
    fs::write(&increment, sound).unwrap();
    let told = aofkit(dir.path(), "backup --repo repo --all --json .").expect(0).json("backup");
    assert_eq!((number(&told["total"]["taken"]), number(&told["total"]["unchanged"])), (1, 4));
    assert_eq!(number(&told["total"]["new_bytes"]), sum_of_new(&told["sets"]));
    let snapshots = aofkit(dir.path(), "snapshots --repo repo --json").expect(0).json("snapshots");
    let rows = snapshots["snapshots"].as_array().unwrap();
    let mut sources: Vec<_> = rows.iter().map(|row| row["source_name"].as_str().unwrap()).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!((rows.len(), sources.len()), (5, 5));
    aofkit(dir.path(), "verify --repo repo --data").expect(0);
    for n in 1..=5 {
        let id =
            rows.iter().find(|row| row["path"].as_str().unwrap().contains(&format!("node-00{n}")));
        let id = id.unwrap()["id"].as_str().unwrap();
        aofkit(dir.path(), &format!("restore repo::{id} back-{n}")).expect(0);
        for file in ["appendonly.aof.1.base.aof", "appendonly.aof.1.incr.aof"] {
            let own = dir.path().join(format!("node-00{n}/data/appendonlydir/{file}"));
            let back = fs::read(dir.path().join(format!("back-{n}/{file}"))).unwrap();
            assert_eq!(back, fs::read(own).unwrap(), "node {n}: {file}");
        }
    }
}

fn sum_of_new(sets: &serde_json::Value) -> u64 {
    let rows = sets.as_array().unwrap().iter().filter(|row| row["unchanged"] == false);
    rows.map(|row| number(&row["snapshot"]["new_bytes"])).sum()
}

#[test]
fn all_takes_neither_one_source_nor_one_server_and_several_paths_need_it() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 2);
    aofkit(dir.path(), "backup --repo repo --all --source a .").expect(2);
    aofkit(dir.path(), "backup --repo repo --all --server redis://localhost:1 .").expect(2);
    aofkit(dir.path(), "backup --repo repo node-001 node-002").expect(2);
    aofkit(dir.path(), "backup --repo repo --all nowhere").expect(10);
    assert!(!dir.path().join("repo").exists(), "nothing was made for that");
    let run = aofkit(dir.path(), "backup --repo repo --all node-001 nowhere").expect(10);
    assert!(run.out.contains("2 sets: 1 taken, 0 unchanged, 1 failed"), "{}", run.out);
    aofkit(dir.path(), "backup --repo node-001/repo --all node-001/data").expect(0);
    aofkit(dir.path(), "backup --repo node-001/data/appendonlydir/repo --all node-001/data")
        .expect(1);
}

#[test]
fn the_age_of_a_backup_is_judged_for_every_set_and_source() {
    let dir = tempfile::tempdir().unwrap();
    backed_up(dir.path());
    let run =
        aofkit(dir.path(), "status --repo repo --max-age 1h node-001 node-002 node-003").expect(0);
    assert!(run.out.contains("3 sources, 3 snapshots; 0 older than 1h"), "{}", run.out);
    let told =
        aofkit(dir.path(), "status --repo repo --max-age 1h --json .").expect(0).json("status");
    for set in told["sets"].as_array().unwrap() {
        assert_eq!(
            (&set["backup"]["is_current"], &set["backup"]["is_too_old"]),
            (&true.into(), &false.into())
        );
        assert!(number(&set["backup"]["age_seconds"]) < 600);
    }
    // What was written since is not in the snapshot; the set is the same source.
    let log = dir.path().join("node-002/data/appendonlydir/appendonly.aof.1.incr.aof");
    let grown = [fs::read(&log).unwrap(), set("more", 10)].concat();
    fs::write(&log, grown).unwrap();
    let told = aofkit(dir.path(), "status --repo repo --json node-002").expect(0).json("status");
    let backup = &told["sets"][0]["backup"];
    assert_eq!(
        (&backup["is_current"], &backup["is_too_old"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert!(backup["source"].as_str().unwrap().contains("node-002"), "{backup}");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    for words in ["status --repo repo --max-age 1s .", "status --repo repo --max-age 1s"] {
        let old = aofkit(dir.path(), words).expect(30);
        assert!(
            old.out.contains("s!") && old.out.contains("3 older than 1s"),
            "{words}:\n{}",
            old.out
        );
    }
    // A set without any backup is above every age.
    Node::usual(&mut Numbers(3)).put(&dir.path().join("node-009"));
    let run = aofkit(dir.path(), "status --repo repo --max-age 52w .").expect(30);
    assert!(run.out.contains("none!") && run.out.contains("1 set without a backup"), "{}", run.out);
    aofkit(dir.path(), "status --repo repo .").expect(0);
    aofkit(dir.path(), "status --max-age 1h .").expect(2);
    aofkit(dir.path(), "status --repo nowhere .").expect(10);
    aofkit(dir.path(), "status --repo repo --source none").expect(10);
    // Damage counts more than age.
    fs::remove_file(dir.path().join("node-009/appendonlydir/appendonly.aof.1.base.aof")).unwrap();
    aofkit(dir.path(), "status --repo repo --max-age 1s .").expect(22);
}

#[test]
fn a_verification_is_told_of_where_it_was_written_down() {
    let dir = tempfile::tempdir().unwrap();
    backed_up(dir.path());
    let files = |what: &str| aofkit_files(&dir.path().join("repo"), what);
    let before = files("");
    aofkit(dir.path(), "verify --repo repo").expect(0);
    assert_eq!(files(""), before, "without --record nothing is written");
    let verified = |words: &str| {
        let told = aofkit(dir.path(), words).json("status");
        told["sources"][0]["verified"].clone()
    };
    assert!(verified("status --repo repo --json").is_null());
    aofkit(dir.path(), "verify --repo repo --data=1/2 --record").expect(0);
    assert_eq!(files("verified/").len(), 3);
    let look = verified("status --repo repo --json");
    assert_eq!(
        (&look["depth"], &look["part"], &look["good"]),
        (&"data".into(), &"1/2".into(), &true.into())
    );
    assert_eq!(look["has_seen_newest"], true);
    aofkit(dir.path(), "verify --repo repo --record").expect(0);
    assert_eq!(verified("status --repo repo --json")["depth"], "objects", "the latest counts");
    // The record is part of a repository: nothing is wrong with it, and a newer snapshot was not seen.
    let clean = aofkit(dir.path(), "verify --repo repo --json").expect(0).json("verify");
    assert_eq!(clean["problems"].as_array().unwrap().len(), 0, "{clean}");
    aofkit(dir.path(), "backup --repo repo --always node-001").expect(0);
    assert_eq!(verified("status --repo repo --json")["has_seen_newest"], false);
    // What a look found stays told until the next one.
    let object = files("objects/").pop().unwrap();
    let path = dir.path().join("repo").join(&object);
    let bytes = fs::read(&path).unwrap();
    let mut flipped = bytes.clone();
    flipped[9] ^= 1;
    replace(&path, &flipped);
    aofkit(dir.path(), "verify --repo repo --record").expect(25);
    let run = aofkit(dir.path(), "status --repo repo").expect(25);
    assert!(run.out.contains("verification FAILED"), "{}", run.out);
    replace(&path, &bytes);
    aofkit(dir.path(), "verify --repo repo --record").expect(0);
    aofkit(dir.path(), "status --repo repo").expect(0);
    // A record that was changed tells of nothing, and does no harm.
    let record = dir.path().join("repo").join(files("verified/").remove(0));
    let text = fs::read_to_string(&record).unwrap().replace("\"good\":true", "\"good\":null");
    replace(&record, text.as_bytes());
    assert!(verified("status --repo repo --json").is_null());
    aofkit(dir.path(), "verify --repo repo").expect(0);
}

/// Writes a file anew, also where it must not be written to.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Names of the files of a repository below a place, sorted.
fn aofkit_files(repo: &Path, below: &str) -> Vec<String> {
    let (mut found, mut dirs) = (Vec::new(), vec![repo.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => dirs.push(path),
                false => found.push(path.strip_prefix(repo).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    found.retain(|name| name.starts_with(below));
    found.sort();
    found
}

/// The source of each set, by the directory that its name begins with.
fn sources_of(told: &serde_json::Value) -> Vec<(String, String)> {
    let rows = told["sets"].as_array().unwrap().iter().map(|row| &row["snapshot"]);
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
    let mut all: Vec<_> = rows.map(|row| (text(row, "path"), text(row, "source_name"))).collect();
    all.sort();
    all
}

#[test]
fn no_two_sets_of_a_run_are_one_source_and_a_moved_fleet_keeps_its_sources() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::usual(&mut Numbers(5));
    for n in 1..=13 {
        node.put(&dir.path().join(format!("g13/n{n:02}")));
    }
    let run = || aofkit(dir.path(), "backup --repo repo --all --json -v g13").expect(0);
    let first = sources_of(&run().json("backup"));
    let names: std::collections::BTreeSet<_> = first.iter().map(|(_, source)| source).collect();
    assert_eq!((first.len(), names.len()), (13, 13), "{first:?}");
    // All of them are alike: the paths alone tell which is which.
    fs::rename(dir.path().join("g13"), dir.path().join("g14")).unwrap();
    for n in 1..=13 {
        let log = dir.path().join(format!("g14/n{n:02}/appendonlydir/appendonly.aof.1.incr.aof"));
        fs::write(&log, [fs::read(&log).unwrap(), set("more", n)].concat()).unwrap();
    }
    let moved = aofkit(dir.path(), "backup --repo repo --all --json g14").expect(0);
    let moved = sources_of(&moved.json("backup"));
    let as_it_was: Vec<_> =
        first.iter().map(|(path, source)| (path.replace("g13", "g14"), source.clone())).collect();
    assert_eq!(moved, as_it_was);
    // One set by two paths is one set.
    let twice = aofkit(dir.path(), "backup --repo repo --all g14 g14/n01").expect(0);
    assert!(twice.out.contains("13 sets: 0 taken, 13 unchanged, 0 failed"), "{}", twice.out);
}

#[test]
fn copies_of_a_set_that_moved_do_not_share_its_source() {
    let dir = tempfile::tempdir().unwrap();
    // Also where a path has bytes that no screen shows.
    for (old, a, b) in [("old", "a", "b"), ("x\nold", "x\na", "x\nb")] {
        let dir = dir.path().join(a.escape_default().to_string());
        let [old, a, b] = [old, a, b].map(|name| dir.join("all").join(name));
        let node = Node::usual(&mut Numbers(6));
        node.put(&old);
        aofkit(&dir, "backup --repo repo --all all").expect(0);
        fs::rename(old, &a).unwrap();
        node.put(&b);
        let told = aofkit(&dir, "backup --repo repo --all all").expect(0);
        assert!(told.out.contains("2 sets: 1 taken, 1 unchanged, 0 failed"), "{}", told.out);
        let again = aofkit(&dir, "backup --repo repo --all all").expect(0);
        assert!(again.out.contains("2 sets: 0 taken, 2 unchanged, 0 failed"), "{}", again.out);
        let told = aofkit(&dir, "status --repo repo --json").expect(0).json("status");
        assert_eq!(told["sources"].as_array().unwrap().len(), 2, "{told}");
    }
}

#[test]
fn a_set_without_a_manifest_is_kept_as_it_is_among_others() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 2);
    fs::remove_file(dir.path().join("node-002/data/appendonlydir/appendonly.aof.manifest"))
        .unwrap();
    let run = aofkit(dir.path(), "backup --repo repo --all --as-is node-001 node-002").expect(0);
    assert!(run.out.contains("2 sets: 2 taken, 0 unchanged, 0 failed"), "{}", run.out);
}

#[test]
fn a_set_whose_manifest_is_lost_has_not_the_backup_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::usual(&mut Numbers(7));
    for name in ["sound", "lost"] {
        node.put(&dir.path().join(name));
    }
    fs::remove_file(dir.path().join("lost/appendonlydir/appendonly.aof.manifest")).unwrap();
    aofkit(dir.path(), "backup --repo repo --all sound lost").expect(1);
    let told = aofkit(dir.path(), "status --repo repo --json sound lost").expect(22);
    let told = told.json("status");
    let has: Vec<_> = told["sets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| !set["backup"]["source"].is_null())
        .collect();
    assert_eq!(has, [false, true], "the worst first: {told}");
}

#[test]
fn a_url_is_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), 1);
    for words in ["backup --repo s3://x/y .", "status --repo s3://x/y .", "metrics --repo s3://x/y"]
    {
        let run = aofkit(dir.path(), words).expect(2);
        assert!(run.err.contains("s3:// is not supported"), "{}", run.err);
    }
    assert!(!dir.path().join("s3:").exists());
}
