//! Links, pipes and files that may not be read, in the place of segments.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::world::*;

#[test]
fn a_link_inside_the_directory_is_followed_and_told() {
    let set = Set::of(&sets(3));
    fs::rename(set.file(INCREMENT), set.file("real")).unwrap();
    symlink("real", set.file(INCREMENT)).unwrap();
    let (code, report) = check_json(&set.dir());
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["segments"][1]["commands"], 4);
    let link = report["problems"].as_array().unwrap().iter().find(|p| p["file"] == INCREMENT);
    let link = link.expect("the link is reported");
    assert_eq!(link["severity"], "info");
    assert!(link["message"].as_str().unwrap().contains("symbolic link"));
}

#[test]
fn a_link_that_leaves_the_directory_is_refused() {
    let set = Set::of(&sets(3));
    let outside = set.root().join("outside");
    fs::rename(set.file(INCREMENT), &outside).unwrap();
    symlink(&outside, set.file(INCREMENT)).unwrap();
    for verb in ["check", "inspect"] {
        let run = run([verb, set.dir().to_str().unwrap()]).expect(1);
        assert!(run.err.contains(INCREMENT) && run.err.contains("symbolic link"), "{}", run.err);
        assert_eq!(run.out, "");
    }
    let run = run(["check", "--json", set.dir().to_str().unwrap()]).expect(1);
    let error: Value = serde_json::from_str(&run.err).unwrap();
    assert_eq!(error["error"]["kind"], "leaves-set");
}

#[test]
fn a_dangling_link_is_a_missing_file() {
    let set = Set::of(&sets(3));
    fs::remove_file(set.file(INCREMENT)).unwrap();
    symlink("nowhere", set.file(INCREMENT)).unwrap();
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, kinds(&report, "error")), (22, vec!["segment-missing".to_owned()]));
}

#[test]
fn a_set_behind_a_linked_directory_is_that_set() {
    let set = Set::of(&sets(3));
    let link = set.root().join("link");
    symlink(set.dir(), &link).unwrap();
    assert_eq!(check_json(&link).0, 0);
}

fn fifo(path: &Path) {
    let status = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}

/// The exit status of `aofkit check`, if it comes at all.
fn check_in_time(path: &Path) -> i32 {
    let mut command = aofkit();
    command.arg("check").arg(path).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("hangs on {}", path.display());
}

#[test]
fn a_pipe_in_the_place_of_a_file_does_not_hang() {
    let set = Set::of(&sets(3));
    fs::remove_file(set.file(INCREMENT)).unwrap();
    fifo(&set.file(INCREMENT));
    assert_eq!(check_in_time(&set.dir()), 1);
    assert_eq!(check_in_time(&set.file(INCREMENT)), 1);
    let other = Set::of(&sets(3));
    fs::remove_file(other.file("appendonly.aof.manifest")).unwrap();
    fifo(&other.file("appendonly.aof.manifest"));
    assert_eq!(check_in_time(&other.dir()), 1);
    // Beside the set it is nobody's business.
    let beside = Set::of(&sets(3));
    fifo(&beside.file("temp-rewriteaof-1.aof"));
    assert_eq!(check_in_time(&beside.dir()), 0);
}

#[test]
fn a_directory_in_the_place_of_a_file_is_a_missing_file() {
    let set = Set::of(&sets(3));
    fs::remove_file(set.file(INCREMENT)).unwrap();
    fs::create_dir(set.file(INCREMENT)).unwrap();
    assert_eq!(check_json(&set.dir()).0, 22);
}

#[test]
fn a_file_that_may_not_be_read_is_an_error_with_its_name() {
    let set = Set::of(&sets(3));
    fs::set_permissions(set.file(INCREMENT), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(set.file(INCREMENT)).is_ok() {
        // Root reads everything.
        return;
    }
    let run = check(&set.dir()).expect(1);
    assert!(run.err.contains(INCREMENT), "{}", run.err);
}

#[test]
fn a_directory_that_may_not_be_listed_is_an_error_and_not_an_absent_set() {
    let set = Set::of(&sets(3));
    fs::set_permissions(set.dir(), fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read_dir(set.dir()).is_ok();
    let runs = [check(&set.dir()), check(set.root())];
    fs::set_permissions(set.dir(), fs::Permissions::from_mode(0o700)).unwrap();
    if is_root {
        return;
    }
    for run in runs {
        assert_eq!(run.code, 1, "{run:#?}");
    }
}

#[test]
fn names_that_are_not_text_are_null_with_their_bytes_beside() {
    let set = Set::of(&sets(3));
    let name = b"append\xff\xfe.1.incr.aof";
    let path = set.dir().join(std::ffi::OsStr::from_bytes(name));
    fs::rename(set.file(INCREMENT), path).unwrap();
    let mut manifest = format!("file {BASE} seq 1 type b\nfile ").into_bytes();
    manifest.extend_from_slice(name);
    manifest.extend_from_slice(b" seq 1 type i\n");
    set.put("appendonly.aof.manifest", &manifest);
    let (code, report) = check_json(&set.dir());
    assert_eq!(code, 0, "{report:#}");
    let segment = &report["segments"][1];
    assert_eq!(segment["file"], Value::Null);
    assert_eq!(segment["file_b64"], "YXBwZW5k//4uMS5pbmNyLmFvZg==");
    assert_eq!(report["segments"][0]["file_b64"], Value::Null);
    let text = check(&set.dir()).expect(0).out;
    assert!(text.contains(r"append\xff\xfe.1.incr.aof"), "{text}");
}

#[test]
fn a_path_that_is_not_text_is_null_with_its_bytes_beside() {
    let set = Set::of(&sets(3));
    let odd = set.root().join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::rename(set.dir(), &odd).unwrap();
    let (code, report) = check_json(&odd);
    assert_eq!(code, 0);
    assert_eq!(report["source"]["path"], Value::Null);
    assert!(report["source"]["path_b64"].is_string());
    assert!(report["source"]["manifest_b64"].is_string());
    let gone = finish(aofkit().args(["check", "--json"]).arg(odd.join("gone"))).expect(10);
    let error: Value = serde_json::from_str(&gone.err).unwrap();
    assert_eq!(error["error"]["path"], json!(null));
    assert!(error["error"]["path_b64"].is_string());
}
