//! Bounds that hold whatever a set, a configuration or a directory looks like: memory, time, open files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aofkit::limits;

use super::world::*;

const MIB: u64 = 1024 * 1024;

/// A set whose manifest names increments 1 to `n`; `bytes` of each, where it is there.
fn increments(n: usize, bytes: impl Fn(usize) -> Option<Vec<u8>>) -> Set {
    let set = Set::empty();
    let mut manifest = String::new();
    for i in 1..=n {
        let name = format!("appendonly.aof.{i}.incr.aof");
        manifest += &format!("file {name} seq {i} type i\n");
        if let Some(bytes) = bytes(i) {
            set.put(&name, &bytes);
        }
    }
    set.manifest(&manifest);
    set
}

/// A run, and the most memory that was resident: looked at all the time, for what the system tells at the end counts
/// whoever started it as well.
fn measured(words: &[&str], path: &Path) -> (Run, u64) {
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str| fs::File::create(files.path().join(name)).unwrap();
    let mut command = aofkit();
    command.args(words).arg(path).stdout(file("out")).stderr(file("err"));
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let code = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        most = most.max(kib.unwrap_or(0) * 1024);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let read = |name: &str| fs::read_to_string(files.path().join(name)).unwrap();
    (Run { code, out: read("out"), err: read("err") }, most)
}

/// A run in a shell that first limits it.
fn limited(limit: &str, words: &[&str]) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]);
    command.arg(env!("CARGO_BIN_EXE_aofkit")).args(words).stdin(Stdio::null());
    finish(&mut command)
}

#[test]
fn missing_lines_take_time_in_line_with_their_number() {
    let set = increments(60_000, |_| None);
    let began = Instant::now();
    for words in [&["check"][..], &["check", "--json"], &["inspect"], &["repair"]] {
        let (run, peak) = measured(words, &set.dir());
        let code = if words[0] == "inspect" { 0 } else { 22 };
        assert_eq!(run.code, code, "{words:?}: {}", run.err);
        assert!(peak < 192 * MIB, "{words:?}: {peak}");
    }
    // Once it took ten times as long.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn problems_of_a_set_are_listed_up_to_a_number_and_counted_beyond() {
    let few = limits::SET_PROBLEMS as usize;
    let set = increments(few + 234, |_| None);
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, report["verdict"].as_str()), (22, Some("set-inconsistent")));
    let missing = kinds(&report, "error").iter().filter(|kind| *kind == "segment-missing").count();
    assert_eq!(missing, few);
    assert_eq!(report["segments"].as_array().unwrap().len(), few + 234);
    let all = report["problems"].as_array().unwrap();
    let more = all.iter().find(|p| p["kind"] == "limit-exceeded").unwrap();
    assert_eq!(more["message"], "234 more of segment-missing are not listed");
}

#[test]
fn a_set_of_more_files_than_a_snapshot_holds_is_refused_before_it_is_read() {
    let set = increments(limits::BACKUP_FILES + 1, |_| None);
    let repo = set.root().join("repo");
    let run = run(["backup", "--repo", repo.to_str().unwrap(), set.dir().to_str().unwrap()]);
    let run = run.expect(1);
    assert!(run.err.contains("at most 80,000 files, and this set has 80,001"), "{}", run.err);
}

#[test]
fn a_manifest_of_too_many_lines_is_refused() {
    let set = increments(limits::MANIFEST_LINES + 1, |_| None);
    for verb in ["check", "repair", "stats"] {
        let run = run([verb, set.dir().to_str().unwrap()]).expect(1);
        assert!(run.err.contains("131,072 lines"), "{}", run.err);
    }
}

#[test]
fn a_plan_over_headers_without_arguments_stays_small() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("hollow.aof");
    fs::write(&path, [sets(2), b"*0\r\n".repeat(1 << 20), sets(2)].concat()).unwrap();
    let (run, peak) = measured(&["repair", "--salvage"], &path);
    assert!(run.out.contains("4,194,304 bytes"), "{}", run.out);
    assert!(peak < 48 * MIB, "{peak}");
}

#[test]
fn a_plan_of_very_many_ranges_stays_small_and_beyond_a_number_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("ranges.aof");
    let pair = [record(&[b"PING"]), record(&[b"XYZ", b"z"])].concat();
    let words = ["repair", "--salvage", "--target", "redis-8.2", "--drop-command", "XYZ"];
    fs::write(&path, pair.repeat(200_000)).unwrap();
    let (run, peak) = measured(&words, &path);
    assert!(run.out.contains("200,000 whole commands"), "{}", run.out);
    assert!(peak < 96 * MIB, "{peak}");
    fs::write(&path, pair.repeat(limits::RANGES + 1)).unwrap();
    let (run, peak) = measured(&words, &path);
    assert!(run.out.contains("more than 400,000 places"), "{}", run.out);
    assert!(peak < limits::PLAN_MEMORY, "{peak}");
}

