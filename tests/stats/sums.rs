//! What is counted of keys: a log split anywhere between records and merged gives the same, exactly where
//! that is promised and within the stated error elsewhere.

use std::collections::HashMap;

use aofkit::aof::Event;
use aofkit::command;
use aofkit::format::resp;
use aofkit::scan::{Context, Merge, Observer};
use aofkit::stats::{Grouping, HyperLogLog, KeyOptions, KeyReport, KeyTraffic};

/// More keys than are counted one by one.
const MANY: u64 = 150_000;

fn options(grouping: Grouping) -> KeyOptions {
    let mut options = KeyOptions::default();
    (options.keys, options.slots, options.top) = (true, true, 1_000_000);
    options.prefixes = Some(grouping);
    options
}

fn set(log: &mut Vec<u8>, key: &str, value: &str) {
    let words = ["SET", key, value];
    log.extend_from_slice(b"*3\r\n");
    for word in words {
        log.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

/// `keys` different keys once each, and a hundred hot ones in between; a keyless record now and then.
fn log(keys: u64) -> Vec<u8> {
    let mut log = Vec::new();
    for i in 0..keys {
        set(&mut log, &format!("user:{i}:profile"), "v");
        set(&mut log, &format!("hot:{}", i % 100), "a longer value");
        if i % 50 == 0 {
            log.extend_from_slice(format!("*2\r\n$6\r\nSELECT\r\n$1\r\n{}\r\n", i % 3).as_bytes());
        }
    }
    log
}

/// Observes the log in pieces that end at these parts of its records, and merges what was seen.
fn observed(log: &[u8], options: &KeyOptions, ends: &[f64], from_behind: bool) -> KeyReport {
    let records: Vec<_> = resp::records(log, 0).map(Result::unwrap).collect();
    let mut context = Context::default();
    let mut pieces = Vec::new();
    let mut from = 0;
    for end in ends.iter().chain(&[1.0]) {
        let until = (records.len() as f64 * end) as usize;
        let mut piece = KeyTraffic::new(options.clone());
        for record in &records[from..until] {
            let event = Event::Record(*record, command::lookup(record.name));
            piece.observe(&context, &event);
            context.follow(&event);
        }
        pieces.push(piece);
        from = until;
    }
    // Merging is associative: from the front or from behind, it comes to the same.
    while pieces.len() > 1 {
        let at = if from_behind { pieces.len() - 2 } else { 0 };
        let later = pieces.remove(at + 1);
        pieces[at].merge(later);
    }
    pieces.remove(0).finish()
}

const SPLITS: [&[f64]; 4] = [&[0.5], &[0.0, 0.1], &[0.33, 0.66, 0.99], &[0.001]];

#[test]
fn what_fits_is_the_same_however_the_log_was_split() {
    let log = log(2_000);
    for grouping in [Grouping::default(), Grouping::new(b":", &[1, 2])] {
        let options = options(grouping);
        let whole = observed(&log, &options, &[], false);
        assert_eq!((whole.threshold_bytes, whole.keys.as_ref().unwrap().len()), (0, 2_300));
        for split in SPLITS {
            for from_behind in [false, true] {
                let merged = observed(&log, &options, split, from_behind);
                assert_eq!(merged.prefixes, whole.prefixes, "{split:?} {from_behind}");
                assert_eq!(merged.slots, whole.slots, "{split:?} {from_behind}");
                assert_eq!(merged.keys_estimate, whole.keys_estimate);
                assert!(merged == whole, "{split:?} {from_behind}: the keys");
            }
        }
    }
}

#[test]
fn sums_stay_exact_and_errors_honest_with_more_keys_than_fit() {
    let log = log(MANY);
    let options = options(Grouping::default());
    let mut exact: HashMap<(u64, Vec<u8>), u64> = HashMap::new();
    let mut context = Context::default();
    for record in resp::records(&log, 0).map(Result::unwrap) {
        let event = Event::Record(record, command::lookup(record.name));
        if let Some(key) = record.args().nth(1).filter(|_| record.name == b"SET") {
            *exact.entry((context.db, key.head.to_vec())).or_default() += record.len;
        }
        context.follow(&event);
    }
    let whole = observed(&log, &options, &[], false);
    for split in [&[][..], SPLITS[0], SPLITS[2]] {
        let report = observed(&log, &options, split, false);
        assert_eq!(report.slots, whole.slots, "sums by slot are exact");
        let prefixes = |report: &KeyReport| report.prefixes.clone();
        assert_eq!(prefixes(&report), prefixes(&whole), "and so are those by prefix");
        let off = report.keys_estimate.abs_diff(exact.len() as u64) as f64 / exact.len() as f64;
        assert!(off < 4.0 * HyperLogLog::ERROR, "{off}");
        let rows = report.keys.unwrap();
        for row in &rows {
            let exact = exact[&(row.db, row.key.clone())];
            assert!(row.bytes - row.error_bytes <= exact && exact <= row.bytes, "{row:?} {exact}");
        }
        let pieces = split.len() as u64 + 1;
        let bound = pieces * 2 * log.len() as u64 / (1 << 16);
        assert!(rows.iter().all(|row| row.error_bytes <= bound), "{bound}");
        // Every hot key is heavier than any error, so all of them lead the list.
        let leading = rows.iter().take(300).filter(|row| row.key.starts_with(b"hot:")).count();
        assert_eq!(leading, 300);
    }
    let users = whole.prefixes.unwrap();
    let users = users.iter().find(|row| row.prefix == b"user:*:profile").unwrap();
    assert_eq!(users.commands, MANY);
}
