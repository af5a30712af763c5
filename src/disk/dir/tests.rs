//! Names, links, special files and locks, as hostile as they come.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::FileType;

use super::super::publish::Hold;
use super::*;
use crate::error::ErrorKind;

fn place() -> (tempfile::TempDir, Dir) {
    let place = tempfile::tempdir().unwrap();
    let dir = Dir::open(place.path()).unwrap();
    (place, dir)
}

fn is_refused<T: std::fmt::Debug>(result: Result<T>) -> bool {
    matches!(result.unwrap_err().kind(), ErrorKind::Refused(_))
}

#[test]
fn names_that_lead_elsewhere_are_refused_before_anything_is_done() {
    let (place, dir) = place();
    fs::create_dir(place.path().join("in")).unwrap();
    fs::write(place.path().join("victim"), b"x").unwrap();
    let inner = dir.dir("in").unwrap();
    for name in ["", ".", "..", "../victim", "/etc/passwd", "a/b", "in/", "a\0b"] {
        assert!(is_refused(inner.look(name)), "{name:?}");
        assert!(is_refused(inner.remove_file(name)), "{name:?}");
        assert!(is_refused(inner.create(OsStr::new(name), 0o600)), "{name:?}");
        assert!(is_refused(inner.rename("x", &inner, name)), "{name:?}");
    }
    assert!(is_refused(inner.look("n".repeat(256))));
    assert_eq!(fs::read(place.path().join("victim")).unwrap(), b"x");
}

#[test]
fn links_and_special_files_are_named_and_never_followed() {
    let (place, dir) = place();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("file"), b"theirs").unwrap();
    symlink(outside.path(), place.path().join("dir")).unwrap();
    symlink(outside.path().join("file"), place.path().join("file")).unwrap();
    symlink("nowhere", place.path().join("dangling")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, place.path().join("fifo"), FileType::Fifo, Mode::RUSR, 0)
        .unwrap();
    assert!(is_refused(dir.dir("dir")));
    for name in ["dir", "file", "dangling", "fifo"] {
        assert!(is_refused(dir.file(name)), "{name}");
        assert!(is_refused(dir.lock(name, Hold::Alone)), "{name}");
        let error = dir.file(name).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("it is a"), "{error}");
    }
    assert_eq!(dir.look("dangling").unwrap().unwrap().kind, Kind::Link);
    assert_eq!(dir.list().unwrap().len(), 4);
    assert!(dir.remove_file("file").unwrap());
    assert_eq!(fs::read(outside.path().join("file")).unwrap(), b"theirs");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_directory_is_the_one_that_was_opened_whatever_has_its_name_now() {
    let (place, dir) = place();
    let set = dir.make_dir("set", 0o700).unwrap();
    fs::rename(place.path().join("set"), place.path().join("moved")).unwrap();
    fs::create_dir(place.path().join("set")).unwrap();
    drop(set.create(OsStr::new("x"), 0o600).unwrap());
    assert!(place.path().join("moved/x").is_file());
    assert!(set.file("x").unwrap().is_empty());
    assert!(set.file_if_there("y").unwrap().is_none());
}

#[test]
fn a_taken_name_is_left_alone() {
    let (place, dir) = place();
    fs::write(place.path().join("new"), b"new").unwrap();
    fs::write(place.path().join("taken"), b"old").unwrap();
    assert!(!dir.rename_new("new", &dir, "taken").unwrap());
    assert_eq!(fs::read(place.path().join("taken")).unwrap(), b"old");
    assert!(dir.rename_new("new", &dir, "free").unwrap());
    assert!(dir.look("new").unwrap().is_none());
}

#[test]
fn a_lock_is_made_where_it_is_missing_and_is_of_the_file_that_has_the_name() {
    let (place, dir) = place();
    let first = dir.lock("lock", Hold::Shared).unwrap().unwrap();
    let second = dir.lock("lock", Hold::Shared).unwrap();
    assert!(second.is_some());
    assert!(dir.lock("lock", Hold::Alone).unwrap().is_none());
    fs::remove_file(place.path().join("lock")).unwrap();
    // The file is another one now; who must be sure holds the directory, too.
    assert!(dir.lock("lock", Hold::Alone).unwrap().is_some());
    drop(first);
}

#[test]
fn a_directory_s_own_lock_stays_when_everything_in_it_is_deleted() {
    let (_place, dir) = place();
    let Some(Some(held)) = dir.lock_itself(Hold::Shared).unwrap() else {
        panic!("this file system has no locks on directories");
    };
    let other = Dir::open(dir.path()).unwrap();
    assert!(other.lock_itself(Hold::Alone).unwrap().is_none());
    assert!(matches!(other.lock_itself(Hold::Shared), Ok(Some(Some(_)))));
    drop(held);
    assert!(matches!(other.lock_itself(Hold::Alone), Ok(Some(Some(_)))));
}