#[test]
fn more_files_than_may_be_open_are_read_by_every_verb() {
    let one = |i| Some(record(&[b"SET", format!("k{i}").as_bytes(), b"v"]));
    let set = increments(2000, one);
    set.put("appendonly.aof.3.base.rdb", b"left over");
    let dir = set.dir();
    let path = dir.to_str().unwrap();
    let place = |name: &str| set.root().join(name).to_str().unwrap().to_owned();
    let (copy, made, repo) = (place("copy"), place("made"), place("repo"));
    let at = "appendonly.aof.1999.incr.aof:0";
    let (back, latest) = (place("back"), format!("{repo}::latest"));
    let (cut, merged) = (place("cut"), place("merged"));
    let runs: [&[&str]; 29] = [
        &["check", path],
        &["inspect", path],
        &["stats", "--by", "key", path],
        &["cat", path],
        &["growth", path],
        &["repair", path],
        &["rewind", "--list", path],
        &["rewind", "--at", at, path],
        &["rewind", "--at", at, "--output", &cut, path],
        &["repair", "--truncate", path],
        &["repair", "--salvage", path],
        &["clean", path],
        &["clean", "--json", "--min-age", "0s", "--apply", path],
        &["repair", "--output", &copy, path],
        &["convert", "--output", &made, path],
        &["backup", "--min-free", "0", "--repo", &repo, path],
        &["backup", "--min-free", "0", "--repo", &repo, path],
        &["verify", "--data", "--repo", &repo],
        &["backup", "--paranoid", "--always", "--min-free", "0", "--repo", &repo, path],
        &["snapshots", "--repo", &repo],
        &["prune", "--keep-last", "1", "--compact", "--apply", "--repo", &repo],
        &["check", &latest],
        &["stats", &latest],
        &["restore", &latest, &back],
        &["check", &back],
        &["restore", "--replace", &latest, &back],
        &["convert", "--output", &merged, &back],
        &["rewind", "--at", at, "--apply", path],
        &["repair", "--undo", "--apply", path],
    ];
    for words in runs {
        let run = limited("-n 100", words);
        assert_eq!(run.code, 0, "{words:?}: {run:?}");
        if words[0] == "cat" {
            assert_eq!(run.out.lines().count(), 2000);
        }
    }
    assert_eq!(check_json(&dir).0, 0);
}

