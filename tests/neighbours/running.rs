//! Files of a set are gone, and its server still runs.

use std::fs;

use super::*;

fn text(verb: &str, dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .arg(verb)
        .arg(dir)
        .args(more)
        .env("COLUMNS", "1000")
        .output()
        .expect("run aofkit");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A server whose set has a base with 5 keys and an increment with 7, and the set's directory.
fn started(server: &Server, dir: &Path) -> (Live, PathBuf) {
    let mut live = logging(server, dir);
    fill(&mut live, "old", 5);
    rewrite(&mut live);
    fill(&mut live, "later", 7);
    (live, dir.join("appendonlydir"))
}

fn url(dir: &Path) -> String {
    format!("unix://{}", dir.join("s").display())
}

const SAVES_ALL: &str = "BGREWRITEAOF saves all";

#[test]
fn an_increment_that_is_deleted_under_its_server_is_told_first_and_can_be_copied_and_saved() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (mut live, set) = started(&server, dir.path());
        fs::remove_file(set.join("appendonly.aof.2.incr.aof")).expect("remove");
        fill(&mut live, "afterwards", 2);
        for verb in ["check", "growth", "inspect"] {
            let (_, text) = text(verb, dir.path(), &[]);
            let first = text.lines().next().unwrap_or_default();
            assert!(first.contains("deleted-but-open"), "{} {verb}: {text}", server.name);
            assert!(text.contains(SAVES_ALL), "{} {verb}: {text}", server.name);
            assert!(text.contains(&pid(&mut live).to_string()), "{verb}: {text}");
        }
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!((status, &report["verdict"]), (Some(22), &"set-inconsistent".into()));
        assert_eq!(report["problems"][0]["kind"], "deleted-but-open", "{report:#}");
        assert_eq!(report["problems"][0]["severity"], "error");
        assert_eq!(report["loads"], "no", "the loader's word stays");
        let next = report["problems"][0]["next"].as_str().expect("a command");
        assert!(next.contains("--adopt --output"), "{next}");
        let before = support::kill::state(&set);
        let (_, refused) = json("repair", dir.path(), &["--adopt", "--apply"]);
        assert_eq!(refused["applied"], false, "{refused:#}");
        assert_eq!(support::kill::state(&set), before, "{}: untouched", server.name);
        let other = tempfile::tempdir().expect("make a directory");
        let copy = other.path().join("appendonlydir");
        let (status, done) =
            json("repair", dir.path(), &["--adopt", "--output", copy.to_str().expect("a path")]);
        assert_eq!(status, Some(0), "{}: {done:#}", server.name);
        assert_eq!(support::kill::state(&set), before, "{}: untouched", server.name);
        assert_eq!(logging(&server, other.path()).must("DBSIZE").number(), 14, "{}", server.name);
        // The advice is followed.
        rewrite(&mut live);
        drop(live);
        assert_silent(dir.path(), &server.name);
        assert_eq!(logging(&server, dir.path()).must("DBSIZE").number(), 14, "{}", server.name);
    }
}

/// A base is open nowhere: what the server has is known by its keys alone.
#[test]
fn of_a_deleted_base_the_server_is_asked_before_a_rewrite_is_advised() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (mut live, set) = started(&server, dir.path());
        fs::remove_file(set.join("appendonly.aof.2.base.rdb")).expect("remove");
        let (status, alone) = text("check", dir.path(), &[]);
        assert_eq!(status, Some(22), "{alone}");
        assert!(alone.starts_with("error deleted-but-open"), "{}: {alone}", server.name);
        assert!(!alone.contains(SAVES_ALL), "{alone}");
        assert!(alone.contains("Copy first, do not rewrite"), "{alone}");
        let (_, asked) = text("check", dir.path(), &["--server", &url(dir.path())]);
        assert!(asked.contains(SAVES_ALL), "{}: {asked}", server.name);
        assert!(asked.contains("with 12 keys"), "{asked}");
        // A server that has lost its keys saves nothing.
        live.must("CONFIG SET appendonly no");
        live.must("FLUSHALL");
        let (_, empty) = text("check", dir.path(), &["--server", &url(dir.path())]);
        assert!(!empty.contains(SAVES_ALL), "{}: {empty}", server.name);
    }
}

