//! What keeps a server from working on its own files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;

use super::*;

/// A server writes the base of a rewrite into its directory and moves it into the set's.
#[test]
fn a_set_on_another_file_system_than_its_server_is_told_for_no_rewrite_ever_ends_well() {
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else { return };
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 5);
        drop(live);
        let (set, own) = (elsewhere.path().join(&server.name), dir.path().join("appendonlydir"));
        super::support::copy_tree(&own, &set);
        fs::remove_dir_all(&own).expect("remove");
        symlink(&set, &own).expect("make a link");
        let mut live = logging(&server, dir.path());
        live.must("BGREWRITEAOF");
        live.until_it_says("aof_rewrite_in_progress:0");
        live.until_it_says("aof_last_bgrewrite_status:err");
        let (status, report) = json("check", dir.path(), &[]);
        let told = problems(&report, "other-filesystem");
        assert_eq!((status, told.len()), (Some(0), 1), "{}: {report:#}", server.name);
        assert_eq!(told[0].1, "warning");
    }
}

/// A set that root has copied into a directory of the server's user.
#[test]
fn files_that_the_owner_of_the_directory_may_not_read_or_append_to_are_told() {
    let dir = tempfile::tempdir().expect("make a directory");
    let put = |name: &str, bytes: &[u8], mode: u32| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("write");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set the mode");
    };
    let record = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    put("a.manifest", b"file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\n", 0o644);
    put("a.1.base.aof", b"", 0o644);
    put("a.1.incr.aof", record, 0o644);
    // Only root may give files away.
    if chown(dir.path(), Some(65_534), Some(65_534)).is_err() {
        return;
    }
    let told = || {
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(0), "{report:#}");
        problems(&report, "not-readable")
            .into_iter()
            .map(|told| (told.0, told.2))
            .collect::<Vec<_>>()
    };
    let found = told();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0 == "a.1.incr.aof" && found[0].1.contains("may not append"), "{found:?}");
    put("a.1.base.aof", b"", 0o600);
    let found = told();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|one| one.0 == "a.1.base.aof" && one.1.contains("may not read")));
    for name in ["a.1.base.aof", "a.1.incr.aof"] {
        chown(dir.path().join(name), Some(65_534), Some(65_534)).expect("give away");
    }
    assert_eq!(told(), []);
}

/// A user who is neither root nor the one who runs the test.
const NOBODY: u32 = 65_534;

/// Whom a server runs as is learnt from the server: then it is no guess by the owner of a directory.
#[test]
fn what_a_running_server_may_not_read_is_an_error() {
    for server in servers() {
        // Its program lies where only root comes.
        let place = tempfile::tempdir().expect("make a directory");
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("open it");
        let program = PathBuf::from(server.command().get_program());
        let (from, to) = (program.parent().expect("its directory"), place.path().join("programs"));
        super::support::copy_tree(from, &to);
        let dir = place.path().join("data");
        fs::create_dir(&dir).expect("make a directory");
        // Only root may give files away.
        if chown(&dir, Some(NOBODY), Some(NOBODY)).is_err() {
            return;
        }
        let socket = dir.join("s");
        let mut command = Command::new(to.join(program.file_name().expect("its name")));
        command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "no"]);
        command.args(["--logfile", "", "--unixsocketperm", "777", "--unixsocket"]).arg(&socket);
        command.arg("--dir").arg(&dir).uid(NOBODY).gid(NOBODY);
        let mut live = Live::spawn(&server, command, &dir, &socket);
        fill(&mut live, "user", 5);
        let set = dir.join("appendonlydir");
        let url = format!("unix://{}", socket.display());
        let check = |more: &[&str]| json("check", &dir, more);
        let (status, report) = check(&["--server", &url]);
        assert_eq!((status, problems(&report, "not-readable")), (Some(0), vec![]), "{report:#}");
        let increment = &names(&set, ".incr.aof")[0];
        chown(increment, Some(0), Some(0)).expect("give it to root");
        for (mode, what) in [(0o600, "may not read"), (0o644, "may not append to")] {
            fs::set_permissions(increment, fs::Permissions::from_mode(mode)).expect("set the mode");
            let (status, report) = check(&["--server", &url]);
            let told = problems(&report, "not-readable");
            assert_eq!((status, told.len()), (Some(1), 1), "{}: {report:#}", server.name);
            assert!(told[0].1 == "error" && told[0].2.contains(what), "{told:?}");
            assert_eq!((&report["verdict"], &report["loads"]), (&"healthy".into(), &"yes".into()));
            let (status, report) = check(&[]);
            let told = problems(&report, "not-readable");
            assert!(status == Some(0) && told[0].1 == "warning", "{}: {told:?}", server.name);
        }
    }
}

/// A directory that may be entered and not listed hides what lies in it: that is told, and not taken for nothing.
#[test]
fn a_directory_that_cannot_be_listed_is_told() {
    let place = tempfile::tempdir().expect("make a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("open it");
    let (data, set) = (place.path().join("data"), place.path().join("data/appendonlydir"));
    fs::create_dir_all(&set).expect("make directories");
    let manifest = b"file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
    fs::write(set.join("a.manifest"), manifest).expect("write");
    fs::write(set.join("a.1.base.aof"), b"").expect("write");
    fs::write(set.join("a.1.incr.aof"), b"").expect("write");
    let program = place.path().join("aofkit");
    fs::copy(env!("CARGO_BIN_EXE_aofkit"), &program).expect("copy");
    let looked = || {
        let mut check = Command::new(&program);
        check.args(["check", "--json"]).arg(&set);
        // To root every directory is open.
        if chown(&set, Some(0), Some(0)).is_ok() {
            check.uid(NOBODY).gid(NOBODY);
        }
        let output = check.output().expect("run aofkit");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        report["not_looked_at"].clone()
    };
    assert_eq!(looked(), serde_json::json!([]));
    fs::set_permissions(&data, fs::Permissions::from_mode(0o311)).expect("close it");
    let told = looked();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("open it");
    assert_eq!(told, serde_json::json!(["directory"]));
}
