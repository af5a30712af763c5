//! Files with more than one name: what has the other name stays as it is, whatever is done here.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::support::small_disk::SmallDisk;
use super::tree::{in_time, tree};
use super::world::*;

const SECOND: &str = "appendonly.aof.2.incr.aof";

/// Copies a tree as `cp -al` does.
fn linked_copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::hard_link(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn torn() -> Vec<u8> {
    [sets(20), b"*3\r\n$3\r\nSET\r\n$6\r\nunsure\r\n$4\r\nha".to_vec()].concat()
}

fn with_hole() -> Vec<u8> {
    [sets(20), b"*3\r\n$3\r\nSXX".to_vec(), sets(20)].concat()
}

fn two(first: &[u8], second: &[u8]) -> Set {
    let set = Set::of(first);
    set.put(SECOND, second);
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\nfile {SECOND} seq 2 type i\n"
    ));
    set
}

#[test]
fn a_copy_by_hard_links_stays_as_it_was_whatever_is_done_and_taken_back() {
    let border = format!("{SECOND}:0");
    let middle = format!("{INCREMENT}:58");
    let cases: [(&[&str], Set); 7] = [
        (&["repair", "--apply"], two(&sets(5), &torn())),
        (&["repair", "--apply", "--no-keep"], two(&sets(5), &torn())),
        (&["repair", "--truncate", "--apply"], two(&with_hole(), &sets(5))),
        (&["repair", "--salvage", "--apply"], two(&with_hole(), &with_hole())),
        (&["rewind", "--apply", "--at", &border], two(&sets(5), &sets(9))),
        (&["rewind", "--apply", "--at", &middle], two(&sets(5), &sets(9))),
        (&["clean", "--apply", "--min-age", "0s"], two(&sets(5), &sets(9))),
    ];
    for (words, set) in cases {
        set.put("temp-rewriteaof-bg-9.aof", &sets(1));
        let copy = set.root().join("copy");
        linked_copy(&set.dir(), &copy);
        let (before, old) = (tree(&copy), tree(&set.dir()));
        in_time(words, &set.dir()).expect(0);
        assert_eq!(tree(&copy), before, "{words:?}");
        assert_ne!(tree(&set.dir()), old, "{words:?} changed something");
        if !words.contains(&"--no-keep") {
            in_time(&["repair", "--undo", "--apply"], &set.dir());
            assert_eq!(tree(&copy), before, "{words:?}, taken back");
            let bytes = |tree: &super::tree::Tree| -> Vec<_> {
                tree.iter().map(|(name, file)| (name.clone(), file.4.clone())).collect()
            };
            assert_eq!(bytes(&tree(&set.dir())), bytes(&old), "{words:?}, taken back");
        }
        // And the other way round.
        let now = tree(&set.dir());
        in_time(&["repair", "--salvage", "--apply"], &copy);
        assert_eq!(tree(&set.dir()), now, "{words:?}");
    }
}

#[test]
fn a_single_file_with_two_names_is_replaced_under_one_of_them() {
    for words in [&["repair", "--apply"][..], &["repair", "--apply", "--no-keep"]] {
        let set = Set::empty();
        set.put("appendonly.aof", &torn());
        let other = set.root().join("other");
        fs::hard_link(set.file("appendonly.aof"), &other).unwrap();
        let plan = in_time(&["repair"], &set.file("appendonly.aof")).expect(20);
        assert!(plan.out.contains("other names (hard links)"), "{}", plan.out);
        in_time(words, &set.file("appendonly.aof")).expect(0);
        assert_eq!(fs::read(&other).unwrap(), torn());
        assert_eq!(fs::read(set.file("appendonly.aof")).unwrap(), sets(20));
    }
}

#[test]
fn on_a_full_disk_a_file_with_two_names_is_not_cut() {
    let place = tempfile::tempdir().unwrap();
    let Some(small) = SmallDisk::at(place.path(), "size=256k") else { return };
    let dir = small.path().join("aof");
    fs::create_dir(&dir).unwrap();
    let file = dir.join("appendonly.aof");
    let noise: Vec<u8> =
        (0..60_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 1).collect();
    fs::write(&file, [sets(900), b"x".to_vec(), noise].concat()).unwrap();
    fs::hard_link(&file, small.path().join("other")).unwrap();
    let _ = fs::write(small.path().join("filler"), vec![1; 1 << 20]);
    let before = fs::read(&file).unwrap();
    let run = in_time(&["repair", "--truncate", "--apply", "--no-keep"], &file).expect(1);
    assert!(run.err.contains("--output") && run.err.contains("appendonly.aof"), "{}", run.err);
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(fs::read(small.path().join("other")).unwrap(), before);
}

#[test]
fn what_is_done_to_a_copy_of_ours_never_reaches_the_original() {
    let outputs: [(&[&str], Set); 4] = [
        (&["repair"], two(&sets(5), &torn())),
        (&["repair"], two(&sets(5), &sets(5))),
        (&["rewind", "--at", "appendonly.aof.2.incr.aof:0"], two(&sets(5), &sets(5))),
        (&["convert"], two(&sets(5), &sets(5))),
    ];
    for (words, set) in outputs {
        let before = tree(&set.dir());
        let inodes: Vec<_> = fs::read_dir(set.dir())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().ino())
            .collect();
        let copy = set.root().join("copy");
        in_time(&[words, &["--output", copy.to_str().unwrap()]].concat(), &set.dir()).expect(0);
        for entry in fs::read_dir(&copy).unwrap() {
            let meta = entry.unwrap().metadata().unwrap();
            assert!(meta.nlink() == 1 && !inodes.contains(&meta.ino()), "{words:?}");
        }
        // The last file of the copy is one that was not the last.
        let last = format!("{SECOND}:0");
        if copy.join(SECOND).exists() {
            in_time(&["rewind", "--apply", "--at", &last], &copy).expect(0);
        }
        in_time(&["rewind", "--apply", "--at", &format!("{INCREMENT}:58")], &copy);
        // A server would append.
        for entry in fs::read_dir(&copy).unwrap() {
            let file = fs::File::options().append(true).open(entry.unwrap().path());
            file.unwrap().write_all(b"*1\r\n$8\r\nFLUSHALL\r\n").unwrap();
        }
        assert_eq!(tree(&set.dir()), before, "{words:?}");
    }
}

#[test]
fn a_directory_like_a_copy_that_was_cut_short_is_not_emptied() {
    let set = two(&sets(5), &torn());
    let output = set.root().join("copy");
    let words = ["repair", "--output", output.to_str().unwrap()];
    let theirs = set.root().join("copy.aofkit-partial");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join(INCREMENT), b"somebody's").unwrap();
    let before = tree(&theirs);
    let run = in_time(&words, &set.dir()).expect(1);
    assert!(run.err.contains("copy.aofkit-partial"), "{}", run.err);
    assert_eq!(tree(&theirs), before);
    fs::remove_dir_all(&theirs).unwrap();
    // A link in its place, and one in the place of the copy.
    let outside = set.root().join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["copy.aofkit-partial", "copy"] {
        let link = set.root().join(name);
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        let run = in_time(&words, &set.dir()).expect(1);
        assert!(run.err.contains(name), "{}", run.err);
        assert!(fs::read_dir(&outside).unwrap().next().is_none());
        fs::remove_file(&link).unwrap();
    }
    in_time(&words, &set.dir()).expect(0);
}
