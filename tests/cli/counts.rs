//! What a backup says of the number of keys: what is known, what is not, and when a set is said to have shrunk.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::Value;

use super::repository::{Kept, assert_fits};
use super::world::*;

/// A set whose rewrites are written out.
struct Rewritten {
    kept: Kept,
    number: u32,
}

impl Rewritten {
    fn new(base: &[u8], increment: &[u8]) -> Self {
        let kept = Kept::new();
        for name in [BASE, INCREMENT] {
            fs::remove_file(kept.set.file(name)).unwrap();
        }
        let mut set = Self { kept, number: 0 };
        set.rewrite(base, increment);
        set
    }

    fn base(&self) -> String {
        format!("appendonly.aof.{}.base.aof", self.number)
    }

    fn increment(&self) -> String {
        format!("appendonly.aof.{}.incr.aof", self.number)
    }

    fn rewrite(&mut self, base: &[u8], increment: &[u8]) {
        let old = [self.base(), self.increment()];
        self.number += 1;
        self.kept.set.put(&self.base(), base);
        self.kept.set.put(&self.increment(), increment);
        let (name, increment, number) = (self.base(), self.increment(), self.number);
        self.kept.set.manifest(&format!(
            "file {name} seq {number} type b\nfile {increment} seq {number} type i\n"
        ));
        old.iter().for_each(|name| drop(fs::remove_file(self.kept.set.file(name))));
    }

    fn append(&self, bytes: &[u8]) {
        let path = self.kept.set.file(&self.increment());
        fs::write(&path, [fs::read(&path).unwrap(), bytes.to_vec()].concat()).unwrap();
    }

    fn run(&self, words: &[&str]) -> Run {
        let dir = self.kept.set.dir();
        let all = [&["backup", "--min-free", "0"], words, &[dir.to_str().unwrap()]];
        self.kept.verb(&all.concat())
    }

    /// What a backup says that looks for a loss of so many in a hundred.
    fn made(&self, percent: &str, code: i32) -> Value {
        let made = self.run(&["--json", "--fail-on-shrink", percent]).expect(code).json();
        assert_fits("backup", &made);
        made
    }
}

fn kinds(made: &Value) -> Vec<&str> {
    let all = made["marks"].as_array().unwrap();
    all.iter().map(|mark| mark["kind"].as_str().unwrap()).collect()
}

fn named(prefix: &str, n: usize) -> Vec<u8> {
    (0..n)
        .flat_map(|n| record(&[b"SET", format!("{prefix}:{n}").as_bytes(), &[b'v'; 64]]))
        .collect()
}

#[test]
fn a_rewrite_after_everything_was_flushed_is_no_second_loss() {
    let mut set = Rewritten::new(&named("k", 1000), b"");
    set.made("50", 0);
    set.append(&record(&[b"FLUSHALL"]));
    let flushed = set.made("50", 30);
    assert!(flushed["marks"][0]["message"].to_string().contains("-1 is the one to restore"));
    set.rewrite(b"", &record(&[b"SET", b"only", b"1"]));
    let made = set.made("50", 0);
    assert_eq!((kinds(&made), &made["snapshot"]["keys"]), (vec![], &1.into()));
}

#[test]
fn where_a_count_is_unknown_bytes_of_bases_are_told_and_nothing_is_advised() {
    let mut set = Rewritten::new(&named("k", 2000), &record(&[b"NO.SUCHCOMMAND", b"k"]));
    assert_eq!(set.made("50", 0)["snapshot"]["keys"], Value::Null);
    set.rewrite(&named("k", 20), b"");
    let made = set.made("50", 30);
    let message = made["marks"][0]["message"].as_str().unwrap();
    assert!(kinds(&made).contains(&"shrunk") && !message.contains("restore"), "{message}");
}

#[test]
fn keys_that_may_have_gone_with_their_last_element_are_no_loss_and_others_are() {
    let queues = |n: std::ops::Range<usize>, command: &[u8], value: &[&[u8]]| -> Vec<u8> {
        n.flat_map(|n| record(&[&[command, format!("q:{n}").as_bytes()], value].concat())).collect()
    };
    let mut set = Rewritten::new(&sets(10), &queues(0..900, b"RPUSH", &[b"1"]));
    set.append(&queues(0..900, b"LPOP", &[]));
    let made = set.made("50", 0);
    let (keys, least) = (&made["snapshot"]["keys"], &made["snapshot"]["keys_at_least"]);
    assert_eq!((keys, least), (&910.into(), &10.into()));
    set.rewrite(&sets(11), b"");
    let made = set.made("50", 0);
    assert_eq!(kinds(&made), ["uncounted"], "at most 910 before, 11 now");
    let run = set.run(&["--always", "--fail-on-shrink", "50"]).expect(0);
    assert!(!run.err.contains("WARNING"), "{}", run.err);
    // What was pushed again is there; and what nobody popped from is lost when it goes.
    set.append(&queues(0..4, b"RPUSH", &[b"1"]));
    set.append(&[queues(0..2, b"LPOP", &[]), queues(0..1, b"RPUSH", &[b"2"])].concat());
    let made = set.made("50", 0);
    assert_eq!(
        (&made["snapshot"]["keys"], &made["snapshot"]["keys_at_least"]),
        (&15.into(), &14.into())
    );
    set.append(&record(&[b"FLUSHALL"]));
    assert_eq!(kinds(&set.made("50", 30)), ["shrunk"]);
}

