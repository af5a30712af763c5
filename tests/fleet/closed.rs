//! Directories of a fleet that nobody may look into.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use super::world::*;

const NOBODY: u32 = 65534;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Three sets, of which the second cannot be looked at by who runs the binary that is answered.
fn closed_fleet(dir: &Path) -> impl Fn(&[&str]) -> Output + use<> {
    fleet(dir, 3);
    mode(dir, 0o755);
    // The binary may lie where nobody else can reach it.
    let binary = dir.join("aofkit-of-nobody");
    fs::copy(env!("CARGO_BIN_EXE_aofkit"), &binary).unwrap();
    mode(&binary, 0o755);
    let closed = dir.join("node-002");
    mode(&closed, 0o000);
    let is_root = fs::read_dir(&closed).is_ok();
    let places = dir.join("places");
    fs::create_dir(&places).unwrap();
    mode(&places, 0o777);
    let dir = dir.to_owned();
    move |words| {
        let mut command = Command::new(&binary);
        command.args(words).current_dir(&dir).env("COLUMNS", "80");
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output().unwrap()
    }
}

#[test]
fn a_directory_that_cannot_be_looked_at_is_told_by_every_verb_of_several_sets() {
    let dir = tempfile::tempdir().unwrap();
    let run = closed_fleet(dir.path());
    let all: [&[&str]; 8] = [
        &["status", "."],
        &["check", "."],
        &["inspect", "."],
        &["stats", "."],
        &["growth", "."],
        &["audit", "."],
        &["backup", "--all", "--min-free", "0", "--repo", "places/repo", "."],
        &["status", "--json", "."],
    ];
    for words in all {
        let ran = run(words);
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(1), "{words:?}: {err}");
        assert!(err.contains("node-002"), "{words:?}: {err}");
        assert!(!ran.stdout.is_empty(), "{words:?}: the others are told");
    }
    let ran = run(&["metrics", "."]);
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(ran.status.code(), Some(0));
    for line in [
        "aof_check_success{set=\"./node-002\"} 0",
        "aof_check_error{set=\"./node-002\",kind=\"io\"} 1",
        "aof_check_success{set=\"./node-001/data\"} 1",
    ] {
        assert!(out.contains(line), "{line}:\n{out}");
    }
    // Who works on one set is not kept from it.
    let ran = run(&["cat", "node-001"]);
    assert_eq!(ran.status.code(), Some(0));
    mode(&dir.path().join("node-002"), 0o755);
    let sound = run(&["status", "."]);
    assert_eq!(sound.status.code(), Some(0), "{sound:?}");
}
