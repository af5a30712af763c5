//! Every RDB a real server wrote is walked to its end, with a matching checksum; and what `check` says of
//! files that are an RDB and a little more.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::live::Live;
use crate::support::server::Server;
use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Kind, Loads, Report, Severity, Verdict, Wording, judge};
use aofkit::format::rdb::checksum::crc64;
use aofkit::format::rdb::{Checksum, Family, Pass, Progress, Walker, sniff, walk_slice};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

/// All files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of fixtures") {
            let path = entry.expect("a fixture").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The RDB files among the fixtures.
fn rdb_files() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/servers");
    let read =
        files(&folder).into_iter().map(|path| (path.clone(), fs::read(path).expect("a fixture")));
    read.filter(|(_, bytes)| sniff(bytes).is_some()).collect()
}

#[test]
fn every_fixture_is_walked_with_a_matching_checksum() {
    let files = rdb_files();
    assert!(!files.is_empty(), "no RDB among the fixtures");
    for (path, bytes) in files {
        let walked = match walk_slice(&bytes, 0) {
            Ok(walked) => walked,
            Err(failure) => panic!("{}: {} {:?}", path.display(), failure.fault, failure.place),
        };
        let name = path.display();
        assert!(matches!(walked.checksum, Checksum::Match(_)), "{name}: {:?}", walked.checksum);
        assert_eq!(walked.outcome.remarks, Default::default(), "{name}");
        let tail = &bytes[usize::try_from(walked.outcome.end).unwrap()..];
        assert!(matches!(tail.first(), None | Some(b'*' | b'#')), "{name}: tail of something else");
        assert!(walked.outcome.fields.writer().is_some(), "{name}");
        let is_base = walked.outcome.fields.aof_base() == Some(true);
        let is_preamble = walked.outcome.fields.aof_preamble() == Some(true);
        assert!(is_base || is_preamble, "{name}: neither base nor preamble");
    }
}

#[test]
fn both_families_are_among_the_fixtures() {
    for family in [Family::Redis, Family::Valkey] {
        assert!(rdb_files().iter().any(|(_, bytes)| sniff(bytes) == Some(family)), "{family:?}");
    }
}

#[test]
fn small_windows_find_the_same_end() {
    for (path, bytes) in rdb_files() {
        let mut pass = Pass::new(Walker::new(0));
        let (mut pos, mut size) = (0, 61);
        let end = loop {
            let end = bytes.len().min(pos + size);
            match pass.push(&bytes[pos..end]).unwrap() {
                Progress::Done { taken } => break pos + taken,
                Progress::More { taken, need } => {
                    pos += taken;
                    size = need.max(61);
                }
            }
        };
        let whole = walk_slice(&bytes, 0).unwrap();
        assert_eq!(end as u64, whole.outcome.end, "{}", path.display());
        assert_eq!(pass.outcome().unwrap().checksum, whole.checksum, "{}", path.display());
    }
}

/// What `check` says of a file of these bytes, thorough or not.
fn checked(bytes: &[u8], thorough: bool) -> Report {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let path = dir.path().join("dump.rdb");
    fs::write(&path, bytes).expect("write a file");
    checked_at(&path, thorough)
}

fn checked_at(path: &Path, thorough: bool) -> Report {
    let aof = Aof::open(path, &OpenOptions::default()).expect("open a file");
    let observer = Check::new(&aof).thorough(thorough);
    let facts = scan(&aof, observer, &Pace::default(), &Silent).expect("scan a file");
    judge(&aof, facts, &Wording::default()).expect("judge a file")
}

/// A file of these records.
fn sealed(records: &[u8]) -> Vec<u8> {
    let body = [b"REDIS0011", records, b"\xff"].concat();
    [&body[..], &crc64(&body).to_le_bytes()].concat()
}

