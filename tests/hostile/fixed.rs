//! Files that nobody may remove or replace, and modes that no undo gives back: told before anything is begun, for a change
//! that stops after its step would be neither complete nor to be taken back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::tree::{in_time, is_root, tree};
use super::world::*;

/// A file that is held by something, until this is dropped.
struct Fixed {
    path: PathBuf,
    free: &'static [&'static str],
}

impl Fixed {
    /// `None` where the system cannot, which is told.
    fn by(words: &[&str], path: &Path, free: &'static [&'static str]) -> Option<Self> {
        let mut command = Command::new(words[0]);
        let done = command.args(&words[1..]).arg(path).stderr(Stdio::null()).status();
        if done.is_ok_and(|done| done.success()) {
            return Some(Self { path: path.to_owned(), free });
        }
        println!("{words:?} cannot be done here");
        None
    }
}

impl Drop for Fixed {
    fn drop(&mut self) {
        let _ = Command::new(self.free[0]).args(&self.free[1..]).arg(&self.path).status();
    }
}

fn with_hole() -> Set {
    Set::of(&[sets(20), b"*3\r\n$3\r\nSXX".to_vec(), sets(20)].concat())
}

#[test]
fn what_cannot_be_removed_stops_a_change_before_it_has_begun() {
    if !is_root() {
        println!("only root can fix a file: nothing was tried");
        return;
    }
    let salvage = &["repair", "--salvage", "--apply"][..];
    for name in [INCREMENT, "appendonly.aof.manifest", "."] {
        for (flag, free) in [("+i", &["chattr", "-i"]), ("+a", &["chattr", "-a"])] {
            let set = with_hole();
            let before = tree(&set.dir());
            let Some(fixed) = Fixed::by(&["chattr", flag], &set.dir().join(name), free) else {
                return;
            };
            let run = in_time(salvage, &set.dir()).expect(1);
            assert!(run.err.contains("chattr"), "{name} {flag}: {}", run.err);
            assert_eq!(tree(&set.dir()), before, "{name} {flag}");
            drop(fixed);
            in_time(salvage, &set.dir()).expect(0);
            in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(21);
            assert_eq!(tree(&set.dir()), before, "{name} {flag}: taken back");
        }
    }
}

#[test]
fn what_is_mounted_over_a_file_of_the_set_stops_a_change_before_it_has_begun() {
    if !is_root() {
        println!("only root can mount: nothing was tried");
        return;
    }
    for name in [INCREMENT, "appendonly.aof.manifest"] {
        let (set, outside) = (with_hole(), tempfile::tempdir().unwrap());
        let (file, other) = (set.dir().join(name), outside.path().join("other"));
        fs::copy(&file, &other).unwrap();
        let other = other.to_str().unwrap();
        let Some(fixed) = Fixed::by(&["mount", "--bind", other], &file, &["umount"]) else {
            return;
        };
        let (before, outer) = (tree(&set.dir()), tree(outside.path()));
        let middle = format!("{INCREMENT}:58");
        let acts =
            [&["repair", "--salvage", "--apply"][..], &["rewind", "--apply", "--at", &middle]];
        // A cut needs no new manifest.
        for words in &acts[..if name == INCREMENT { 2 } else { 1 }] {
            let run = in_time(words, &set.dir()).expect(1);
            assert!(run.err.contains("mounted"), "{name}: {}", run.err);
            assert_eq!(tree(&set.dir()), before, "{words:?} {name}");
            assert_eq!(tree(outside.path()), outer, "{words:?} {name}");
        }
        drop(fixed);
        in_time(&["repair", "--salvage", "--apply"], &set.dir()).expect(0);
    }
}

/// Measured: it was done, and no later run on this set could do anything, the undo least of all.
#[test]
fn a_mode_that_an_undo_does_not_give_stops_a_change_before_it_has_begun() {
    for (mode, name) in
        [(0o4755, INCREMENT), (0o2755, INCREMENT), (0o1644, "appendonly.aof.manifest")]
    {
        let set = with_hole();
        let path = set.dir().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let before = tree(&set.dir());
        let run = in_time(&["repair", "--salvage", "--apply"], &set.dir()).expect(1);
        assert!(run.err.contains(&format!("{mode:o}")), "{}", run.err);
        assert_eq!(tree(&set.dir()), before);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let before = tree(&set.dir());
        in_time(&["repair", "--salvage", "--apply"], &set.dir()).expect(0);
        in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(21);
        assert_eq!(tree(&set.dir()), before);
    }
}

