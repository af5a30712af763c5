//! What a plan promises, put together by hand from what it says, and what a server holds that was told just that.

use std::fs;
use std::path::Path;

use aofkit::change::{Action, Piece, Plan};

use super::damaged::Files;
use super::reader;
use super::support::live::Live;
use super::support::server::{APPEND_DIR, Server};
use super::written::persistent;

/// What a server holds: keys by database, and a digest of all.
pub type Holds = (Vec<u64>, String);

pub fn holds(live: &mut Live) -> Holds {
    let sizes = [0, 1, 5].map(|db| {
        live.must(&format!("SELECT {db}"));
        live.must("DBSIZE").number()
    });
    (sizes.to_vec(), live.must("DEBUG DIGEST").text())
}

/// What a server holds that loads this data directory.
pub fn loaded(server: &Server, data: &Path) -> Holds {
    holds(&mut persistent(server, data, &["--enable-debug-command", "yes"]))
}

/// The files that the manifest of a set names, in its order, base first.
pub fn live_files(files: &Files) -> InOrder {
    let manifest = std::str::from_utf8(&files["appendonly.aof.manifest"]).unwrap();
    let mut live = Vec::new();
    for line in manifest.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!((words[0], words[2], words[4]), ("file", "seq", "type"), "{line}");
        let named = (words[1].to_owned(), files[words[1]].clone());
        match words[5] {
            "b" => live.insert(0, named),
            "i" => live.push(named),
            _ => {}
        }
    }
    live
}

/// Files in the order they are loaded in.
pub type InOrder = Vec<(String, Vec<u8>)>;

/// The files that there will be, by what the plan says and the bytes that are there now.
pub fn promised(plan: &Plan, now: &Files) -> InOrder {
    let mut files = now.clone();
    let bytes_of = |file: usize| {
        let name = String::from_utf8(plan.files[file].name.to_vec()).unwrap();
        (now[&name].clone(), name)
    };
    for action in &plan.actions {
        match action {
            Action::Cut { file, from_bytes, to_bytes } => {
                let (bytes, name) = bytes_of(*file);
                assert_eq!(bytes.len() as u64, *from_bytes, "{name}");
                files.insert(name, bytes[..*to_bytes as usize].to_vec());
            }
            Action::Rewrite { new_name, pieces, .. } => {
                let mut new = Vec::new();
                for piece in pieces {
                    match piece {
                        Piece::Keep { file, from, to } => {
                            new.extend_from_slice(&bytes_of(*file).0[*from as usize..*to as usize]);
                        }
                        Piece::Insert(bytes) => new.extend_from_slice(bytes),
                        other => panic!("no repair does that: {other:?}"),
                    }
                }
                files.insert(String::from_utf8(new_name.clone()).unwrap(), new);
            }
            Action::Manifest { name, after, .. } => {
                files.insert(String::from_utf8(name.clone()).unwrap(), after.clone());
            }
            Action::Remove { file, .. } => drop(files.remove(&bytes_of(*file).1)),
        }
    }
    live_files(&files)
}

pub fn is_rdb(bytes: &[u8]) -> bool {
    bytes.starts_with(b"REDIS") || bytes.starts_with(b"VALKEY")
}

/// What a server holds that has the base alone, and then is told every command after it, one by one.
pub fn replayed(server: &Server, files: &[(String, Vec<u8>)]) -> Holds {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join(APPEND_DIR);
    fs::create_dir(&set).unwrap();
    let mut logs = files;
    if let Some(((_, base), rest)) = files.split_first().filter(|((_, base), _)| is_rdb(base)) {
        fs::write(set.join("appendonly.aof.1.base.rdb"), base).unwrap();
        let line = "file appendonly.aof.1.base.rdb seq 1 type b\n";
        fs::write(set.join("appendonly.aof.manifest"), line).unwrap();
        logs = rest;
    }
    let mut live = persistent(server, dir.path(), &["--enable-debug-command", "yes"]);
    for (_, log) in logs {
        // Every file is read by a client of its own.
        live.must("SELECT 0");
        let mut is_open = false;
        for command in reader::read(log) {
            // A loader queues a second MULTI, which does nothing; a client would spoil the transaction.
            if command.args[0] == b"MULTI" && std::mem::replace(&mut is_open, true) {
                continue;
            }
            is_open &= command.args[0] != b"EXEC";
            let args: Vec<&[u8]> = command.args.iter().map(Vec::as_slice).collect();
            live.call(&args);
        }
    }
    holds(&mut live)
}
