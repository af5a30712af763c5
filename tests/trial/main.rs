//! A hostile log and a real server: the log is not loaded, and what is loaded all the same can do nothing.
#![allow(clippy::unwrap_used)]

#[path = "../support/schema.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod schema;
#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod check;
mod names;
mod restored;
mod shown;
mod walls;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use support::spelled::record;

const SERVERS: [&str; 5] = ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-8.1", "valkey-9.1"];

/// How a run of aofkit ended.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs aofkit with an empty temporary directory, in which nothing is left.
fn aofkit(words: &[&str]) -> Run {
    let temporary = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(words).env("TMPDIR", temporary.path()).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "something was left");
    Run {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A set of a base and an increment.
struct Set(TempDir);

const BASE: &str = "a.aof.1.base.aof";
const INCREMENT: &str = "a.aof.1.incr.aof";

impl Set {
    fn new(base: &[u8], increment: &[u8]) -> Self {
        let set = Self(TempDir::new().unwrap());
        fs::create_dir(set.dir()).unwrap();
        let manifest = format!("file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n");
        fs::write(set.dir().join("a.aof.manifest"), manifest).unwrap();
        fs::write(set.dir().join(BASE), base).unwrap();
        fs::write(set.dir().join(INCREMENT), increment).unwrap();
        set
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("aof")
    }

    fn calibrate(&self, server: &Path) -> Run {
        let dir = self.dir();
        aofkit(&["growth", dir.to_str().unwrap(), "--calibrate", server.to_str().unwrap()])
    }

    /// Backs it up and has a server load that.
    fn verify(&self, server: &Path) -> Run {
        let (dir, repo) = (self.dir(), self.0.path().join("repo"));
        let repo = repo.to_str().unwrap();
        let made = aofkit(&["backup", dir.to_str().unwrap(), "--repo", repo, "--min-free", "0"]);
        assert_eq!(made.code, Some(0), "{}", made.err);
        aofkit(&["verify", "--repo", repo, "--load", server.to_str().unwrap(), "--json"])
    }
}

fn set(key: &str) -> Vec<u8> {
    record(&[b"SET", key.as_bytes(), b"1"])
}

/// Compiles a library whose constructor does that; `None` where there is no compiler, which is told.
fn library(dir: &Path, constructor: &str) -> Option<PathBuf> {
    let (source, library) = (dir.join("x.c"), dir.join("x.so"));
    let includes = ["arpa/inet", "fcntl", "stdio", "stdlib", "string", "sys/socket", "unistd"];
    let includes = includes.map(|name| format!("#include <{name}.h>\n")).concat();
    let text = format!(
        "{includes}__attribute__((constructor)) static void run(void) {{ {constructor} }}\n"
    );
    fs::write(&source, text).unwrap();
    let made =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    if made.is_ok_and(|made| made.success()) {
        return Some(library);
    }
    println!("no C compiler: no module was made");
    None
}
