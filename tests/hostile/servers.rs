//! A running server is found also where none of the set's files is open.

use std::fs;

use super::support::copy_tree;
use super::support::live::Live;
use super::support::server::Server;
use super::tree::{in_time, tree};
use super::world::*;

fn torn() -> Vec<u8> {
    [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat()
}

/// A data directory with a torn set.
fn data() -> Set {
    let set = Set::of(&torn());
    let old = fs::File::options().append(true).open(set.file(INCREMENT)).unwrap();
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    set
}

fn is_refused(path: &std::path::Path, of: &std::path::Path) {
    let before = tree(of);
    let acts: [&[&str]; 2] =
        [&["repair", "--apply"], &["rewind", "--apply", "--at", "appendonly.aof.1.incr.aof:58"]];
    for act in acts {
        let run = in_time(act, path);
        // A moment behind damage is refused before anything else.
        assert!(run.code == 11, "{act:?}: {run:#?}");
        assert!(run.err.contains("stop the server first"), "{}", run.err);
    }
    assert_eq!(tree(of), before);
}

#[test]
fn a_server_that_only_works_in_the_directory_is_found() {
    for name in ["redis-7.0", "valkey-9.1"] {
        let Some(server) = Server::find(name) else {
            println!("no {name}: it was not looked for");
            continue;
        };
        let set = data();
        let live = Live::start_with(&server, set.root(), &["--appendonly", "no"]);
        is_refused(&set.dir(), &set.dir());
        is_refused(set.root(), &set.dir());
        in_time(&["repair", "--apply", "--force"], &set.dir()).expect(0);
        drop(live);
        let other = data();
        in_time(&["repair", "--apply"], &other.dir()).expect(0);
    }
}

#[test]
fn a_server_whose_files_were_replaced_or_lie_deeper_is_found() {
    let Some(server) = Server::find("redis-8.2") else {
        println!("no redis-8.2: it was not looked for");
        return;
    };
    let set = Set::empty();
    fs::remove_dir(set.dir()).unwrap();
    let settings = ["--appendonly", "yes", "--appenddirname", "aof"];
    let mut live = Live::start_with(&server, set.root(), &settings);
    live.must("SET a 1");
    // The set is replaced under the server: it writes to files without a name.
    let torn = data();
    fs::remove_dir_all(set.dir()).unwrap();
    copy_tree(&torn.dir(), &set.dir());
    is_refused(&set.dir(), &set.dir());
    // A single file of old beside the directory that it writes to.
    let single = set.root().join("appendonly.aof");
    fs::write(&single, self::torn()).unwrap();
    let run = in_time(&["repair", "--apply"], &single).expect(11);
    assert!(run.err.contains("stop the server first"), "{}", run.err);
    assert_eq!(fs::read(&single).unwrap(), self::torn());
    drop(live);
    in_time(&["repair", "--apply"], &single).expect(0);
}

#[test]
fn a_shell_that_works_in_the_directory_and_a_server_of_another_set_are_no_reason() {
    let set = data();
    let mut shell =
        std::process::Command::new("sleep").arg("60").current_dir(set.dir()).spawn().unwrap();
    in_time(&["repair", "--apply"], &set.dir()).expect(0);
    shell.kill().unwrap();
    shell.wait().unwrap();
    let Some(server) = Server::find("redis-7.0") else { return };
    // Two sets in one data directory, and the server writes to the other one.
    let set = data();
    let settings = ["--appendonly", "yes", "--appenddirname", "other"];
    let mut live = Live::start_with(&server, set.root(), &settings);
    live.must("SET a 1");
    in_time(&["repair", "--apply"], &set.dir()).expect(0);
}
