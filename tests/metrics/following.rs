//! A check that goes on with what was appended finds what a check of the whole set finds, wherever the appends are cut.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use aofkit::Silent;
use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Change, Check, Following, Report, Wording, judge};
use aofkit::scan::{Pace, scan};

use crate::spelled::record;
use crate::support::number_from_env;
use crate::world::{Set, sets};

/// Numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Something that may stand in a log.
fn piece(random: &mut Random) -> Vec<u8> {
    let key = format!("key:{}", random.below(50));
    let key = key.as_bytes();
    match random.below(20) {
        0 => record(&[b"SELECT", random.below(3).to_string().as_bytes()]),
        1 => format!("#TS:{}\r\n", 1_700_000_000 + random.below(1000)).into_bytes(),
        2 => [&record(&[b"MULTI"])[..], &record(&[b"INCR", key]), &record(&[b"EXEC"])].concat(),
        3 => record(&[b"SET", key, &sets(random.below(4) as usize + 1)]),
        4 => record(&[b"SET", key, &vec![b'v'; random.below(700_000) as usize]]),
        5 if random.below(8) == 0 => b"*0\r\n".to_vec(),
        6 if random.below(8) == 0 => record(&[b"NEWCMD", key]),
        7 if random.below(8) == 0 => b"garbage\0\0".to_vec(),
        8 if random.below(8) == 0 => record(&[b"SET", key]),
        9 if random.below(8) == 0 => b"*3\r\n$3\r\nSET\r\n$9999\r\n".to_vec(),
        10 if random.below(8) == 0 => record(&[b"MULTI"]),
        _ => record(&[b"SET", key, b"value"]),
    }
}

fn open(path: &Path) -> Aof {
    Aof::open(path, &OpenOptions::default()).unwrap()
}

fn whole(aof: &Aof) -> Report {
    let facts = scan(aof, Check::new(aof), &Pace::default(), &Silent).unwrap();
    judge(aof, facts, &Wording::default()).unwrap()
}

fn begin(aof: &Aof) -> Following {
    Following::begin(aof, &Pace::default(), &Silent).unwrap()
}

fn followed(following: &Following, aof: &Aof) -> Report {
    judge(aof, following.facts(), &Wording::default()).unwrap()
}

/// Compares all that is told, to the last offset.
fn assert_same(following: &Following, aof: &Aof, what: &str) {
    let (own, other) = (followed(following, aof), whole(aof));
    let (own, other) = (format!("{own:#?}"), format!("{other:#?}"));
    let at = own.lines().zip(other.lines()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        let lines: Vec<_> = text.lines().skip(at.saturating_sub(25)).take(40).collect();
        lines.join("\n")
    };
    assert!(own == other, "{what}:\n{}\n--- of the whole:\n{}", around(&own), around(&other));
}

