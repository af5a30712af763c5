//! Damage in the middle of a log costs what it hit and no more, and never brings to life what lies inside
//! a value.

use std::fs;

use crate::support::spelled::record;
use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Report, Verdict, Wording, judge};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

/// Records whose values hold whole logs, others whose values are plain, and a hash with many fields.
fn records() -> Vec<Vec<u8>> {
    let log = record(&[b"SET", b"inner", b"look-alike"]).repeat(12);
    let mut all = vec![record(&[b"SELECT", b"0"])];
    for i in 0..8 {
        let key = format!("key:{i}");
        all.push(record(&[b"SET", key.as_bytes(), &log]));
        all.push(record(&[b"SET", key.as_bytes(), format!("plain value {i}").as_bytes()]));
        all.push(record(&[b"HSET", b"h", b"f1", b"v1", b"f2", &log[..100], b"f3", b"v3"]));
        all.push(record(&[b"PEXPIREAT", key.as_bytes(), b"4102444800000"]));
    }
    all
}

fn check(bytes: &[u8]) -> Report {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    // Nobody is in the middle of writing it.
    file.as_file().set_modified(std::time::UNIX_EPOCH).unwrap();
    let aof = Aof::open(file.path(), &OpenOptions::default()).unwrap();
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
    judge(&aof, facts, &Wording::default()).unwrap()
}

fn commands(report: &Report) -> u64 {
    report.segments[0].facts.as_ref().unwrap().commands
}

/// Offsets of the digits in argument lengths, with the number of the record they are in.
fn length_digits(records: &[Vec<u8>]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut base = 0;
    for (number, record) in records.iter().enumerate() {
        let mut at = record.iter().position(|&b| b == b'\n').unwrap() + 1;
        while at < record.len() {
            let end = at + record[at..].iter().position(|&b| b == b'\r').unwrap();
            found.extend((at + 1..end).map(|digit| (base + digit, number)));
            let length: usize = std::str::from_utf8(&record[at + 1..end]).unwrap().parse().unwrap();
            at = end + 2 + length + 2;
        }
        base += record.len();
    }
    found
}

#[test]
fn a_flipped_bit_in_a_length_costs_its_record_and_revives_nothing() {
    let records = records();
    let log = records.concat();
    let whole = records.len() as u64;
    assert_eq!((check(&log).verdict, commands(&check(&log))), (Verdict::Healthy, whole));
    let mut judged = 0;
    for (at, number) in length_digits(&records) {
        for bit in 0..8 {
            let mut damaged = log.clone();
            damaged[at] ^= 1 << bit;
            let report = check(&damaged);
            let left = commands(&report);
            let what = format!("record {number}, byte {at}, bit {bit}: {left} of {whole} commands");
            // A length that grows just so far that it ends where the next record's count ends takes that
            // record with it: two are lost, and no reader can tell.
            assert!(left + 2 >= whole, "{what}: too many are lost");
            assert!(left <= whole, "{what}: look-alikes were brought to life");
            // Of the last one nothing is left behind it.
            let last = number + 1 == records.len();
            let inner = report.verdict == Verdict::InnerDamage;
            assert!(inner || last && report.verdict == Verdict::TailDamage, "{what}");
            judged += 1;
        }
    }
    assert!(judged > 500, "only {judged} places were tried");
}

/// Whole records that lie in the value at the end of `tail`, and follow each other up to a torn one.
fn look_alikes(tail: &[u8]) -> u64 {
    let inner = record(&[b"SET", b"inner", b"look-alike"]);
    let first = tail.windows(inner.len()).position(|part| part == inner);
    let Some(first) = first else { return 0 };
    let whole = tail[first..].chunks(inner.len()).take_while(|part| *part == inner).count();
    // What is left is a torn one, not the end of the value.
    if inner.starts_with(&tail[first + whole * inner.len()..]) { whole as u64 } else { 0 }
}

#[test]
fn a_log_cut_anywhere_is_damaged_at_its_end_only() {
    let records = records();
    let log = records.concat();
    let mut ends: Vec<usize> = vec![0];
    ends.extend(records.iter().scan(0, |end, r| {
        *end += r.len();
        Some(*end)
    }));
    let (mut torn, mut doubtful) = (0, 0);
    for cut in 0..log.len() {
        let report = check(&log[..cut]);
        let whole = ends.iter().filter(|&&end| end > 0 && end <= cut).count() as u64;
        let last = *ends.iter().filter(|&&end| end <= cut).max().unwrap();
        let inside = look_alikes(&log[last..cut]);
        if inside > 0 {
            // They may as well be the records behind a wrong length: nobody may call it torn.
            assert_eq!(report.verdict, Verdict::InnerDamage, "cut at {cut}");
            assert_eq!(commands(&report), whole + inside, "cut at {cut}");
            doubtful += 1;
            continue;
        }
        if ends.contains(&cut) {
            assert_eq!(
                (report.verdict, commands(&report)),
                (Verdict::Healthy, whole),
                "cut at {cut}"
            );
        } else if report.verdict != Verdict::InnerDamage {
            assert_eq!(
                (report.verdict, commands(&report)),
                (Verdict::TailDamage, whole),
                "cut at {cut}"
            );
            torn += 1;
        }
    }
    assert!(torn > 2000 && doubtful > 2000, "{torn} torn, {doubtful} doubtful");
}

#[test]
fn a_database_beyond_the_default_ones_is_told_wherever_it_is_selected() {
    let select = |db: &[u8]| record(&[b"SELECT", db]);
    let set = record(&[b"SET", b"a", b"1"]);
    let traps = |log: &[Vec<u8>]| {
        let report = check(&log.concat());
        assert_eq!(report.verdict, Verdict::Healthy);
        report.problems.iter().filter(|p| p.message.contains("SELECT 20")).count()
    };
    assert_eq!(traps(&[select(b"20"), set.clone(), select(b"0"), set.clone()]), 1);
    assert_eq!(traps(&[select(b"0"), set.clone(), select(b"20"), set.clone()]), 1);
    assert_eq!(traps(&[select(b"15"), set]), 0);
}
