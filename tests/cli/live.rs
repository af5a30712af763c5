//! Files that change while they are read, and files that must not change because they are.

use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use super::world::*;

/// About 20 MB: several windows, and more than one mapped region.
fn large() -> Vec<u8> {
    let value = vec![b'x'; 4000];
    let record = record(&[b"SET", b"key", &value]);
    record.repeat(5000)
}

/// Cuts `name` to 1000 bytes in the middle of a slow check.
fn shrink(set: &Set, name: &str) {
    let mut command = aofkit();
    command.args(["check", "--limit-rate", "8MiB"]).arg(set.dir());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(600));
    File::options().write(true).open(set.file(name)).unwrap().set_len(1000).unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "no crash, no verdict: {:?} {err}", output.status);
    assert!(err.contains(name) && err.contains("byte ") && err.contains("shrank"), "{err}");
    assert_eq!(output.stdout, b"");
}

#[test]
fn a_last_file_that_shrinks_while_it_is_read_is_an_error_with_file_and_offset() {
    shrink(&Set::of(&large()), INCREMENT);
}

#[test]
fn a_mapped_file_that_shrinks_while_it_is_read_is_an_error_with_file_and_offset() {
    let set = Set::of(&large());
    set.put("appendonly.aof.2.incr.aof", &sets(3));
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n\
         file appendonly.aof.2.incr.aof seq 2 type i\n"
    ));
    shrink(&set, INCREMENT);
}

#[test]
fn what_is_appended_later_belongs_to_the_next_look() {
    let set = Set::of(&large());
    let frozen = fs::metadata(set.file(INCREMENT)).unwrap().len();
    let mut command = aofkit();
    command.args(["check", "--json", "--limit-rate", "16MiB"]).arg(set.dir());
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(400));
    let mut file = File::options().append(true).open(set.file(INCREMENT)).unwrap();
    file.write_all(b"*3\r\n$3\r\nSET").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["segments"][1]["size_bytes"], frozen);
}

/// Appends a record in two parts, 100 ms apart, and checks in between; the writer holds the file.
fn write_in_two(first: &[u8], rest: &[u8]) -> Run {
    let set = Set::of(&sets(5));
    let mut file = File::options().append(true).open(set.file(INCREMENT)).unwrap();
    file.write_all(first).unwrap();
    let mut command = aofkit();
    command.arg("check").arg(set.dir()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    file.write_all(rest).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    Run { code, out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_record_that_a_live_writer_completes_is_no_false_alarm() {
    let whole = record(&[b"SET", b"in", b"flight"]);
    for cut in [1, 7, whole.len() - 1] {
        let run = write_in_two(&whole[..cut], &whole[cut..]).expect(0);
        assert!(run.out.contains("healthy"), "{}", run.out);
    }
    let transaction = [record(&[b"MULTI"]), record(&[b"SET", b"a", b"b"]), record(&[b"EXEC"])];
    let transaction = transaction.concat();
    write_in_two(&transaction[..20], &transaction[20..]).expect(0);
}

#[test]
fn a_record_that_its_writer_never_completes_is_a_torn_tail() {
    write_in_two(b"*3\r\n$3\r\nSET\r\n", b"").expect(20);
    write_in_two(b"*3\r\n$3\r\nSET\r\n", b"$3\r\nabc\r\n$9").expect(20);
}

#[test]
fn a_set_that_is_rewritten_again_and_again_opens_as_one_of_its_states() {
    let set = Set::of(&sets(5));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for generation in 2.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                rewrite(&set, generation);
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        for _ in 0..15 {
            let run = run(["check", "--json", set.dir().to_str().unwrap()]);
            stop.store(run.code != 0, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(run.code, 0, "{run:#?}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

/// What a server does: new files, then the manifest by rename, then the old files go.
fn rewrite(set: &Set, generation: usize) {
    let base = |n: usize| format!("appendonly.aof.{n}.base.aof");
    let increment = |n: usize| format!("appendonly.aof.{n}.incr.aof");
    set.put(&base(generation), &sets(10));
    set.put(&increment(generation), &sets(generation % 7));
    let manifest = format!(
        "file {} seq {generation} type b\nfile {} seq {generation} type i\n",
        base(generation),
        increment(generation)
    );
    set.put("temp-appendonly.aof.manifest", manifest.as_bytes());
    let target = set.file("appendonly.aof.manifest");
    fs::rename(set.file("temp-appendonly.aof.manifest"), target).unwrap();
    let _ = fs::remove_file(set.file(&base(generation - 1)));
    let _ = fs::remove_file(set.file(&increment(generation - 1)));
}

/// Every file below a directory: name, bytes, and when it was written to.
fn state(set: &Set) -> Vec<(String, Vec<u8>, SystemTime)> {
    let mut all = Vec::new();
    let mut left = vec![set.root().to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let (entry, path) = entry.map(|e| (e.metadata().unwrap(), e.path())).unwrap();
            let bytes = if entry.is_dir() { Vec::new() } else { fs::read(&path).unwrap() };
            all.push((path.display().to_string(), bytes, entry.modified().unwrap()));
            if entry.is_dir() {
                left.push(path);
            }
        }
    }
    all.sort();
    all
}

#[test]
fn looking_changes_nothing() {
    let torn = Set::of(&[sets(5), b"*3\r\n$3".to_vec()].concat());
    let cut = Set::of(&sets(5));
    cut.manifest(&format!("file {BASE} seq 1 type b"));
    let upgrade = Set::empty();
    upgrade.manifest("file appendonly.aof seq 1 type b\n");
    fs::write(upgrade.root().join("appendonly.aof"), sets(4)).unwrap();
    for set in [torn, cut, upgrade, Set::recorded("redis-8.2.3/rewriting")] {
        let before = state(&set);
        for words in [&["check"][..], &["inspect"], &["check", "--json", "-v"]] {
            finish(aofkit().args(words).arg(set.dir()));
        }
        assert_eq!(state(&set), before);
    }
}
