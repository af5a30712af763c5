//! The house keeps its floors: imports go down, and some things live in one room only.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor, the lowest first. A room may use its own floor's rooms only where [`NEIGHBOURS`] says so.
const FLOORS: [&[&str]; 7] = [
    &["error", "limits", "progress", "text"],
    &["command", "disk", "format", "rules", "server", "store"],
    &["aof"],
    &["scan"],
    &["check", "growth", "moment", "print", "stats"],
    &["change"],
    &["backup", "clean", "convert", "repair", "rewind"],
];

/// Who may look into a room on the same floor: rules speak of commands and of format families, and which
/// argument is a key is asked of a record. A store in a directory lies on the disk, and so does
/// a server's log; its settings are those of a configuration. Growth names families of keys as
/// the statistics do.
const NEIGHBOURS: [(&str, &str); 7] = [
    ("command", "format"),
    ("growth", "stats"),
    ("rules", "command"),
    ("rules", "format"),
    ("server", "disk"),
    ("server", "format"),
    ("store", "disk"),
];

/// `(what, where alone it may stand)`
const ONLY_IN: [(&str, &str); 8] = [
    ("std::fs", "disk/"),
    ("unsafe ", "disk/map.rs"),
    ("nom::", "format/resp/"),
    ("clap::", "cli/"),
    ("indicatif::", "cli/progress.rs"),
    ("memmap2::", "disk/map.rs"),
    ("redis::", "server/"),
    ("rustls::", "server/connection.rs"),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 40, "the sources were not found");
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (name, without_tests(&fs::read_to_string(path).unwrap()))
    };
    files.iter().map(read).collect()
}

/// Code without comments and without the tests inside it.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// `aof/walker.rs` and `rules/mod.rs` are in `aof` and `rules`, `text.rs` in `text`.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The rooms that some code names by `crate::<room>`.
fn named(code: &str) -> Vec<String> {
    let after = code.split("crate::").skip(1);
    after
        .flat_map(|rest| {
            let list = rest.strip_prefix('{').and_then(|list| list.split('}').next());
            let names = list.map_or_else(|| vec![rest], |list| list.split(',').collect());
            names.into_iter().map(|name| {
                let name = name.trim();
                let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                name[..end.unwrap_or(name.len())].to_owned()
            })
        })
        .collect()
}

#[test]
fn imports_go_down() {
    let mut wrong = Vec::new();
    for (file, code) in all_sources() {
        if ["lib.rs", "main.rs"].contains(&file.as_str()) || file.starts_with("cli/") {
            continue;
        }
        let mine = room(&file);
        let here = floor(mine).unwrap_or_else(|| panic!("{file} is on no floor"));
        for other in named(&code) {
            if other == mine {
                continue;
            }
            let there = floor(&other).unwrap_or_else(|| panic!("{file} uses unknown room {other}"));
            let neighbour = NEIGHBOURS.contains(&(mine, other.as_str()));
            if there > here || there == here && here > 0 && !neighbour {
                wrong.push(format!("{file} uses {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that do not go down:\n{}", wrong.join("\n"));
}

#[test]
fn the_binary_sees_only_the_public_interface() {
    for (file, code) in all_sources() {
        let is_cli = file == "main.rs" || file.starts_with("cli/");
        let reaches_in = named(&code).into_iter().find(|room| floor(room).is_some());
        assert!(!is_cli || reaches_in.is_none(), "{file} uses crate::{reaches_in:?}");
    }
}

#[test]
fn some_things_live_in_one_room_only() {
    for (what, place) in ONLY_IN {
        let users: Vec<String> = all_sources()
            .into_iter()
            .filter(|(_, code)| code.contains(what))
            .map(|(file, _)| file)
            .collect();
        let strays: Vec<_> = users.iter().filter(|file| !file.starts_with(place)).collect();
        assert!(strays.is_empty(), "{what} outside {place}: {strays:?}");
        assert!(!users.is_empty(), "nobody uses {what} any more: drop it");
    }
}

/// Rooms that write into places where others may have been: they reach every file by a directory that is held.
const BY_DIRECTORY: [&str; 1] = ["change/"];

/// What opens, makes, moves or removes something by a path.
const BY_PATH: [&str; 18] = [
    "FrozenFile::open(",
    "NewFile::create(",
    "disk::read_small(",
    "disk::list_dir(",
    "disk::exists(",
    "disk::stamp(",
    "disk::is_file(",
    "disk::make_dir(",
    "disk::publish_new(",
    "disk::replace(",
    "disk::exchange(",
    "disk::remove_",
    "disk::set_mode(",
    "disk::give_dir_to(",
    "disk::hold(",
    "disk::sync_dir(",
    "disk::open_if_there(",
    "disk::unpack_small(",
];

/// Where a path that a person named is looked at, and nothing is changed.
const LOOKS: [(&str, &str); 3] = [
    // The manifest is read once more, and names that are free are looked for.
    ("change/draft.rs", "disk::read_small("),
    ("change/draft.rs", "disk::exists("),
    // One file that a person named by a link.
    ("change/place.rs", "FrozenFile::open("),
];

#[test]
fn what_others_may_have_written_to_is_reached_by_held_directories_only() {
    let mut strays = Vec::new();
    for (file, code) in all_sources() {
        if !BY_DIRECTORY.iter().any(|room| file.starts_with(room)) {
            continue;
        }
        for what in BY_PATH.iter().filter(|what| code.contains(**what)) {
            if !LOOKS.contains(&(file.as_str(), what)) {
                strays.push(format!("{file} uses {what}"));
            }
        }
    }
    assert!(strays.is_empty(), "by a path, not by a directory: {strays:#?}");
}

#[test]
fn rooms_of_the_format_floor_do_not_know_each_other() {
    // What two of them need is a room of its own.
    let shared = ["fault", "words"];
    for (file, code) in all_sources() {
        let Some(inside) = file.strip_prefix("format/") else { continue };
        for rest in code.split("crate::format::").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let other = &rest[..end.unwrap_or(rest.len())];
            let known = other == room(inside) || shared.contains(&other);
            assert!(known, "{file} knows format::{other}");
        }
    }
}
