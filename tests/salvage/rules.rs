//! How salvage decides, on logs made for the purpose: what goes with what, which database is meant, what is a
//! command and what only looks like one.

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::LostKey;
use aofkit::repair::inner::{Answer, Inner, Known};

use super::reader;
use super::repaired::{contents, planned, salvaged, truncated};
use super::support::spelled::record;

/// Words as a record.
fn r(words: &str) -> Vec<u8> {
    let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    record(&words)
}

fn log(records: &[&str]) -> Vec<u8> {
    records.iter().flat_map(|words| r(words)).collect()
}

/// A file of its own, judged as `target` does.
fn single(bytes: &[u8], target: &str) -> (tempfile::NamedTempFile, Aof) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file.as_file().set_modified(std::time::UNIX_EPOCH).unwrap();
    let target = Some(target.parse().unwrap());
    let aof = Aof::open(file.path(), &OpenOptions { target, ..OpenOptions::default() }).unwrap();
    (file, aof)
}

fn salvage_for(bytes: &[u8], target: &str) -> (Vec<String>, Box<Inner>) {
    let (_file, aof) = single(bytes, target);
    let inner = planned(salvaged(&aof));
    let left = reader::read(&contents(&aof, &inner)[0]);
    let words = left.iter().map(|c| {
        let args: Vec<_> = c.args.iter().map(|a| String::from_utf8_lossy(a).into_owned()).collect();
        args.join(" ")
    });
    (words.collect(), inner)
}

fn salvage(bytes: &[u8]) -> Vec<String> {
    salvage_for(bytes, "redis-8.2").0
}

/// Zeros over the first bytes of a record, too many for one wrong byte to explain.
fn zeroed(words: &str) -> Vec<u8> {
    let mut bytes = r(words);
    bytes[..6].fill(0);
    bytes
}

#[test]
fn sound_records_after_a_damaged_one_stay() {
    let bytes = [log(&["SET a 1", "SET b 2"]), zeroed("SET c 3"), log(&["SET d 4", "SET e 5"])];
    assert_eq!(salvage(&bytes.concat()), ["SET a 1", "SET b 2", "SET d 4", "SET e 5"]);
}

#[test]
fn what_is_whole_stays_whatever_the_target_thinks_of_it_and_what_is_none_goes() {
    let words = ["SET a 1", "FOO x", "SET b", "HSETEX h EX 9 FIELDS 1 f v", "SELECT x", "GET a b"];
    for target in ["redis-8.2", "redis-7.0", "valkey-8.1"] {
        let (left, inner) = salvage_for(&log(&words), target);
        assert_eq!(left, words, "{target}");
        assert!(inner.plan.is_empty() && inner.plan.loss.commands == 0);
    }
    let hollow = [r("SET a 1"), b"*0\r\n".to_vec(), r("SET b 2")].concat();
    assert_eq!(salvage(&hollow), ["SET a 1", "SET b 2"]);
    let negative = [
        r("SET a 1"),
        b"*2\r\n$3\r\nGET\r\n$-5\r\n".to_vec(),
        log(&["SET b 2", "SET c 3", "SET d 4"]),
    ];
    assert_eq!(salvage(&negative.concat()), ["SET a 1", "SET b 2", "SET c 3", "SET d 4"]);
}

#[test]
fn a_transaction_that_lost_a_part_goes_as_a_whole() {
    let after = log(&["EXEC", "SET z 9", "SET y 8", "SET x 7"]);
    let bytes =
        [log(&["SET a 1", "MULTI", "INCR b"]), zeroed("INCR c"), r("INCR d"), after].concat();
    let (left, inner) = salvage_for(&bytes, "redis-8.2");
    assert_eq!(left, ["SET a 1", "SET z 9", "SET y 8", "SET x 7"]);
    let loss = &inner.plan.loss;
    assert_eq!((loss.commands, loss.transactions), (4, 1));
    assert!(inner.ranges[0].has_rest);
    let unknown = ["SET a 1", "MULTI", "INCR b", "FOO c", "INCR d", "EXEC", "SET z 9"];
    assert_eq!(salvage(&log(&unknown)), unknown, "a command that is not known is no lost part");
}

#[test]
fn a_lost_multi_does_not_turn_the_rest_into_commands_of_their_own() {
    let rest = log(&["INCR a", "INCR b", "EXEC", "SET z 9", "SET y 8"]);
    for damaged in [zeroed("MULTI"), b"*1\r\n$5\r\nMULTX\r\n".to_vec()] {
        let bytes = [r("SET q 1"), damaged, rest.clone()].concat();
        assert_eq!(salvage(&bytes), ["SET q 1", "SET z 9", "SET y 8"]);
    }
}