#[test]
fn clean_spares_what_it_cannot_remove_or_bring_back_and_takes_the_rest() {
    let set = Set::of(&sets(5));
    for number in 7..=9 {
        set.put(&format!("temp-rewriteaof-bg-{number}.aof"), &sets(1));
    }
    let special = set.file("temp-rewriteaof-bg-8.aof");
    fs::set_permissions(&special, fs::Permissions::from_mode(0o4755)).unwrap();
    let immutable = set.file("temp-rewriteaof-bg-9.aof");
    let fixed =
        if is_root() { Fixed::by(&["chattr", "+i"], &immutable, &["chattr", "-i"]) } else { None };
    let before = tree(&set.dir());
    let words = ["clean", "--apply", "--min-age", "0s"];
    let run = in_time(&words, &set.dir()).expect(0);
    assert!(run.out.contains("4755"), "{}", run.out);
    assert_eq!(run.out.contains("chattr"), fixed.is_some(), "{}", run.out);
    assert!(special.exists() && !set.file("temp-rewriteaof-bg-7.aof").exists());
    assert_eq!(immutable.exists(), fixed.is_some());
    in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(0);
    assert_eq!(tree(&set.dir()), before);
}

/// A server deletes such a file when it has loaded it; cleaning did the same.
#[test]
fn clean_never_takes_what_the_manifest_also_names_as_a_part_of_the_set() {
    let (base, first) =
        (format!("file {BASE} seq 1 type b\n"), format!("file {INCREMENT} seq 1 type i\n"));
    let history = |name: &str| format!("file {name} seq 1 type h\n");
    for lines in [
        [&base, &first, &history(BASE)].map(String::as_str).concat(),
        [&history(INCREMENT), &base, &first].map(String::as_str).concat(),
        [&base, &history(INCREMENT), &first, &history(BASE)].map(String::as_str).concat(),
        [&base, &first, &history("appendonly.aof.manifest")].map(String::as_str).concat(),
    ] {
        let set = Set::of(&sets(20));
        set.manifest(&lines);
        let before = tree(&set.dir());
        for words in [
            &["clean", "--apply", "--min-age", "0s"][..],
            &["clean", "--apply", "--delete", "--min-age", "0s"],
        ] {
            let run = in_time(words, &set.dir()).expect(0);
            assert_eq!(tree(&set.dir()), before, "{lines}{}", run.out);
            assert!(run.out.contains("the manifest also names it"), "{}", run.out);
        }
    }
    // And a line of history whose file is gone takes no line of the set with it.
    let set = Set::of(&sets(20));
    set.manifest(&[&base, &first, &history(BASE)].map(String::as_str).concat());
    fs::remove_file(set.dir().join(BASE)).unwrap();
    in_time(&["clean", "--apply", "--min-age", "0s"], &set.dir());
    let left = fs::read_to_string(set.dir().join("appendonly.aof.manifest")).unwrap();
    assert!(left.contains(&base), "{left}");
}

#[test]
fn standard_input_is_nothing_to_clean() {
    let run = finish(aofkit().args(["clean", "--apply", "-"])).expect(2);
    assert!(run.err.contains("standard input"), "{}", run.err);
}

#[test]
fn a_copy_is_never_written_into_the_set_that_stays_as_it_is() {
    let set = Set::of(&[sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat());
    let before = tree(set.root());
    let (dir, link) = (set.dir(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(&dir, link.path().join("aof")).unwrap();
    for output in [dir.join("new"), dir.join("../aof/new"), link.path().join("aof/new")] {
        let run = in_time(&["repair", "--output", output.to_str().unwrap()], &dir).expect(1);
        assert!(run.err.contains("own directory"), "{}", run.err);
    }
    assert_eq!(tree(set.root()), before);
}
