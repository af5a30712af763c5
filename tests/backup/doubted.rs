//! What a backup cannot see without being asked to look: bytes in the middle of what is stored, and a set that its
//! server has left.

use std::fs;
use std::time::{Duration, SystemTime};

use super::beside::{Run, run};
use super::home::{Home, INCREMENT, files_in, set};

const BASE: &str = "appendonly.aof.1.base.aof";

fn taken(home: &Home, more: &[&str]) -> Run {
    let (set, repo) = (home.set(), home.repo());
    let words = ["backup", set.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    let made = run(&[&words[..], &["--min-free", "0"], more].concat());
    assert_eq!(made.code, Some(0), "{}", made.err);
    made
}

/// Changes one byte of a value, and neither length nor head nor tail.
fn change(home: &Home, file: &str, at: usize) {
    let mut bytes = fs::read(home.set().join(file)).unwrap();
    assert!(bytes[at] == b'v' && at > 8 << 10 && at + (128 << 10) < bytes.len());
    bytes[at] = b'w';
    home.put(file, &bytes);
}

/// The newest snapshot but `back`.
fn restored(home: &Home, back: u32) -> std::collections::BTreeMap<String, Vec<u8>> {
    let target = home.root.path().join("restored");
    drop(fs::remove_dir_all(&target));
    let from = format!("{}::latest~{back}", home.repo().display());
    let back = run(&["restore", &from, target.to_str().unwrap()]);
    assert_eq!(back.code, Some(0), "{}", back.err);
    files_in(&target)
}

#[test]
fn a_byte_changed_in_the_middle_is_seen_by_who_is_paranoid() {
    let long = set("long", &[b'v'; 300_000]);
    let (first, both) = (long.len(), 2 * long.len());
    // In the base, in the first segment of the increment, and in the second, which leaves the first as it is.
    for (file, at, same) in
        [(BASE, 100_000, 0), (INCREMENT, 100_000, 0), (INCREMENT, first + 100_000, first)]
    {
        let home = Home::with_increment(&long);
        home.put(BASE, &long);
        taken(&home, &[]);
        home.append(&long);
        taken(&home, &[]);
        let before = files_in(&home.set());
        assert_eq!(before[INCREMENT].len(), both);
        change(&home, file, at);
        let unseen = taken(&home, &[]);
        assert!(unseen.out.starts_with("unchanged") && unseen.err.is_empty(), "{}", unseen.err);
        let seen = taken(&home, &["--paranoid"]);
        assert!(!seen.out.starts_with("unchanged"), "{}", seen.out);
        let told = format!("{file}: its first");
        let from = format!("its history was rewritten from byte {same} on");
        assert!(seen.err.contains(&told) && seen.err.contains(&from), "{}", seen.err);
        assert!(restored(&home, 0) == files_in(&home.set()), "{file}: not as it is now");
        assert!(restored(&home, 1) == before, "{file}: not as it was");
        // What it has seen once is nothing new.
        assert!(taken(&home, &["--paranoid"]).out.starts_with("unchanged"));
    }
}

#[test]
fn a_set_that_nobody_has_written_to_for_long_is_told() {
    let home = Home::with_increment(&set("a", b"1"));
    let age = |hours: u64| {
        let then = SystemTime::now() - Duration::from_secs(hours * 3600 + 60);
        for name in files_in(&home.set()).keys() {
            fs::File::open(home.set().join(name)).unwrap().set_modified(then).unwrap();
        }
    };
    let told = |more: &[&str]| taken(&home, more).err;
    assert_eq!(told(&[]), "");
    age(23);
    assert_eq!(told(&[]), "");
    assert!(told(&["--stale-after", "22h"]).contains("nothing was written here for 23 hours"));
    age(25);
    assert!(told(&[]).contains("nothing was written here for 25 hours"));
    assert_eq!(told(&["--stale-after", "2d"]), "");
    // Scripts, which get no notes, have the instant.
    let json: serde_json::Value = serde_json::from_str(&taken(&home, &["--json"]).out).unwrap();
    let written: jiff::Timestamp = json["last_written_at"].as_str().unwrap().parse().unwrap();
    let hours = jiff::Timestamp::now().duration_since(written).as_hours();
    assert_eq!((hours, &json["log_elsewhere"]), (25, &serde_json::Value::Null));
    let repo = home.repo();
    let words = ["backup", "x", "--repo", repo.to_str().unwrap(), "--stale-after", "soon"];
    let wrong = run(&words);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("'soon' is not a time"), "{}", wrong.err);
}
