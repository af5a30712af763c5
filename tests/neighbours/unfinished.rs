//! What a rewrite, a save or the switch to a log leaves when the server is killed, and what is only old.

use std::fs;

use super::*;

/// Told to keep a log, a server appends to a temporary increment until its first rewrite is done.
#[test]
fn acknowledged_writes_in_a_temporary_increment_are_told_and_never_cleaned() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 20);
        live.must("CONFIG SET appendonly no");
        live.must("CONFIG SET rdb-key-save-delay 500000");
        live.must("CONFIG SET appendonly yes");
        fill(&mut live, "only-there", 3);
        drop(live);
        kill_children(dir.path());
        let set = dir.path().join("appendonlydir");
        let temporary = names(&set, "temp-appendonly.aof.incr");
        assert_eq!(temporary.len(), 1, "{}: the server left it", server.name);
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(0), "{}: {report:#}", server.name);
        let told = problems(&report, "neighbour-data");
        assert_eq!(told.len(), 1, "{report:#}");
        let (file, severity, message) = &told[0];
        assert_eq!((file.as_str(), severity.as_str()), ("temp-appendonly.aof.incr", "warning"));
        // SELECT changes no key.
        assert!(message.contains("3 commands, 3 keys, 3 of them not named"), "{message}");
        let (_, done) = json("clean", dir.path(), &["--min-age", "0s", "--apply"]);
        assert!(temporary[0].exists(), "{done:#}");
        assert_eq!(adopted(&server, dir.path(), &[]), 23, "{}", server.name);
    }
}

/// A rewrite that was killed halfway only repeats the set.
#[test]
fn a_base_that_a_killed_rewrite_left_is_nothing_to_tell_of_and_can_go() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 3000);
        live.must("CONFIG SET rdb-key-save-delay 1000");
        live.must("BGREWRITEAOF");
        fill(&mut live, "later", 50);
        drop(live);
        kill_children(dir.path());
        let temporary = || [names(dir.path(), ".aof"), names(dir.path(), ".rdb")].concat();
        assert_silent(dir.path(), &server.name);
        if temporary().is_empty() {
            continue;
        }
        let (_, done) = json("clean", dir.path(), &["--min-age", "0s", "--apply"]);
        assert_eq!(done["applied"], true, "{done:#}");
        assert_eq!(temporary(), Vec::<PathBuf>::new(), "{}", server.name);
    }
}

/// A dump that was saved after the last write to the log repeats it; one with other keys does not.
#[test]
fn a_newer_dump_is_told_only_where_it_holds_what_the_set_lacks() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 40);
        live.must("DEL old:1");
        std::thread::sleep(std::time::Duration::from_millis(1100));
        live.must("SAVE");
        assert_silent(dir.path(), &server.name);
        live.must("CONFIG SET appendonly no");
        fill(&mut live, "unlogged", 7);
        live.must("SAVE");
        drop(live);
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(0), "{}: {report:#}", server.name);
        let told = problems(&report, "neighbour-data");
        assert_eq!(told.len(), 1, "{report:#}");
        assert!(told[0].2.contains("46 keys, 7 of them not named"), "{told:?}");
    }
}

/// Files of before a rewrite whose manifest lines are gone, as a crash between the two leaves them.
#[test]
fn files_that_a_rewrite_replaced_are_nothing_to_tell_of_and_can_go() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 40);
        live.must("INCR counter");
        live.must("DEL old:7");
        let set = dir.path().join("appendonlydir");
        let kept = dir.path().join("kept");
        super::support::copy_tree(&set, &kept);
        rewrite(&mut live);
        fill(&mut live, "later", 5);
        drop(live);
        for file in names(&kept, ".rdb").into_iter().chain(names(&kept, ".incr.aof")) {
            let back = set.join(file.file_name().expect("a name"));
            assert!(!back.exists(), "{}: the rewrite replaced it", back.display());
            fs::rename(&file, back).expect("put it back");
        }
        fs::remove_dir_all(&kept).expect("remove");
        assert_silent(dir.path(), &server.name);
        let (_, done) = json("clean", dir.path(), &["--min-age", "0s", "--apply"]);
        let gone = done["actions"].as_array().expect("actions");
        assert_eq!(gone.iter().filter(|one| one["action"] == "remove").count(), 2, "{done:#}");
        assert_silent(dir.path(), &server.name);
    }
}
