//! Neighbours made by hand, whose keys are easily taken for gone, and what is no file of anybody's set.

use std::fs;
use std::os::unix::fs::symlink;

use super::support::spelled::record;
use super::*;

fn log(commands: &[&str]) -> Vec<u8> {
    let words = |line: &&str| record(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    commands.iter().flat_map(words).collect()
}

/// A set with the key `known`, and a temporary base beside it.
fn beside(temporary: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("make a directory");
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).expect("write");
    put("a.1.base.aof", &log(&["SELECT 0", "SET known 1"]));
    put("a.1.incr.aof", &log(&["SELECT 0", "SET known 2"]));
    put("a.manifest", b"file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\n");
    put("temp-rewriteaof-1.aof", temporary);
    let temporary = dir.path().join("temp-rewriteaof-1.aof");
    (dir, temporary)
}

#[test]
fn clean_takes_what_the_set_names_and_nothing_that_may_be_missing_there() {
    let unknown_rdb = b"REDIS9999\xfa\x01a\x01b";
    let cases: [(Vec<u8>, bool); 8] = [
        (log(&["SELECT 0", "SET known 0"]), true),
        (log(&["SELECT 0", "SET other 0", "DEL other"]), true),
        (log(&["SELECT 0", "SET other 0"]), false),
        (log(&["SELECT 0", "SET other 0", "SELECT 1", "FLUSHDB"]), false),
        (log(&["SELECT 0", "SET other 0", "SELECT 1", "DEL other"]), false),
        (log(&["SELECT 0", "SET known 0", "FROBNICATE other"]), false),
        (
            [log(&["SET known 0"]), b"noise".to_vec(), log(&["SET known 0", "SET known 0"])]
                .concat(),
            false,
        ),
        (unknown_rdb.to_vec(), false),
    ];
    for (bytes, goes) in cases {
        let (dir, temporary) = beside(&bytes);
        let shown = bytes.escape_ascii().to_string();
        let (_, report) = json("check", dir.path(), &[]);
        assert_eq!(problems(&report, "neighbour-data").is_empty(), goes, "{shown}: {report:#}");
        let (_, done) = json("clean", dir.path(), &["--min-age", "0s", "--apply"]);
        assert_eq!(temporary.exists(), !goes, "{shown}: {done:#}");
    }
}

#[test]
fn a_link_beside_a_set_is_not_followed() {
    let elsewhere = tempfile::tempdir().expect("make a directory");
    let other = elsewhere.path().join("other.aof");
    fs::write(&other, log(&["SELECT 0", "SET other 0"])).expect("write");
    let (dir, temporary) = beside(b"");
    fs::remove_file(&temporary).expect("remove");
    symlink(&other, &temporary).expect("make a link");
    assert_silent(dir.path(), "a link");
    let (_, _) = json("clean", dir.path(), &["--min-age", "0s", "--apply"]);
    assert!(temporary.is_symlink() && other.exists());
}

/// The set itself is sound: it can be written in another form.
#[test]
fn a_set_with_fuller_files_beside_it_can_be_converted() {
    let (dir, _) = beside(b"");
    let orphan = log(&["SELECT 0", "SET x 1", "SET y 1", "SET z 1"]);
    fs::write(dir.path().join("a.2.incr.aof"), orphan).expect("write");
    let (status, report) = json("check", dir.path(), &[]);
    assert_eq!((status, problems(&report, "started-empty").len()), (Some(22), 1), "{report:#}");
    let made = dir.path().join("made");
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .args(["convert", "--output"])
        .args([&made, dir.path()])
        .output()
        .expect("run aofkit");
    assert!(made.join("appendonly.aof.manifest").exists(), "{output:?}");
}
