//! `restore --replace` onto a directory that a process uses in any way: never moved.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use super::beside::{run, servers};
use super::home::{Home, set};
use super::support::live::{Live, Process};

/// A repository with a snapshot, and a data directory.
fn place() -> Home {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    fs::create_dir_all(home.root.path().join("host/data")).unwrap();
    home
}

fn assert_left_alone(home: &Home, target: &Path, what: &str) {
    let names = |dir: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (dir, parent) = (names(target), names(target.parent().unwrap()));
    let from = format!("{}::latest", home.repo().display());
    let refused = run(&["restore", &from, target.to_str().unwrap(), "--replace"]);
    assert_eq!(refused.code, Some(11), "{what}: {}{}", refused.out, refused.err);
    assert!(refused.err.contains("stop the server first"), "{what}: {}", refused.err);
    assert_eq!((names(target), names(target.parent().unwrap())), (dir, parent), "{what}");
}

#[test]
fn a_server_s_data_directory_and_what_it_lies_in() {
    for server in servers() {
        let home = place();
        let data = home.root.path().join("host/data");
        let link = home.root.path().join("linked");
        symlink(home.root.path().join("host"), &link).unwrap();
        for settings in [["--appendonly", "yes"], ["--appendonly", "no"]] {
            let mut live = Live::start_with(&server, &data, &settings);
            live.must("SET a 1");
            assert_left_alone(&home, &data, "its files lie one level deeper");
            assert_left_alone(&home, &home.root.path().join("host"), "its directory lies in it");
            assert_left_alone(&home, &link.join("data"), "by another path");
            if settings[1] == "yes" {
                assert_left_alone(&home, &data.join("appendonlydir"), "its own directory");
                for entry in fs::read_dir(data.join("appendonlydir")).unwrap() {
                    fs::remove_file(entry.unwrap().path()).unwrap();
                }
                assert_left_alone(&home, &data, "its files are deleted");
                assert_left_alone(&home, &data.join("appendonlydir"), "its own files are deleted");
            }
            live.shut_down();
        }
        let from = format!("{}::latest", home.repo().display());
        let done = run(&["restore", &from, data.to_str().unwrap(), "--replace"]);
        assert_eq!(done.code, Some(0), "{}: {}", server.name, done.err);
    }
}

#[test]
fn any_process_that_works_there_or_writes_there() {
    let home = place();
    let data = home.root.path().join("host/data");
    fs::create_dir_all(data.join("deep/er")).unwrap();
    let hold = |dir: &Path, script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process(command.spawn().unwrap());
        let mut ready = [0; 6];
        std::io::Read::read_exact(process.0.stdout.as_mut().unwrap(), &mut ready).unwrap();
        process
    };
    let scripts = [
        ("deep/er", "echo ready; read _"),
        ("..", "exec 9>>data/deep/file; echo ready; read _"),
        ("..", "exec 9>>data/gone; rm data/gone; echo ready; read _"),
    ];
    for (dir, script) in scripts {
        let process = hold(&data.join(dir), script);
        assert_left_alone(&home, &data, script);
        drop(process);
    }
}
