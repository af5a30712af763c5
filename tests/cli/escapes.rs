//! What is foreign is escaped: paths, names in a manifest, what records say, tags, what a server answers. A terminal gets
//! no byte that it would obey, and JSON is always JSON.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aofkit::text::is_obeyed;
use serde_json::Value;

use super::world::*;

/// ESC, DEL, C1, what turns the direction of writing, what ends a line, and quotes.
const HOSTILE: &str =
    "a\u{1b}[31mb\u{7f}\u{9b}2J\u{85}\u{202e}\u{2066}\u{2028}\u{200f}\u{7}\n\r\"'\\c";

/// The same without what servers take for a part of a path.
const FILE: &str = "a\u{1b}[31mb\u{7f}\u{9b}2J\u{85}\u{202e}\u{2066}\u{2028}\u{200f}\u{7}\n\r\"'c";

/// A set in which everything that can be named is hostile, with damage inside and a torn end.
struct Hostile {
    _root: tempfile::TempDir,
    data: PathBuf,
    repo: PathBuf,
}

fn quoted(name: &str) -> String {
    name.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}

impl Hostile {
    fn new() -> Self {
        let root = tempfile::TempDir::new().unwrap();
        let data = root.path().join(HOSTILE);
        let dir = data.join("aof");
        fs::create_dir_all(&dir).unwrap();
        let name = |rest: &str| format!("{FILE}{rest}");
        let word = HOSTILE.as_bytes();
        let records = [
            record(&[b"SELECT", b"0"]),
            record(&[b"SET", word, word]),
            record(&[word, word]),
            record(&[b"HSET", word, word, b"\xff\x9b"]),
            b"\x1b[31m\x9bgarbage\r\n".to_vec(),
            record(&[b"SET", b"user:1", word]),
            record(&[b"DEL", word]),
            record(&[b"FLUSHALL"]),
            record(&[b"SET", b"user:2", word]),
            record(&[b"SET", b"user:3", word]),
            record(&[b"SET", b"user:4", word]),
            b"*2\r\n$3\r\nSE\x1b".to_vec(),
        ];
        fs::write(dir.join(name(".1.base.aof")), record(&[b"SET", word, word])).unwrap();
        fs::write(dir.join(name(".1.incr.aof")), records.concat()).unwrap();
        fs::write(dir.join(name(".7.incr.aof")), b"orphan").unwrap();
        fs::write(dir.join(name("temp-x")), b"left").unwrap();
        let manifest = format!(
            "file \"{}\" seq 1 type b\nfile \"{}\" seq 1 type i\n",
            quoted(&name(".1.base.aof")),
            quoted(&name(".1.incr.aof")),
        );
        fs::write(dir.join(name(".manifest")), manifest).unwrap();
        let repo = root.path().join(format!("{HOSTILE}repo"));
        Self { data, repo, _root: root }
    }
}

/// Nothing that a terminal obeys but line ends.
fn assert_pure(bytes: &[u8], words: &[OsString], is_csv: bool) -> String {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{words:?}: {e}: {bytes:?}"));
    let text = if is_csv { text.replace("\r\n", "\n") } else { text.to_owned() };
    let bad = text.chars().find(|&c| c != '\n' && is_obeyed(c));
    assert_eq!(bad, None, "{words:?}: {text:?}");
    text
}

/// Runs, and sees that what comes out is pure; answers the exit status and standard output.
fn tried(words: &[OsString]) -> (i32, String) {
    let output = aofkit().args(words).output().unwrap();
    let has = |word: &str| words.iter().any(|given| given == word);
    let out = assert_pure(&output.stdout, words, has("csv"));
    let err = assert_pure(&output.stderr, words, false);
    if has("--json") {
        // `cat` prints an object a line.
        let stream = serde_json::Deserializer::from_str(&out).into_iter::<Value>();
        stream.for_each(|value| drop(value.unwrap_or_else(|e| panic!("{words:?}: {e}: {out}"))));
        for line in err.lines() {
            let value: Result<Value, _> = serde_json::from_str(line);
            assert!(value.is_ok_and(|v| v["error"]["message"].is_string()), "{words:?}: {line}");
        }
    }
    (output.status.code().unwrap_or_else(|| panic!("{words:?}: killed")), out)
}

