//! The library's way to change a set: what is refused is not carried out, and a damaged set is not read more often than
//! three times to say what can be done.

use std::fs;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{Looking, Most, Options, Refusal, Session};
use aofkit::check::{Check, Report, Verdict, Wording, judge};
use aofkit::disk::LocalDisk;
use aofkit::error::ErrorKind;
use aofkit::moment::Moment;
use aofkit::progress::Silent;
use aofkit::repair::{self, Drops, Inner};
use aofkit::rewind::{self, Answer};
use aofkit::scan::{Pace, scan};

use crate::support::spelled::record;

/// A single file of so many records, with one byte wrong in the middle.
fn damaged(dir: &Path, records: usize) -> PathBuf {
    let mut bytes = record(&[b"SELECT", b"0"]);
    for i in 0..records {
        if i == records / 2 {
            bytes.extend_from_slice(b"*x\r\n$garbage\r\n");
        }
        bytes.extend(record(&[b"SET", format!("key:{i}").as_bytes(), &[b'v'; 100]]));
    }
    let path = dir.join("appendonly.aof");
    fs::write(&path, bytes).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    // Nobody is in the middle of writing it.
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    path
}

fn judged(path: &Path) -> (Aof, Report) {
    let aof = repair::subject(Aof::open(path, &OpenOptions::default()).unwrap()).unwrap();
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
    let report = judge(&aof, facts, &Wording::default()).unwrap();
    (aof, report)
}

fn kind(error: &aofkit::error::Error) -> &ErrorKind {
    error.kind()
}

#[test]
fn a_moment_behind_damage_is_refused_to_a_library_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let path = damaged(dir.path(), 100);
    let bytes = fs::read(&path).unwrap();
    let (aof, _) = judged(&path);
    let (at, looking) = (bytes.len() as u64 - 131, Looking::default());
    let moment = Moment::At((0, at));
    let found = rewind::rewind(&aof, &moment, &looking);
    let found = found.unwrap();
    let Answer::Plan(proposal) = found.answer else { panic!("{:?}", found.answer) };
    assert!(
        !proposal.is_empty() && matches!(proposal.refusal(), Some(Refusal::BehindDamage { .. }))
    );
    let refused = proposal.apply(&LocalDisk, &Options::default(), &Silent).unwrap_err();
    assert!(matches!(refused.refusal(), Some(Refusal::BehindDamage { .. })), "{refused}");
    assert!(refused.to_string().contains("behind damage"), "{refused}");
    let copy = dir.path().join("copy");
    let refused = proposal.write_to(&copy, &LocalDisk, &Options::default(), &Silent).unwrap_err();
    assert!(matches!(kind(&refused), ErrorKind::Refused(_)) && !copy.exists());
    let session = Session::new(aof, found.report, *proposal);
    let outcome = session.apply(&LocalDisk, &Options::default(), &Looking::default()).unwrap();
    assert!(!outcome.applied && outcome.refused.is_some());
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
}

#[test]
fn a_loss_that_is_too_large_is_refused_and_a_smaller_one_is_judged_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let path = damaged(dir.path(), 100);
    let bytes = fs::read(&path).unwrap();
    let propose = || {
        let (aof, report) = judged(&path);
        let looking = Looking::default();
        let repair =
            repair::propose(&aof, &report, Inner::Truncate, &Drops::default(), &looking).unwrap();
        (Session::new(aof, report, repair.proposal), looking)
    };
    let (session, looking) = propose();
    let options = Options { most: Some(Most::Commands(49)), ..Options::default() };
    let outcome = session.apply(&LocalDisk, &options, &looking).unwrap();
    let why = outcome.refused.expect("a refusal").to_string();
    assert!(why.contains("50 whole commands would be lost"), "{why}");
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
    let (session, looking) = propose();
    let options = Options { most: Some(Most::Commands(50)), force: true, ..Options::default() };
    let outcome = session.apply(&LocalDisk, &options, &looking).unwrap();
    assert!(outcome.applied && outcome.held == Some(true), "{:?}", outcome.held);
    assert_eq!(outcome.verdict(), Verdict::Healthy);
    assert_eq!(judged(&path).1.verdict, Verdict::Healthy);
}

#[test]
fn a_judgement_that_says_nothing_of_the_files_makes_no_plan() {
    let dir = tempfile::tempdir().unwrap();
    let path = damaged(dir.path(), 10);
    let (aof, report) = judged(&path);
    let report = report.without_files();
    for choice in [Inner::Ask, Inner::Truncate, Inner::Salvage] {
        let proposed =
            repair::propose(&aof, &report, choice, &Drops::default(), &Looking::default());
        assert!(matches!(kind(&proposed.unwrap_err()), ErrorKind::Stale(_)), "{choice:?}");
    }
}

/// Bytes that this thread has read by system calls so far.
#[cfg(target_os = "linux")]
fn read_so_far() -> u64 {
    let told = fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = told.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    line.parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn what_can_be_done_about_a_damaged_set_is_found_out_in_three_passes() {
    let dir = tempfile::tempdir().unwrap();
    let path = damaged(dir.path(), 60_000);
    let size = fs::metadata(&path).unwrap().len();
    let before = read_so_far();
    let (aof, report) = judged(&path);
    let checked = read_so_far() - before;
    let (drops, looking) = (Drops::default(), Looking::default());
    let repair = repair::propose(&aof, &report, Inner::Ask, &drops, &looking).unwrap();
    let all = read_so_far() - before;
    assert_eq!(repair.ways.len(), 2);
    assert!(repair.ways.iter().all(|way| way.outlook.is_ok()));
    // One pass is read by system calls, so that they can be counted.
    assert!(checked >= size, "{checked} of {size} were read");
    let passes = all as f64 / size as f64;
    assert!(passes < 3.2, "{passes:.2} passes");
}
