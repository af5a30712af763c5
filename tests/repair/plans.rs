//! Limits, refusals and outputs that every plan has.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use aofkit::disk::LocalDisk;
use aofkit::error::ErrorKind;
use serde_json::Value;

use super::library::{apply, plan, state};
use super::schema::faults;
use super::world::*;

/// A set with this increment, and nobody is in the middle of writing it.
pub fn left_alone(increment: &[u8]) -> Set {
    let set = Set::of(increment);
    let file = fs::File::options().write(true).open(set.file(INCREMENT)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    set
}

fn torn() -> Set {
    let transaction = [record(&[b"MULTI"]), record(&[b"SET", b"x", b"1"])].concat();
    left_alone(&[sets(5), transaction].concat())
}

pub fn repair(words: &[&str], set: &Set) -> Run {
    finish(aofkit().arg("repair").args(words).arg(set.dir()))
}

#[test]
fn more_than_the_most_that_may_be_lost_is_refused_and_changes_nothing() {
    let set = torn();
    let before = state(&set.dir());
    for most in ["1", "0", "10b", "1kb", "2", "1KiB"] {
        let run = repair(&["--max-loss", most], &set);
        let refused = ["1", "0", "10b"].contains(&most);
        assert_eq!(run.code, if refused { 23 } else { 20 }, "{most}: {run:#?}");
    }
    repair(&["--max-loss", "1", "--apply"], &set).expect(23);
    assert_eq!(state(&set.dir()), before);
    repair(&["--max-loss", "2", "--apply"], &set).expect(0);
    repair(&["--max-loss", "many"], &set).expect(2);
}

#[test]
fn files_that_a_process_has_open_for_writing_are_left_alone_without_force() {
    let set = torn();
    let before = state(&set.dir());
    let mut writer = std::process::Command::new("sh")
        .args(["-c", "exec 9>>\"$0\"; echo ready; read _"])
        .arg(set.file(INCREMENT))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(writer.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let planned = repair(&["--json"], &set).expect(20).json();
    assert_eq!(planned["in_use_by"][0], writer.id());
    let run = repair(&["--apply"], &set).expect(11);
    assert!(run.err.contains("has it open for writing"), "{}", run.err);
    assert_eq!(state(&set.dir()), before);
    repair(&["--apply", "--force"], &set).expect(0);
    writer.stdin.take().unwrap().write_all(b"\n").unwrap();
    writer.wait().unwrap();
}

#[test]
fn a_plan_is_stale_as_soon_as_a_byte_changed() {
    let set = torn();
    let plan = plan(&set.dir());
    let bytes = fs::read(set.file(INCREMENT)).unwrap();
    // Same length, same time, another byte.
    let mut other = bytes.clone();
    other[20] ^= 1;
    fs::write(set.file(INCREMENT), &other).unwrap();
    let file = fs::File::options().write(true).open(set.file(INCREMENT)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let error = apply(&plan, &LocalDisk).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stale(_)), "{error}");
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), other);
    assert!(!set.root().join("aof.aofkit").exists());
}

#[test]
fn what_is_removed_is_kept_where_it_is_wanted_and_nowhere_only_when_told() {
    let set = torn();
    let before = state(&set.dir());
    let elsewhere = tempfile::tempdir().unwrap();
    let keep = elsewhere.path().to_str().unwrap();
    let run = repair(&["--apply", "--json", "--keep-in", keep], &set).expect(0).json();
    assert!(run["kept_at"].as_str().unwrap().starts_with(keep));
    assert!(!set.root().join("aof.aofkit").exists());
    repair(&["--undo", "--apply", "--keep-in", keep], &set).expect(20);
    assert_eq!(state(&set.dir()), before);
    let run = repair(&["--no-keep"], &set).expect(20);
    assert!(run.out.contains("gone for good"), "{}", run.out);
    let run = repair(&["--no-keep", "--apply", "--json"], &set).expect(0).json();
    assert_eq!(run["kept_at"], Value::Null);
    assert!(!set.root().join("aof.aofkit").exists());
    let run = repair(&["--undo", "--apply"], &set).expect(0);
    assert!(run.out.contains("nothing to take back"), "{}", run.out);
}