#[test]
fn a_thorough_check_tells_what_the_checksum_and_the_outer_structure_cannot() {
    let twice = sealed(b"\0\x03key\x01v\0\x03key\x01w");
    assert_eq!(checked(&twice, false).verdict, Verdict::Healthy);
    let report = checked(&twice, true);
    assert_eq!((report.verdict, report.loads), (Verdict::InnerDamage, Loads::No));
    let problem = &report.problems[0];
    assert_eq!((problem.kind, problem.offset), (Kind::DuplicateKey, Some(16)));
    assert!(problem.message.contains("\"key\" in database 0"), "{}", problem.message);
    // A set in a listpack that holds the same member twice: only a sanitizing loader refuses it.
    let packed = sealed(b"\x14\x01s\x0b\x0b\0\0\0\x02\0\x01\x01\x01\x01\xff");
    assert_eq!(checked(&packed, false).verdict, Verdict::Healthy);
    let report = checked(&packed, true);
    assert_eq!((report.verdict, report.loads), (Verdict::InnerDamage, Loads::Yes));
    // No elements: loaders drop the key, which is no damage.
    let empty = checked(&sealed(b"\x02\x01s\0"), true);
    assert_eq!((empty.verdict, empty.problems.len()), (Verdict::Healthy, 1));
}

const BEHIND: &[&[u8]] =
    &[b"\0\0\0\0", b"note to self\n", b"*3\r\n$3\r\nSET\r\n", b"\xff", b"*0\r\n*"];

#[test]
fn bytes_behind_a_plain_dump_are_told_and_behind_a_base_they_are_damage() {
    let dump = sealed(b"\0\x03key\x01v");
    let base = sealed(b"\xfa\x08aof-base\xc0\x01\0\x03key\x01v");
    for behind in BEHIND {
        let shown = behind.escape_ascii();
        let report = checked(&[&dump, *behind].concat(), false);
        assert_eq!((report.verdict, report.loads), (Verdict::Healthy, Loads::Yes), "{shown}");
        let [problem] = &report.problems[..] else { panic!("{shown}: {:?}", report.problems) };
        assert_eq!((problem.kind, problem.severity), (Kind::GarbageTail, Severity::Warning));
        let place = (problem.offset, problem.len);
        assert_eq!(place, (Some(dump.len() as u64), Some(behind.len() as u64)), "{shown}");
        assert_eq!(report.ok_bytes, dump.len() as u64);
        // A file that calls itself a base, looked at alone.
        let report = checked(&[&base, *behind].concat(), false);
        assert_ne!(report.verdict, Verdict::Healthy, "{shown}");
        // The same dump where a manifest names it.
        let dir = tempfile::tempdir().expect("make a temporary directory");
        fs::write(dir.path().join("a.1.base.rdb"), [&dump, *behind].concat()).expect("write");
        fs::write(dir.path().join("a.manifest"), "file a.1.base.rdb seq 1 type b\n")
            .expect("write");
        let report = checked_at(dir.path(), false);
        assert_ne!(report.verdict, Verdict::Healthy, "{shown}");
    }
}

#[test]
fn servers_load_a_plain_dump_whatever_is_behind_it() {
    let Some(servers) = Server::find_all(&["redis-6.2", "redis-8.2", "valkey-9.1"]) else {
        println!("not all servers found: no dump with bytes behind it was loaded");
        return;
    };
    for server in servers {
        let dir = tempfile::tempdir().expect("make a temporary directory");
        let path = dir.path().join("dump.rdb");
        let mut live = Live::start(&server, dir.path());
        (0..10).for_each(|i| drop(live.must(&format!("SET key:{i} value"))));
        live.must("SAVE");
        drop(live);
        let dump = fs::read(&path).expect("read a dump");
        for behind in BEHIND {
            let shown = behind.escape_ascii();
            fs::write(&path, [&dump, *behind].concat()).expect("write a dump");
            let report = checked_at(&path, false);
            assert_eq!((report.verdict, report.loads), (Verdict::Healthy, Loads::Yes), "{shown}");
            assert_eq!(report.problems.len(), 1, "{shown}: {:?}", report.problems);
            assert_eq!(server.check_rdb(&path).0, Some(0), "{} {shown}", server.name);
            let socket = dir.path().join("s");
            fs::remove_file(socket).expect("remove the last server's socket");
            let mut live = Live::start(&server, dir.path());
            assert_eq!(live.must("DBSIZE").number(), 10, "{} {shown}", server.name);
        }
    }
}
