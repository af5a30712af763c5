//! Sets and configurations in a directory, and the arguments that name them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cases::with;
use crate::support::spelled::record;
use crate::support::{copy_tree, recorded_sets};

pub type Args = Vec<OsString>;

/// Calls as records.
pub fn log(calls: &[&str]) -> Vec<u8> {
    let words = |call: &&str| record(&call.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    calls.iter().flat_map(words).collect()
}

/// A set of these calls in `dir`.
pub fn set_at(dir: &Path, calls: &[&str]) -> PathBuf {
    let set = dir.join("appendonlydir");
    fs::create_dir(&set).unwrap();
    fs::write(set.join("appendonly.aof.1.base.aof"), log(&["SELECT 0", "SET base 1"])).unwrap();
    fs::write(set.join("appendonly.aof.1.incr.aof"), log(calls)).unwrap();
    let manifest = "file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    fs::write(set.join("appendonly.aof.manifest"), manifest).unwrap();
    set
}

/// A copy of a recorded server's data directory in `dir`; its append directory.
pub fn recorded(dir: &Path, name: &str) -> PathBuf {
    let data = dir.join("data");
    copy_tree(&recorded_sets().join(name), &data);
    let _ = fs::remove_file(data.join("verdict.json"));
    data.join("aof")
}

/// A good configuration with these lines.
pub fn by_conf(dir: &Path, lines: &str) -> Args {
    let conf = dir.join("redis.conf");
    fs::write(&conf, with(lines)).unwrap();
    vec!["--conf".into(), conf.into()]
}

/// A directory that nobody else may enter.
pub fn private() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    chmod(dir.path(), 0o700);
    dir
}

/// Gives a file or directory these permission bits.
pub fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A certificate for this machine, its key, and that of the authority, as long as a year; `None`, which is told, where
/// they cannot be made.
pub fn certificates(dir: &Path) -> Option<[String; 3]> {
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (at("redis.crt"), at("redis.key"));
    let mut command = std::process::Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "365",
        "-subj",
        "/CN=localhost",
    ]);
    command.args(["-keyout", &key, "-out", &certificate]);
    if !command.output().is_ok_and(|done| done.status.success()) {
        println!("did not run: no openssl");
        return None;
    }
    chmod(key.as_ref(), 0o600);
    fs::copy(&certificate, dir.join("ca.crt")).unwrap();
    Some([certificate, key, at("ca.crt")])
}
