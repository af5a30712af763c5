//! Who has files of a set open is not always its server, and what lies under a name is not always its file.

use std::fs;
use std::process::Stdio;

use super::*;

const INCREMENT: &str = "appendonly.aof.2.incr.aof";

fn told(dir: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .arg("check")
        .arg(dir)
        .output()
        .expect("run aofkit");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    // Without the breaks of lines.
    (output.status.code(), text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A server whose set has a base with 5 keys and an increment with 7.
fn started(server: &Server, dir: &Path) -> Live {
    let mut live = logging(server, dir);
    fill(&mut live, "old", 5);
    rewrite(&mut live);
    fill(&mut live, "later", 7);
    live
}

/// A process that has a file open and is no server; gone when it is dropped.
struct Shell(std::process::Child);

impl Shell {
    fn with_open(file: &Path, how: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec 9{how}\"$0\"; echo ready; read _")])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("run a shell");
        let mut ready = [0; 6];
        std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut ready)
            .expect("read");
        Self(child)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A rewrite of the old server would write over what the new one has.
#[test]
fn two_histories_under_one_name_are_told_and_neither_is_written_over() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let old = started(&server, dir.path());
        let set = dir.path().join("appendonlydir");
        fs::remove_dir_all(&set).expect("remove");
        fs::rename(dir.path().join("s"), dir.path().join("old")).expect("rename");
        let new = started(&server, dir.path());
        let (status, text) = told(dir.path());
        assert_eq!(status, Some(22), "{}: {text}", server.name);
        assert!(text.contains("There are two histories"), "{}: {text}", server.name);
        assert!(text.contains("Copy both first"), "{text}");
        assert!(!text.contains("BGREWRITEAOF") && !text.contains("--adopt"), "{text}");
        assert!(!text.contains("two-writers"), "they write to different files: {text}");
        let copy = dir.path().join("copy");
        let words = ["--adopt", "--output", copy.to_str().expect("a path")];
        let (_, refused) = json("repair", dir.path(), &words);
        assert_eq!(refused["applied"], false, "{refused:#}");
        assert!(!copy.exists(), "{refused:#}");
        drop(old);
        assert_silent(dir.path(), &server.name);
        drop(new);
    }
}

#[test]
fn a_process_that_is_no_server_is_never_asked_to_rewrite_nor_called_a_writer() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let live = started(&server, dir.path());
        let file = dir.path().join("appendonlydir").join(INCREMENT);
        // As redis-check-aof opens it.
        let checker = Shell::with_open(&file, "<>");
        assert_silent(dir.path(), &server.name);
        drop((live, checker));
        let holder = Shell::with_open(&file, ">>");
        assert_silent(dir.path(), &server.name);
        fs::remove_file(&file).expect("remove");
        let (status, text) = told(dir.path());
        assert_eq!(status, Some(22), "{}: {text}", server.name);
        assert!(text.starts_with("error deleted-but-open"), "{text}");
        assert!(text.contains("A PROCESS STILL HAS IT OPEN"), "{text}");
        assert!(!text.contains("SERVER STILL RUNS") && !text.contains("saves all"), "{text}");
        let copy = dir.path().join("copy/appendonlydir");
        let words = ["--adopt", "--output", copy.to_str().expect("a path")];
        assert_eq!(json("repair", dir.path(), &words).0, Some(0), "{}", server.name);
        drop(holder);
        let copied = dir.path().join("copy");
        assert_eq!(logging(&server, &copied).must("DBSIZE").number(), 12, "{}", server.name);
    }
}

/// What it rewrites goes to a directory that has no name.
#[test]
fn no_rewrite_is_advised_to_a_server_whose_directory_is_gone() {
    for server in servers() {
        let above = tempfile::tempdir().expect("make a directory");
        let dir = above.path().join("data");
        fs::create_dir(&dir).expect("make a directory");
        let live = started(&server, &dir);
        let set = dir.join("appendonlydir");
        let saved = above.path().join("saved");
        fs::rename(&set, &saved).expect("rename");
        fs::remove_dir_all(&dir).expect("remove");
        fs::create_dir_all(&set).expect("make a directory");
        fs::remove_file(saved.join(INCREMENT)).expect("remove");
        let (status, text) = told(&dir);
        assert_eq!(status, Some(10), "{}: {text}", server.name);
        assert!(!text.contains("saves all"), "{}: {text}", server.name);
        // The rest of the set is put back; the server is not.
        for file in fs::read_dir(&saved).expect("list").flatten() {
            fs::copy(file.path(), set.join(file.file_name())).expect("copy");
        }
        let (status, text) = told(&dir);
        assert_eq!(status, Some(22), "{}: {text}", server.name);
        assert!(!text.contains("saves all"), "{}: {text}", server.name);
        drop(live);
    }
}

#[test]
fn a_deleted_file_is_copied_though_it_has_another_name_and_counted_once_beside_a_child() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = started(&server, dir.path());
        let file = dir.path().join("appendonlydir").join(INCREMENT);
        let len = fs::metadata(&file).expect("look").len();
        fs::hard_link(&file, dir.path().join("kept")).expect("link");
        fs::remove_file(&file).expect("remove");
        live.must("CONFIG SET rdb-key-save-delay 500000");
        live.must("BGSAVE");
        let (_, text) = told(dir.path());
        let who = format!("process {} still has it open ({len} bytes)", pid(&mut live));
        assert!(text.contains(&who), "{}: {who} in {text}", server.name);
        let copy = dir.path().join("copy/appendonlydir");
        let words = ["--adopt", "--output", copy.to_str().expect("a path")];
        let (status, done) = json("repair", dir.path(), &words);
        assert_eq!(status, Some(0), "{}: {done:#}", server.name);
        drop(live);
        kill_children(dir.path());
        let copied = dir.path().join("copy");
        assert_eq!(logging(&server, &copied).must("DBSIZE").number(), 12, "{}", server.name);
    }
}