#[test]
fn includes_that_multiply_are_refused_at_once() {
    let root = tempfile::tempdir().unwrap();
    let conf = |i: usize| root.path().join(format!("{i}.conf"));
    for i in 0..15 {
        let line = format!("include {}\n", conf(i + 1).display());
        fs::write(conf(i), line.repeat(6)).unwrap();
    }
    fs::write(conf(15), "appendonly yes\n").unwrap();
    let began = Instant::now();
    let run = run(["check", "--conf", conf(0).to_str().unwrap()]).expect(1);
    assert!(run.err.contains("more than 1,000 files are included"), "{}", run.err);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_pattern_means_what_the_c_library_finds() {
    let set = Set::of(&sets(3));
    let root = set.root();
    fs::create_dir_all(root.join("d/deeper")).unwrap();
    fs::write(root.join("d/x.conf"), format!("dir {}\n", root.display())).unwrap();
    // Neither of these is meant: `**` is `*`, and what begins with a dot is not named.
    fs::write(root.join("d/deeper/x.conf"), "dir /nowhere\n").unwrap();
    fs::write(root.join("d/.x.conf"), "dir /nowhere\n").unwrap();
    for pattern in ["**/x.conf", "d/*.conf", "d/**.conf", "d/[x].conf", "?/x.conf"] {
        let conf = root.join("redis.conf");
        fs::write(&conf, format!("appenddirname aof\ninclude {pattern}\n")).unwrap();
        let run = run(["check", "--conf", conf.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{pattern}: {run:?}");
    }
}

#[test]
fn a_set_behind_many_links_is_one_set() {
    let set = Set::of(&sets(3));
    for i in 0..6 {
        symlink(".", set.root().join(format!("loop{i}"))).unwrap();
        symlink("aof", set.root().join(format!("0-link{i}"))).unwrap();
    }
    let report = run(["check", "--json", set.root().to_str().unwrap()]).expect(0).json();
    assert!(report.get("sets").is_none(), "{report:#}");
    let path = report["source"]["manifest"].as_str().unwrap();
    assert_eq!(path, set.file("appendonly.aof.manifest").to_str().unwrap());
    // A link is the only name: it counts, and what lies beside it is not taken for the set.
    let other = tempfile::tempdir().unwrap();
    symlink(set.dir(), other.path().join("aof")).unwrap();
    fs::write(other.path().join("old.aof"), sets(3)).unwrap();
    let report = run(["check", "--json", other.path().to_str().unwrap()]).expect(0).json();
    assert_eq!(report["segments"].as_array().unwrap().len(), 2, "{report:#}");
}

#[test]
fn a_pipe_or_a_device_is_refused_at_once() {
    let set = Set::of(&sets(3));
    let fifo = |name: &str| {
        let path = set.root().join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    let (pipe, manifest, conf) = (fifo("pipe"), fifo("pipe.manifest"), fifo("pipe.conf"));
    let began = Instant::now();
    let repo = set.root().join("repo");
    let made = set.root().join("made");
    let (repo, made) = (repo.to_str().unwrap(), made.to_str().unwrap());
    for path in [pipe.as_path(), &manifest, Path::new("/dev/zero")] {
        let verbs: [&[&str]; 10] = [
            &["check"],
            &["inspect"],
            &["stats"],
            &["cat"],
            &["growth"],
            &["repair"],
            &["rewind", "--list"],
            &["clean"],
            &["convert", "--output", made],
            &["backup", "--repo", repo],
        ];
        for verb in verbs {
            let run = finish(aofkit().args(verb).arg(path)).expect(1);
            assert!(run.err.contains("is not a regular file"), "{verb:?}: {}", run.err);
        }
    }
    let run = run(["check", "--conf", conf.to_str().unwrap()]).expect(1);
    assert!(run.err.contains("is not a regular file"), "{}", run.err);
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_no_signal() {
    let set = Set::of(&sets(40_000));
    let dir = set.dir();
    let place = |name: &str| set.root().join(name).to_str().unwrap().to_owned();
    let (repo, copy) = (place("repo"), place("copy"));
    let path = dir.to_str().unwrap();
    let runs: [&[&str]; 2] = [
        &["backup", "--min-free", "0", "--repo", &repo, path],
        &["convert", "--output", &copy, path],
    ];
    for words in runs {
        let run = limited("-f 1", words);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.err.contains("File too large"), "{}", run.err);
    }
    let out = place("out");
    let line = format!("ulimit -f 8; exec \"$0\" cat --format resp \"$1\" >{out}");
    let mut command = Command::new("sh");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_aofkit"), path]).stdin(Stdio::null());
    let run = finish(&mut command).expect(1);
    assert!(run.err.contains("File too large"), "{}", run.err);
}

#[test]
fn long_tags_are_a_line_in_a_table() {
    let set = Set::of(&sets(3));
    let repo = set.root().join("repo");
    let mut command = aofkit();
    command.args(["backup", "--min-free", "0", "--repo"]).arg(&repo).arg(set.dir());
    for i in 0..10 {
        command.args(["--tag", &format!("{i}{}", "t".repeat(1000))]);
    }
    finish(&mut command).expect(0);
    let repo = repo.to_str().unwrap();
    let told = run(["snapshots", "--repo", repo]).expect(0);
    assert!(told.out.len() < 5000, "{} bytes", told.out.len());
    let listed = run(["snapshots", "--json", "--repo", repo]).expect(0);
    assert!(listed.out.len() > 10_000, "JSON has all of them");
}

#[test]
fn rows_that_were_asked_for_beyond_a_number_are_not_held() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("keys.aof");
    let key = |i: usize| record(&[b"SET", format!("{i:07}{}", "k".repeat(60)).as_bytes(), b"v"]);
    fs::write(&path, (0..50_000).flat_map(key).collect::<Vec<u8>>()).unwrap();
    let (run, peak) = measured(&["stats", "--by", "key", "--top", "2000000"], &path);
    assert_eq!(run.code, 0, "{}", run.err);
    let rows = run.out.lines().count();
    assert!((limits::TOP..limits::TOP + 100).contains(&rows), "{rows}");
    assert!(peak < limits::STATS_MEMORY, "{peak}");
}

#[test]
fn every_file_of_a_set_takes_little_memory_whatever_is_done_with_it() {
    const MORE: u64 = 20_000;
    let one = |i| Some(record(&[b"SET", format!("k{i}").as_bytes(), b"v"]));
    let (few, many) = (increments(100, one), increments(100 + MORE as usize, one));
    let runs: [(&[&str], u64); 7] = [
        (&["check"], limits::FILE_MEMORY),
        (&["check", "--json"], limits::FILE_MEMORY),
        (&["inspect", "--json"], limits::INSPECTED_FILE_MEMORY),
        (&["stats"], limits::FILE_MEMORY),
        (&["repair"], 2 * limits::FILE_MEMORY),
        (&["clean"], 2 * limits::FILE_MEMORY),
        (&["rewind", "--at", "appendonly.aof.100.incr.aof:0"], 2 * limits::FILE_MEMORY),
    ];
    for (words, most) in runs {
        let (run, base) = measured(words, &few.dir());
        assert_eq!(run.code, 0, "{words:?}: {}", run.err);
        let (run, peak) = measured(words, &many.dir());
        assert_eq!(run.code, 0, "{words:?}: {}", run.err);
        let each = peak.saturating_sub(base) / MORE;
        assert!(each < most, "{words:?}: {each} bytes for each file");
    }
}

#[test]
fn a_backup_of_a_large_value_stays_small() {
    const VALUE: usize = 200_000_000;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("value.aof");
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let value: Vec<u8> = noise.take(VALUE / 8).flatten().collect();
    fs::write(&path, record(&[b"SET", b"k", &value])).unwrap();
    drop(value);
    let repo = root.path().join("repo");
    let repo = repo.to_str().unwrap();
    for round in 0..2 {
        let words = ["backup", "--threads", "4", "--min-free", "0", "--repo", repo];
        let (run, peak) = measured(&words, &path);
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(peak < limits::BACKUP_MEMORY, "round {round}: {peak}");
    }
}