#[test]
fn a_lost_exec_does_not_swallow_what_follows() {
    let begin = log(&["SET q 1", "MULTI", "INCR a", "INCR b"]);
    let rest = log(&["SET z 9", "SET y 8", "MULTI", "INCR c", "EXEC", "SET x 7"]);
    for damaged in [zeroed("EXEC"), b"*1\r\n$4\r\nEXEX\r\n".to_vec()] {
        let bytes = [begin.clone(), damaged, rest.clone()].concat();
        let left = ["SET q 1", "SET z 9", "SET y 8", "MULTI", "INCR c", "EXEC", "SET x 7"];
        assert_eq!(salvage(&bytes), left);
    }
}

#[test]
fn an_exec_with_wrong_bytes_in_its_name_does_not_swallow_what_follows() {
    let begin = ["SELECT 0", "SET q 1", "MULTI", "INCR a", "SELECT 5", "INCR b"];
    let rest = ["SET z 9", "SET y 8"];
    for name in [&b"EXXX"[..], b"\0\0\0\0", b"ex\xff\xff"] {
        let garbled = record(&[name]);
        // Up to the end of the file; up to the next transaction, for no server logs one inside of another.
        for later in [&[][..], &["MULTI", "INCR c", "EXEC", "SET x 7"]] {
            let bytes = [log(&begin), garbled.clone(), log(&rest), log(later)].concat();
            let (left, inner) = salvage_for(&bytes, "redis-8.2");
            // The database that the lost transaction selected is selected for what comes after it.
            let wanted = [&["SELECT 0", "SET q 1", "SELECT 5"][..], &rest, later].concat();
            assert_eq!(left, wanted, "{name:?}");
            let loss = &inner.plan.loss;
            assert_eq!((loss.commands, loss.transactions), (5, 1), "the one that is none counts");
            assert!(inner.plan.notes.iter().any(|note| note.contains("is taken for the EXEC")));
            assert!(inner.ranges[0].why[0].contains("EXEC has wrong bytes"), "{:?}", inner.ranges);
        }
    }
    // Behind it the true one: then it is a command like others, which nobody knows.
    let known = [log(&begin), record(&[b"NEWS"]), log(&["SET z 9", "EXEC", "SET y 8"])].concat();
    let (left, inner) = salvage_for(&known, "redis-8.2");
    assert_eq!(left.len(), 10);
    assert!(inner.plan.is_empty());
    // The same where the true one is damaged: the transaction goes up to there.
    let hurt = [log(&begin), record(&[b"NEWS"]), r("SET z 9"), r("EXEX"), r("SET y 8")].concat();
    assert_eq!(salvage(&hurt), ["SELECT 0", "SET q 1", "SELECT 5", "SET y 8"]);
    // A longer name is none of its.
    let other = [log(&begin), record(&[b"NEWEST"]), r("SET z 9")].concat();
    assert_eq!(salvage(&other), ["SELECT 0", "SET q 1"]);
}

#[test]
fn a_discard_in_a_transaction_goes_with_it() {
    let bytes = log(&["SET a 1", "MULTI", "INCR b", "DISCARD", "EXEC", "SET z 9"]);
    assert_eq!(salvage(&bytes), ["SET a 1", "SET z 9"]);
}

#[test]
fn a_transaction_left_open_by_a_server_loses_itself_and_not_what_came_after_the_restart() {
    let bytes = log(&[
        "SELECT 0", "SET a 1", "MULTI", "INCR b", "INCR c", "SELECT 0", "SET d 4", "SET e 5",
    ]);
    let (left, inner) = salvage_for(&bytes, "redis-8.2");
    assert_eq!(left, ["SELECT 0", "SET a 1", "SELECT 0", "SET d 4", "SET e 5"]);
    assert!(inner.plan.notes.iter().any(|note| note.contains("started anew")));
    // Without that mark nothing tells where it ended.
    let bytes = log(&["SET a 1", "MULTI", "INCR b", "SET d 4"]);
    assert_eq!(salvage(&bytes), ["SET a 1"]);
}

