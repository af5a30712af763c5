//! What is kept of a broken RDB base, and when it is honest to keep anything.

use std::fs;

use aofkit::change::Options;
use aofkit::check::{Check, Loads, Verdict, Wording, judge};
use aofkit::disk::LocalDisk;
use aofkit::progress::Silent;
use aofkit::repair::inner::Answer;
use aofkit::scan::{Pace, scan};

use super::promised::{Holds, loaded};
use super::repaired::{contents, damaged_copy, open, outlook, planned, salvaged, truncated};
use super::support::mutate::Random;
use super::support::server::{APPEND_DIR, Server};
use super::support::{copy_tree, recorded_sets};
use super::written::{persistent, work};

const BASE: &str = "appendonly.aof.2.base.rdb";
const INCREMENT: &str = "appendonly.aof.2.incr.aof";

/// A recorded set with a changed base, and what is asked about it.
fn with_base(change: impl Fn(&mut Vec<u8>), ask: impl FnOnce(&aofkit::aof::Aof)) {
    let from = recorded_sets().join("redis-8.2.3/rdb-base");
    let dir = tempfile::tempdir().unwrap();
    let mut base = fs::read(from.join(APPEND_DIR).join(BASE)).unwrap();
    change(&mut base);
    let set = damaged_copy(&from, dir.path(), BASE, &base);
    ask(&open(&set, "redis-8.2"));
}

fn refusal(answer: Answer) -> String {
    match answer {
        Answer::Refused(why) => why.to_string(),
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

/// A set of two increments with the base before its own one, which a crash may leave behind, and what a
/// server holds that loads it whole.
fn with_older_base(server: &Server) -> (tempfile::TempDir, Holds) {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join(APPEND_DIR);
    let mut random = Random::new(11, 1);
    let mut live = persistent(server, dir.path(), &[]);
    work(&mut live, &mut random, 200);
    let older = tempfile::tempdir().unwrap();
    copy_tree(&set, older.path());
    let names = ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"];
    let times = names.map(|name| fs::metadata(set.join(name)).unwrap().modified().unwrap());
    // The base is made in a later second than the last write before it.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    live.must("BGREWRITEAOF");
    while !live.must("INFO persistence").text().contains("aof_rewrite_in_progress:0") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    work(&mut live, &mut random, 200);
    live.shut_down();
    let copy = tempfile::tempdir().unwrap();
    copy_tree(dir.path(), copy.path());
    let holds = loaded(server, copy.path());
    for (name, time) in names.into_iter().zip(times) {
        fs::copy(older.path().join(name), set.join(name)).unwrap();
        let file = fs::File::options().write(true).open(set.join(name)).unwrap();
        file.set_modified(time).unwrap();
    }
    fs::remove_file(set.join("appendonly.aof.manifest")).unwrap();
    (dir, holds)
}

#[test]
fn an_older_base_that_is_whole_takes_the_place_of_a_broken_one_when_no_increment_is_missing() {
    let Some(server) = Server::find("redis-8.2") else {
        println!("older bases: NOT RUN: redis-8.2 is not installed");
        return;
    };
    let (dir, holds) = with_older_base(&server);
    let set = dir.path().join(APPEND_DIR);
    let base = set.join("appendonly.aof.2.base.rdb");
    let bytes = fs::read(&base).unwrap();
    let modified = fs::metadata(&base).unwrap().modified().unwrap();
    fs::write(&base, &bytes[..bytes.len() / 2]).unwrap();
    fs::File::options().write(true).open(&base).unwrap().set_modified(modified).unwrap();
    let planned = || {
        let aof = aofkit::repair::subject(open(&set, "redis-8.2")).unwrap();
        let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
        let report = judge(&aof, facts, &Wording::default()).unwrap();
        aofkit::repair::tail_and_manifest(&aof, &report).unwrap()
    };
    let proposal = planned();
    assert_eq!(proposal.left, Vec::<String>::new());
    assert!(proposal.notes.iter().any(|note| note.contains("doubtful")));
    proposal.apply(&LocalDisk, &Options::default(), &Silent).unwrap();
    assert_eq!(loaded(&server, dir.path()), holds);
    // Without the first increment the older base proves nothing.
    fs::remove_file(set.join("appendonly.aof.1.incr.aof")).unwrap();
    fs::remove_file(set.join("appendonly.aof.manifest")).unwrap();
    let proposal = planned();
    assert!(proposal.is_empty());
    assert!(proposal.left[0].contains("does not help"), "{:?}", proposal.left);
}

#[test]
fn the_one_key_with_a_broken_structure_goes_and_the_checksum_fits_again() {
    let from = recorded_sets().join("redis-8.2.3/rdb-base").join(APPEND_DIR).join(BASE);
    let whole = fs::read(from).unwrap();
    let (mut dropped, mut switched_off, mut other) = (0, 0, 0);
    for at in (9..whole.len() - 9).step_by(23) {
        with_base(
            |base| base[at] ^= 0x10,
            |aof| match salvaged(aof) {
                Answer::Plan(inner) if inner.plan.loss.keys_total == 1 => {
                    dropped += 1;
                    let base = &contents(aof, &inner)[0];
                    let (bytes, sum) = base.split_at(base.len() - 8);
                    let fits = aofkit::format::rdb::checksum::crc64(bytes).to_le_bytes() == sum;
                    assert!(fits, "byte {at}");
                    assert!(inner.plan.loss.bytes > 0 && base.len() < whole.len(), "byte {at}");
                    assert_eq!(outlook(aof, &inner).verdict(), Verdict::Healthy, "byte {at}");
                    assert!(inner.plan.notes.iter().any(|note| note.contains("one key alone")));
                    if let Some(server) = Server::find("redis-8.2") {
                        let file = tempfile::NamedTempFile::new().unwrap();
                        fs::write(file.path(), base).unwrap();
                        let (code, said) = server.check_rdb(file.path());
                        assert_eq!(code, Some(0), "byte {at}: {said}");
                    }
                }
                Answer::Plan(inner) if inner.plan.loss.bytes == 0 => switched_off += 1,
                _ => other += 1,
            },
        );
    }
    println!(
        "bases: {dropped} times one key goes, {switched_off} times the checksum, {other} other"
    );
    assert!(dropped >= 3 && switched_off > dropped);
}
