//! Which source a set goes to, and what is told of what could not be kept.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::repository::{Kept, assert_fits};
use super::world::*;

fn backup(kept: &Kept, dir: &Path, words: &[&str]) -> Run {
    kept.verb(&[&["backup", "--min-free", "0"], words, &[dir.to_str().unwrap()]].concat())
}

fn source(made: &Value) -> String {
    made["snapshot"]["source_name"].as_str().unwrap().to_owned()
}

/// A set that shares nothing with another but the selection of a database at the beginning of its increment.
fn stranger(at: &Path, keys: usize) {
    fs::create_dir(at).unwrap();
    let base: Vec<_> = (0..keys)
        .flat_map(|n| record(&[b"SET", format!("other:{keys}:{n}").as_bytes(), b"1"]))
        .collect();
    fs::write(at.join("appendonly.aof.1.base.aof"), base).unwrap();
    fs::write(at.join(INCREMENT), record(&[b"SELECT", b"0"])).unwrap();
    let manifest =
        format!("file appendonly.aof.1.base.aof seq 1 type b\nfile {INCREMENT} seq 1 type i\n");
    fs::write(at.join("appendonly.aof.manifest"), manifest).unwrap();
}

#[test]
fn a_new_set_where_another_one_lay_is_no_source_that_moved_away() {
    let kept = Kept::new();
    let (one, two) = (kept.set.root().join("one"), kept.set.root().join("two"));
    stranger(&one, 5);
    let first = source(&backup(&kept, &one, &["--json"]).expect(0).json());
    fs::rename(&one, &two).unwrap();
    fs::write(
        two.join("appendonly.aof.1.incr.aof"),
        [record(&[b"SELECT", b"0"]), record(&[b"SET", b"x", b"1"])].concat(),
    )
    .unwrap();
    assert_eq!(source(&backup(&kept, &two, &["--json"]).expect(0).json()), first);
    stranger(&one, 7);
    let new = backup(&kept, &one, &["--json"]).expect(0).json();
    assert_eq!(
        (source(&new), new["snapshot"]["marks"].to_string().as_str()),
        (format!("{first}-2"), "[]")
    );
    assert_eq!(source(&backup(&kept, &one, &["--json"]).expect(0).json()), format!("{first}-2"));
    // By its name, it would take over what it has nothing in common with.
    fs::write(two.join(INCREMENT), record(&[b"SELECT", b"0"])).unwrap();
    backup(&kept, &two, &["--always"]).expect(0);
    let refused = backup(&kept, &one, &["--source", &first]).expect(1);
    assert!(refused.err.contains("nothing in common"), "{}", refused.err);
    backup(&kept, &one, &["--source", &first, "--new-history"]).expect(0);
    kept.verb(&["verify", "--data"]).expect(0);
}

#[test]
fn a_source_that_cannot_be_read_does_not_end_the_backups_of_others() {
    let kept = Kept::new();
    let other = kept.set.root().join("other");
    stranger(&other, 5);
    let made = backup(&kept, &other, &["--json", "--source", "other"]).expect(0).json();
    let id = made["snapshot"]["id"].as_str().unwrap();
    let entry = kept.repo().join(format!("sources/other/snapshots/{id}.json"));
    fs::rename(&entry, kept.set.root().join("away")).unwrap();
    symlink(kept.set.root().join("away"), &entry).unwrap();
    for words in [&[][..], &["--as-is"]] {
        let run = backup(&kept, &kept.set.dir(), words).expect(0);
        assert!(run.err.contains("source other cannot be read"), "{}", run.err);
    }
    // It is trusted by nobody: its own backups end.
    assert_ne!(backup(&kept, &other, &["--source", "other"]).code, 0);
}

/// The objects of an included file.
fn objects_of(kept: &Kept, name: &str) -> Vec<PathBuf> {
    let dir = fs::read_dir(kept.repo().join("sources")).unwrap().next().unwrap().unwrap().path();
    let entries = fs::read_dir(dir.join("snapshots")).unwrap().map(|one| one.unwrap().path());
    let entry = entries.filter(|path| path.extension().is_some_and(|e| e == "json")).max().unwrap();
    let entry: Value = serde_json::from_slice(&fs::read(entry).unwrap()).unwrap();
    let extras = entry["extras"].as_array().unwrap();
    let extra = extras.iter().find(|one| one["name"] == name).unwrap();
    let segments = extra["segments"].as_array().unwrap();
    segments.iter().map(|one| kept.repo().join(one["object"].as_str().unwrap())).collect()
}