#[test]
fn a_lost_select_is_put_back_where_its_bytes_tell() {
    let rest = log(&["SET b 2", "SET c 3", "SET d 4"]);
    for damaged in [&b"*2\r\n$6\r\nSELEXT\r\n$1\r\n5\r\n"[..], b"*2\r\n$6\r\nSELECT\r\n$1\r\n5\r\0"]
    {
        let bytes = [&log(&["SELECT 0", "SET a 1"])[..], damaged, &rest].concat();
        let left = ["SELECT 0", "SET a 1", "SELECT 5", "SET b 2", "SET c 3", "SET d 4"];
        assert_eq!(salvage(&bytes), left);
    }
    // Between broken bytes it can still be read.
    let bytes =
        [log(&["SELECT 0", "SET a 1"]), zeroed("SET x 9"), r("SELECT 5"), zeroed("SET y 9"), rest];
    let (left, inner) = salvage_for(&bytes.concat(), "redis-8.2");
    assert_eq!(left, ["SELECT 0", "SET a 1", "SELECT 5", "SET b 2", "SET c 3", "SET d 4"]);
    assert_eq!(inner.ranges[0].database.as_ref().unwrap().known, Known::Readable);
}

#[test]
fn the_select_of_a_dropped_transaction_is_put_back() {
    let bytes = [
        log(&["SELECT 0", "SET a 1", "MULTI", "SELECT 3"]),
        zeroed("INCR c"),
        log(&["INCR d", "EXEC", "SET z 9", "SET y 8", "SELECT 0", "SET x 7"]),
    ]
    .concat();
    let left = salvage(&bytes);
    assert_eq!(left[..2], ["SELECT 0", "SET a 1"]);
    assert_eq!(left[2..], ["SELECT 3", "SET z 9", "SET y 8", "SELECT 0", "SET x 7"]);
}

#[test]
fn the_next_select_shows_that_the_database_was_changed_in_what_is_lost() {
    let two = |damaged: Vec<u8>, third: &str| {
        let begin =
            log(&["SELECT 0", "SET a 1", "SELECT 5", "SET b 2", "SELECT 0", "SET c 3", third]);
        // SET d is of database 5 then: nobody selects 0 twice.
        [begin, damaged, log(&["SET d 4", "SELECT 0", "SET e 5"])].concat()
    };
    let (left, inner) = salvage_for(&two(zeroed("SELECT 5"), "SET g 7"), "redis-8.2");
    assert_eq!(left[7..], ["SELECT 5", "SET d 4", "SELECT 0", "SET e 5"]);
    assert_eq!(inner.ranges[0].database.as_ref().unwrap().known, Known::OtherOfTwo);
    let three = [
        "SELECT 0", "SET a 1", "SELECT 5", "SET b 2", "SELECT 7", "SET b 2", "SELECT 0", "SET c 3",
    ];
    let bytes =
        [log(&three), zeroed("SELECT 5"), log(&["SET d 4", "SELECT 0", "SET e 5"])].concat();
    let (left, inner) = salvage_for(&bytes, "redis-8.2");
    assert_eq!(left[8..], ["SET d 4", "SELECT 0", "SET e 5"]);
    assert_eq!(inner.ranges[0].database.as_ref().unwrap().known, Known::Unknown);
}

#[test]
fn a_record_whose_count_shrank_does_not_stay_in_part() {
    let mut hset = r("HSET h f 1 g 2");
    hset[1] = b'4';
    let bytes = [r("SET a 1"), hset, log(&["SET b 2", "SET c 3", "SET d 4"])].concat();
    assert_eq!(salvage(&bytes), ["SET a 1", "SET b 2", "SET c 3", "SET d 4"]);
    // A record of which the header is gone takes nothing with it.
    let loose = r("SET x 9")[4..].to_vec();
    let bytes = [r("HSET h f 1"), loose, log(&["SET b 2", "SET c 3", "SET d 4"])].concat();
    assert_eq!(salvage(&bytes), ["HSET h f 1", "SET b 2", "SET c 3", "SET d 4"]);
}

#[test]
fn a_record_that_swallowed_the_beginning_of_the_next_one_does_not_stay() {
    // Its last length line lost its end, so that a loader takes the text for a part of that line.
    let begin = log(&["SET a 1", "APPEND log line0;"]);
    let mut bytes = [begin, log(&["SET b 2", "SET c 3", "SET d 4", "SET e 5"])].concat();
    let at = bytes.windows(8).position(|w| w == b"\nline0;\r").unwrap();
    bytes[at] = b'-';
    let left = salvage(&bytes);
    assert!(!left.iter().any(|words| words.starts_with("APPEND")), "{left:?}");
    assert!(left.ends_with(&["SET c 3", "SET d 4", "SET e 5"].map(str::to_owned)), "{left:?}");
}