fn append(path: &Path, bytes: &[u8]) {
    File::options().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_check_that_goes_on_is_a_check_of_the_whole() {
    let logs = number_from_env("AOFKIT_FOLLOWED", 40);
    let seed = number_from_env("AOFKIT_SEED", 1);
    for log in 0..logs {
        let mut random = Random(seed * 1000 + log);
        let set = Set::recorded("redis-8.2.3/rdb-base").in_memory();
        let set = if log % 2 == 0 { set } else { Set::of(b"").in_memory() };
        follow_one(&set, &mut random, &format!("AOFKIT_SEED={seed}, log {log}"));
    }
}

fn follow_one(set: &Set, random: &mut Random, what: &str) {
    let manifest = set.file("appendonly.aof.manifest");
    let increment = |seq: u64| format!("appendonly.aof.{seq}.incr.aof");
    let text = fs::read_to_string(&manifest).unwrap();
    let last = text.lines().rfind(|line| line.contains(" type i")).unwrap();
    let mut name = last.split(' ').nth(1).unwrap().to_owned();
    let mut seq = 100;
    // A name that is heard for the first time may make records sound that stand behind damage before it. So this one is
    // heard first.
    append(&set.file(&name), &record(&[b"NEWCMD", b"k"]));
    let mut following = begin(&open(set.root()));
    for step in 0..12 {
        let what = format!("{what}, step {step}");
        let mut bytes: Vec<_> = (0..random.below(30)).flat_map(|_| piece(random)).collect();
        let cut = random.below(bytes.len() as u64 + 1) as usize;
        // Two writes, so that a record is torn between them.
        let rest = bytes.split_off(cut);
        for part in [bytes, rest] {
            append(&set.file(&name), &part);
            let aof = open(set.root());
            let change = following.go_on(&aof, &Pace::default(), &Silent).unwrap();
            let expected = if part.is_empty() { Change::Nothing } else { Change::Grown };
            assert_eq!(change, expected, "{what}");
            assert_same(&following, &aof, &what);
        }
        if random.below(6) == 0 {
            // As at the start of a rewrite.
            seq += 1;
            name = increment(seq);
            set.put(&name, b"");
            append(&manifest, format!("file {name} seq {seq} type i\n").as_bytes());
            let aof = open(set.root());
            let change = following.go_on(&aof, &Pace::default(), &Silent).unwrap();
            assert_eq!(change, Change::Grown, "{what}");
            assert_same(&following, &aof, &what);
        }
    }
}

#[test]
fn a_file_of_old_and_a_torn_snapshot_are_followed_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("appendonly.aof");
    let recorded = crate::world::recorded("redis-6.2.16/rdb-preamble/appendonly.aof");
    let bytes = match fs::read(&recorded) {
        Ok(bytes) => bytes,
        Err(_) => {
            let all = crate::world::all_recorded();
            let single = all.iter().map(|dir| dir.join("appendonly.aof"));
            let rdb = |bytes: &Vec<u8>| bytes.starts_with(b"REDIS");
            single.filter_map(|file| fs::read(file).ok()).find(rdb).unwrap()
        }
    };
    // In ten parts, the first of which end inside the snapshot.
    let mut following = None;
    for part in bytes.chunks(bytes.len() / 10 + 1) {
        append(&path, part);
        let aof = open(&path);
        let following = following.get_or_insert_with(|| begin(&aof));
        let change = following.go_on(&aof, &Pace::default(), &Silent).unwrap();
        assert_ne!(change, Change::Another);
        assert_same(
            following,
            &aof,
            &format!("after {} bytes", fs::metadata(&path).unwrap().len()),
        );
    }
    append(&path, &sets(3));
    let (aof, mut following) = (open(&path), following.unwrap());
    assert_eq!(following.go_on(&aof, &Pace::default(), &Silent).unwrap(), Change::Grown);
    assert_same(&following, &aof, "with records behind it");
}

#[test]
fn what_is_not_only_appended_is_not_followed() {
    type Act = fn(&Set);
    let acts: [(&str, Act, Change); 8] = [
        ("nothing", |_| (), Change::Nothing),
        ("appended", |set| append(&set.file(crate::world::INCREMENT), &sets(1)), Change::Grown),
        (
            "cut",
            |set| {
                let file = File::options().write(true).open(set.file(crate::world::INCREMENT));
                file.unwrap().set_len(40).unwrap();
            },
            Change::Another,
        ),
        (
            "cut and longer than before",
            |set| set.put(crate::world::INCREMENT, &record(&[b"SET", b"k", &[b'x'; 4000]])),
            Change::Another,
        ),
        (
            "a byte changed in place",
            |set| {
                let mut bytes = fs::read(set.file(crate::world::INCREMENT)).unwrap();
                bytes[30] ^= 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
                set.put(crate::world::INCREMENT, &bytes);
            },
            Change::Another,
        ),
        (
            "another file of the same name",
            |set| {
                let bytes = fs::read(set.file(crate::world::INCREMENT)).unwrap();
                set.put("new", &[bytes, sets(2)].concat());
                fs::rename(set.file("new"), set.file(crate::world::INCREMENT)).unwrap();
            },
            Change::Another,
        ),
        (
            "a new base",
            |set| {
                set.put("appendonly.aof.2.base.aof", &sets(3));
                let increment = crate::world::INCREMENT;
                set.manifest(&format!(
                    "file appendonly.aof.2.base.aof seq 2 type b\nfile {increment} seq 1 type i\n"
                ));
            },
            Change::Another,
        ),
        (
            "the base gone",
            |set| fs::remove_file(set.file(crate::world::BASE)).unwrap(),
            Change::Another,
        ),
    ];
    for (what, act, expected) in acts {
        let set = Set::of(&sets(20));
        let mut following = begin(&open(set.root()));
        act(&set);
        let aof = open(set.root());
        let change = following.go_on(&aof, &Pace::default(), &Silent).unwrap();
        assert_eq!(change, expected, "{what}");
        if expected != Change::Another {
            assert_same(&following, &aof, what);
        }
    }
}