#[test]
fn an_included_file_that_could_not_be_kept_is_told_by_its_name() {
    for what in ["missing", "damaged"] {
        let kept = Kept::new();
        let conf = kept.set.root().join("redis.conf");
        fs::write(&conf, "maxmemory 1gb\n").unwrap();
        backup(&kept, &kept.set.dir(), &[&format!("--include={}", conf.display())]).expect(0);
        for object in objects_of(&kept, "redis.conf") {
            match what {
                "missing" => fs::remove_file(object).unwrap(),
                _ => {
                    let mut bytes = fs::read(&object).unwrap();
                    let at = bytes.len() / 2;
                    bytes[at] ^= 1;
                    fs::write(&object, bytes).unwrap();
                }
            }
        }
        kept.grow("more");
        let run = backup(&kept, &kept.set.dir(), &["--quiet"]).expect(0);
        assert!(run.err.contains("redis.conf") && run.err.contains("--include"), "{}", run.err);
        kept.grow("more");
        let run = backup(&kept, &kept.set.dir(), &[]).expect(0);
        assert!(!run.err.contains("anew"), "{what}: {}", run.err);
        let listed = kept.verb(&["snapshots", "--json"]).expect(0).json();
        assert_fits("snapshots", &listed);
        let marks: Vec<_> = listed["snapshots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["marks"][0]["kind"].clone())
            .collect();
        assert_eq!(marks, [Value::Null, "include-lost".into(), Value::Null], "{what}");
    }
}

#[test]
fn files_as_they_were_found_are_told_by_what_was_left_out() {
    let kept = Kept::new();
    let message = |kept: &Kept| {
        let made = backup(kept, &kept.set.dir(), &["--json", "--as-is"]).expect(0).json();
        made["marks"][0]["message"].as_str().unwrap().to_owned()
    };
    assert!(message(&kept).contains("nothing was left out"));
    fs::remove_file(kept.set.file(BASE)).unwrap();
    fs::remove_file(kept.set.file(INCREMENT)).unwrap();
    fs::create_dir(kept.set.file(INCREMENT)).unwrap();
    symlink("/dev/zero", kept.set.file("appendonly.aof.9.incr.aof")).unwrap();
    fs::create_dir(kept.set.file("sub")).unwrap();
    let told = message(&kept);
    assert!(!told.contains("nothing was left out"), "{told}");
    for part in [
        format!("not there: {BASE}"),
        format!("no plain file: {INCREMENT}"),
        "not kept: appendonly.aof.9.incr.aof, sub".to_owned(),
    ] {
        assert!(told.contains(&part), "{told}");
    }
}

#[test]
fn files_as_they_were_found_are_not_begun_anew_where_all_of_them_are_gone() {
    let kept = Kept::new();
    let made = backup(&kept, &kept.set.dir(), &["--json", "--as-is"]).expect(0).json();
    let snapshots = kept.repo().join(format!("sources/{}/snapshots", source(&made)));
    fs::remove_dir_all(snapshots).unwrap();
    let run = backup(&kept, &kept.set.dir(), &["--as-is"]).expect(25);
    assert!(run.err.contains("is a disk not mounted"), "{}", run.err);
}

#[test]
fn a_leftover_that_is_also_asked_for_is_kept_once() {
    let kept = Kept::new();
    kept.set.put("temp-rewriteaof-bg-77.aof", &sets(2));
    let path = kept.set.file("temp-rewriteaof-bg-77.aof");
    let include = format!("--include={}", path.display());
    let made = backup(&kept, &kept.set.dir(), &["--json", "--as-is", &include]).expect(0).json();
    let names = |made: &Value| -> Vec<String> {
        let extras = made["snapshot"]["extras"].as_array().unwrap().iter();
        extras.map(|one| one["file"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&made), ["temp-rewriteaof-bg-77.aof"]);
    kept.verb(&["verify", "--data"]).expect(0);
    // Another file of the same name cannot be kept with it, and is not passed over in silence.
    fs::create_dir(kept.set.root().join("elsewhere")).unwrap();
    let other = kept.set.root().join("elsewhere/temp-rewriteaof-bg-77.aof");
    fs::write(&other, b"another").unwrap();
    let include = format!("--include={}", other.display());
    let run = backup(&kept, &kept.set.dir(), &["--as-is", &include]).expect(1);
    assert!(run.err.contains("another name"), "{}", run.err);
}

#[test]
fn files_as_they_were_found_are_all_that_lie_in_the_directory_whatever_their_names() {
    let kept = Kept::new();
    for name in ["appendonly.aof.1.incr.aof.bak", "notes", ".nfs0000000000000001"] {
        kept.set.put(name, name.as_bytes());
    }
    let made = backup(&kept, &kept.set.dir(), &["--json", "--as-is"]).expect(0).json();
    let id = made["snapshot"]["id"].as_str().unwrap();
    let target = kept.set.root().join("out");
    run(["restore", &kept.snapshot(id), target.to_str().unwrap()]).expect(0);
    for name in ["appendonly.aof.1.incr.aof.bak", "notes", ".nfs0000000000000001"] {
        let there = kept.set.root().join("out.extra").join(name);
        assert_eq!(fs::read(there).unwrap(), name.as_bytes());
    }
}
