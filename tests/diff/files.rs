//! Histories whose parting is known, as files alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ran::{diff, keys, text, told};
use crate::support::mutate::Random;
use crate::support::number_from_env;
use crate::support::spelled::record;

/// One command of a history: its database, and its words.
#[derive(Clone)]
struct Step(u64, Vec<String>);

fn step(random: &mut Random, who: &str, number: usize) -> Step {
    let db = if random.chance(20) { 3 } else { 0 };
    let key = format!("{who}:{}", random.below(40));
    let words = match random.below(5) {
        0 => vec!["INCR".to_owned(), "counter".to_owned()],
        1 => vec!["RPUSH".to_owned(), key, number.to_string()],
        2 => vec!["DEL".to_owned(), key],
        3 => vec!["PEXPIREAT".to_owned(), key, (1_900_000_000_000 + number).to_string()],
        _ => vec!["SET".to_owned(), key, format!("{who}{number}")],
    };
    Step(db, words)
}

fn history(random: &mut Random, who: &str, from: usize, len: usize) -> Vec<Step> {
    (from..from + len).map(|number| step(random, who, number)).collect()
}

fn bytes(words: &[&str]) -> Vec<u8> {
    record(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
}

/// A node's log: it selects databases as it needs them, is asked whether it is alive, and wraps what it likes.
fn log(random: &mut Random, steps: &[Step]) -> Vec<u8> {
    let (mut log, mut db) = (Vec::new(), None);
    for Step(wanted, words) in steps {
        if db != Some(*wanted) || random.chance(5) {
            log.extend(bytes(&["SELECT", &wanted.to_string()]));
            db = Some(*wanted);
        }
        if random.chance(5) {
            log.extend(bytes(&["PING"]));
        }
        if random.chance(5) {
            log.extend(format!("#TS:{}\r\n", 1_800_000_000 + random.below(100)).bytes());
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match random.chance(10) {
            true => {
                log.extend(bytes(&["MULTI"]));
                log.extend(bytes(&words));
                log.extend(bytes(&["EXEC"]));
            }
            false => log.extend(bytes(&words)),
        }
    }
    log
}

/// A set of increments alone, of which some are split in two files.
fn set(dir: &Path, random: &mut Random, steps: &[Step]) -> PathBuf {
    fs::create_dir(dir).unwrap();
    let cut = random.below(steps.len() + 1);
    let mut manifest = String::new();
    for (seq, steps) in [&steps[..cut], &steps[cut..]].into_iter().enumerate() {
        let name = format!("a.aof.{}.incr.aof", seq + 1);
        fs::write(dir.join(&name), log(random, steps)).unwrap();
        manifest += &format!("file {name} seq {} type i\n", seq + 1);
    }
    fs::write(dir.join("a.aof.manifest"), manifest).unwrap();
    dir.to_owned()
}

fn named(steps: &[Step], who: &str) -> Vec<String> {
    let mut all: Vec<_> = steps.iter().map(|Step(_, words)| words[1].clone()).collect();
    all.retain(|key| key.starts_with(who));
    all.sort();
    all.dedup();
    all
}

#[test]
fn random_histories_part_where_they_parted() {
    let seed = number_from_env("AOFKIT_SEED", 0);
    for index in 0..number_from_env("AOFKIT_HISTORIES", 40) {
        let random = &mut Random::new(seed, index);
        let len = 60 + random.below(400);
        let (late, tails) = (random.below(len - 50), [random.below(30), random.below(30)]);
        let common = history(random, "c", 0, len);
        let [a, b] =
            [("a", tails[0]), ("b", tails[1])].map(|(who, n)| history(random, who, 1000, n));
        let dir = TempDir::new().unwrap();
        let one = [&common[..], &a].concat();
        let two = [&common[late..], &b].concat();
        let one = set(&dir.path().join("a"), random, &one);
        let two = set(&dir.path().join("b"), random, &two);
        // Both tails may begin with the same INCR, which is in both logs then.
        let alike = a.iter().zip(&b).take_while(|(a, b)| (a.0, &a.1) == (b.0, &b.1)).count();
        let [own_a, own_b] = [a.len() - alike, b.len() - alike];
        // Without a base, the logs that end alike are equal only where they begin alike.
        let is_equal = (own_a, own_b, late) == (0, 0, 0);
        let code = match (own_a, own_b) {
            (0, 0) if is_equal => 0,
            (0, 0) => 24,
            _ => 30,
        };
        let told = told(text(&one), text(&two), &[], code);
        let case = format!("seed {seed}, history {index}: {told:#}");
        let verdict = match (own_a, own_b) {
            (0, 0) if is_equal => "equal",
            (0, 0) => "same-end",
            (0, _) => "a-behind",
            (_, 0) => "b-behind",
            _ => "parted",
        };
        assert_eq!(told["verdict"], verdict, "{case}");
        assert_eq!(told["common"]["records"], (len - late + alike) as u64, "{case}");
        let proof = if late == 0 { "empty" } else { "records" };
        assert_eq!(told["common"]["proven_by"], proof, "{case}");
        assert_eq!(told["a_alone"]["records"], own_a as u64, "{case}");
        assert_eq!(told["b_alone"]["records"], own_b as u64, "{case}");
        let rows = &told["keys"]["rows"];
        let mine =
            |who: &'static str| keys(rows, |row| row["key"].as_str().unwrap().starts_with(who));
        let own = |steps: &[Step], who| named(&steps[alike..], who);
        let mut found = mine("a:");
        found.dedup();
        assert_eq!(found, own(&a, "a:"), "{case}");
        let mut found = mine("b:");
        found.dedup();
        assert_eq!(found, own(&b, "b:"), "{case}");
    }
}

#[test]
fn histories_of_nothing_common_and_of_too_little_are_said_to_be_unproven() {
    let dir = TempDir::new().unwrap();
    let random = &mut Random::new(7, 0);
    let [a, b] = ["a", "b"].map(|who| history(random, who, 0, 100));
    let a = a.into_iter().filter(|Step(_, words)| words[0] != "INCR").collect::<Vec<_>>();
    let one = set(&dir.path().join("a"), random, &a);
    let two = set(&dir.path().join("b"), random, &b);
    let other = told(text(&one), text(&two), &[], 24);
    assert_eq!(
        (&other["verdict"], &other["common"]),
        (&"unknown".into(), &serde_json::Value::Null)
    );
    assert_eq!(other["a_alone"]["records"], a.len() as u64);
    // Three records at the end of the one begin the other: that may be chance.
    let few = set(&dir.path().join("few"), random, &[&a[a.len() - 3..], &b[..]].concat());
    let told = told(text(&one), text(&few), &[], 24);
    assert_eq!((&told["verdict"], &told["common"]), (&"unknown".into(), &serde_json::Value::Null));
    // A counter alone says nothing about a place.
    let count = |n| vec![Step(0, vec!["INCR".to_owned(), "counter".to_owned()]); n];
    let less = set(&dir.path().join("less"), random, &[&a[..1], &count(900)].concat());
    let more = set(&dir.path().join("more"), random, &count(1000));
    let run = diff(text(&less), text(&more), &["--json"]);
    assert!(run.out.contains("\"unknown\""), "{}", run.out);
    let text = diff(text(&one), text(&two), &[]).out;
    assert!(text.contains("No common stretch is proven"), "{text}");
}

#[test]
fn damage_is_told_and_is_no_parting() {
    let dir = TempDir::new().unwrap();
    let random = &mut Random::new(8, 0);
    let common = history(random, "c", 0, 300);
    let own = history(random, "a", 1000, 9);
    let one = set(&dir.path().join("a"), random, &[&common[..], &own].concat());
    let two = set(&dir.path().join("b"), random, &common);
    // One byte of a header in the middle of the second file of the first set.
    let file = one.join("a.aof.2.incr.aof");
    let mut bytes = fs::read(&file).unwrap();
    let mut places =
        (bytes.len() / 4..bytes.len() - 1).filter(|&i| bytes[i..].starts_with(b"\n*3"));
    let place = places.next().unwrap();
    bytes[place + 1] = b'?';
    fs::write(&file, bytes).unwrap();
    let damaged = told(text(&one), text(&two), &[], 30);
    assert_eq!(damaged["verdict"], "b-behind", "{damaged:#}");
    assert_eq!(damaged["a_alone"]["records"], own.len() as u64);
    let range = &damaged["damaged"][0];
    assert_eq!((&range["side"], &range["file"]), (&"a".into(), &"a.aof.2.incr.aof".into()));
    assert!(range["passed_over_records"].as_u64().unwrap() >= 1, "{damaged:#}");
    // A file of the second set that is gone is no parting either.
    fs::remove_file(two.join("a.aof.1.incr.aof")).unwrap();
    let run = diff(text(&one), text(&two), &["--json"]);
    assert!(
        run.out.contains("\"length_bytes\": null") || run.code == Some(1),
        "{}{}",
        run.out,
        run.err
    );
}

#[test]
fn moments_redaction_and_refusals() {
    let dir = TempDir::new().unwrap();
    let random = &mut Random::new(9, 0);
    let common = history(random, "c", 0, 100);
    let one = set(&dir.path().join("a"), random, &common);
    let file = one.join("a.aof.2.incr.aof");
    let len = fs::metadata(&file).unwrap().len();
    let later = [fs::read(&file).unwrap(), bytes(&["SET", "secret:1", "hush"])].concat();
    fs::write(&file, later).unwrap();
    let moment = format!("{}@a.aof.2.incr.aof:{len}", text(&one));
    let since = told(&moment, text(&one), &[], 30);
    assert_eq!((&since["verdict"], &since["b_alone"]["records"]), (&"a-behind".into(), &1.into()));
    assert_eq!(since["keys"]["rows"][0]["key"], "secret:1");
    let same = told(text(&one), text(&one), &[], 0);
    assert_eq!(
        (&same["verdict"], &same["common"]["proven_by"]),
        (&"equal".into(), &"empty".into())
    );
    // Neither set has a base, so none is said to be the same.
    let said = diff(text(&one), text(&one), &[]).out;
    assert!(said.contains("both begin empty") && !said.contains("same base"), "{said}");
    let run = diff(&moment, text(&one), &["--redact"]);
    assert!(run.code == Some(0) && !run.out.contains("secret"), "{}", run.out);
    let run = diff(text(&one), &format!("{}@noon", text(&one)), &[]);
    assert_eq!(run.code, Some(2), "{}", run.err);
    set(&dir.path().join("b"), random, &common);
    let run = diff(text(dir.path()), text(&one), &[]);
    assert!(run.code == Some(2) && run.err.contains("several sets"), "{}", run.err);
    assert_eq!(diff("/nowhere/at/all", text(&one), &[]).code, Some(10));
    assert_eq!(diff("-", text(&one), &[]).code, Some(2));
}

#[test]
fn two_logs_that_are_read_side_by_side_share_the_rate() {
    let dir = TempDir::new().unwrap();
    let steps: Vec<_> = (0..1000)
        .map(|n| Step(0, vec!["SET".to_owned(), format!("key:{n}"), format!("value {n}")]))
        .collect();
    let [a, b] = ["a", "b"].map(|name| {
        let file = dir.path().join(name);
        fs::write(&file, log(&mut Random::new(10, 0), &steps)).unwrap();
        file
    });
    let bytes = fs::metadata(&a).unwrap().len() + fs::metadata(&b).unwrap().len();
    let started = Instant::now();
    let run = diff(text(&a), text(&b), &["--limit-rate", "200000b"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    // Both are read from end to end three times: for their beginnings, for the other's beginning, and side by side.
    let least = Duration::from_secs_f64(3.0 * bytes as f64 / 200_000.0);
    assert!(started.elapsed() > least, "{bytes} bytes in {:?}", started.elapsed());
}