#[test]
fn a_change_of_the_set_since_makes_it_impossible_to_take_a_repair_back() {
    let set = torn();
    repair(&["--apply"], &set).expect(0);
    let mut file = fs::File::options().append(true).open(set.file(INCREMENT)).unwrap();
    file.write_all(&record(&[b"SET", b"new", b"1"])).unwrap();
    drop(file);
    let after = state(&set.dir());
    let run = repair(&["--undo"], &set).expect(0);
    assert!(run.out.contains("has changed since"), "{}", run.out);
    let run = repair(&["--undo", "--apply"], &set).expect(1);
    assert!(run.err.contains("has changed since"), "{}", run.err);
    assert_eq!(state(&set.dir()), after);
}

#[test]
fn repairs_are_taken_back_one_after_the_other() {
    let set = torn();
    let first = state(&set.dir());
    repair(&["--apply"], &set).expect(0);
    let mut file = fs::File::options().append(true).open(set.file(INCREMENT)).unwrap();
    file.write_all(b"*2\r\n$3").unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    drop(file);
    let second = state(&set.dir());
    repair(&["--apply"], &set).expect(0);
    repair(&["--undo", "--apply"], &set).expect(20);
    assert_eq!(state(&set.dir()), second);
    // The first one left a file that has grown since.
    repair(&["--undo", "--apply"], &set).expect(1);
    let file = fs::File::options().write(true).open(set.file(INCREMENT)).unwrap();
    file.set_len(sets(5).len() as u64).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    drop(file);
    repair(&["--undo", "--apply"], &set).expect(20);
    assert_eq!(state(&set.dir()), first);
}

#[test]
fn several_sets_are_listed_and_none_is_touched() {
    let set = torn();
    copy_tree(&set.dir(), &set.root().join("other"));
    let run = finish(aofkit().args(["repair", "--apply"]).arg(set.root())).expect(2);
    assert!(run.err.contains("name one of them") && run.err.contains("other"), "{}", run.err);
}

#[test]
fn what_is_kept_is_told_beside_leftovers_and_is_no_problem() {
    let set = torn();
    repair(&["--apply"], &set).expect(0);
    let shown = inspect_json(&set.dir());
    assert_eq!(shown["leftovers"][0]["kind"], "kept", "{shown:#}");
    assert_eq!(kinds(&shown, "info"), Vec::<String>::new());
    // A directory that keeps things is no set of its own.
    assert_eq!(inspect_json(set.root())["verdict"], "healthy");
}

#[test]
fn standard_input_is_refused_and_no_copy_is_made_of_what_cannot_be_helped() {
    piped(&["repair", "-"], &sets(2)).expect(2);
    let set = Set::of(&[sets(10), b"*3\r\n$3\r\nSXX".to_vec(), sets(10)].concat());
    let output = set.root().join("copy");
    repair(&["--output", output.to_str().unwrap()], &set).expect(21);
    assert!(!output.exists());
}

#[test]
fn outputs_fit_their_schema() {
    let schema: Value = serde_json::from_str(&run(["schema", "repair"]).expect(0).out).unwrap();
    let fits = |run: Run, what: &str| {
        let output = run.json();
        let faults = faults(&schema, &output);
        assert!(faults.is_empty(), "{what}: {faults:#?}");
    };
    let set = torn();
    fits(repair(&["--json"], &set), "plan");
    fits(repair(&["--json", "--redact"], &set), "redacted");
    fits(repair(&["--json", "--apply"], &set), "applied");
    fits(repair(&["--json", "--undo"], &set), "undo");
    fits(repair(&["--json", "--undo", "--apply"], &set), "undone");
    let inner = Set::of(&[sets(10), b"*3\r\n$3\r\nSXX".to_vec(), sets(10)].concat());
    fits(repair(&["--json"], &inner), "ways");
    fits(repair(&["--json", "--salvage"], &inner), "salvage");
    fits(repair(&["--json", "--truncate"], &inner), "truncate");
    fs::remove_file(inner.file("appendonly.aof.manifest")).unwrap();
    fits(repair(&["--json"], &inner), "lost manifest");
}

/// A set whose increment is a link to a file of another name beside it, or somewhere below.
fn linked(to: &str, bytes: &[u8]) -> Set {
    let set = Set::of(b"");
    fs::remove_file(set.file(INCREMENT)).unwrap();
    fs::create_dir_all(set.file(to).parent().unwrap()).unwrap();
    set.put(to, bytes);
    std::os::unix::fs::symlink(to, set.file(INCREMENT)).unwrap();
    set
}

