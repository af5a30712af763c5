//! The house keeps its floors: imports go down, and some things live in one room only.
#![allow(clippy::unwrap_used)]

#[path = "support/paths.rs"]
mod paths;

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor, the lowest first. A room may use its own floor's rooms only where [`NEIGHBOURS`] says so.
const FLOORS: [&[&str]; 10] = [
    &["error", "limits", "progress", "redact", "text"],
    &["command", "disk", "format", "rules", "server", "store"],
    &["aof"],
    &["scan"],
    &["neighbours"],
    &["check", "growth", "moment", "print", "stats"],
    &["change"],
    &["backup", "clean", "convert", "repair", "rewind"],
    &["trial"],
    &["audit", "diff", "fleet", "metrics", "recover"],
];

/// Who may look into a room on the same floor: rules speak of commands and of format families, and which
/// argument is a key is asked of a record. A store in a directory lies on the disk, and so does
/// a server's log; its settings are those of a configuration. Growth names families of keys as
/// the statistics do; metrics tell findings of an audit, and what
/// a repository has of a set as the state of many sets tells it.
const NEIGHBOURS: [(&str, &str); 9] = [
    ("command", "format"),
    ("growth", "stats"),
    ("metrics", "audit"),
    ("metrics", "fleet"),
    ("rules", "command"),
    ("rules", "format"),
    ("server", "disk"),
    ("server", "format"),
    ("store", "disk"),
];

/// `(what, where alone it may stand)`
const ONLY_IN: [(&str, &str); 12] = [
    ("askama::", "cli/page/"),
    ("std::fs", "disk/"),
    ("unsafe ", "disk/map.rs"),
    ("nom::", "format/resp/"),
    ("clap::", "cli/"),
    ("indicatif::", "cli/common/progress.rs"),
    ("memmap2::", "disk/map.rs"),
    ("redis::", "server/"),
    ("rustls::", "server/"),
    ("x509_cert::", "server/certificate.rs"),
    ("hyper::", "cli/metrics/serve.rs"),
    ("tokio::", "cli/metrics/serve.rs"),
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

/// What the top level holds beside hidden files and what is built.
const TOP: [&str; 13] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "benches",
    "docs",
    "fuzz",
    "src",
    "testdata",
    "tests",
];

#[test]
fn the_top_level_holds_what_was_agreed() {
    let all = fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let others = names
        .filter(|name| !name.starts_with('.') && name != "target" && !TOP.contains(&name.as_str()));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new());
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

