//! Which family grew when: rows that add up to the timeline, bucket by bucket.

use serde_json::Value;

use super::world::*;

const BY: [&str; 3] = ["growth", "--by", "prefix"];

fn assert_adds_up(answer: &Value) {
    let timeline = answer["timeline"].as_array().unwrap();
    let rows = answer["prefixes"].as_array().unwrap();
    for (at, bucket) in timeline.iter().enumerate() {
        let sum: u64 = rows.iter().map(|row| row["timeline"][at].as_u64().unwrap()).sum();
        assert_eq!(sum, bucket["bytes"].as_u64().unwrap(), "bucket {at}");
    }
    for row in rows {
        assert_eq!(row["timeline"].as_array().unwrap().len(), timeline.len());
    }
}

/// A log of hours in which one family comes, and another goes; numbers that are the same each time.
fn shifts(told_times: bool) -> Vec<u8> {
    let mut log = Vec::new();
    let mut number = 1_u64;
    for second in 0..8_000_i64 {
        if told_times {
            log.extend(told(1_700_000_000 + second));
        }
        for _ in 0..3 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let (key, size) = match number >> 60 {
                0..=5 if second < 4_000 => (format!("old:{}", number % 999), 90),
                0..=9 if second >= 4_000 => (format!("new:{}:cart", number % 9_999), 200),
                15 => (String::new(), 0),
                _ => (format!("w{}:x", number % 40), 10),
            };
            match size {
                0 => log.extend(record(&["FLUSHDB"])),
                _ => log.extend(record(&["SET", &key, &"v".repeat(size)])),
            }
        }
    }
    log
}

#[test]
fn families_add_up_to_the_timeline_with_times_and_without() {
    for told_times in [true, false] {
        let set = set(b"", &shifts(told_times));
        let answer = json(&BY, set.path());
        assert_adds_up(&answer);
        let appended: u64 =
            answer["prefixes"].as_array().map_or(0, |_| sum(&answer["prefixes"], "bytes"));
        assert_eq!(appended, sum(&answer["timeline"], "bytes"));
        let half = |name: &str, later: bool| -> u64 {
            let line = row(&answer["prefixes"], "prefix", name)["timeline"].as_array().unwrap();
            let (early, late) = line.split_at(line.len() / 2);
            let part = if later { late } else { early };
            part.iter().map(|bytes| bytes.as_u64().unwrap()).sum()
        };
        assert!(half("old:*", false) > 0 && half("new:*:cart", true) > 0);
        assert!(half("new:*:cart", true) > 20 * half("new:*:cart", false).max(1) || !told_times);
        if told_times {
            let new = row(&answer["prefixes"], "prefix", "new:*:cart");
            assert_eq!(new["first_write_at"].as_str().unwrap(), "2023-11-14T23:20:00Z");
        }
        let few = json(&["growth", "--by", "prefix", "--top", "1"], set.path());
        assert_adds_up(&few);
        assert_eq!(few["prefixes"].as_array().unwrap().len(), 2, "the heaviest, and all else");
        let screen = text(&BY, set.path());
        assert!(screen.contains("new:*:cart") && screen.lines().all(|l| l.chars().count() <= 80));
    }
}

/// More families than are kept.
#[test]
fn families_without_end_add_up_in_bounded_memory() {
    let mut log = Vec::new();
    let letters = |mut number: u64| -> String {
        (0..6)
            .map(|_| {
                number = number.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
                char::from(b'a' + (number >> 40) as u8 % 26)
            })
            .collect()
    };
    for number in 0..20_000 {
        if number % 100 == 0 {
            log.extend(told(1_700_000_000 + number as i64));
        }
        let key = format!("{}:{}:profile", letters(number % 50), letters(number + 7));
        log.extend(record(&["SET", &key, "v"]));
    }
    let set = set(b"", &log);
    assert_adds_up(&json(&BY, set.path()));
}

#[test]
fn undated_bytes_are_in_no_bucket_and_in_the_sum_of_their_family() {
    let log = [
        record(&["SET", "early:1", "v"]),
        told(1_700_000_000),
        record(&["SET", "late:1", "v"]),
        told(1_700_000_010),
        record(&["SET", "late:2", "v"]),
    ]
    .concat();
    let set = set(b"", &log);
    let answer = json(&BY, set.path());
    assert_adds_up(&answer);
    let early = row(&answer["prefixes"], "prefix", "early:*");
    assert_eq!(early["bytes"], record(&["SET", "early:1", "v"]).len() as u64);
    assert_eq!(early["first_write_at"], Value::Null);
}

#[test]
fn it_is_not_asked_for_by_itself_and_names_can_be_hidden() {
    let set = set(b"", &record(&["SET", "secret:1", "v"]));
    assert_eq!(json(&["growth"], set.path())["prefixes"], Value::Null);
    let hidden = text(&["growth", "--by", "prefix", "--redact"], set.path());
    assert!(!hidden.contains("secret"), "{hidden}");
}
