//! The verb as it is typed: what it says, what it answers to scripts, what it refuses.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{copy_tree, timed};

pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn json(&self) -> Value {
        let value = serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/rewind.json");
        let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(crate::schema::faults(&schema, &value), Vec::<String>::new(), "{}", self.out);
        value
    }
}

pub fn aofkit<S: AsRef<OsStr>>(words: &[S]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AOFKIT_")) {
            command.env_remove(name);
        }
    }
    let output = command.args(words).stdin(Stdio::null()).output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn rewind(words: &[&str], path: &Path) -> Run {
    aofkit(&[&["rewind"], words, &[path.to_str().unwrap()]].concat())
}

pub fn record(words: &[&str]) -> String {
    let head = format!("*{}\r\n", words.len());
    head + &words.iter().map(|w| format!("${}\r\n{w}\r\n", w.len())).collect::<String>()
}

/// Two increments: a group, and in the second a FLUSHALL with something after it.
fn set() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("set");
    fs::create_dir(&path).unwrap();
    let select = record(&["SELECT", "0"]);
    let base = select.clone() + &record(&["SET", "base", "1"]);
    let first = format!("#TS:1000\r\n{select}{}", record(&["SET", "user:1", "1"]))
        + &record(&["MULTI"])
        + &record(&["SET", "user:2", "2"])
        + &record(&["EXEC"]);
    let second = format!("#TS:2000\r\n{select}{}", record(&["SET", "user:3", "3"]))
        + &format!("#TS:3000\r\n{}", record(&["FLUSHALL"]))
        + &record(&["SET", "after", "4"]);
    fs::write(path.join("F.1.base.aof"), base).unwrap();
    fs::write(path.join("F.1.incr.aof"), first).unwrap();
    fs::write(path.join("F.2.incr.aof"), second).unwrap();
    let manifest = "file F.1.base.aof seq 1 type b\nfile F.1.incr.aof seq 1 type i\n\
                    file F.2.incr.aof seq 2 type i\n";
    fs::write(path.join("F.manifest"), manifest).unwrap();
    (dir, path)
}

pub fn tree(dir: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> =
        entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn a_plan_says_first_that_nothing_was_changed_and_what_would_go() {
    let (_dir, path) = set();
    let before = tree(&path);
    let run = rewind(&["--before-command", "flushall"], &path);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.out);
    assert!(
        run.out.lines().next().unwrap().ends_with("a plan; nothing was changed"),
        "{}",
        run.out
    );
    for said in ["2 commands would go, logged at 1970-01-01T00:50:00Z", "\"after\"", "--apply"] {
        assert!(run.out.contains(said), "{said}: {}", run.out);
    }
    assert!(run.out.lines().all(|line| line.chars().count() <= 100), "{}", run.out);
    assert!(tree(&path) == before);
    assert!(!path.with_file_name("set.aofkit").exists());
}

#[test]
fn a_flush_is_undone_by_one_command_and_that_is_taken_back_by_another() {
    let (_dir, path) = set();
    let before = tree(&path);
    let run = rewind(&["--json", "--apply", "--before-command", "FLUSHALL"], &path);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let json = run.json();
    assert_eq!(
        (json["applied"].as_bool(), json["loss"]["commands"].as_u64()),
        (Some(true), Some(2))
    );
    assert_eq!(json["verdict_after"], "healthy");
    assert!(timed::content(&path).ends_with(b"#TS:3000\r\n"));
    let set = path.to_str().unwrap();
    assert_eq!(aofkit(&["repair", "--undo", "--apply", set]).code, 0);
    assert!(tree(&path) == before);
}

