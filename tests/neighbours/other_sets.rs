//! A server whose `appendfilename` or `appenddirname` was changed starts empty beside the set that it had.

use std::fs;

use super::*;

fn named(server: &Server, dir: &Path, file: &str, append_dir: &str) -> Live {
    let settings = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "no",
        "--auto-aof-rewrite-percentage",
        "0",
        "--appendfilename",
        file,
        "--appenddirname",
        append_dir,
    ];
    Live::start_with(server, dir, &settings)
}

/// The problems of the set at this path, and the exit status.
fn told(path: &Path) -> (Option<i32>, Vec<(String, String, String)>) {
    let (status, report) = json("check", path, &[]);
    (status, problems(&report, "started-empty"))
}

/// A chart was upgraded, and writes the name of the directory otherwise.
#[test]
fn a_set_in_a_directory_of_another_name_is_told_with_the_way_back() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = named(&server, dir.path(), "appendonly.aof", "aof-data");
        fill(&mut live, "old", 30);
        drop(live);
        let mut live = logging(&server, dir.path());
        assert_eq!(live.must("DBSIZE").number(), 0, "{}: it starts empty", server.name);
        fill(&mut live, "new", 2);
        drop(live);
        let set = dir.path().join("appendonlydir");
        let (status, found) = told(&set);
        assert_eq!((status, found.len()), (Some(22), 1), "{}: {found:?}", server.name);
        assert!(found[0].2.contains("30 keys after replay, the set holds 2"), "{found:?}");
        assert!(found[0].2.contains("appenddirname aof-data"), "{found:?}");
        let (status, refused) = json("repair", &set, &["--adopt", "--apply"]);
        assert_eq!((status, &refused["applied"]), (Some(22), &false.into()), "{refused:#}");
        assert!(refused.to_string().contains("appenddirname aof-data"), "{refused:#}");
        // The advice is followed.
        let mut live = named(&server, dir.path(), "appendonly.aof", "aof-data");
        assert_eq!(live.must("DBSIZE").number(), 30, "{}", server.name);
    }
}

/// An operator wrote the file's name with a capital letter.
#[test]
fn a_set_of_another_name_in_the_same_directory_is_told_with_the_way_back() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 30);
        rewrite(&mut live);
        drop(live);
        let mut live = named(&server, dir.path(), "Appendonly.aof", "appendonlydir");
        fill(&mut live, "new", 2);
        drop(live);
        let new = dir.path().join("appendonlydir/Appendonly.aof.manifest");
        let (status, found) = told(&new);
        assert_eq!((status, found.len()), (Some(22), 1), "{}: {found:?}", server.name);
        assert!(found[0].2.contains("appendfilename appendonly.aof"), "{found:?}");
        let old = dir.path().join("appendonlydir/appendonly.aof.manifest");
        assert_eq!(told(&old), (Some(0), Vec::new()), "{}: the old one is sound", server.name);
        assert_eq!(logging(&server, dir.path()).must("DBSIZE").number(), 30, "{}", server.name);
    }
}

/// Two servers share a directory by intent; and a copy is no set of anybody.
#[test]
fn sets_that_are_written_to_and_copies_are_nothing_to_tell_of() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut first = logging(&server, dir.path());
        fill(&mut first, "first", 20);
        let copy = dir.path().join("appendonlydir.bak");
        super::support::copy_tree(&dir.path().join("appendonlydir"), &copy);
        fs::rename(dir.path().join("s"), dir.path().join("s1")).expect("rename");
        let mut second = named(&server, dir.path(), "appendonly.aof", "second");
        fill(&mut second, "second", 2);
        fill(&mut first, "more", 2);
        assert_silent(&dir.path().join("appendonlydir"), &server.name);
        assert_silent(&dir.path().join("second"), &server.name);
    }
}

/// With the upgrade from 6.2 the configuration was written anew: the name of the file is another one.
#[test]
fn a_single_file_of_another_name_that_an_upgraded_server_passed_over_is_told_and_adopted() {
    let Some(old) = Server::all_or_none(&["redis-6.2"]).pop() else { return };
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let settings = ["--appendonly", "yes", "--appendfsync", "no", "--appendfilename", "r.aof"];
        let mut live = Live::start_with(&old, dir.path(), &settings);
        fill(&mut live, "old", 25);
        drop(live);
        let mut live = logging(&server, dir.path());
        assert_eq!(live.must("DBSIZE").number(), 0, "{}: it starts empty", server.name);
        fill(&mut live, "new", 3);
        drop(live);
        let (status, found) = told(&dir.path().join("appendonlydir"));
        assert_eq!((status, found.len()), (Some(22), 1), "{}: {found:?}", server.name);
        assert_eq!(found[0].0, "r.aof", "{found:?}");
        assert!(found[0].2.contains("25 keys after replay, the set holds 3"), "{found:?}");
        let set = dir.path().join("appendonlydir");
        let before = support::kill::state(&set);
        let (status, done) = json("repair", &set, &["--adopt=r.aof", "--apply"]);
        assert_eq!((status, &done["applied"]), (Some(0), &true.into()), "{done:#}");
        json("repair", &set, &["--undo", "--apply"]);
        assert_eq!(support::kill::state(&set), before, "{}: taken back", server.name);
        json("repair", &set, &["--adopt=r.aof", "--apply"]);
        assert_eq!(logging(&server, dir.path()).must("DBSIZE").number(), 25, "{}", server.name);
    }
}
