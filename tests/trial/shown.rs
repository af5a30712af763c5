//! Files of others that a server on trial is shown: those of its modules, and none besides.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::support::processes::{is_root, unshares};
use super::support::put_program;
use super::support::server::Server;
use super::support::spelled::record;
use super::{INCREMENT, Set, aofkit, set};

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_name_that_a_configuration_gives_a_command_opens_no_file_to_the_server() {
    if !is_root() || !unshares("-m") {
        return eprintln!("NOT RUN: only root, with mounts of its own, makes files reachable");
    }
    let home = TempDir::new().unwrap();
    let file = home.path().join("closed").join("file");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "of somebody else").unwrap();
    mode(&file, 0o755);
    mode(file.parent().unwrap(), 0o700);
    let program = home.path().join("server");
    let file = file.to_str().unwrap();
    let text =
        format!("#!/bin/sh\nif cat {file}; then echo 'it is open'; else echo 'it is closed'; fi\n");
    put_program(&program, text.as_bytes());
    let conf = home.path().join("redis.conf");
    fs::write(&conf, format!("rename-command GET {file}\n")).unwrap();
    let one = Set::new(&set("a"), &set("b"));
    let dir = one.dir();
    let [program, conf, dir] = [&program, &conf, &dir].map(|path| path.to_str().unwrap());
    let words = ["growth", "--calibrate", program, "--conf", conf, dir];
    let run = aofkit(&words);
    assert!(run.err.contains("it is closed"), "{}", run.err);
    // The counter-proof: by the same way a module is shown.
    let module = ["--load-arg", "--loadmodule", "--load-arg", file];
    let run = aofkit(&[&words[..], &module].concat());
    assert!(run.err.contains("it is open"), "{}", run.err);
}

/// Two dashes begin a directive, were the name an argument of its own.
#[test]
fn a_name_that_looks_like_a_directive_stays_a_name() {
    for server in Server::all_or_none(&["redis-6.2", "redis-7.0", "redis-8.6", "valkey-9.1"]) {
        let home = TempDir::new().unwrap();
        let conf = home.path().join("redis.conf");
        fs::write(&conf, "rename-command SET --port\nrename-command APPEND \"a b\\x22\"\n")
            .unwrap();
        let (first, second) = (record(&[b"--port", b"a", b"1"]), record(&[b"a b\"", b"a", b"2"]));
        let one = Set::new(&first, &second);
        // That server knows no sets, and loads a file.
        let file = if server.name == "redis-6.2" { INCREMENT } else { "" };
        let (program, dir) = (server.program(), one.dir().join(file));
        let [program, conf, dir] = [&program, &conf, &dir].map(|path| path.to_str().unwrap());
        let run = aofkit(&["growth", "--calibrate", program, "--conf", conf, dir]);
        assert_eq!(run.code, Some(0), "{}: {}", server.name, run.err);
    }
}
