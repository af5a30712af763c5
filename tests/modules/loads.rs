//! Servers on trial that need modules: they are given them, and what works by chance is no difference.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::growing::Growing;
use crate::support::processes::is_root;
use crate::support::server::{Server, servers_dir};
use serde_json::Value;

/// The one server that has modules beside it.
const SERVER: &str = "redis-7.4";

struct Loaded {
    server: Server,
    modules: Vec<PathBuf>,
    growing: Growing,
}

/// A server with modules, and values of theirs in its log.
fn loaded() -> Option<Loaded> {
    let modules = servers_dir()?.join(SERVER).join("modules");
    let modules: Vec<PathBuf> =
        ["rejson.so", "redisbloom.so"].iter().map(|name| modules.join(name)).collect();
    let server = Server::find(SERVER).filter(|_| modules.iter().all(|path| path.is_file()));
    let Some(server) = server else {
        eprintln!("NOT RUN: no {SERVER} with modules; tests/servers/fetch brings it");
        return None;
    };
    let mut arguments = vec!["--auto-aof-rewrite-percentage", "0"];
    for module in &modules {
        arguments.extend(["--loadmodule", module.to_str().unwrap()]);
    }
    let mut growing = Growing::start(&server, &arguments);
    for i in 0..400 {
        let member = format!("member:{}", i * 7 % 300);
        growing.queue(&["SET", &format!("plain:{i}"), &member]);
        growing.queue(&["JSON.SET", &format!("doc:{i}"), "$", "{\"name\":\"ada\",\"n\":[1,2]}"]);
        growing.queue(&["BF.ADD", "bloom", &member]);
        growing.queue(&["CF.ADD", "cuckoo", &member]);
    }
    growing.queue(&["TOPK.RESERVE", "top", "5", "8", "7", "0.9"]);
    for i in 0..400 {
        growing.queue(&["TOPK.ADD", "top", &format!("member:{}", i * 7 % 60)]);
    }
    growing.send();
    growing.must("CONFIG SET appendfsync always");
    growing.must("SET last one");
    Some(Loaded { server, modules, growing })
}

fn aofkit(words: &[&str], modules: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(words).arg("--json").stdin(Stdio::null());
    for module in modules {
        command.args(["--load-arg", "--loadmodule", "--load-arg"]).arg(module);
    }
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn loading_is_measured_by_a_server_that_was_given_the_modules() {
    let Some(Loaded { server, modules, growing }) = loaded() else { return };
    let (program, dir) = (server.program(), growing.append_dir());
    let words = ["growth", "--calibrate", program.to_str().unwrap(), dir.to_str().unwrap()];
    let without = aofkit(&words, &[]);
    assert_eq!(without.status.code(), Some(1), "{}", said(&without));
    let with = aofkit(&words, &modules);
    assert_eq!(with.status.code(), Some(0), "{}", said(&with));
    let report = json(&with);
    assert!(report["load"]["measured_seconds"].as_f64().is_some(), "{report}");
    assert_eq!(report["rewrite"]["complete"], false);
    assert_eq!(report["rewrite"]["unfollowed_commands"], 400 * 3 + 401);
    assert!(report["rewrite"]["at_most_bytes"].is_null(), "{report}");
}

#[test]
fn a_snapshot_with_values_of_modules_is_verified_by_a_server_that_was_given_them() {
    let Some(Loaded { server, modules, growing }) = loaded() else { return };
    let home = tempfile::tempdir().unwrap();
    let repo = home.path().join("repo");
    let (program, dir) = (server.program(), growing.append_dir());
    let taken = aofkit(&["backup", dir.to_str().unwrap(), "--repo", repo.to_str().unwrap()], &[]);
    assert_eq!(taken.status.code(), Some(0), "{}", said(&taken));
    let words = ["verify", "--load", program.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    let without = aofkit(&words, &[]);
    assert_eq!(without.status.code(), Some(25), "{}", said(&without));
    let with = aofkit(&words, &modules);
    let report = json(&with);
    assert_eq!(with.status.code(), Some(0), "{report} {}", said(&with));
    let loaded = &report["loaded"][0];
    assert_eq!((&loaded["loads"], &loaded["compared"]), (&true.into(), &true.into()));
    assert_eq!(loaded["differences"].as_array().map(Vec::len), Some(0), "{report}");
    assert!(loaded["keys"].as_u64().is_some_and(|keys| keys > 800), "{report}");
    // Which items are forgotten, TOPK throws dice for: its key is counted, and no other one.
    assert_eq!(loaded["not_comparable"], 1, "{report}");
}

#[test]
fn a_module_that_the_server_on_trial_may_not_read_is_named() {
    let Some(Loaded { server, modules, growing }) = loaded() else { return };
    if !is_root() {
        return eprintln!("NOT RUN: only root runs a server as another user");
    }
    let home = tempfile::tempdir().unwrap();
    let closed: &Path = &home.path().join("closed.so");
    fs::copy(&modules[0], closed).unwrap();
    fs::set_permissions(closed, fs::Permissions::from_mode(0o700)).unwrap();
    let (program, dir) = (server.program(), growing.append_dir());
    let words = ["growth", "--calibrate", program.to_str().unwrap(), dir.to_str().unwrap()];
    let output = aofkit(&words, &[closed.to_owned()]);
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(told.contains("closed.so") && told.contains("may not read"), "{told}");
}