#[test]
fn look_alikes_in_a_value_stay_dead_whatever_is_wrong_around_them() {
    let inner = r("SET inner alive").repeat(9);
    let record = record(&[b"HSET", b"pages", b"p1", &inner, b"n", b"1"]);
    let (before, after) = (log(&["SET a 1", "SET b 2"]), log(&["SET c 3", "SET d 4", "SET e 5"]));
    let whole = [&before[..], &record, &after].concat();
    let value = before.len() + record.windows(8).position(|w| w == b"*3\r\n$3\r\n").unwrap();
    let kept = ["SET a 1", "SET b 2", "SET c 3", "SET d 4", "SET e 5"];
    let mut tried = 0;
    for at in before.len()..before.len() + record.len() {
        let mut deleted = whole.clone();
        deleted.remove(at);
        let mut doubled = whole.clone();
        doubled.insert(at, whole[at]);
        let mut zeroed = whole.clone();
        // The header of the value itself is gone with it, up to the value.
        zeroed[before.len()..value.min(at.max(before.len() + 1))].fill(0);
        for damaged in [deleted, doubled, zeroed] {
            let left = salvage(&damaged);
            assert!(!left.iter().any(|words| words == "SET inner alive"), "byte {at}: {left:?}");
            let sound = left.iter().filter(|words| kept.contains(&words.as_str())).count();
            assert!(sound + 1 >= kept.len(), "byte {at}: {left:?}");
            tried += 1;
        }
    }
    assert!(tried > 500, "only {tried} places were tried");
}

#[test]
fn keys_that_later_commands_build_on_are_named() {
    let key = |name: &[u8]| LostKey { db: Some(0), name: name.to_vec() };
    let begin = log(&["SET a 1", "SET b 2"]);
    let mut lost = r("INCRBY hits 5");
    lost[0] = b'x';
    let bytes = [begin.clone(), lost, log(&["INCR hits", "LPUSH other x", "SET b 3"])].concat();
    let (_, inner) = salvage_for(&bytes, "redis-8.2");
    assert_eq!(inner.toll.wrong.iter().map(|s| s.key.clone()).collect::<Vec<_>>(), [key(b"hits")]);
    assert_eq!((inner.toll.wrong_total, inner.toll.doubtful_total), (1, 0));
    assert_eq!(inner.ranges[0].gap.keys, [key(b"hits")]);
    assert_eq!(inner.ranges[0].gap.before, Some(key(b"b")));
    assert_eq!(inner.ranges[0].gap.after, Some(key(b"hits")));
    // Written as a whole in between, it is right again.
    let mut lost = r("INCRBY hits 5");
    lost[0] = b'x';
    let bytes = [begin.clone(), lost, log(&["SET hits 1", "INCR hits", "SET b 3"])].concat();
    assert_eq!(salvage_for(&bytes, "redis-8.2").1.toll.wrong_total, 0);
    // Nobody knows which keys zeros named.
    let bytes =
        [begin, vec![0; 40], log(&["INCR hits", "SET new 1", "INCR new", "SADD s x"])].concat();
    let toll = salvage_for(&bytes, "redis-8.2").1.toll;
    assert_eq!((toll.wrong_total, toll.doubtful_total), (0, 1));
    assert_eq!(toll.doubtful[0].key, key(b"hits"));
}

#[test]
fn a_truncation_ends_before_the_transaction_that_is_damaged() {
    let bytes = [log(&["SET a 1", "MULTI", "INCR b"]), zeroed("INCR c"), log(&["EXEC", "SET z 9"])];
    let bytes = bytes.concat();
    let (_file, aof) = single(&bytes, "redis-8.2");
    let inner = planned(truncated(&aof));
    assert_eq!(contents(&aof, &inner)[0], r("SET a 1"));
    assert_eq!(inner.plan.loss.bytes, (bytes.len() - r("SET a 1").len()) as u64);
    assert_eq!(inner.plan.loss.commands, 4);
}

#[test]
fn a_sound_file_needs_nothing() {
    let bytes = log(&["SELECT 0", "SET a 1", "MULTI", "INCR b", "EXEC"]);
    for answer in [salvaged, truncated] {
        let (_file, aof) = single(&bytes, "redis-8.2");
        match answer(&aof) {
            Answer::Plan(inner) => assert!(inner.plan.is_empty() && inner.ranges.is_empty()),
            Answer::Refused(why) => panic!("{why}"),
        }
    }
}
