//! A server has begun anew beside files that hold more.

use std::fs;

use super::*;

/// The manifest was lost and a server started: it numbers its files from 1, and the old ones are orphans.
#[test]
fn a_set_that_was_begun_beside_fuller_files_is_told_and_cleaning_takes_none_of_them() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 62);
        rewrite(&mut live);
        rewrite(&mut live);
        fill(&mut live, "later", 10);
        drop(live);
        let set = dir.path().join("appendonlydir");
        fs::remove_file(set.join("appendonly.aof.manifest")).expect("remove the manifest");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "new", 3);
        assert_eq!(live.must("DBSIZE").number(), 3, "{}: it started empty", server.name);
        drop(live);
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(22), "{}: {report:#}", server.name);
        assert_eq!(report["verdict"], "set-inconsistent");
        assert_eq!(report["loads"], "yes", "the loader's word stays");
        let told = problems(&report, "started-empty");
        assert_eq!(told.len(), 1, "{report:#}");
        let (_, severity, message) = &told[0];
        assert_eq!(severity, "error");
        assert!(message.contains("72 keys after replay, the set holds 3"), "{message}");
        assert!(message.contains("DO NOT LET THIS SERVER REWRITE"), "{message}");
        assert!(!report.to_string().contains("could be given back"), "{report:#}");
        let (_, plan) = json("clean", dir.path(), &["--min-age", "0s"]);
        assert_eq!(plan["loss"]["bytes"], 0, "{plan:#}");
        let (status, refused) =
            json("repair", dir.path(), &["--adopt", "--max-loss", "0", "--apply"]);
        assert_eq!((status, &refused["applied"]), (Some(23), &false.into()), "{refused:#}");
        let before = support::kill::state(&set);
        let (status, done) = json("repair", dir.path(), &["--adopt", "--apply"]);
        assert_eq!((status, &done["applied"]), (Some(0), &true.into()), "{done:#}");
        // SELECT and three SET: the writes of the server that began anew.
        assert_eq!(done["loss"]["commands"], 4, "{done:#}");
        let (_, _) = json("repair", dir.path(), &["--undo", "--apply"]);
        assert_eq!(support::kill::state(&set), before, "{}: taken back", server.name);
        assert_eq!(adopted(&server, dir.path(), &[]), 72, "{}", server.name);
    }
}

/// A server that kept dumps is told to keep a log, and restarted: it does not read the dump.
#[test]
fn a_dump_that_a_server_with_an_empty_log_passed_over_is_told() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = Live::start(&server, dir.path());
        fill(&mut live, "old", 50);
        live.must("SAVE");
        drop(live);
        let mut live = logging(&server, dir.path());
        assert_eq!(live.must("DBSIZE").number(), 0, "{}: it does not read the dump", server.name);
        fill(&mut live, "new", 2);
        drop(live);
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(22), "{}: {report:#}", server.name);
        let told = problems(&report, "started-empty");
        assert_eq!(told.len(), 1, "{report:#}");
        let (file, _, message) = &told[0];
        assert_eq!(file, "dump.rdb");
        assert!(message.contains("50 keys after replay, the set holds 2"), "{message}");
    }
}

/// A base and increment that a manifest does not name, where those that it names are gone.
#[test]
fn a_complete_pair_beside_a_manifest_that_names_missing_files_is_told() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 62);
        rewrite(&mut live);
        let set = dir.path().join("appendonlydir");
        let old = fs::read(set.join("appendonly.aof.manifest")).expect("read");
        rewrite(&mut live);
        fill(&mut live, "later", 5);
        drop(live);
        fs::write(set.join("appendonly.aof.manifest"), old).expect("write");
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(22), "{}: {report:#}", server.name);
        assert_eq!(problems(&report, "segment-missing").len(), 2);
        let told = problems(&report, "neighbour-data");
        assert_eq!(told.len(), 1, "{report:#}");
        assert!(told[0].2.contains("67 keys, 67 of them not named"), "{told:?}");
        assert!(told[0].2.contains("files that it names are gone"), "{told:?}");
        assert_eq!(adopted(&server, dir.path(), &[]), 67, "{}", server.name);
    }
}
