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
