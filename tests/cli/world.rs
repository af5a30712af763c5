//! Small sets in temporary directories, and the binary run on them.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub use crate::spelled::record;

/// What a run of the binary left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Standard output as JSON, where there must be nothing on standard error.
    pub fn json(&self) -> Value {
        assert_eq!(self.err, "", "notes do not belong to JSON");
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

/// The binary, in an environment that sets nothing of ours.
pub fn aofkit() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AOFKIT_")) {
            command.env_remove(name);
        }
    }
    command.env_remove("NO_COLOR").env_remove("COLUMNS").stdin(Stdio::null());
    command
}

pub fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap_or_else(|| panic!("killed: {:?}", output.status)),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn run<S: AsRef<OsStr>>(words: impl IntoIterator<Item = S>) -> Run {
    finish(aofkit().args(words))
}

/// `aofkit check PATH`
pub fn check(path: &Path) -> Run {
    run([OsStr::new("check"), path.as_os_str()])
}

/// `aofkit check --json PATH`, and its exit status.
pub fn check_json(path: &Path) -> (i32, Value) {
    let run = run([OsStr::new("check"), OsStr::new("--json"), path.as_os_str()]);
    (run.code, run.json())
}

/// `aofkit inspect --json PATH`
pub fn inspect_json(path: &Path) -> Value {
    run([OsStr::new("inspect"), OsStr::new("--json"), path.as_os_str()]).expect(0).json()
}

/// Runs with these bytes on standard input.
pub fn piped(words: &[&str], bytes: &[u8]) -> Run {
    let mut command = aofkit();
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `n` SETs in database 0.
pub fn sets(n: usize) -> Vec<u8> {
    let mut bytes = record(&[b"SELECT", b"0"]);
    for i in 0..n {
        bytes.extend(record(&[b"SET", format!("key:{i}").as_bytes(), b"value"]));
    }
    bytes
}

/// A set in a directory of its own: files, and a manifest that names them.
pub struct Set {
    root: TempDir,
}

/// The increment of [`Set::of`].
pub const INCREMENT: &str = "appendonly.aof.1.incr.aof";

/// Its base.
pub const BASE: &str = "appendonly.aof.1.base.aof";

impl Set {
    /// An empty server directory.
    pub fn empty() -> Self {
        let set = Self { root: TempDir::new().unwrap() };
        fs::create_dir(set.dir()).unwrap();
        set
    }

    /// A base of ten keys and one increment.
    pub fn of(increment: &[u8]) -> Self {
        let set = Self::empty();
        set.put(BASE, &sets(10));
        set.put(INCREMENT, increment);
        set.manifest(&format!("file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n"));
        set
    }

    /// A copy of what a server wrote: its whole data directory.
    pub fn recorded(name: &str) -> Self {
        let set = Self { root: TempDir::new().unwrap() };
        copy_tree(&recorded(name), set.root());
        set
    }

    /// The same in memory, where that is possible: a sync takes no time there.
    #[allow(dead_code, reason = "for the tests that share this")]
    pub fn in_memory(self) -> Self {
        let Ok(root) = TempDir::new_in("/dev/shm") else { return self };
        copy_tree(self.root(), root.path());
        Self { root }
    }

    /// The server's directory.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The append directory.
    pub fn dir(&self) -> PathBuf {
        self.root().join("aof")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.file(name), bytes).unwrap();
    }

    pub fn manifest(&self, text: &str) {
        self.put("appendonly.aof.manifest", text.as_bytes());
    }
}

/// A recorded data directory, such as `redis-7.0.15/rdb-base`.
pub fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/servers").join(name)
}

/// Every recorded data directory.
pub fn all_recorded() -> Vec<PathBuf> {
    let below = |dir: PathBuf| fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = below(recorded("")).flat_map(below).collect();
    all.sort();
    assert!(all.len() >= 20, "sets are missing: {all:?}");
    all
}

pub fn copy_tree(from: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = into.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), &target).unwrap()),
        }
    }
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// The kinds of the problems of a severity.
pub fn kinds(report: &Value, severity: &str) -> Vec<String> {
    let problems = report["problems"].as_array().unwrap();
    let chosen = problems.iter().filter(|p| p["severity"] == severity);
    chosen.map(|p| p["kind"].as_str().unwrap().to_owned()).collect()
}