/// Between files, not only between rooms. What counts is who *needs* whom:
///
/// - `mod x;` says what a room consists of, and `pub use x::Y;` which of it others may see. Neither needs anything:
///   whoever names `room::Y` needs the file in which `Y` stands, not the `mod.rs` that hands it on.
/// - A `mod.rs` is a file like others as soon as it has code: what it imports or names in that code it needs, and a
///   file below it that takes a type from it (`super::Y`) needs the `mod.rs`. So a type that both need stands in
///   a file of its own, not in the one that drives the others.
/// - Methods of one type may stand in several files: a call does not name the file, and it is not counted.
#[test]
fn no_files_need_each_other() {
    let all = all_sources();
    let is_test = |file: &str| file.ends_with("/tests.rs") || file.contains("/tests/");
    let of = |cli: bool| {
        let mine = all.iter().filter(move |(file, _)| {
            let is_cli = file == "main.rs" || file.starts_with("cli/");
            is_cli == cli && !is_test(file)
        });
        paths::Sources::new(mine.map(|(file, code)| (file.as_str(), code.as_str())))
    };
    let circles: Vec<_> =
        [of(false), of(true)].iter().flat_map(|files| paths::circles(&files.needs())).collect();
    assert!(circles.is_empty(), "files that need each other:\n{}", circles.join("\n\n"));
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
const BY_PATH: [&str; 19] = [
    "FrozenFile::open(",
    "NewFile::create(",
    "disk::read_small(",
    "disk::list_dir(",
    "disk::list_some(",
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
    let shared = ["fault", "slot", "words"];
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

/// Rooms that take bytes from files, in which a number of a file might become the size of something in memory.
const READERS: [&str; 8] =
    ["aof/", "backup/", "change/", "disk/", "format/", "print/", "scan/", "store/"];

/// Where memory is reserved by something else than a constant or the number of things that are in memory already: in
/// which file, how much, and what bounds it.
const SIZED: [(&str, &str, &str); 17] = [
    ("backup/growing.rs", "room", "frames of one segment"),
    ("backup/compress.rs", "STEP.min(usize::try_from(len).unwrap_or(STEP))", "STEP"),
    ("backup/compress.rs", "left.min(block(compressor.level)), 0", "a block"),
    ("backup/compress.rs", "zstd::zstd_safe::compress_bound(bytes.len())", "a block"),
    ("backup/pool.rs", "size", "a block"),
    ("backup/verify.rs", "count", "things in memory"),
    (
        "change/pieces.rs",
        "limits::WINDOW.min(usize::try_from(n).unwrap_or(usize::MAX))",
        "a window",
    ),
    ("disk/durable.rs", "n", "a window"),
    ("disk/peek.rs", "left, 0", "limits::PEEK"),
    ("disk/frozen.rs", "len", "given by whoever asks, and it may fail"),
    ("disk/sources.rs", "usize::try_from(self.len()).unwrap_or(n).min(n)", "given by whoever asks"),
    ("disk/rolling.rs", "HELD + more", "given by whoever asks"),
    ("disk/rolling.rs", "filled + room, 0", "given by whoever asks"),
    ("disk/spill.rs", "len, 0", "a chunk"),
    ("format/rdb/deep/fingerprints.rs", "SMALL.min(self.most)", "SMALL"),
    ("format/rdb/deep/fingerprints.rs", "size", "what was given for all of them"),
    ("store/local.rs", "len.min(left)", "given by whoever asks"),
];

/// How much each reservation in some code asks for.
fn reservations(code: &str) -> Vec<String> {
    let calls = ["with_capacity(", ".reserve(", "reserve_exact(", ".resize("];
    let argument = |rest: &str| {
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        rest[..end.unwrap()].to_owned()
    };
    let called = calls.iter().flat_map(|call| code.split(call).skip(1)).map(argument);
    let listed = code.split("vec![").skip(1).filter_map(|rest| {
        let (list, _) = rest.split_once(']')?;
        list.rsplit_once("; ").map(|(_, size)| size.to_owned())
    });
    let on_one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    called.chain(listed).map(on_one_line).collect()
}

/// Whether a size is made of constants, or is the number of things that are in memory.
fn is_bounded(size: &str) -> bool {
    let size = size.split(", ").next().unwrap();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = size.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    let is_constant = |word: &str| word.chars().all(|c| is_word(c) && !c.is_ascii_lowercase());
    let counted = size.strip_suffix(".len()");
    counted.is_some_and(|things| things.chars().all(|c| is_word(c) || ".:()".contains(c)))
        || words.all(|word| is_constant(word) || ["limits", "usize", "u64", "as"].contains(&word))
}

#[test]
fn no_number_of_a_file_becomes_a_size_in_memory_without_a_bound() {
    let mut found = Vec::new();
    for (file, code) in all_sources() {
        if READERS.iter().any(|room| file.starts_with(room)) && !file.contains("/tests") {
            let sizes = reservations(&code).into_iter().filter(|size| !is_bounded(size));
            found.extend(sizes.map(|size| (file.clone(), size)));
        }
    }
    let is_known = |file: &str, size: &str| SIZED.iter().any(|one| (one.0, one.1) == (file, size));
    let strays: Vec<_> = found.iter().filter(|(file, size)| !is_known(file, size)).collect();
    assert!(strays.is_empty(), "say what bounds them: {strays:#?}");
    for (file, size, _) in SIZED {
        let is_there = found.iter().any(|(f, s)| (f.as_str(), s.as_str()) == (file, size));
        assert!(is_there, "{file} reserves no {size} any more: drop it");
    }
}

#[test]
fn a_file_is_read_to_its_end_only_up_to_a_number_of_bytes() {
    for (file, code) in all_sources() {
        let code = code.split_whitespace().collect::<Vec<_>>().join("");
        for (before, _) in code.match_indices(".read_to_end(").map(|(at, _)| code.split_at(at)) {
            let statement = before.rsplit([';', '{']).next().unwrap();
            assert!(statement.contains(".take("), "{file} reads all there is");
        }
    }
}