/// With `PATH` and the like in the place of hostile ones; as text and as JSON.
fn tries(line: &str, hostile: &Hostile, root: &Path) -> (i32, String) {
    let word = |word: &str| match word {
        "PATH" => hostile.data.clone().into_os_string(),
        "REPO" => hostile.repo.clone().into_os_string(),
        "REPO::latest" => [hostile.repo.as_os_str(), OsStr::new("::latest")].concat_os(),
        "NEW" => root.join(format!("{HOSTILE}{}", fastrand())).into_os_string(),
        "WORD" => OsString::from(HOSTILE),
        other => OsString::from(other),
    };
    let words = || line.split(' ').map(word).collect::<Vec<_>>();
    let told = tried(&words());
    if !line.contains("--format") {
        let mut words = words();
        words.push("--json".into());
        tried(&words);
    }
    told
}

/// Names that were not there before.
fn fastrand() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

trait ConcatOs {
    fn concat_os(&self) -> OsString;
}

impl ConcatOs for [&OsStr; 2] {
    fn concat_os(&self) -> OsString {
        let mut all = self[0].to_owned();
        all.push(self[1]);
        all
    }
}

#[test]
fn no_verb_hands_a_terminal_what_it_obeys() {
    let hostile = Hostile::new();
    let root = tempfile::TempDir::new().unwrap();
    let by = "--by command,db,type,prefix,key,slot";
    let lines = [
        "check PATH",
        "check -v PATH",
        "inspect PATH",
        "inspect -v PATH",
        &format!("stats {by} PATH"),
        &format!("stats {by} --format csv PATH"),
        "stats --by key --format folded PATH",
        "stats --by prefix --format folded PATH",
        "cat --with-base PATH",
        "cat --key WORD PATH",
        "growth PATH",
        "repair PATH",
        "repair --salvage PATH",
        "repair --truncate -v PATH",
        "repair --salvage --output NEW PATH",
        "rewind --list PATH",
        "rewind --at WORD PATH",
        "rewind --before-command WORD PATH",
        "clean PATH",
        "convert --output NEW PATH",
    ];
    let mut told = String::new();
    for line in lines {
        told += &tries(line, &hostile, root.path()).1;
    }
    // It was really about those names, and the set was read.
    assert!(told.contains("corrupt-range") && told.contains("truncated-tail"), "{told}");
    assert!(told.contains(r"\x1b[31m") && told.contains(r"\xc2\x9b"), "{told}");
}

#[test]
fn no_error_hands_a_terminal_what_it_obeys() {
    let hostile = Hostile::new();
    let root = tempfile::TempDir::new().unwrap();
    let verbs = ["check", "inspect", "stats", "cat", "growth", "repair", "clean", "rewind --list"];
    for verb in verbs {
        assert_eq!(tries(&format!("{verb} NEW"), &hostile, root.path()).0, 10, "{verb}");
    }
    let lines = [
        "check --conf NEW",
        "check --target WORD PATH",
        "check --WORD PATH",
        "WORD",
        "check PATH WORD",
        "growth --server WORD PATH",
        "growth --server redis://127.0.0.1:1/WORD PATH",
        "stats --by WORD PATH",
        "cat --from-offset WORD PATH",
        "cat --limit WORD PATH",
        "backup --repo REPO --source WORD PATH",
        "backup --repo REPO PATH",
        "restore REPO::latest NEW",
        "verify --repo NEW",
        "snapshots --repo NEW",
        "prune --repo NEW --keep-last 1",
        "man WORD",
    ];
    for line in lines {
        assert_ne!(tries(line, &hostile, root.path()).0, 0, "{line}");
    }
}

