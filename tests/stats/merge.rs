//! A log split anywhere between records and merged gives the same report: what is in the base, how often
//! keys are written, who deletes.

use aofkit::aof::Event;
use aofkit::command;
use aofkit::format::annotation::Kind;
use aofkit::format::resp;
use aofkit::scan::{Context, Merge, Observer};
use aofkit::stats::{
    Deletes, Grouping, KeyOptions, KeySpace, KeySpaceOptions, KeyTraffic, Mix, STRETCH,
};
use proptest::prelude::*;

/// Everything that `stats` counts.
type All = ((Mix, Deletes), (KeyTraffic, KeySpace));

fn all(options: &KeyOptions) -> All {
    let deletes = Deletes::new(Grouping::default(), 3);
    let key_space = KeySpace::new(KeySpaceOptions { now_ms: None, top: 3, memory: None });
    ((Mix::default(), deletes), (KeyTraffic::new(options.clone()), key_space))
}

fn merge(mine: &mut All, later: All) {
    mine.0.0.merge(later.0.0);
    mine.0.1.merge(later.0.1);
    mine.1.0.merge(later.1.0);
    mine.1.1.merge(later.1.1);
}

fn record(log: &mut Vec<u8>, words: &[&str]) {
    log.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        log.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

/// A base of commands and what was logged since, by these numbers.
fn logs(choices: &[u8]) -> [Vec<u8>; 2] {
    let mut logs = [Vec::new(), Vec::new()];
    for (place, log) in logs.iter_mut().enumerate() {
        for (n, &choice) in choices.iter().enumerate() {
            let key = format!("k:{}", choice % 5);
            let other = format!("other:{n}");
            match (place, choice / 5 % 6) {
                (_, 0) => record(log, &["RPUSH", &key, "a", "b"]),
                (_, 1) => record(log, &["SET", &other, "v", "PXAT", "4102444800000"]),
                (_, 2) => record(log, &["SELECT", &(choice % 3).to_string()]),
                (0, _) => record(log, &["PEXPIREAT", &key, "4102444800000"]),
                (_, 3) => record(log, &["del", &key, &other]),
                (_, 4) => record(log, &["UNLINK", &key]),
                (_, _) => record(log, &["FLUSHDB"]),
            }
        }
    }
    logs
}

/// What is told of the logs, seen in pieces that end before these records.
fn told(logs: &[Vec<u8>; 2], options: &KeyOptions, cuts: &[usize], dated: bool) -> String {
    let mut pieces = vec![all(options)];
    let mut seen = 0;
    for (segment, log) in logs.iter().enumerate() {
        let mut context = Context { segment, in_base: segment == 0, ..Context::default() };
        for record in resp::records(log, 0).map(Result::unwrap) {
            if cuts.contains(&seen) {
                pieces.push(all(options));
            }
            if dated && seen % 7 == 0 {
                let kind = Kind::Timestamp(1_700_000_000 + seen as i64 / 14);
                context.follow(&Event::Annotation { start: 0, len: 1, kind, is_open: false });
            }
            seen += 1;
            let event = Event::Record(record, command::lookup(record.name));
            pieces.last_mut().unwrap().observe(&context, &event);
            context.follow(&event);
        }
    }
    let mut whole = pieces.remove(0);
    pieces.into_iter().for_each(|piece| merge(&mut whole, piece));
    let report = whole.finish();
    assert_eq!(report.0.1.by_anybody() + report.0.1.by_clients, report.0.1.records());
    format!("{report:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_log_split_anywhere_and_merged_is_told_as_a_whole(
        choices in prop::collection::vec(0_u8..30, 1..60),
        cuts in prop::collection::vec(0_usize..120, 0..5),
        dated in any::<bool>(),
    ) {
        let mut options = KeyOptions::default();
        (options.keys, options.slots, options.top) = (true, true, 1000);
        options.prefixes = Some(Grouping::default());
        let logs = logs(&choices);
        prop_assert_eq!(told(&logs, &options, &cuts, dated), told(&logs, &options, &[], dated));
    }
}

#[test]
fn what_a_base_of_commands_holds_is_counted_beside_the_log() {
    let mut base = Vec::new();
    record(&mut base, &["RPUSH", "k:1", "a", "b"]);
    record(&mut base, &["RPUSH", "k:1", "c"]);
    record(&mut base, &["PEXPIREAT", "k:1", "4102444800000"]);
    record(&mut base, &["SET", "s", "v"]);
    let of_list = base.len() as u64 - 27;
    let mut log = Vec::new();
    record(&mut log, &["SET", "s", "v"]);
    let mut options = KeyOptions::default();
    (options.keys, options.prefixes) = (true, Some(Grouping::default()));
    let mut observer = all(&options);
    for (segment, log) in [&base, &log].into_iter().enumerate() {
        let context = Context { segment, in_base: segment == 0, ..Context::default() };
        for record in resp::records(log, 0).map(Result::unwrap) {
            let event = Event::Record(record, command::lookup(record.name));
            observer.observe(&context, &event);
        }
    }
    let ((mix, _), (keys, space)) = observer.finish();
    assert_eq!(mix.totals.base_resp_bytes, base.len() as u64);
    assert_eq!((space.keys, space.expiry.keys, space.bytes), (2, 1, base.len() as u64));
    assert_eq!(space.biggest_by_bytes[0].elements, Some(3));
    let rows = keys.keys.unwrap();
    let in_base = |key: &[u8]| rows.iter().find(|row| row.key == key).unwrap().base_bytes;
    assert_eq!((in_base(b"k:1"), in_base(b"s")), (Some(of_list), Some(27)));
    let prefixes = keys.prefixes.unwrap();
    let lists = prefixes.iter().find(|row| row.prefix == b"k:*").unwrap();
    assert_eq!((lists.base_keys, lists.base_bytes), (1, of_list));
    assert_eq!((keys.rewrites[0].keys, keys.rewrites[1].keys), (0, 2));
}

#[test]
fn deletions_without_times_are_told_by_place() {
    let mut log = Vec::new();
    record(&mut log, &["DEL", "a"]);
    let value = "x".repeat(STRETCH as usize);
    record(&mut log, &["SET", "b", &value]);
    (0..3).for_each(|_| record(&mut log, &["UNLINK", "b"]));
    let mut deletes = Deletes::new(Grouping::default(), 10);
    for record in resp::records(&log, 0).map(Result::unwrap) {
        let event = Event::Record(record, command::lookup(record.name));
        deletes.observe(&Context::default(), &event);
    }
    let report = deletes.finish();
    let storms: Vec<_> = report.storms.iter().map(|storm| (storm.keys, storm.time)).collect();
    assert_eq!(storms, [(3, None), (1, None)]);
    assert_eq!((report.most_a_second(), report.by_anybody()), (None, 4));
}
