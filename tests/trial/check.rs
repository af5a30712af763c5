//! `check --load`: what a real server makes of a copy stands beside what was expected of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{BASE, INCREMENT, Run, Set, aofkit, set};
use crate::support::server::Server;
use crate::support::spelled::record;

/// Every server that was recorded.
const ALL: [&str; 9] = [
    "redis-6.2",
    "redis-7.0",
    "redis-7.4",
    "redis-8.0",
    "redis-8.2",
    "redis-8.6",
    "valkey-8.1",
    "valkey-9.0",
    "valkey-9.1",
];

fn each(names: &[&str], test: impl Fn(&str, &Path)) {
    let mut run = 0;
    for name in names {
        match Server::find(name) {
            Some(server) => {
                test(name, &server.program());
                run += 1;
            }
            None => eprintln!("NOT RUN: no {name}"),
        }
    }
    println!("{run} servers");
}

fn check(path: &Path, server: &Path, more: &[&str]) -> Run {
    let words = ["check", path.to_str().unwrap(), "--load", server.to_str().unwrap()];
    aofkit(&[&words[..], more].concat())
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {} {}", run.out, run.err))
}

/// A single file, which every server loads.
fn single(bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("appendonly.aof");
    fs::write(&path, bytes).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    (dir, path)
}

fn log(records: &[&[&[u8]]]) -> Vec<u8> {
    records.iter().flat_map(|words| record(words)).collect()
}

#[test]
fn each_server_says_what_it_loads_and_nothing_differs_from_what_was_expected() {
    let sound = log(&[
        &[b"SELECT", b"0"],
        &[b"SET", b"a", b"1"],
        &[b"SELECT", b"3"],
        &[b"SET", b"b", b"2"],
    ]);
    let torn = [&sound[..], b"*3\r\n$3\r\nSET\r\n$1"].concat();
    let unknown = [&sound[..], &record(&[b"NOSUCHCOMMAND", b"k"])[..]].concat();
    let broken = [&sound[..], b"*x\r\n", &sound[..]].concat();
    each(&ALL, |name, program| {
        let (_dir, path) = single(&sound);
        let run = check(&path, program, &["--json"]);
        let told = json(&run);
        assert_eq!(
            (run.code, &told["loaded"]["loads"]),
            (Some(0), &Value::from("yes")),
            "{name}: {}",
            run.out
        );
        assert_eq!(
            told["loaded"]["keys"].to_string(),
            r#"[{"db":0,"keys":1},{"db":3,"keys":1}]"#,
            "{name}"
        );
        assert_eq!(told["knowledge"], "asked", "{name}");
        assert!(
            told["loaded"]["seconds"].is_number()
                && told["loaded"]["peak_bytes"].as_u64() > Some(100_000)
        );
        let target = told["target"].as_str().unwrap();
        assert!(name.starts_with(target) || target.starts_with(name), "{name}: judged as {target}");
        let (_dir, path) = single(&torn);
        let run = check(&path, program, &["--json"]);
        let told = json(&run);
        let loaded = &told["loaded"];
        assert_eq!(
            (run.code, &loaded["loads"]),
            (Some(20), &Value::from("after-truncation")),
            "{name}: {}",
            run.out
        );
        let fatal = loaded["fatal"].as_str().unwrap();
        assert!(fatal.starts_with("Unexpected end of file"), "{name}: {fatal}");
        assert!(!loaded["files"].as_array().unwrap().is_empty(), "{name}: it was cut");
        for (bytes, says) in [(&unknown, "unknown command"), (&broken, "bad file format")] {
            let (_dir, path) = single(bytes);
            let run = check(&path, program, &["--json"]);
            let told = json(&run);
            assert_eq!(told["loaded"]["loads"], "no", "{name}: {}", run.out);
            assert_eq!(told["loaded"]["differs"], false, "{name}: {}", run.out);
            let fatal = told["loaded"]["fatal"].as_str().unwrap();
            assert!(fatal.to_lowercase().contains(says), "{name}: {fatal}");
            assert!(run.code == Some(21) || run.code == Some(24), "{name}: {:?}", run.code);
        }
    });
}