#[test]
fn the_noise_of_a_sample_is_no_loss() {
    for prefix in ["a", "b", "c", "d", "e", "f"] {
        for keys in [1024, 4096] {
            let set = Rewritten::new(&named(prefix, keys), b"");
            set.made("1", 0);
            set.append(&record(&[b"SET", b"one more", b"1"]));
            let made = set.made("1", 0);
            assert_eq!(kinds(&made), Vec::<&str>::new(), "{prefix} {keys}: {made}");
            set.append(&record(&[b"FLUSHALL"]));
            set.made("100", 30);
        }
    }
}

#[test]
fn keys_are_counted_on_over_a_rewrite_that_a_backup_has_seen_the_middle_of() {
    let mut set = Rewritten::new(&sets(10), &record(&[b"SET", b"x", b"1"]));
    set.made("50", 0);
    let (base, first) = (set.base(), set.increment());
    let lines = format!("file {base} seq 1 type b\nfile {first} seq 1 type i\n");
    let next = "appendonly.aof.2.incr.aof";
    set.kept.set.put(next, &record(&[b"SET", b"y", b"1"]));
    set.kept.set.manifest(&format!("{lines}file {next} seq 2 type i\n"));
    assert_eq!(set.made("50", 0)["snapshot"]["keys"], 12);
    let there = fs::read(set.kept.set.file(next)).unwrap();
    // What a server had appended by then, and what it appended later.
    for more in [&b""[..], &record(&[b"SET", b"z", b"1"])] {
        set.rewrite(&sets(11), &[&there, more].concat());
        let made = set.made("50", 0);
        let keys = 12 + u64::from(!more.is_empty());
        assert_eq!((kinds(&made), &made["snapshot"]["keys"]), (vec![], &keys.into()));
        set.kept.verb(&["verify", "--data"]).expect(0);
    }
    let commands = set.run(&["--json"]).expect(0).json()["snapshot"]["commands"].clone();
    assert_eq!(commands, 14, "a SELECT among them");
}

#[test]
fn a_count_that_is_unknown_is_told_to_whoever_asks_for_a_loss() {
    let kept = Kept::new();
    let dir = kept.set.dir();
    let backup = |words: &[&str]| {
        kept.verb(&[&["backup", "--min-free", "0"], words, &[dir.to_str().unwrap()]].concat())
    };
    let document = || fs::read_dir(kept.repo().join("keys")).unwrap().next().unwrap().unwrap();
    backup(&[]).expect(0);
    for what in ["nothing", "a directory", "a FIFO", "a link"] {
        let path = document().path();
        fs::remove_file(&path).unwrap();
        match what {
            "a directory" => fs::create_dir(&path).unwrap(),
            "a FIFO" => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
            "a link" => symlink("/dev/zero", &path).unwrap(),
            _ => {}
        }
        kept.grow("more");
        let run = backup(&["--fail-on-shrink", "50"]).expect(0);
        assert!(run.err.contains("not known"), "{what}: {}", run.err);
        assert_eq!(run.err.contains("cannot be read"), what != "nothing", "{what}: {}", run.err);
        assert!(!run.err.contains("that it must be there"), "{what}: {}", run.err);
        kept.grow("more");
        assert!(!backup(&[]).expect(0).err.contains("WARNING"), "only whoever asks is warned");
        drop(fs::remove_dir(&path));
        drop(fs::remove_file(&path));
        fs::write(&path, b"").unwrap();
    }
}

#[test]
fn what_this_run_has_found_is_in_its_json_also_where_nothing_has_changed() {
    let kept = Kept::new();
    let run = || {
        let words = ["backup", "--json", "--min-free", "0", "--fail-on-shrink", "50"];
        kept.verb(&[&words[..], &[kept.set.dir().to_str().unwrap()]].concat())
    };
    assert_eq!(kinds(&run().expect(0).json()), Vec::<&str>::new());
    kept.set.put("appendonly.aof.2.base.aof", &sets(200));
    kept.set.put("appendonly.aof.2.incr.aof", &record(&[b"SET", b"x", b"1"]));
    let made = run().expect(30).json();
    assert_fits("backup", &made);
    assert_eq!((&made["unchanged"], kinds(&made)), (&true.into(), vec!["started-empty"]));
    assert_eq!(made["other_host"], Value::Null);
}
