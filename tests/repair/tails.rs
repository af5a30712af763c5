//! Ends of all kinds.

use std::fs;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::Loss;
use aofkit::disk::LocalDisk;

use super::library::{apply, judged, plan, state, undo};
use super::world::*;

fn command(words: &[&str], path: &std::path::Path) -> Run {
    finish(aofkit().arg("repair").args(words).arg(path))
}

/// Long ago: nobody is in the middle of writing.
fn age(path: &std::path::Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
}

fn transaction() -> Vec<u8> {
    [record(&[b"MULTI"]), record(&[b"SET", b"t", b"1"]), record(&[b"INCR", b"n"])].concat()
}

#[test]
fn every_kind_of_end_is_cut_and_comes_back() {
    let ends: [(&str, Vec<u8>, u64, u64); 6] = [
        ("torn", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$99\r\nv".to_vec(), 0, 0),
        ("torn header", b"*".to_vec(), 0, 0),
        ("zeros", vec![0; 5000], 0, 0),
        ("garbage", b"no record at all".to_vec(), 0, 0),
        ("open transaction", transaction(), 3, 1),
        ("torn transaction", [transaction(), b"*2\r\n$3\r\nDE".to_vec()].concat(), 3, 1),
    ];
    for (name, end, commands, transactions) in ends {
        let whole = sets(7);
        let set = Set::of(&[&whole[..], &end].concat());
        age(&set.file(INCREMENT));
        let before = state(&set.dir());
        let planned = command(&["--json"], &set.dir()).expect(20).json();
        assert_eq!(planned["applied"], false);
        assert_eq!(planned["actions"][0]["action"], "cut", "{name}");
        assert_eq!(planned["actions"][0]["to_bytes"], whole.len(), "{name}");
        assert_eq!(planned["loss"]["bytes"], end.len(), "{name}");
        assert_eq!(planned["loss"]["commands"], commands, "{name}");
        assert_eq!(planned["loss"]["transactions"], transactions, "{name}");
        assert_eq!(planned["verdict_after"], "healthy", "{name}");
        assert_eq!(state(&set.dir()), before, "{name}: a plan changes nothing");
        let text = command(&[], &set.dir()).expect(20).out;
        assert!(text.lines().next().unwrap().contains("nothing was changed"), "{text}");
        command(&["--apply"], &set.dir()).expect(0);
        assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), whole, "{name}");
        assert_eq!(check_json(&set.dir()).0, 0);
        let again = command(&["--apply", "--json"], &set.dir()).expect(0).json();
        assert_eq!(again["actions"].as_array().unwrap().len(), 0, "{name}: twice is once");
        command(&["--undo"], &set.dir()).expect(0);
        command(&["--undo", "--apply"], &set.dir()).expect(20);
        assert_eq!(state(&set.dir()), before, "{name}: taken back");
    }
}

#[test]
fn every_prefix_of_a_log_is_sound_after_a_repair_and_keeps_every_whole_command() {
    let log = [sets(2), transaction(), record(&[b"EXEC"]), record(&[b"DEL", b"t"])].concat();
    // Where a cut is honest: behind records outside the transaction.
    let honest = {
        let first = sets(2).len();
        let records = [0, record(&[b"SELECT", b"0"]).len()];
        let set = record(&[b"SET", b"key:0", b"value"]).len();
        let end = first + transaction().len() + record(&[b"EXEC"]).len();
        vec![records[0], records[1], records[1] + set, first, end, log.len()]
    };
    for len in 0..=log.len() {
        let set = Set::of(&log[..len]);
        age(&set.file(INCREMENT));
        let plan = plan(&set.dir());
        apply(&plan, &LocalDisk).unwrap();
        let kept = fs::read(set.file(INCREMENT)).unwrap();
        let wanted = *honest.iter().rev().find(|&&at| at <= len).unwrap();
        assert_eq!(kept, log[..wanted], "cut at {len}");
        let (aof, report) = judged(&set.dir());
        assert_eq!(report.verdict, aofkit::check::Verdict::Healthy, "cut at {len}");
        let again = aofkit::repair::tail_and_manifest(&aof, &report).unwrap();
        assert!(again.is_empty(), "cut at {len}");
        if !plan.is_empty() {
            undo(&set.dir(), &LocalDisk).unwrap();
        }
        assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), log[..len], "back at {len}");
    }
}

#[test]
fn the_rdb_part_of_the_last_file_stays() {
    let base = fs::read(recorded("redis-7.0.15/rdb-base/aof/appendonly.aof.2.base.rdb")).unwrap();
    for end in [&b"*3\r\n$3\r\nSE"[..], b"\0\0\0\0", b"noise"] {
        let set = Set::empty();
        let file = set.file("appendonly.aof");
        set.put("appendonly.aof", &[&base[..], end].concat());
        age(&file);
        command(&["--apply"], &file).expect(0);
        assert_eq!(fs::read(&file).unwrap(), base);
    }
}