#[test]
fn the_middle_of_a_transaction_goes_back_to_its_beginning() {
    let (_dir, path) = set();
    let whole = fs::read(path.join("F.1.incr.aof")).unwrap();
    let multi = whole.windows(5).position(|w| w == b"MULTI").unwrap() - 8;
    let json = rewind(&["--json", "--at", &format!("F.1.incr.aof:{}", multi + 30)], &path).json();
    assert_eq!(json["place"]["offset"].as_u64(), Some(multi as u64));
    assert_eq!(json["place"]["inside"], "transaction");
    let actions = json["actions"].as_array().unwrap();
    let kinds: Vec<_> = actions.iter().map(|a| a["action"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["manifest", "rewrite", "remove"]);
    // A command inside of one takes the whole of it along.
    let by_key = ["--json", "--before-command", "SET:last", "--key", "user:[12]"];
    let json = rewind(&by_key, &path).json();
    assert_eq!(json["place"]["offset"].as_u64(), Some(multi as u64), "{json}");
    assert_eq!(
        (json["matches"].as_u64(), json["loss"]["transactions"].as_u64()),
        (Some(2), Some(1))
    );
    let first = ["--json", "--before-command", "SET:first", "--key", "user:*"];
    assert_eq!(rewind(&first, &path).json()["loss"]["commands"].as_u64(), Some(8));
}

#[test]
fn a_copy_is_written_and_the_original_stays() {
    let (dir, path) = set();
    let before = tree(&path);
    let copy = dir.path().join("copy");
    let words = ["--until", "@1999", "--output", copy.to_str().unwrap()];
    let run = rewind(&words, &path);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(tree(&path) == before);
    let kept = [&before[0].1[..], &before[1].1].concat();
    assert!(timed::content(&copy) == kept, "{}", run.out);
}

#[test]
fn what_is_out_of_reach_is_refused_with_what_is_known() {
    let (_dir, path) = set();
    let run = rewind(&["--until", "@999"], &path);
    // The base has no time of its own, so it is the earliest there is.
    assert_eq!(run.code, 0, "{}", run.err);
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = recorded.join("testdata/servers/redis-8.2.3/rdb-base/aof");
    let (dir, undated) = set();
    let base = dir.path().join("recorded");
    copy_tree(&recorded, &base);
    let run = rewind(&["--until", "@1000"], &base);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("out of reach: the base was saved at 20"), "{}", run.err);
    assert!(run.err.contains("the first dated command came at 20"), "{}", run.err);

    for name in ["F.1.incr.aof", "F.2.incr.aof"] {
        let text = fs::read_to_string(undated.join(name)).unwrap();
        let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("#TS"));
        fs::write(undated.join(name), lines.collect::<String>()).unwrap();
    }
    let run = rewind(&["--until", "@1000"], &undated);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("aof-timestamp-enabled") && run.err.contains("--list"), "{}", run.err);
    for (words, said) in [
        (["--before-command", "FLUSHDB"], "no such command in this set"),
        (["--at", "F.2.incr.aof:9999"], "ends before that byte"),
        (["--at", "F.1.base.aof:0"], "holds nothing before that"),
    ] {
        let run = rewind(&words, &path);
        assert_eq!(run.code, 1, "{words:?}");
        assert!(run.err.contains(said), "{words:?}: {}", run.err);
    }
}

#[test]
fn what_makes_no_sense_is_a_matter_of_usage() {
    let (_dir, path) = set();
    for words in [
        &[][..],
        &["--until", "noon"],
        &["--at", "nowhere"],
        &["--at", "F.9.incr.aof:5"],
        &["--before-command", "SET:second"],
        &["--until", "@1", "--at", "F.1.incr.aof:1"],
        &["--until", "@1", "--key", "x"],
        &["--list", "--apply"],
    ] {
        let run = rewind(words, &path);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{words:?}: {}", run.err);
    }
}

#[test]
fn too_large_a_loss_is_refused() {
    let (_dir, path) = set();
    let before = tree(&path);
    let words = ["--apply", "--max-loss", "1", "--before-command", "FLUSHALL"];
    assert_eq!(rewind(&words, &path).code, 23);
    assert!(tree(&path) == before);
    assert_eq!(
        rewind(&["--apply", "--max-loss", "2", "--before-command", "FLUSHALL"], &path).code,
        0
    );
}

#[test]
fn nothing_behind_the_moment_is_nothing_to_do() {
    let (_dir, path) = set();
    let before = tree(&path);
    let run = rewind(&["--apply", "--until", "@3000"], &path);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("nothing lies behind that moment"), "{}", run.out);
    assert!(tree(&path) == before);
}

#[test]
fn the_list_shows_flushes_storms_and_borders_with_the_next_command() {
    let (_dir, path) = set();
    let last = path.join("F.2.incr.aof");
    let mut bytes = fs::read_to_string(&last).unwrap();
    for i in 0..120 {
        bytes.push_str(&record(&["DEL", &format!("user:{i}")]));
    }
    fs::write(&last, bytes).unwrap();
    let run = rewind(&["--list"], &path);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    for said in [
        "FLUSHALL; 122 commands from there on",
        "120 keys deleted in a row",
        "F.2.incr.aof begins",
        "dated from 1970-01-01T00:16:40Z to 1970-01-01T00:50:00Z",
    ] {
        assert!(run.out.contains(said), "{said}: {}", run.out);
    }
    let next = run.out.lines().find(|line| line.contains("next:")).unwrap();
    let words: Vec<&str> = next.split_whitespace().skip(2).collect();
    assert_eq!(aofkit(&words).code, 0, "{next}");
    let json = rewind(&["--list", "--json"], &path).json();
    let whats: Vec<_> = json["candidates"].as_array().unwrap().iter().map(|c| &c["what"]).collect();
    assert_eq!(whats, ["segment", "segment", "flush", "deletions"]);
}

#[test]
fn what_a_plan_puts_in_is_shown_as_commands() {
    let (_dir, path) = set();
    let flushed = path.join("F.2.incr.aof");
    let mut log = fs::read_to_string(&flushed).unwrap();
    for number in 1..8 {
        log += &record(&["SET", &format!("a:{number}"), "1"]);
    }
    fs::write(&flushed, log).unwrap();
    let words = ["--keep-later", "--before-command", "FLUSHALL"];
    let run = rewind(&words, &path);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let out = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains(": DEL a:1, a:2, a:3, ... (8 keys) is put in"), "{out}");
    assert!(!out.contains("\\r\\n"), "{out}");
    let hidden = rewind(&[&words[..], &["--redact"]].concat(), &path);
    assert_eq!(hidden.code, 0, "{}{}", hidden.out, hidden.err);
    assert!(hidden.out.contains(": DEL #") && !hidden.out.contains("a:1"), "{}", hidden.out);
}