#[test]
fn errors_that_do_not_stop_a_server_are_counted_with_the_first_of_each_kind() {
    let wrong = log(&[
        &[b"SELECT", b"0"],
        &[b"SET", b"text", b"x"],
        &[b"INCR", b"text"],
        &[b"INCR", b"text"],
        &[b"LPUSH", b"text", b"1"],
    ]);
    each(&["redis-7.0", "redis-8.6", "valkey-9.1"], |name, program| {
        let (_dir, path) = single(&wrong);
        let run = check(&path, program, &["--json"]);
        let told = json(&run);
        let errors = told["loaded"]["errors"].as_array().unwrap();
        let counts: Vec<_> = errors.iter().map(|one| one["count"].as_u64().unwrap()).collect();
        assert_eq!((run.code, &counts[..]), (Some(0), &[2, 1][..]), "{name}: {}", run.out);
        let line = errors[0]["line"].as_str().unwrap();
        assert!(line.starts_with("== CRITICAL ==") && line.contains("'incr'"), "{name}: {line}");
        let text = check(&path, program, &[]);
        assert!(text.out.contains("2 times: == CRITICAL"), "{name}: {}", text.out);
        let hidden = check(&path, program, &["--redact"]);
        assert!(!hidden.out.contains("'incr'"), "{name}: {}", hidden.out);
    });
}

#[test]
fn the_small_cases_come_out_as_their_servers_say() {
    let Some(cases) = std::env::var_os("AOFKIT_CASES").map(PathBuf::from) else {
        eprintln!("NOT RUN: AOFKIT_CASES names no directory with cases");
        return;
    };
    let expected = [
        ("01-rdb13", "redis-8.6", "yes", ""),
        ("02-msetex", "redis-8.6", "yes", ""),
        ("02-msetex", "redis-8.2", "no", "Unknown command"),
        ("04a-hsetex", "redis-7.4", "no", "Unknown command"),
        ("dup-key-in-base", "valkey-9.0", "no", "RDB has duplicated key"),
        ("checksum-off-listpack", "redis-7.4", "no", "Internal error in RDB reading"),
        ("restore-payload-flipped", "redis-8.2", "yes", ""),
        ("15-hset-arity", "redis-8.6", "yes", ""),
    ];
    for (case, server, loads, fatal) in expected {
        each(&[server], |name, program| {
            let run = check(&cases.join(case), program, &["--json"]);
            let told = json(&run);
            assert_eq!(told["loaded"]["loads"], loads, "{case} {name}: {}", run.out);
            let said = told["loaded"]["fatal"].as_str().unwrap_or_default();
            assert!(said.contains(fatal), "{case} {name}: {said}");
        });
    }
}

#[test]
fn a_set_of_several_files_is_told_with_every_field_and_is_left_as_it_was() {
    each(&["redis-8.2"], |_, program| {
        let hurt =
            Set::new(&record(&[b"SELECT", b"0"]), &[&set("a")[..], b"*3\r\n$3\r\nSET"].concat());
        let file = fs::File::options().write(true).open(hurt.dir().join(INCREMENT)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        let before: BTreeSet<_> = files(&hurt.dir());
        let cut = check(&hurt.dir(), program, &["--json"]);
        fits(&json(&cut));
        let change = &json(&cut)["loaded"]["files"][0];
        assert_eq!(change["file"], format!("set/{INCREMENT}"), "{}", cut.out);
        assert_eq!(change["change"], "cut");
        assert_eq!(files(&hurt.dir()), before, "the set itself is not touched");
        let trapped =
            Set::new(&record(&[b"SELECT", b"0"]), &record(&[b"CONFIG", b"SET", b"dir", b"/tmp"]));
        let run = check(&trapped.dir(), program, &["--json"]);
        let told = json(&run);
        fits(&told);
        let why = told["loaded"]["not_tried"].as_str().unwrap();
        assert!(why.contains("the log holds CONFIG SET") && why.contains(INCREMENT), "{why}");
        assert_eq!((run.code, &told["loaded"]["loads"]), (Some(24), &Value::Null));
        fs::remove_file(hurt.dir().join(BASE)).unwrap();
        let lost = check(&hurt.dir(), program, &["--json"]);
        assert_eq!(
            (lost.code, &json(&lost)["loaded"]["loads"]),
            (Some(22), &Value::from("no")),
            "{}",
            lost.out
        );
    });
}

fn fits(told: &Value) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/check.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    assert_eq!(crate::schema::faults(&schema, told), Vec::<String>::new());
}