#[test]
fn a_file_without_a_sound_byte_is_never_cut_to_nothing() {
    for bytes in [&b"not a log"[..], b"*3\r\n$3\r\nSE"] {
        let set = Set::empty();
        set.put("appendonly.aof", bytes);
        age(&set.file("appendonly.aof"));
        let run = command(&["--apply"], &set.file("appendonly.aof"));
        assert_ne!(run.code, 0);
        assert!(run.out.contains("not one byte of it is sound"), "{}", run.out);
        assert_eq!(fs::read(set.file("appendonly.aof")).unwrap(), bytes);
    }
    // A first write to an increment that never came to its end is no such file.
    let set = Set::of(b"*3\r\n$3\r\nSE");
    age(&set.file(INCREMENT));
    command(&["--apply"], &set.dir()).expect(0);
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), b"");
}

#[test]
fn a_transaction_that_a_server_left_open_and_wrote_behind_needs_a_word() {
    let log = [sets(3), transaction(), sets(5)].concat();
    let set = Set::of(&log);
    age(&set.file(INCREMENT));
    let run = command(&["--apply"], &set.dir()).expect(20);
    let text = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("started anew inside of it"), "{text}");
    assert!(text.contains("--salvage: loses 3 whole commands"), "{text}");
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), log);
    command(&["--apply", "--salvage"], &set.dir()).expect(0);
    let aof = Aof::open(&set.dir(), &OpenOptions::default()).unwrap();
    let increment = &aof.segments[1];
    assert_eq!(fs::read(increment.path()).unwrap(), [sets(3), sets(5)].concat());
}

#[test]
fn damage_inside_is_left_alone_and_both_ways_out_are_told_with_their_cost() {
    let set = Set::of(&[sets(10), b"*3\r\n$3\r\nSXX".to_vec(), sets(10)].concat());
    let before = state(&set.dir());
    let run = command(&["--apply", "--json"], &set.dir()).expect(21).json();
    assert_eq!(run["actions"].as_array().unwrap().len(), 0);
    let loss = |word: &str| {
        let ways = run["ways"].as_array().unwrap();
        let way = ways.iter().find(|way| way["word"] == word).unwrap();
        way["loss"]["commands"].as_u64().unwrap()
    };
    assert_eq!((loss("truncate"), loss("salvage")), (11, 0));
    assert_eq!(state(&set.dir()), before);
}

#[test]
fn what_goes_is_counted_with_its_keys() {
    let log = [sets(2), record(&[b"MULTI"]), record(&[b"MSET", b"a", b"1", b"b", b"2"])].concat();
    let set = Set::of(&log);
    age(&set.file(INCREMENT));
    let plan = plan(&set.dir());
    let Loss { bytes, commands, transactions, keys, keys_total, broken_commands, uncounted_bytes } =
        plan.loss.clone();
    assert_eq!((commands, transactions, keys_total, broken_commands), (2, 1, 2, 0));
    assert_eq!(uncounted_bytes, 0);
    assert_eq!(bytes, (log.len() - sets(2).len()) as u64);
    let names: Vec<_> = keys.iter().map(|key| (key.db, key.name.as_slice())).collect();
    assert_eq!(names, [(Some(0), &b"a"[..]), (Some(0), b"b")]);
}

#[test]
fn what_follows_an_exec_with_wrong_bytes_in_its_name_is_never_cut_by_default() {
    let later = record(&[b"SET", b"later", b"v"]).repeat(40);
    for name in [&b"EXEX"[..], b"\0\0\0\0", b"exe\xff"] {
        for end in [&b""[..], b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$99\r\nv"] {
            let log = [&sets(5)[..], &transaction(), &record(&[name]), &later, end].concat();
            let set = Set::of(&log);
            age(&set.file(INCREMENT));
            let (exit, report) = check_json(&set.dir());
            assert_eq!(
                (exit, report["verdict"].as_str()),
                (21, Some("inner-damage")),
                "{report:#}"
            );
            command(&["--max-loss", "0", "--apply"], &set.dir()).expect(21);
            assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), log, "{name:?}");
            let text = command(&[], &set.dir()).expect(21).out;
            assert!(text.contains("may be it,"), "{text}");
        }
    }
    // Salvage keeps all that was written afterwards.
    for name in [&b"EXEX"[..], b"\0\0\0\0", b"exxx"] {
        let log = [&sets(5)[..], &transaction(), &record(&[name]), &later].concat();
        let set = Set::of(&log);
        age(&set.file(INCREMENT));
        command(&["--salvage", "--apply"], &set.dir()).expect(0);
        let (_, report) = check_json(&set.dir());
        let last = report["segments"].as_array().unwrap().last().unwrap();
        assert_eq!(last["commands"], 6 + 40, "{name:?}: {report:#}");
    }
}
