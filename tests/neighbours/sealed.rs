//! Backups that a server makes of itself, in the form that is documented of Redis 8.10: no such server was run. What Redis 8.6
//! leaves after a clean shutdown has the same manifest.

use std::fs;

use super::*;

/// A set in the form of a sealed backup, with 12 keys, in `dir/backupdir`.
fn seal(server: &Server, dir: &Path) -> PathBuf {
    let made = tempfile::tempdir().expect("make a directory");
    let mut live = logging(server, made.path());
    fill(&mut live, "old", 5);
    rewrite(&mut live);
    fill(&mut live, "later", 7);
    live.shut_down();
    let (from, to) = (made.path().join("appendonlydir"), dir.join("backupdir"));
    fs::create_dir(&to).expect("make a directory");
    for file in fs::read_dir(&from).expect("list").flatten() {
        fs::copy(file.path(), to.join(file.file_name())).expect("copy");
    }
    let manifest = fs::read_to_string(to.join("appendonly.aof.manifest")).expect("read");
    assert!(manifest.contains("endoffset"), "{manifest}");
    to
}

fn sealing() -> Option<Server> {
    let found = Server::find("redis-8.6");
    if found.is_none() {
        eprintln!("not run: redis-8.6 is not installed (tests/servers/fetch)");
    }
    found
}

#[test]
fn a_sealed_backup_is_a_set_and_it_is_said_that_no_such_server_was_run() {
    let Some(server) = sealing() else { return };
    let dir = tempfile::tempdir().expect("make a directory");
    let backup = seal(&server, dir.path());
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit")).arg("check").arg(&backup).output();
    let output = output.expect("run aofkit");
    let text = String::from_utf8_lossy(&output.stdout);
    let text: Vec<_> = text.split_whitespace().collect();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text.join(" ").contains("aofkit was not tried with such a server"), "{text:?}");
    // The same files under another name are what a server left that was shut down.
    fs::rename(&backup, dir.path().join("appendonlydir")).expect("rename");
    let (status, report) = json("check", dir.path(), &[]);
    assert_eq!((status, &report["verdict"]), (Some(0), &"healthy".into()));
}

#[test]
fn beside_the_set_of_its_server_a_sealed_backup_is_nothing_to_tell_of_and_no_second_set() {
    let Some(server) = sealing() else { return };
    let dir = tempfile::tempdir().expect("make a directory");
    seal(&server, dir.path());
    let mut live = logging(&server, dir.path());
    fill(&mut live, "old", 5);
    fill(&mut live, "later", 7);
    rewrite(&mut live);
    fill(&mut live, "new", 1);
    live.must("DEL old:1");
    live.shut_down();
    assert_silent(dir.path(), "a backup beside");
    let (_, report) = json("check", dir.path(), &[]);
    assert!(report["sets"].is_null(), "{report:#}");
    // One that is still under way: its base alone is linked.
    let backup = dir.path().join("backupdir");
    for name in ["appendonly.aof.2.incr.aof", "appendonly.aof.manifest"] {
        fs::remove_file(backup.join(name)).expect("remove");
    }
    assert_silent(dir.path(), "a backup under way");
    assert!(json("check", dir.path(), &[]).1["sets"].is_null());
}

#[test]
fn beside_a_set_that_was_begun_anew_a_sealed_backup_is_told_with_the_way_back() {
    let Some(server) = sealing() else { return };
    let dir = tempfile::tempdir().expect("make a directory");
    let backup = seal(&server, dir.path());
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let mut live = logging(&server, dir.path());
    fill(&mut live, "new", 1);
    live.shut_down();
    let (status, report) = json("check", dir.path(), &[]);
    let told = problems(&report, "started-empty");
    assert_eq!((status, told.len()), (Some(22), 1), "{report:#}");
    assert!(told[0].2.contains("preload-file aof:"), "{told:?}");
    assert!(told[0].2.contains("12 keys"), "{told:?}");
    let (_, cleaned) = json("clean", dir.path(), &["--apply"]);
    assert!(backup.join("appendonly.aof.2.incr.aof").exists(), "{cleaned:#}");
}
