//! `--server` tells which modules are loaded, and its list is a complete one.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::support::live::Live;
use super::support::server::Server;
use super::support::{copy_tree, recorded_sets};

/// A set with values, commands and data beside keys of four modules, as Redis 7.4 wrote it.
const SET: &str = "../modules/redis-7.4.1/rdb-base";

/// Exit status, and what was printed as JSON.
fn aofkit(words: &[&str], server: &Path) -> (i32, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(words).arg("--json").arg("--server").arg(format!("unix://{}", server.display()));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap(), report, said)
}

fn modules(report: &Value) -> Vec<(&str, &str)> {
    let rows = report["modules"].as_array().unwrap().iter();
    rows.map(|row| (row["name"].as_str().unwrap(), row["by"].as_str().unwrap())).collect()
}

fn kinds(report: &Value) -> Vec<&str> {
    let problems = report["problems"].as_array().unwrap().iter();
    problems.filter(|p| p["severity"] == "error").map(|p| p["kind"].as_str().unwrap()).collect()
}

/// The set in a directory of its own, and a running server with these arguments.
struct Asked {
    dir: tempfile::TempDir,
    live: Live,
    home: tempfile::TempDir,
}

impl Asked {
    fn start(name: &str, arguments: &[&str]) -> Option<Self> {
        let Some(server) = Server::find(name) else {
            eprintln!("NOT RUN: no {name}; tests/servers/fetch brings it");
            return None;
        };
        let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        copy_tree(&recorded_sets().join(SET), dir.path());
        let live = Live::start_with(&server, home.path(), arguments);
        Some(Self { dir, live, home })
    }

    fn set(&self) -> String {
        self.dir.path().join("aof").to_str().unwrap().to_owned()
    }

    fn ask(&self, words: &[&str]) -> (i32, Value, String) {
        let set = self.set();
        aofkit(&[words, &[&set]].concat(), &self.home.path().join("s"))
    }
}

/// The libraries beside Redis 7.4 whose names have one of these words, as arguments.
fn libraries(names: &[&str]) -> Vec<String> {
    let Some(server) = Server::find("redis-7.4") else { return Vec::new() };
    let all = server.modules();
    let paths = all.iter().filter_map(|path| path.to_str()).filter(|path| path.ends_with(".so"));
    let wanted = paths.filter(|path| names.iter().any(|name| path.contains(name)));
    wanted.flat_map(|path| ["--loadmodule".to_owned(), path.to_owned()]).collect()
}

#[test]
fn the_modules_that_a_server_has_loaded_make_its_set_healthy_for_any_target() {
    let all = libraries(&["rejson", "redisbloom", "redisearch", "redistimeseries"]);
    if all.is_empty() {
        return eprintln!("NOT RUN: no redis-7.4 with modules; tests/servers/fetch brings it");
    }
    let words: Vec<&str> = all.iter().map(String::as_str).collect();
    let Some(asked) = Asked::start("redis-7.4", &words) else { return };
    // Without that word nobody knows what a server of another version has loaded.
    for target in ["redis-7.4", "redis-8.2"] {
        let (code, report, said) = asked.ask(&["check", "--target", target]);
        assert_eq!((code, &report["loads"]), (0, &json!("yes")), "{target}: {said} {report:#}");
        let named = modules(&report);
        for module in ["ReJSON", "bf", "search", "timeseries"] {
            assert!(named.contains(&(module, "server")), "{target}: {named:?}");
        }
    }
    for verb in ["inspect", "repair"] {
        let (code, report, said) = asked.ask(&[verb]);
        assert_eq!(code, 0, "{verb}: {said} {report:#}");
    }
    // The user has the last word.
    let (code, report, _) = asked.ask(&["check", "--modules", "bf"]);
    assert_eq!((code, &report["loads"]), (24, &json!("no")));
    assert_eq!(modules(&report)[0], ("bf", "option"));
}

#[test]
fn what_the_list_of_a_server_lacks_is_missing_there() {
    let some = libraries(&["rejson", "redisbloom"]);
    if some.is_empty() {
        return eprintln!("NOT RUN: no redis-7.4 with modules; tests/servers/fetch brings it");
    }
    let words: Vec<&str> = some.iter().map(String::as_str).collect();
    for (name, arguments) in [("redis-7.4", &words[..]), ("redis-7.4", &[]), ("redis-8.2", &[])] {
        let Some(asked) = Asked::start(name, arguments) else { return };
        for target in ["redis-7.4", "redis-8.2"] {
            let (code, report, said) = asked.ask(&["check", "--target", target]);
            let told = format!("{name} {arguments:?} {target}: {said} {report:#}");
            assert_eq!((code, &report["loads"]), (24, &json!("no")), "{told}");
            assert_eq!(report["verdict"], "unsupported", "{told}");
            assert!(kinds(&report).iter().all(|kind| *kind == "module-missing"), "{told}");
            let missing: Vec<_> = report["problems"].as_array().unwrap().iter().collect();
            let names_one = |module: &str| {
                missing.iter().any(|p| p["message"].as_str().unwrap().contains(module))
            };
            assert!(names_one("search") && names_one("timeseries"), "{told}");
            assert_eq!(names_one("ReJSON"), arguments.is_empty(), "{told}");
        }
        // No record goes for it.
        for way in ["--truncate", "--salvage", "--force"] {
            let (code, plan, said) = asked.ask(&["repair", way, "--target", "redis-7.4"]);
            assert_eq!((code, &plan["actions"]), (24, &json!([])), "{name} {way}: {said} {plan:#}");
        }
    }
}

#[test]
fn a_server_that_does_not_tell_leaves_the_set_its_own_evidence() {
    let Some(asked) = Asked::start("redis-7.4", &["--rename-command", "MODULE", ""]) else {
        return;
    };
    let (code, report, said) = asked.ask(&["check"]);
    assert_eq!((code, &report["loads"]), (0, &json!("yes")), "{said} {report:#}");
    assert!(modules(&report).iter().all(|(_, by)| *by == "set"), "{report:#}");
    drop(asked.live);
    // Nobody answers: that is no list without modules.
    assert_eq!(asked_again(&asked.home, &asked.dir), 1);
}

fn asked_again(home: &tempfile::TempDir, dir: &tempfile::TempDir) -> i32 {
    let set = dir.path().join("aof");
    aofkit(&["check", set.to_str().unwrap()], &home.path().join("s")).0
}