#[test]
fn behind_a_link_the_file_is_changed_and_the_link_stays() {
    let hole = [sets(5), b"*3\r\n$3\r\nSXX".to_vec(), sets(5)].concat();
    let torn = [sets(5), b"*3\r\n$3".to_vec()].concat();
    for (bytes, words, cut) in [(&torn, &[][..], true), (&hole, &["--salvage"], false)] {
        let set = linked("real", bytes);
        let repair = |more: &[&str]| finish(aofkit().arg("repair").args(more).arg(set.dir()));
        repair(&[words, &["--apply"]].concat()).expect(0);
        assert_eq!(check(&set.dir()).code, 0);
        assert!(set.file(INCREMENT).is_symlink());
        // A successor has a name of its own, and the old file goes.
        assert_eq!(fs::read(set.file("real")).ok(), cut.then(|| sets(5)));
        repair(&["--undo", "--apply"]);
        assert!(set.file(INCREMENT).is_symlink());
        assert_eq!(&fs::read(set.file("real")).unwrap(), bytes);
        assert_eq!(&fs::read(set.file(INCREMENT)).unwrap(), bytes);
    }
    // Where the link would be replaced nothing is done in place.
    let deep = linked("sub/real", &torn);
    let refused = finish(aofkit().args(["repair", "--apply"]).arg(deep.dir()));
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.err.contains("symbolic link"), "{}", refused.err);
    assert_eq!(fs::read(deep.file("sub/real")).unwrap(), torn);
    let single = Set::empty();
    single.put("real", &torn);
    std::os::unix::fs::symlink("real", single.file("appendonly.aof")).unwrap();
    let file = single.file("appendonly.aof");
    let refused = finish(aofkit().args(["repair", "--apply"]).arg(&file));
    assert!(refused.code == 1 && refused.err.contains("name the file itself"), "{refused:#?}");
    assert_eq!(fs::read(&file).unwrap(), torn);
    let copy = single.root().join("copy");
    finish(aofkit().arg("repair").arg("--output").arg(&copy).arg(&file)).expect(0);
    assert_eq!(fs::read(copy.join("appendonly.aof")).unwrap(), sets(5));
}

#[test]
fn that_a_server_does_not_load_the_set_is_news_only_where_it_did_otherwise_before() {
    // A command that Redis 7.0 does not know, in front of a torn end.
    let newer = record(&[b"HPEXPIREAT", b"h", b"1893456000000", b"FIELDS", b"1", b"f"]);
    let set = Set::of(&[sets(5), newer.clone(), b"*3\r\n$3\r\nSE".to_vec()].concat());
    let file = fs::File::options().write(true).open(set.file(INCREMENT)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let text = repair(&[], &set).expect(20).out;
    assert!(text.contains("loads on redis-7.4, redis-8.0"), "{text}");
    let refusing = |text: &str| -> String {
        let line = text.lines().find(|line| line.contains("does not load on redis-7.0"));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert!(refusing(&text).ends_with("(as before)"), "{text}");
    let planned = repair(&["--json"], &set).expect(20).json();
    let schema: Value = serde_json::from_str(&run(["schema", "repair"]).expect(0).out).unwrap();
    assert_eq!(faults(&schema, &planned), Vec::<String>::new());
    let of = |planned: &Value, server: &str| {
        let all = planned["servers_after"].as_array().unwrap().clone();
        let one = all.into_iter().find(|one| one["server"] == server).unwrap();
        (one["loads"].clone(), one["loads_before"].clone())
    };
    assert_eq!(of(&planned, "redis-7.0"), ("no".into(), "no".into()));
    assert_eq!(of(&planned, "redis-8.2"), ("yes".into(), Value::Null));
    // Without its manifest every server starts empty; that one of them now refuses is news.
    let set = Set::of(&[sets(5), newer].concat());
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    let text = repair(&[], &set).expect(22).out;
    assert!(text.contains("loads on redis-7.4, redis-8.0"), "{text}");
    assert!(!refusing(&text).contains("as before"), "{text}");
    let planned = repair(&["--json"], &set).expect(22).json();
    assert_eq!(of(&planned, "redis-7.0"), ("no".into(), "starts-empty".into()));
}
