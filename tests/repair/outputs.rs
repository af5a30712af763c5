//! Repaired copies in a directory of their own.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::library::state;
use super::world::*;

#[test]
fn a_repaired_copy_leaves_the_original_as_it_is() {
    let set = Set::of(&[sets(5), b"*2\r\n$3".to_vec()].concat());
    let before = state(&set.dir());
    let output = set.root().join("copy");
    let words = ["repair", "--output", output.to_str().unwrap()];
    let run = finish(aofkit().args(words).arg(set.dir())).expect(0);
    assert!(run.out.lines().next().unwrap().contains("nothing was changed here"), "{}", run.out);
    assert_eq!(state(&set.dir()), before);
    assert_eq!(check_json(&output).0, 0);
    assert_eq!(fs::read(output.join(INCREMENT)).unwrap(), sets(5));
    let inode = |path: std::path::PathBuf| fs::metadata(path).unwrap().ino();
    assert_ne!(inode(set.file(BASE)), inode(output.join(BASE)), "it may be the last file one day");
    assert_ne!(inode(set.file(INCREMENT)), inode(output.join(INCREMENT)));
    // Not over something that is there.
    let run = finish(aofkit().args(words).arg(set.dir())).expect(1);
    assert!(run.err.contains("must not exist, or be empty"), "{}", run.err);
}

#[test]
fn the_last_file_is_copied_even_when_nothing_is_wrong_with_it() {
    let set = Set::of(&sets(5));
    let output = set.root().join("copy");
    fs::create_dir(&output).unwrap();
    let words = ["repair", "--output", output.to_str().unwrap()];
    finish(aofkit().args(words).arg(set.dir())).expect(0);
    assert_eq!(
        state(&output).keys().collect::<Vec<_>>(),
        state(&set.dir()).keys().collect::<Vec<_>>()
    );
    let inode = |path: std::path::PathBuf| fs::metadata(path).unwrap().ino();
    assert_ne!(inode(set.file(INCREMENT)), inode(output.join(INCREMENT)));
}

#[test]
fn a_copy_cut_short_is_cleared_by_the_next_one() {
    let set = Set::of(&[sets(5), b"*2\r\n$3".to_vec()].concat());
    let output = set.root().join("copy");
    let begun = set.root().join("copy.aofkit-partial");
    fs::create_dir(&begun).unwrap();
    let inode = fs::metadata(&begun).unwrap().ino();
    let partial = set.root().join(format!("copy.aofkit-partial-{inode}"));
    fs::rename(&begun, &partial).unwrap();
    // Killed before it was known by its number.
    fs::create_dir(&begun).unwrap();
    fs::write(partial.join(INCREMENT), b"half").unwrap();
    let words = ["repair", "--output", output.to_str().unwrap()];
    finish(aofkit().args(words).arg(set.dir())).expect(0);
    assert!(!partial.exists() && !begun.exists());
    assert_eq!(check_json(&output).0, 0);
}

#[test]
fn a_single_file_and_a_salvaged_set_are_copied_as_well() {
    let hole = [sets(5), b"*3\r\n$3\r\nSXX".to_vec(), sets(5)].concat();
    let set = Set::of(&hole);
    let output = set.root().join("copy");
    let words = ["repair", "--salvage", "--output", output.to_str().unwrap()];
    finish(aofkit().args(words).arg(set.dir())).expect(0);
    assert_eq!(check_json(&output).0, 0);
    let single = Set::empty();
    single.put("appendonly.aof", &[sets(5), b"*2\r\n$3".to_vec()].concat());
    let output = single.root().join("copy");
    let words = ["repair", "--output", output.to_str().unwrap()];
    finish(aofkit().args(words).arg(single.file("appendonly.aof"))).expect(0);
    assert_eq!(fs::read(output.join("appendonly.aof")).unwrap(), sets(5));
}

/// No directory can stand beside it whose name is longer than its own.
#[test]
fn a_file_with_the_longest_name_is_repaired_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("f".repeat(255));
    let whole = super::spelled::record(&[b"SET", b"a", b"1"]);
    std::fs::write(&file, [&whole[..], b"*3\r\n$3\r\nSE"].concat()).unwrap();
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_aofkit"));
        command.arg("repair").args(words).arg(&file).output().unwrap()
    };
    let refused = run(&["--apply"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("too long") && said.contains("--output DIR"), "{said}");
    let copy = home.path().join("copy");
    let made = run(&["--output", copy.to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(std::fs::read(copy.join(file.file_name().unwrap())).unwrap(), whole);
}
