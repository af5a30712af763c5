//! Access control lists and extended attributes: a file that takes the place of another one has those of that one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use tempfile::TempDir;

use super::spelled::record;

const ACL: &str = "system.posix_acl_access";
const NOTE: &str = "user.note";
const INCREMENT: &str = "a.aof.1.incr.aof";
const MANIFEST: &str = "a.aof.manifest";
const HISTORY: &str = "a.aof.1.base.aof";

/// A list that lets one more user read: version 2, then entries of a tag, permissions and a number.
fn list() -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, NOBODY), (2, 4, 61_234), (4, 4, NOBODY), (16, 4, NOBODY), (32, 0, NOBODY)];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

fn read(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let len = fgetxattr(File::open(path).unwrap(), name, &mut value[..]).ok()?;
    value.truncate(len);
    Some(value)
}

/// Gives a file both; whether its file system has them.
fn give(path: &Path, note: &str) -> bool {
    let file = File::open(path).unwrap();
    let set = |name, value: &[u8]| fsetxattr(&file, name, value, XattrFlags::empty()).is_ok();
    set(NOTE, note.as_bytes()) && set(ACL, &list())
}

/// A set with damage between two records, and a file of history; `None` where there are no such attributes.
fn set() -> Option<(TempDir, PathBuf)> {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("aof");
    fs::create_dir(&dir).unwrap();
    let manifest =
        format!("file {HISTORY} seq 1 type h\nfile {INCREMENT} seq 1 type i startoffset 0\n");
    fs::write(dir.join(MANIFEST), manifest).unwrap();
    let one = |key: &[u8]| record(&[b"SET", key, b"value"]);
    let log = [one(b"a"), one(b"b"), b"rubbish\r\n".to_vec(), one(b"c"), one(b"d"), one(b"e")];
    fs::write(dir.join(INCREMENT), log.concat()).unwrap();
    fs::write(dir.join(HISTORY), one(b"old")).unwrap();
    let files = [MANIFEST, INCREMENT, HISTORY];
    if files.iter().all(|name| give(&dir.join(name), name)) {
        return Some((home, dir));
    }
    eprintln!("NOT RUN: no extended attributes or access control lists here");
    None
}

fn aofkit(words: &[&str], dir: &Path) {
    run(words, dir, 0);
}

fn run(words: &[&str], dir: &Path, code: i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let output = command.args(words).arg(dir).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    assert!(!said.contains("warning"), "{words:?}: {said}");
}

fn has_both(path: &Path, note: &str) {
    assert_eq!(read(path, NOTE).as_deref(), Some(note.as_bytes()), "{path:?}");
    assert_eq!(read(path, ACL), Some(list()), "{path:?}");
}

/// The file that took the place of the increment.
fn new_increment(dir: &Path) -> PathBuf {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut new = names.filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".incr.aof") && name != INCREMENT
    });
    new.next().expect("a new increment")
}

#[test]
fn what_takes_the_place_of_a_file_has_its_attributes_and_so_has_what_comes_back() {
    let Some((_home, dir)) = set() else { return };
    aofkit(&["repair", "--salvage", "--apply"], &dir);
    has_both(&new_increment(&dir), INCREMENT);
    has_both(&dir.join(MANIFEST), MANIFEST);
    // With the damage that it had.
    run(&["repair", "--undo", "--apply"], &dir, 21);
    has_both(&dir.join(INCREMENT), INCREMENT);
    has_both(&dir.join(MANIFEST), MANIFEST);
}

/// Who may read a file that comes back only from where things are kept, its mode alone says: a list there may be anybody's.
#[test]
fn a_file_that_was_removed_comes_back_with_what_users_set() {
    let Some((_home, dir)) = set() else { return };
    aofkit(&["repair", "--salvage", "--apply"], &dir);
    aofkit(&["clean", "--min-age", "0s", "--apply"], &dir);
    assert!(!dir.join(HISTORY).exists());
    aofkit(&["repair", "--undo", "--apply"], &dir);
    assert_eq!(read(&dir.join(HISTORY), NOTE).as_deref(), Some(HISTORY.as_bytes()));
    assert_eq!(read(&dir.join(HISTORY), ACL), None);
}

/// A list that the directory gives to all new files, and that the old file had not.
#[test]
fn a_list_of_the_directory_opens_no_file_that_it_did_not_open_before() {
    let Some((_home, dir)) = set() else { return };
    let increment = dir.join(INCREMENT);
    rustix::fs::fremovexattr(File::open(&increment).unwrap(), ACL).unwrap();
    let given = fsetxattr(
        File::open(&dir).unwrap(),
        "system.posix_acl_default",
        &list(),
        XattrFlags::empty(),
    );
    given.unwrap();
    aofkit(&["repair", "--salvage", "--apply"], &dir);
    assert_eq!(read(&new_increment(&dir), ACL), None);
    has_both(&dir.join(MANIFEST), MANIFEST);
}

#[test]
fn a_copy_of_a_set_has_the_attributes_of_its_files() {
    let Some((home, dir)) = set() else { return };
    let copy = home.path().join("copy");
    aofkit(&["repair", "--salvage", "--output", copy.to_str().unwrap()], &dir);
    has_both(&new_increment(&copy), INCREMENT);
}
