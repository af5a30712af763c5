//! A backup that was killed goes on where it was, and takes no more memory for more bytes.
//!
//! A segment has 64 MiB, so this takes a while. `AOFKIT_RESUME_SEGMENTS` says how many there are, and at each of which
//! it is killed.

use std::fs;
use std::process::{Command, Stdio};

use super::home::{Home, verified};
use super::support::number_from_env;
use super::trace::{Act, Tracer};
use super::{Random, expect};

const SEGMENT: u64 = 64 << 20;

/// An increment of so many segments and a little more: large values of some noise and many zeros.
fn fill(home: &Home, segments: u64) {
    let mut random = Random(3);
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < segments * SEGMENT + 1000 {
        let value = [random.bytes(64 << 10), vec![b'0'; 7 << 20]].concat();
        bytes.extend(super::home::set(&format!("key:{}", random.below(1000)), &value));
    }
    home.fill(&bytes);
}

/// Bytes of files below the objects' directory.
fn objects(home: &Home) -> Vec<u64> {
    let all = home.repository().store().list("objects/").unwrap();
    all.iter().map(|object| object.len).collect()
}

#[test]
fn a_killed_backup_goes_on_where_it_was() {
    let Some(tracer) = Tracer::find() else { return };
    let segments = number_from_env("AOFKIT_RESUME_SEGMENTS", 3);
    let home = Home::in_memory();
    fill(&home, segments);
    let (set_dir, repo) = (home.set(), home.repo());
    let words = ["backup", set_dir.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    let words = [&words[..], &["--min-free", "0"]].concat();
    let written = |listed: &[String]| -> i64 {
        let answers = listed.iter().filter_map(|line| line.strip_prefix("answer "));
        answers.map(|rest| rest.split_once(' ').unwrap().0.parse::<i64>().unwrap().max(0)).sum()
    };
    let count = Act { what: "answers", at: 0, calls: "pwrite64,write" };
    let staging = repo.join("tmp");
    let whole = written(&tracer.run(count, &[&staging], &words).listed);
    let largest = *objects(&home).iter().max().unwrap() as i64;
    let all = if segments > 3 { 2..=segments } else { 3..=3 };
    for killed_at in all {
        fs::remove_dir_all(&repo).unwrap();
        // The base's object is one of them.
        let act = Act { what: "kill", at: killed_at, calls: "renameat2" };
        let traced = tracer.run(act, &[&repo.join("objects")], &words);
        assert_eq!(traced.code, 137, "{}", traced.stderr);
        let there: i64 = objects(&home).iter().sum::<u64>() as i64;
        assert!(there > 0, "nothing was stored before it was killed");
        let again = tracer.run(count, &[&staging], &words);
        assert_eq!(again.code, 0, "{}", again.stderr);
        let moved = written(&again.listed);
        println!(
            "killed with {there} of {whole} bytes stored: {moved} moved by the next run, a segment has {largest}"
        );
        // Documents are written, too.
        assert!(moved <= whole - there + largest + 20_000, "{moved}");
        let found = verified(&home.repository());
        assert!(found.is_good() && found.unreferenced == 0, "{found:?}");
        assert_eq!(home.repository().list().unwrap().len(), 1);
    }
}

/// The largest memory a run had, in bytes; from what time's program tells.
fn memory(words: &[&str]) -> Option<u64> {
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%M", env!("CARGO_BIN_EXE_aofkit"), "-q"]).args(words);
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).output().ok()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told.lines().last()?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[test]
fn memory_does_not_grow_with_the_set() {
    let sizes = [1, number_from_env("AOFKIT_MEMORY_SEGMENTS", 4)];
    let mut most = Vec::new();
    for segments in sizes {
        let home = Home::in_memory();
        fill(&home, segments);
        let (set_dir, repo) = (home.set(), home.repo());
        let repo = repo.to_str().unwrap();
        let words = ["backup", set_dir.to_str().unwrap(), "--repo", repo, "--min-free", "0"];
        let Some(of_backup) = memory(&[&words[..], &["--threads", "1"]].concat()) else {
            println!("did not run: there is no /usr/bin/time");
            return;
        };
        let target = home.root.path().join("t");
        let from = format!("{repo}::latest");
        let words = ["restore", &from, target.to_str().unwrap(), "--threads", "1"];
        let of_restore = memory(&words).unwrap();
        expect(0, &["verify", "--repo", repo]);
        println!("{segments} segments: backup {of_backup} bytes of memory, restore {of_restore}");
        most.push(of_backup.max(of_restore));
    }
    // One worker: a segment, a window, and what every run needs.
    assert!(most.iter().all(|bytes| *bytes < SEGMENT + (8 << 20) + (48 << 20)), "{most:?}");
    assert!(most[1] < most[0] + (32 << 20), "{most:?}");
}
