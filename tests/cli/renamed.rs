//! Servers that have their commands by other names: whatever is written for them uses those, and every verb knows both.

use std::fs;
use std::path::Path;

use super::world::*;

const LINES: &str = "appendonly yes\nrename-command SELECT PICK\nrename-command MULTI BEGIN\n\
    rename-command EXEC COMMIT\nrename-command DISCARD FORGET\nrename-command RESTORE BRING\n\
    rename-command FUNCTION FUN\nrename-command SET PUT\n";

fn log(calls: &[&str]) -> Vec<u8> {
    let words = |call: &&str| record(&call.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    calls.iter().flat_map(words).collect()
}

/// A set of such a server, and the path of its configuration.
fn set_of(log: &[u8]) -> (Set, String) {
    let set = Set::of(log);
    set.put(BASE, &record(&[b"RPUSH", b"old", b"x"]));
    let conf = set.root().join("redis.conf");
    fs::write(&conf, LINES).unwrap();
    (set, conf.to_str().unwrap().to_owned())
}

/// The words of what was written, without lengths.
fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split("\r\n").filter(|line| !line.is_empty() && !line.starts_with(['*', '$']));
    lines.collect::<Vec<_>>().join(" ")
}

fn increment_in(dir: &Path) -> Vec<u8> {
    let mut names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    fs::read(names.find(|path| path.to_str().unwrap().contains(".incr.")).unwrap()).unwrap()
}

#[test]
fn a_snapshot_is_restored_to_what_stands_before_a_renamed_command() {
    let (set, conf) = set_of(&log(&["PICK 0", "RPUSH l x", "PUT a 1", "RPUSH l y", "put b 2"]));
    let repo = set.root().join("repo");
    let (dir, repo) = (set.dir(), repo.to_str().unwrap());
    run(["backup", "-q", "--conf", &conf, dir.to_str().unwrap(), "--repo", repo]).expect(0);
    let latest = format!("{repo}::latest");
    for (number, (name, left)) in [
        ("PUT", "PICK 0 RPUSH l x PUT a 1 RPUSH l y"),
        ("SET", "PICK 0 RPUSH l x PUT a 1 RPUSH l y"),
        ("set:first", "PICK 0 RPUSH l x"),
    ]
    .into_iter()
    .enumerate()
    {
        let target = set.root().join(format!("restored-{number}"));
        let target = target.to_str().unwrap();
        let moment = ["--before-command", name, "--conf", &conf];
        let answer = run([&["restore", &latest, target][..], &moment[..]].concat()).expect(0);
        assert_eq!(answer.err, "", "{name}: both names are known");
        assert_eq!(words(&increment_in(Path::new(target))), left, "{name}");
    }
    // Nobody knows that name without the configuration, and SET is in no record.
    let target = set.root().join("none");
    let words = ["restore", &latest, target.to_str().unwrap(), "--before-command", "SET"];
    assert!(run(words).expect(1).err.contains("no such command"));
}

#[test]
fn a_configuration_that_cannot_be_read_is_no_configuration_without_renames() {
    let (set, conf) = set_of(&log(&["PICK 0", "PUT a 1", "PUT b 2"]));
    let repo = set.root().join("repo");
    let (dir, repo) = (set.dir(), repo.to_str().unwrap());
    run(["backup", "-q", dir.to_str().unwrap(), "--repo", repo]).expect(0);
    fs::remove_file(&conf).unwrap();
    let (latest, target) = (format!("{repo}::latest"), set.root().join("restored"));
    let target = target.to_str().unwrap();
    run(["restore", &latest, target, "--before-command", "PUT", "--conf", &conf]).expect(10);
    assert!(!Path::new(target).exists());
}

#[test]
fn a_select_that_salvage_writes_has_the_name_that_this_server_knows() {
    let (before, after) =
        (log(&["PICK 0", "PUT a 1"]), log(&["PUT b 2", "PUT c 3", "PICK 0", "PUT d 4"]));
    // As the server writes it, and as it was mended before.
    for lost in ["SELECT 3", "PICK 3"] {
        let damaged = [&before[..], b"\0\0\0\0", &log(&[lost]), b"\0\0\0", &after].concat();
        let (set, conf) = set_of(&damaged);
        let (dir, out) = (set.dir(), set.root().join("out"));
        let (dir, output) = (dir.to_str().unwrap(), out.to_str().unwrap());
        let words_given = ["repair", "--salvage", "--conf", &conf, dir, "--output", output];
        run(words_given).expect(0);
        let text = words(&increment_in(&out));
        assert_eq!(text, "PICK 0 PUT a 1 PICK 3 PUT b 2 PUT c 3 PICK 0 PUT d 4", "{lost}");
        run(["check", "--conf", &conf, output]).expect(0);
    }
}

#[test]
fn what_convert_and_cat_put_in_has_the_names_that_this_server_knows() {
    let calls = [
        "PICK 0", "PUT a 1", "PICK 1", "BEGIN", "PUT b 2", "PUT c 3", "COMMIT", "PICK 0", "PUT d 4",
    ];
    let (set, conf) = set_of(&log(&calls));
    let (dir, out) = (set.dir(), set.root().join("out"));
    let (dir, output) = (dir.to_str().unwrap(), out.to_str().unwrap());
    run(["convert", "--conf", &conf, "--key", "[cd]", dir, "--output", output]).expect(0);
    assert_eq!(words(&increment_in(&out)), "PICK 1 BEGIN PUT c 3 COMMIT PICK 0 PUT d 4");
    run(["check", "--conf", &conf, output]).expect(0);

    let fed = |more: &[&str]| {
        let words_given = [&["cat", "--format", "resp", "--conf", &conf, dir][..], more].concat();
        words(run(words_given).expect(0).out.as_bytes())
    };
    assert_eq!(fed(&["--key", "[cd]"]), "BEGIN PICK 1 PUT c 3 COMMIT PICK 0 PUT d 4");
}

#[test]
fn keys_and_libraries_of_a_base_are_fed_by_the_names_that_this_server_knows() {
    let set = Set::recorded("redis-8.2.3/rdb-base");
    let conf = set.root().join("redis.conf");
    fs::write(&conf, LINES).unwrap();
    let mut command = aofkit();
    command.args(["cat", "--format", "resp", "--with-base", "--conf"]).args([&conf, &set.dir()]);
    let text = words(&command.output().unwrap().stdout);
    assert!(text.contains("BRING") && !text.contains("RESTORE"), "{text}");
    assert!(!text.contains("FUNCTION LOAD"), "{text}");
}