#[test]
fn a_configuration_does_not_either() {
    let root = tempfile::TempDir::new().unwrap();
    let conf = root.path().join(format!("{HOSTILE}.conf"));
    let texts = [
        format!("dir \"{}\"\n", quoted(HOSTILE)),
        format!("include \"{}\"\n", quoted(HOSTILE)),
        "appenddirname \"\\x1b[31m\\xc2\\x9b\"\ndir \"\\x1b\\x7f\"\n".to_owned(),
        "appendonly \u{1b}\u{9b}\n".to_owned(),
    ];
    for text in texts {
        fs::write(&conf, text).unwrap();
        for json in [false, true] {
            let mut words: Vec<OsString> =
                vec!["check".into(), "--conf".into(), conf.clone().into()];
            words.extend(json.then(|| "--json".into()));
            assert_ne!(tried(&words).0, 0);
        }
    }
}

#[test]
fn a_repository_does_not_either() {
    let set = Set::of(&sets(3));
    let hostile = Hostile::new();
    let data = hostile.data.join("sound");
    copy_tree(&set.dir(), &data);
    let root = tempfile::TempDir::new().unwrap();
    let mut words: Vec<OsString> = ["backup", "--min-free", "0", "--tag"].map(Into::into).into();
    words.extend([HOSTILE.into(), "--repo".into(), hostile.repo.clone().into(), data.into()]);
    assert_eq!(tried(&words).0, 0);
    let lines = [
        "snapshots --repo REPO",
        "verify --repo REPO",
        "check REPO::latest",
        "restore REPO::latest NEW",
        "prune --repo REPO --keep-last 1",
    ];
    let told: String = lines.map(|line| tries(line, &hostile, root.path()).1).concat();
    assert!(told.contains(r"\x1b[31m") && told.contains(r"\xe2\x80\xae"), "{told}");
}

#[test]
fn colours_are_ours_alone() {
    let hostile = Hostile::new();
    for verb in ["check", "inspect", "repair"] {
        let output =
            aofkit().args([verb, "--color", "always"]).arg(&hostile.data).output().unwrap();
        let mut text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("\x1b[1"), "{verb} is in colour");
        for mark in ["0", "1", "2", "1;31", "1;32", "1;33"] {
            text = text.replace(&format!("\x1b[{mark}m"), "");
        }
        assert_pure(text.as_bytes(), &[verb.into()], false);
    }
}

#[test]
fn what_a_server_answers_is_escaped() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("redis://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            std::thread::spawn(move || {
                let mut out = stream.try_clone().unwrap();
                for line in BufReader::new(stream).split(b'\n') {
                    let Ok(line) = line else { return };
                    // One answer for each command.
                    if line.starts_with(b"*") {
                        let answer = "-ERR \u{1b}[31m\u{9b}2J\u{202e}\u{7f} no\r\n";
                        let _ = out.write_all(answer.as_bytes());
                    }
                }
            });
        }
    });
    let set = Set::of(&sets(3));
    for json in [false, true] {
        let mut words: Vec<OsString> = ["growth", "--server", &address].map(Into::into).into();
        words.push(set.dir().into());
        words.extend(json.then(|| "--json".into()));
        tried(&words);
    }
}

#[test]
fn called_as_redis_check_aof_it_does_not_either() {
    let hostile = Hostile::new();
    let manifest = hostile.data.join("aof").join(format!("{FILE}.manifest"));
    let link = hostile.data.join("redis-check-aof");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_aofkit"), &link).unwrap();
    for path in [manifest, hostile.data.join(HOSTILE)] {
        let output = Command::new(&link).arg(&path).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let out = assert_pure(&output.stdout, &[path.clone().into()], false);
        assert!(out.contains(r"\x1b[31m"), "{out}");
    }
}

#[test]
fn what_is_printable_stays_as_it_is() {
    let set = Set::of(&sets(3));
    let root = tempfile::TempDir::new().unwrap();
    let path = root.path().join("J\u{fc}rgens Schl\u{fc}ssel \u{65e5}\u{672c} \u{1f511}");
    copy_tree(&set.dir(), &path);
    let shown = String::from_utf8(path.as_os_str().as_bytes().to_vec()).unwrap();
    let run = check(&path).expect(0);
    assert!(run.out.contains(&shown), "{}", run.out);
    let json = run_json(&path);
    assert!(json.contains(&shown), "{json}");
}

fn run_json(path: &Path) -> String {
    run([OsStr::new("check"), OsStr::new("--json"), path.as_os_str()]).expect(0).out
}