/// A copy of an older day has the name of the file that the server writes to.
#[test]
fn a_file_that_took_the_place_of_the_one_that_is_written_to_is_told() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (mut live, set) = started(&server, dir.path());
        let file = set.join("appendonly.aof.2.incr.aof");
        let old = fs::read(&file).expect("read");
        fill(&mut live, "afterwards", 2);
        fs::remove_file(&file).expect("remove");
        fs::write(&file, old).expect("write");
        let (status, told) = text("check", dir.path(), &[]);
        assert_eq!(status, Some(22), "{}: {told}", server.name);
        assert!(told.starts_with("error deleted-but-open"), "{}: {told}", server.name);
        rewrite(&mut live);
        drop(live);
        assert_silent(dir.path(), &server.name);
    }
}

#[test]
fn a_manifest_that_is_deleted_under_its_server_is_told_with_what_the_server_has() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (mut live, set) = started(&server, dir.path());
        fs::remove_file(set.join("appendonly.aof.manifest")).expect("remove");
        let (status, told) = text("check", dir.path(), &["--server", &url(dir.path())]);
        assert_eq!(status, Some(22), "{}: {told}", server.name);
        assert!(told.starts_with("error deleted-but-open"), "{}: {told}", server.name);
        assert!(told.contains(SAVES_ALL), "{}: {told}", server.name);
        rewrite(&mut live);
        drop(live);
        assert_silent(dir.path(), &server.name);
        assert_eq!(logging(&server, dir.path()).must("DBSIZE").number(), 12, "{}", server.name);
    }
}

/// A server that runs, with all of its files, and one that rewrites: nothing is said.
#[test]
fn a_server_that_runs_or_rewrites_is_nothing_to_tell_of() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (mut live, _) = started(&server, dir.path());
        assert_silent(dir.path(), &server.name);
        live.must("CONFIG SET rdb-key-save-delay 200000");
        live.must("BGREWRITEAOF");
        live.until_it_says("aof_rewrite_in_progress:1");
        assert_silent(dir.path(), &server.name);
        live.until_it_says("aof_rewrite_in_progress:0");
        assert_silent(dir.path(), &server.name);
    }
}

#[test]
fn two_servers_on_one_set_are_told() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (mut first, _) = started(&server, dir.path());
        let socket = dir.path().join("s");
        fs::rename(&socket, dir.path().join("first")).expect("rename");
        let mut second = logging(&server, dir.path());
        fill(&mut first, "first", 1);
        fill(&mut second, "second", 1);
        let (status, report) = json("check", dir.path(), &[]);
        let told = problems(&report, "two-writers");
        assert_eq!((status, told.len()), (Some(0), 1), "{}: {report:#}", server.name);
        assert!(told[0].2.contains(&pid(&mut first).to_string()), "{told:?}");
        assert!(told[0].2.contains(&pid(&mut second).to_string()), "{told:?}");
    }
}

/// All of it is deleted, the directory included: that is no set any more, and the server has all of it.
#[test]
fn where_nothing_is_left_the_server_that_has_it_is_named() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (mut live, set) = started(&server, dir.path());
        fs::remove_dir_all(&set).expect("remove");
        let said = || {
            let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
                .arg("check")
                .arg(dir.path())
                .output()
                .expect("run aofkit");
            assert_eq!(output.status.code(), Some(10), "{}: {output:?}", server.name);
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let told = said();
        assert!(told.contains(&format!("process {}", pid(&mut live))), "{}: {told}", server.name);
        assert!(told.contains("make the directory"), "{told}");
        fs::create_dir(&set).expect("make a directory");
        let told = said();
        assert!(told.contains(SAVES_ALL_THEN) && !told.contains("make the directory"), "{told}");
        rewrite(&mut live);
        drop(live);
        assert_silent(dir.path(), &server.name);
        assert_eq!(logging(&server, dir.path()).must("DBSIZE").number(), 12, "{}", server.name);
    }
}

const SAVES_ALL_THEN: &str = "BGREWRITEAOF then saves all";