fn files(dir: &Path) -> BTreeSet<(PathBuf, Vec<u8>)> {
    let all = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    all.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn copies_lie_where_they_are_told_to_and_room_is_looked_at_first() {
    each(&["redis-8.2"], |_, program| {
        let (dir, path) = single(&set("a"));
        let scratch = dir.path().join("scratch");
        fs::create_dir(&scratch).unwrap();
        let run = check(&path, program, &["--scratch", scratch.to_str().unwrap()]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "something was left");
        let nowhere = check(&path, program, &["--scratch", "/nowhere/at/all"]);
        assert_eq!(nowhere.code, Some(10), "{}", nowhere.err);
    });
}

#[test]
fn a_set_of_several_files_is_not_given_to_a_server_that_knows_none() {
    each(&["redis-6.2"], |_, program| {
        let set = Set::new(&record(&[b"SELECT", b"0"]), &set("a"));
        let run = check(&set.dir(), program, &["--json", "--target", "redis-7.0"]);
        let told = json(&run);
        let why = told["loaded"]["not_tried"].as_str().unwrap();
        assert!(why.contains("no sets of several files"), "{why}");
        assert_eq!(run.code, Some(24), "{}", run.out);
    });
}

#[test]
fn what_a_change_makes_of_a_set_is_loaded_before_it_is_made() {
    each(&["redis-7.0", "redis-8.2", "valkey-9.1"], |name, program| {
        let server = program.to_str().unwrap();
        let hurt = Set::new(
            &record(&[b"SELECT", b"0"]),
            &[&set("a")[..], &set("b"), b"*3\r\n$3\r\nSET"].concat(),
        );
        let file = fs::File::options().write(true).open(hurt.dir().join(INCREMENT)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        drop(file);
        let before = files(&hurt.dir());
        let dir = hurt.dir();
        let path = dir.to_str().unwrap();
        let planned = aofkit(&["repair", path, "--load", server, "--json"]);
        let told = json(&planned);
        assert_eq!(told["loaded"]["loads"], "yes", "{name}: {}", planned.out);
        assert_eq!(told["loaded"]["keys"].to_string(), r#"[{"db":0,"keys":2}]"#, "{name}");
        assert_eq!(files(&dir), before, "{name}: nothing was changed");
        let at = format!("{INCREMENT}:{}", set("a").len());
        let back = aofkit(&["rewind", path, "--at", &at, "--load", server, "--json"]);
        assert_eq!(
            json(&back)["loaded"]["keys"].to_string(),
            r#"[{"db":0,"keys":1}]"#,
            "{}",
            back.out
        );
        let done = aofkit(&["repair", path, "--apply", "--load", server]);
        assert_eq!(done.code, Some(0), "{name}: {}", done.err);
        assert!(done.out.contains("loads a copy of it: 2 keys"), "{name}: {}", done.out);
        let output = hurt.0.path().join("converted");
        let output = output.to_str().unwrap();
        let words =
            ["convert", path, "--to", "file", "--output", output, "--load", server, "--json"];
        let made = aofkit(&words);
        assert_eq!(json(&made)["loaded"]["loads"], "yes", "{name}: {} {}", made.out, made.err);
    });
}

#[test]
fn a_verification_tells_errors_that_did_not_stop_the_server() {
    each(&["redis-8.2"], |_, program| {
        let mixed = [set("a"), record(&[b"LPUSH", b"a", b"1"]), record(&[b"LPUSH", b"a", b"2"])];
        let run = Set::new(&record(&[b"SELECT", b"0"]), &mixed.concat()).verify(program);
        let told = json(&run);
        let errors = told["loaded"][0]["errors"].as_array().unwrap();
        assert_eq!((errors.len(), &errors[0]["count"]), (1, &Value::from(2)), "{}", run.out);
    });
}

/// Processes with this word among their arguments or in their environment's TMPDIR.
fn with_word(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let told = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let told = String::from_utf8_lossy(&told).replace('\0', " ");
        if told.contains(word) {
            found.push(told);
        }
    }
    found
}

#[test]
fn killed_at_any_moment_a_run_leaves_no_server_and_no_copy() {
    each(&["redis-8.2"], |_, program| {
        let mut bytes = record(&[b"SELECT", b"0"]);
        for i in 0..200_000 {
            bytes.extend(record(&[b"SET", format!("key:{i}").as_bytes(), b"value"]));
        }
        let (dir, path) = single(&bytes);
        let scratch = dir.path().join("scratch-of-a-killed-run");
        fs::create_dir(&scratch).unwrap();
        for (at, signal) in [5, 60, 150, 250, 350, 500, 700]
            .into_iter()
            .zip(["KILL", "TERM", "INT"].into_iter().cycle())
        {
            let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
            command.args(["check", path.to_str().unwrap(), "--load", program.to_str().unwrap()]);
            command.arg("--scratch").arg(&scratch);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut run = command.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(at));
            let kill =
                Command::new("kill").args([&format!("-{signal}"), &run.id().to_string()]).output();
            kill.unwrap();
            run.wait().unwrap();
            let until = Instant::now() + Duration::from_secs(20);
            loop {
                let word = scratch.to_str().unwrap();
                let (left, dirs) = (with_word(word), fs::read_dir(&scratch).unwrap().count());
                if left.is_empty() && dirs == 0 {
                    break;
                }
                assert!(
                    Instant::now() < until,
                    "{signal} after {at} ms: {left:?}, {dirs} directories"
                );
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    });
}
