//! What is kept of a broken RDB base, and when it is honest to keep anything.

use std::fs;

use aofkit::check::{Loads, Verdict};
use aofkit::repair::inner::Answer;

use super::repaired::{contents, damaged_copy, open, outlook, planned, salvaged, truncated};
use super::support::server::APPEND_DIR;
use super::support::{copy_tree, recorded_sets};

const BASE: &str = "appendonly.aof.2.base.rdb";
const INCREMENT: &str = "appendonly.aof.2.incr.aof";

/// A recorded set with a changed base, and what is asked about it.
fn with_base(change: impl Fn(&mut Vec<u8>), ask: impl Fn(&aofkit::aof::Aof)) {
    let from = recorded_sets().join("redis-8.2.3/rdb-base");
    let dir = tempfile::tempdir().unwrap();
    let mut base = fs::read(from.join(APPEND_DIR).join(BASE)).unwrap();
    change(&mut base);
    let set = damaged_copy(&from, dir.path(), BASE, &base);
    ask(&open(&set, "redis-8.2"));
}

fn refusal(answer: Answer) -> String {
    match answer {
        Answer::Refused(why) => why,
        Answer::Plan(inner) => panic!("a plan: {:?}", inner.plan.notes),
    }
}

#[test]
fn a_torn_base_keeps_its_whole_keys_and_says_what_that_means() {
    with_base(
        |base| base.truncate(base.len() / 2),
        |aof| {
            let inner = planned(salvaged(aof));
            let after = outlook(aof, &inner);
            assert_eq!((after.verdict(), after.loads()), (Verdict::Healthy, Loads::Yes));
            let note = inner.plan.notes.iter().find(|note| note.contains(BASE)).unwrap();
            assert!(note.contains("prefer a backup"), "{note}");
            assert!(refusal(truncated(aof)).contains("--salvage"));
        },
    );
}

#[test]
fn a_base_torn_before_its_first_key_is_refused_unless_the_increments_empty_the_set() {
    with_base(|base| base.truncate(60), |aof| assert!(refusal(salvaged(aof)).contains("backup")));
    let from = recorded_sets().join("redis-8.2.3/rdb-base");
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&from, dir.path());
    let set = dir.path().join(APPEND_DIR);
    let increment = fs::read(set.join(INCREMENT)).unwrap();
    let flushed = [&b"*1\r\n$8\r\nFLUSHALL\r\n"[..], &increment].concat();
    fs::write(set.join(INCREMENT), flushed).unwrap();
    let base = fs::read(set.join(BASE)).unwrap();
    fs::write(set.join(BASE), &base[..60]).unwrap();
    let aof = open(&set, "redis-8.2");
    let inner = planned(salvaged(&aof));
    let after = outlook(&aof, &inner);
    assert_eq!((after.verdict(), after.loads()), (Verdict::Healthy, Loads::Yes));
    assert!(inner.plan.notes.iter().any(|note| note.contains("FLUSHALL")));
}

#[test]
fn a_changed_byte_in_a_value_costs_the_checksum_and_is_told() {
    with_base(
        |base| {
            let at = base.windows(12).position(|w| w == b"hello, world").unwrap();
            base[at] ^= 1;
        },
        |aof| {
            let inner = planned(salvaged(aof));
            let after = outlook(aof, &inner);
            assert_eq!((after.verdict(), after.loads()), (Verdict::Healthy, Loads::Yes));
            assert_eq!(inner.plan.loss.bytes, 0);
            assert!(inner.plan.notes.iter().any(|note| note.contains("checksum is switched off")));
        },
    );
}

#[test]
fn one_wrong_byte_in_the_header_is_put_right_when_the_checksum_proves_it() {
    let from = recorded_sets().join("redis-8.2.3/rdb-base").join(APPEND_DIR).join(BASE);
    let whole = fs::read(from).unwrap();
    for at in 0..9 {
        with_base(
            |base| base[at] ^= 1,
            |aof| {
                let inner = planned(salvaged(aof));
                assert!(contents(aof, &inner)[0] == whole, "byte {at}");
                assert_eq!(outlook(aof, &inner).verdict(), Verdict::Healthy, "byte {at}");
                assert_eq!(inner.plan.loss.bytes, 0, "byte {at}");
            },
        );
    }
}

#[test]
fn a_base_that_is_no_rdb_any_more_is_never_read_as_a_log() {
    with_base(|base| base[..40].fill(0), |aof| assert!(refusal(salvaged(aof)).contains("backup")));
}
