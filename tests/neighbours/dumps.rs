//! A dump that holds what the set lacks is adopted: its keys, and the live branch kept aside.

use std::fs;

use super::*;

/// Adopts the dump, takes that back, adopts it again, and answers how many keys a server then has.
fn adopt(server: &Server, dir: &Path) -> u64 {
    let set = dir.join("appendonlydir");
    let dump = fs::read(dir.join("dump.rdb")).expect("read");
    let (status, refused) =
        json("repair", dir, &["--adopt=dump.rdb", "--max-loss", "0", "--apply"]);
    assert_eq!((status, &refused["applied"]), (Some(23), &false.into()), "{refused:#}");
    let before = support::kill::state(&set);
    let (_, plan) = json("repair", dir, &["--adopt=dump.rdb"]);
    assert!(plan.to_string().contains("the other branch"), "{plan:#}");
    assert_eq!(support::kill::state(&set), before, "{}: a plan changes nothing", server.name);
    let (status, done) = json("repair", dir, &["--adopt=dump.rdb", "--apply"]);
    assert_eq!((status, &done["applied"]), (Some(0), &true.into()), "{done:#}");
    assert!(done["loss"]["commands"].as_u64() > Some(0), "{done:#}");
    assert_eq!(fs::read(dir.join("dump.rdb")).expect("read"), dump, "the dump itself stays");
    json("repair", dir, &["--undo", "--apply"]);
    assert_eq!(support::kill::state(&set), before, "{}: taken back", server.name);
    let copy = tempfile::tempdir().expect("make a directory");
    let into = copy.path().join("appendonlydir");
    let words = ["--adopt=dump.rdb", "--output", into.to_str().expect("a path")];
    assert_eq!(json("repair", dir, &words).0, Some(0), "{}", server.name);
    let copied = logging(server, copy.path()).must("DBSIZE").number();
    json("repair", dir, &["--adopt=dump.rdb", "--apply"]);
    let (status, report) = json("check", dir, &[]);
    assert_eq!(status, Some(0), "{report:#}");
    let keys = logging(server, dir).must("DBSIZE").number();
    assert_eq!(keys, copied, "{}", server.name);
    keys
}

/// The log was switched off, writes went on, and the dump alone has them.
#[test]
fn a_dump_that_is_newer_than_the_log_is_adopted_and_the_log_kept_aside() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 40);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        live.must("CONFIG SET appendonly no");
        fill(&mut live, "unlogged", 7);
        live.must("SAVE");
        drop(live);
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(0), "{report:#}");
        let all = report["problems"].as_array().expect("problems").iter();
        let mut told = all.filter(|one| one["kind"] == "neighbour-data");
        let next = told.next().and_then(|one| one["next"].as_str()).expect("a command");
        assert!(next.contains("--adopt=dump.rdb"), "{next}");
        assert_eq!(adopt(&server, dir.path()), 47, "{}", server.name);
    }
}

/// A dump of a backup was put into the directory of a server that keeps a log, and the server started.
#[test]
fn a_dump_that_was_to_be_restored_and_was_passed_over_is_adopted() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = Live::start(&server, dir.path());
        fill(&mut live, "backup", 50);
        live.must("SAVE");
        drop(live);
        let mut live = logging(&server, dir.path());
        fill(&mut live, "new", 2);
        drop(live);
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(22), "{report:#}");
        assert_eq!(problems(&report, "started-empty").len(), 1, "{report:#}");
        assert_eq!(adopt(&server, dir.path()), 50, "{}", server.name);
    }
}

/// Half a dump is none: a server would refuse it.
#[test]
fn a_broken_dump_is_not_adopted() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = Live::start(&server, dir.path());
        fill(&mut live, "backup", 50);
        live.must("SAVE");
        drop(live);
        drop(logging(&server, dir.path()));
        let dump = dir.path().join("dump.rdb");
        let bytes = fs::read(&dump).expect("read");
        fs::write(&dump, &bytes[..bytes.len() / 2]).expect("write");
        let before = support::kill::state(&dir.path().join("appendonlydir"));
        let (_, done) = json("repair", dir.path(), &["--adopt=dump.rdb", "--apply"]);
        assert_eq!(done["applied"], false, "{done:#}");
        let after = support::kill::state(&dir.path().join("appendonlydir"));
        assert_eq!(after, before, "{}", server.name);
    }
}
