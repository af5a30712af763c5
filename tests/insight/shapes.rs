//! Families of keys of many naming schemes: places of too many words become `*`, whatever the words look like, in any order,
//! and also where the log was split.

use aofkit::stats::{Grouping, KeyOptions};

use super::growing::Random;
use super::world::record;
use super::written::in_pieces;

/// A word of letters, another one for each number.
fn letters(number: u64) -> String {
    let mut rest = Random(number).below(1 << 40);
    (0..7)
        .map(|_| {
            let letter = char::from(b'a' + (rest % 26) as u8);
            rest /= 26;
            letter
        })
        .collect()
}

fn hex(number: u64) -> String {
    format!("{:011x}", Random(number).below(1 << 44))
}

type Shape = (&'static str, u64, fn(u64) -> String, &'static [&'static str]);

/// Name of a scheme, how many keys, how they are made, and the families that are told.
const SHAPES: &[Shape] = &[
    ("numbers", 3_000, |n| format!("user:{n}:profile"), &["user:*:profile"]),
    ("words", 3_000, |n| format!("user:{}:profile", letters(n)), &["user:*:profile"]),
    (
        "words and numbers",
        3_000,
        |n| {
            let word = if n % 2 == 0 { n.to_string() } else { letters(n) };
            format!("user:{word}:profile")
        },
        &["user:*:profile"],
    ),
    ("hexadecimal in braces", 3_000, |n| format!("session:{{{}}}", hex(n)), &["session:*"]),
    ("hash tags", 3_000, |n| format!("{{{}}}:cart", letters(n)), &["*:cart"]),
    ("mail", 3_000, |n| format!("mail:{}@example.com:inbox", letters(n)), &["mail:*:inbox"]),
    (
        "paths",
        3_000,
        |n| format!("cache:/img/{}/{}.png", letters(n % 90), letters(n)),
        &["cache:*"],
    ),
    (
        "other scripts",
        3_000,
        |n| format!("stadt:{}ß{}:wetter", letters(n), letters(n + 9)),
        &["stadt:*:wetter"],
    ),
    (
        "two levels of words",
        6_000,
        |n| format!("a:{}:{}:x", letters(n % 80), letters(n)),
        &["a:*:*:x"],
    ),
    (
        "two kinds below a word",
        4_000,
        |n| {
            let kind = if n % 4 == 0 { "cart" } else { "profile" };
            format!("user:{}:{kind}", letters(n))
        },
        &["user:*:cart", "user:*:profile"],
    ),
    ("words at the end", 3_000, |n| format!("tag:{}", letters(n)), &["tag:*"]),
    ("words at the beginning", 3_000, |n| format!("{}:state", letters(n)), &["*:state"]),
    ("single words", 3_000, letters, &["*"]),
    (
        "twelve levels",
        3_000,
        |n| format!("a:b:c:d:e:f:g:h:i:{}:k:{}", letters(n), n),
        &["a:b:c:d:e:f:g:h:i:*:k:*"],
    ),
    (
        "versions stay",
        3_000,
        |n| format!("cache:v{}:{}", n % 2, letters(n)),
        &["cache:v0:*", "cache:v1:*"],
    ),
    ("long keys", 300, |n| format!("blob:{}", letters(n).repeat(60)), &["blob:*"]),
];

fn options() -> KeyOptions {
    let mut options = KeyOptions::default();
    (options.prefixes, options.top) = (Some(Grouping::default()), 1_000);
    options
}

/// Families with their commands and bytes, seen in pieces that end before these records.
fn told(keys: &[String], cuts: &[usize]) -> Vec<(String, u64, u64)> {
    let log: Vec<u8> = keys.iter().flat_map(|key| record(&["SET", key, "v"])).collect();
    let report = in_pieces(&log, &options(), cuts);
    let rows = report.prefixes.unwrap().into_iter();
    rows.map(|row| (String::from_utf8(row.prefix).unwrap(), row.commands, row.bytes)).collect()
}

fn shuffled(keys: &[String], seed: u64) -> Vec<String> {
    let (mut keys, mut random) = (keys.to_vec(), Random(seed));
    for at in (1..keys.len()).rev() {
        keys.swap(at, random.below(at as u64 + 1) as usize);
    }
    keys
}

#[test]
fn families_are_those_that_a_person_would_name() {
    for (what, count, key, wanted) in SHAPES {
        let keys: Vec<String> = (0..*count).map(key).collect();
        let mut names: Vec<_> = told(&keys, &[]).into_iter().map(|(name, ..)| name).collect();
        names.sort();
        assert_eq!(names, *wanted, "{what}");
    }
}

/// Whole, in another order, and in pieces.
fn assert_is_stable(keys: &[String], what: &str) -> usize {
    let whole = told(keys, &[]);
    for seed in 1..4 {
        let keys = shuffled(keys, seed);
        assert_eq!(told(&keys, &[]), whole, "{what}, seed {seed}");
        let cuts: Vec<usize> = (1..7).map(|part| part * keys.len() / 7 + seed as usize).collect();
        assert_eq!(told(&keys, &cuts), whole, "{what}, seed {seed}, in pieces");
    }
    whole.len()
}

#[test]
fn order_and_pieces_change_nothing() {
    let mut together = Vec::new();
    for (what, count, key, _) in SHAPES {
        let keys: Vec<String> = (0..*count / 4).map(key).collect();
        assert_is_stable(&keys, what);
        // Words at the beginning would make the first word of all others `*`.
        if !["hash tags", "words at the beginning"].contains(what) {
            together.extend(keys);
        }
    }
    assert!(assert_is_stable(&together, "all of them") > 12);
}

#[test]
fn sixty_four_words_are_told_apart_and_one_more_are_not() {
    let keys =
        |count| (0..count).map(|n| format!("shop:{}:orders", letters(n))).collect::<Vec<_>>();
    assert_eq!(told(&keys(64), &[]).len(), 64);
    assert_eq!(told(&keys(65), &[]).len(), 1);
    assert_eq!(told(&keys(65), &[20, 40]).len(), 1);
}

/// Whatever the keys are, the rows add up, and there are no more than are kept.
#[test]
fn families_without_end_stay_few() {
    let mut random = Random(3);
    let keys: Vec<String> = (0..60_000)
        .map(|_| {
            let depth = 1 + random.below(6);
            let words = (0..depth).map(|_| letters(random.below(60) + 1_000 * depth));
            words.collect::<Vec<_>>().join(":")
        })
        .collect();
    let mut options = options();
    options.top = 40_000;
    let log: Vec<u8> = keys.iter().flat_map(|key| record(&["SET", key, "v"])).collect();
    let rows = in_pieces(&log, &options, &[20_000, 40_000]).prefixes.unwrap();
    assert!(rows.len() <= 3_000, "{}", rows.len());
    assert_eq!(rows.iter().map(|row| row.bytes).sum::<u64>(), log.len() as u64);
    assert_eq!(rows.iter().map(|row| row.commands).sum::<u64>(), 60_000);
}

/// Even patterns of nothing but `*` can be too many, where several signs separate words.
#[test]
fn stars_without_end_are_one() {
    let mut random = Random(5);
    let keys: Vec<String> = (0..30_000)
        .map(|_| (0..20).map(|_| if random.below(2) == 0 { "1:" } else { "2/" }).collect())
        .collect();
    let mut options = options();
    options.prefixes = Some(Grouping::new(b":/", &[]));
    let log: Vec<u8> = keys.iter().flat_map(|key| record(&["SET", key, "v"])).collect();
    let rows = in_pieces(&log, &options, &[10_000, 20_000]).prefixes.unwrap();
    assert!(rows.len() <= 3_000, "{}", rows.len());
    assert_eq!(rows.iter().map(|row| row.bytes).sum::<u64>(), log.len() as u64);
}
