//! Laws of changes to sets: what holds for any bytes whatever in the files, in a journal and beside it. Plain functions of
//! bytes that panic when a law is broken, called by tests and fuzz targets alike.

// Each caller is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{self, Journal, Keep, Options, Undo};
use aofkit::check::{Check, Wording, judge};
use aofkit::clean;
use aofkit::disk::{FrozenFile, LocalDisk};
use aofkit::progress::Silent;
use aofkit::repair::{self, Drops, inner};
use aofkit::scan::{Pace, scan};

/// Nobody is asked whether files are open: all of them are this process's own.
const OPTIONS: Options<'static> =
    Options { keep: None, force: true, stop: None, verdict_before: "", most: None };

const BASE: &str = "appendonly.aof.1.base.aof";
const INCREMENT: &str = "appendonly.aof.1.incr.aof";
const MANIFEST: &str = "appendonly.aof.manifest";

/// Any bytes as a journal: read or refused, never a panic, and what is read names plain files.
pub fn a_journal_is_read_or_refused(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("make a temporary file");
    fs::write(file.path(), bytes).expect("write a temporary file");
    let frozen = FrozenFile::open(file.path()).expect("open a temporary file");
    let Ok(journal) = Journal::read(frozen) else { return };
    let _ = journal.kept_bytes();
    for (name, _) in journal.files() {
        let plain = name.strip_prefix(b"../").unwrap_or(name);
        assert!(aofkit::disk::is_plain_name(plain), "{}", name.escape_ascii());
    }
    for shown in [&journal.verb, &journal.target, &journal.verdict] {
        assert!(shown.bytes().all(|b| b.is_ascii_graphic()), "{shown:?}");
    }
}

/// Any bytes as a journal, in any state, beside a sound set: clearing up and taking back touch nothing outside, and nothing
/// that the manifest names but what an undo has proven. The first byte chooses state and form.
pub fn a_journal_touches_nothing_outside(bytes: &[u8]) {
    let Some((choice, journal)) = bytes.split_first() else { return };
    let root = tempfile::tempdir().expect("make a temporary directory");
    let set = root.path().join("data/aof");
    fs::create_dir_all(&set).expect("make a directory");
    put(&set.join(BASE), b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n");
    put(&set.join(INCREMENT), b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
    put(&set.join(MANIFEST), manifest().as_bytes());
    for name in ["victim", "data/victim", "data/dump.rdb"] {
        put(&root.path().join(name), b"theirs");
    }
    let state = ["begun", "ready", "journal", "undone"][usize::from(choice & 3)];
    let id = match choice & 4 {
        0 => "00000001-20261124T134247Z-repair",
        _ => "20261124T134247Z-repair",
    };
    let entry = root.path().join("data/aof.aofkit").join(id);
    fs::create_dir_all(&entry).expect("make a directory");
    put(&entry.join(state), journal);
    put(&entry.join("1.zst"), &zstd::bulk::compress(b"kept", 1).expect("compress"));
    let (outer, live) = (outside(root.path()), files(&set));
    let _ = change::clear_up(&set, &set, &Keep::Beside, &LocalDisk);
    assert_eq!(files(&set), live, "cleared up");
    if let Ok(Some(undo)) = Undo::last(&set, &set, &Keep::Beside) {
        let _ = undo.apply(&LocalDisk, &OPTIONS, &Silent);
    }
    assert_eq!(outside(root.path()), outer, "something outside was touched");
}

/// Any bytes as the last file of a set: whatever a repair or a cleaning makes of it, taking that back gives the old set, byte
/// for byte, and neither touches a byte outside.
pub fn repair_then_undo_is_the_old_set(bytes: &[u8]) {
    let Some((choice, log)) = bytes.split_first() else { return };
    let root = tempfile::tempdir().expect("make a temporary directory");
    let set = root.path().join("aof");
    fs::create_dir(&set).expect("make a directory");
    put(&set.join(BASE), b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n");
    put(&set.join(INCREMENT), log);
    put(&set.join(MANIFEST), manifest().as_bytes());
    put(&set.join("appendonly.aof.9.incr.aof"), log);
    for name in ["victim", "dump.rdb"] {
        put(&root.path().join(name), b"theirs");
    }
    if choice & 4 != 0 {
        fs::hard_link(set.join(INCREMENT), root.path().join("other")).expect("link a file");
    }
    let (before, outer) = (files(&set), files(root.path()));
    repaired_and_taken_back(&set, choice & 3, &before);
    assert_eq!(files(&set), before, "taken back, or nothing was done");
    assert_eq!(files(root.path()), outer, "something outside was touched");
}

fn repaired_and_taken_back(set: &Path, choice: u8, before: &BTreeMap<PathBuf, Vec<u8>>) {
    let Some(plan) = planned(set, choice) else { return };
    if plan.is_empty() || plan.apply(&LocalDisk, &OPTIONS, &Silent).is_err() {
        return;
    }
    assert_ne!(&files(set), before, "it was carried out");
    let undo = Undo::last(set, set, &Keep::Beside).expect("look for what was kept");
    let undo = undo.expect("something was kept");
    undo.apply(&LocalDisk, &OPTIONS, &Silent).expect("take it back");
}

fn planned(set: &Path, choice: u8) -> Option<change::Proposal> {
    let aof = repair::subject(Aof::open(set, &OpenOptions::default()).ok()?).ok()?;
    if choice == 3 {
        let options = clean::Options { min_age: Duration::ZERO, now: SystemTime::now() };
        return Some(clean::survey(&aof, options, &Pace::default(), &Silent).ok()?.plan);
    }
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).ok()?;
    let report = judge(&aof, facts, &Wording::default()).ok()?;
    let answer = match choice {
        0 => return repair::tail_and_manifest(&aof, &report).ok(),
        1 => inner::truncate(&aof, &report, &Drops::default()).ok()?,
        _ => inner::salvage(&aof, &report, &Drops::default()).ok()?,
    };
    match answer {
        inner::Answer::Plan(inner) => Some(inner.plan),
        inner::Answer::Refused(_) => None,
    }
}

fn manifest() -> String {
    format!("file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n")
}

/// Writes a file that nobody seems to be in the middle of writing.
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("write a temporary file");
    let file = File::options().write(true).open(path).expect("open a temporary file");
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000)).expect("set a file's time");
}

/// The bytes of the files in a directory.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let all = fs::read_dir(dir).expect("list a directory");
    let paths = all.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.is_file());
    files.map(|path| (path.clone(), fs::read(path).expect("read a file"))).collect()
}

/// The files outside of the set and of what is kept of it.
fn outside(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(root).into_iter().chain(files(&root.join("data"))).collect()
}
