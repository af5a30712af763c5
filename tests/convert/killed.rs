//! Killed at every system call: nothing was made or all of it, and the original is what it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::support::kill;
use super::support::{copy_tree, recorded_sets};
use super::{busy, single_with_preamble};

/// Bytes by name.
fn bytes(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    kill::state(dir).into_iter().map(|(name, (bytes, ..))| (name, bytes)).collect()
}

#[test]
fn killed_at_any_call_it_has_made_nothing_or_all_of_it() {
    let rdb_base = recorded_sets().join("redis-8.2.3/rdb-base");
    let busy = busy();
    let preamble = single_with_preamble();
    let cases: [(&str, &Path, &[&str]); 5] = [
        ("merge", busy.path(), &[]),
        ("one file", &rdb_base, &["--to", "file"]),
        ("wrap", preamble.path(), &[]),
        ("filter an RDB", &rdb_base, &["--db", "0", "--key-regex", "^[^u]"]),
        ("filter commands", busy.path(), &["--key", "a:*"]),
    ];
    for (name, from, more) in cases {
        let make = || {
            let dir = kill::in_memory();
            copy_tree(from, &dir.path().join("data"));
            dir
        };
        let words = |dir: &Path| {
            let path = |name: &str| dir.join(name).to_str().expect("UTF-8").to_owned();
            let mut words = vec!["convert".to_owned(), path("data"), "--output".to_owned()];
            words.push(path("made"));
            words.extend(more.iter().map(|word| (*word).to_owned()));
            words
        };
        let before = bytes(from);
        let whole = make();
        assert!(kill::aofkit(&words(whole.path())).status.success(), "{name}");
        let whole = bytes(&whole.path().join("made"));
        let killed = kill::at_every_call(make, words, |dir, _, what| {
            let what = format!("{name}, {what}");
            assert_eq!(bytes(&dir.join("data")), before, "{what}: the original was touched");
            let made = dir.join("made");
            if !made.exists() {
                // What a killed run left is in nobody's way.
                assert!(kill::aofkit(&words(dir)).status.success(), "{what}");
            }
            assert_eq!(bytes(&made), whole, "{what}");
            let left = fs::read_dir(dir).expect("list").count();
            assert_eq!(left, 2, "{what}: something is left");
        });
        println!("convert, {name}: {killed}");
    }
}
