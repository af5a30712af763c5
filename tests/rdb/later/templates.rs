//! Hashes that take their field names from a template: which names each gets, and what is said where there are none.

use std::fs;

use super::files::{Rdb, crc64, len, listpack, string};
use super::{aofkit, commands, text};

const PACKED: u8 = 30;
const STRINGS: u8 = 32;

/// Declares a template.
fn template(id: u64, names: &[&str]) -> Vec<u8> {
    let strings = names.iter().flat_map(|name| string(name.as_bytes()));
    [vec![0xf2], len(id), len(names.len() as u64), strings.collect()].concat()
}

/// The same listpack as an LZF string of literals alone.
fn compressed(listpack: &[u8]) -> Vec<u8> {
    let runs = listpack.chunks(32).flat_map(|run| [&[run.len() as u8 - 1][..], run].concat());
    let packed: Vec<u8> = runs.collect();
    [vec![0xc3], len(packed.len() as u64), len(listpack.len() as u64), packed].concat()
}

/// What RESTORE is told of each key that is printed, and what is said on standard error.
fn printed(bytes: &[u8], words: &[&str]) -> (Vec<(String, Vec<u8>)>, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dump.rdb");
    fs::write(&path, bytes).unwrap();
    let run = aofkit(&[&["cat", "--with-base", "--format", "resp"], words].concat(), &path);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let restores = commands(&run.stdout).into_iter().filter(|words| words[0] == b"RESTORE");
    let given = restores.map(|words| {
        let (body, crc) = words[3].split_last_chunk::<8>().unwrap();
        assert_eq!(u64::from_le_bytes(*crc), crc64(body));
        (text(&words[1]), body[..body.len() - 2].to_vec())
    });
    (given.collect(), text(&run.stderr))
}

/// A value with its own names.
fn inline(number: u8, names: &[&str], value: &[u8]) -> Vec<u8> {
    let strings = names.iter().flat_map(|name| string(name.as_bytes()));
    [vec![number, 1], len(names.len() as u64), strings.collect(), value.to_vec()].concat()
}

#[test]
fn each_hash_gets_the_names_of_its_own_template_as_declared_last() {
    let wide = (1_u64 << 33) + 5;
    let packed = |id: &str, value: &str| listpack(&[id, value, "2"]);
    let long = listpack(&["300", &"v".repeat(60), &"w".repeat(60)]);
    let values = [string(b"1"), string(&vec![b'x'; 70_000])].concat();
    let file = Rdb::new("REDIS0015")
        .put(&template(0, &["a", "b"]))
        .put(&template(300, &["c", "dd"]))
        .put(&template(wide, &["wide", "wider"]))
        .key(PACKED, "first", &[&string(&packed("0", "x"))])
        .key(PACKED, "second", &[&compressed(&long)])
        .key(STRINGS, "third", &[&len(wide), &values])
        .put(&template(0, &["e", "f"]))
        .key(PACKED, "again", &[&string(&packed("0", "y"))])
        .key(STRINGS, "other", &[&len(0), &values])
        .sealed();
    let wanted = [
        ("first", inline(29, &["a", "b"], &string(&packed("0", "x")))),
        ("second", inline(29, &["c", "dd"], &compressed(&long))),
        ("third", inline(31, &["wide", "wider"], &values)),
        ("again", inline(29, &["e", "f"], &string(&packed("0", "y")))),
        ("other", inline(31, &["e", "f"], &values)),
    ];
    let wanted = wanted.map(|(key, value)| (key.to_owned(), value));
    let (given, told) = printed(&file, &[]);
    assert_eq!(given, wanted, "{told}");
    assert!(!told.contains("not printed"), "{told}");
    // A filter takes keys; the templates are read all the same.
    let (given, told) = printed(&file, &["--key", "*r*"]);
    assert_eq!(given, [&wanted[0], &wanted[2], &wanted[4]].map(Clone::clone), "{told}");
}

#[test]
fn a_hash_without_a_template_that_fits_is_not_printed_and_its_place_is_told() {
    let file = Rdb::new("REDIS0015")
        .put(&template(1, &["a", "b"]))
        .key(PACKED, "undeclared", &[&string(&listpack(&["2", "x", "y"]))])
        .key(PACKED, "shorter", &[&string(&listpack(&["1", "x"]))])
        .key(PACKED, "longer", &[&string(&listpack(&["1", "x", "y", "z"]))])
        .key(PACKED, "unnumbered", &[&string(&listpack(&["id", "x", "y"]))])
        .key(PACKED, "sound", &[&string(&listpack(&["1", "x", "y"]))])
        .put(&template(2, &["a", "b"]))
        .sealed();
    let (given, told) = printed(&file, &[]);
    let value = inline(29, &["a", "b"], &string(&listpack(&["1", "x", "y"])));
    assert_eq!(given, [("sound".to_owned(), value)], "{told}");
    for key in ["undeclared", "shorter", "longer", "unnumbered"] {
        let key = format!("\"{key}\"");
        let at =
            file.windows(key.len() - 2).position(|name| name == &key.as_bytes()[1..key.len() - 1]);
        let line = format!(
            "{key} of database 0 is not printed: its value at byte {} (type 30)",
            at.unwrap() - 2
        );
        assert!(told.contains(&line), "{line}: {told}");
    }
    assert!(told.contains("4 values not printed"), "{told}");
}
