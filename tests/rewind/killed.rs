//! Killed while it applies: the set is the old one or the new one, the next run completes it, and undo brings
//! every byte back, killed or not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use crate::support::kill::{self, at_every_call, copied, loaded, state};
use crate::support::{copy_tree, recorded_sets};

fn sets(from: usize, to: usize) -> Vec<u8> {
    let record = |i| format!("*3\r\n$3\r\nSET\r\n$8\r\nkey:{i:04}\r\n$5\r\nvalue\r\n");
    (from..to).flat_map(|i| record(i).into_bytes()).collect()
}

/// One record of [`sets`].
const RECORD: usize = 38;

/// A directory with a set, or with a pre-7.0 file, of long ago.
fn world(is_single: bool) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("aof");
    let put = |path: &Path, bytes: &[u8]| {
        fs::write(path, bytes).unwrap();
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_600_000_000)).unwrap();
    };
    assert_eq!(sets(0, 1).len(), RECORD);
    if is_single {
        put(&dir.path().join("appendonly.aof"), &sets(0, 40));
        return dir;
    }
    fs::create_dir(&set).unwrap();
    put(&set.join("appendonly.aof.1.base.aof"), &sets(0, 10));
    let mut lines = "file appendonly.aof.1.base.aof seq 1 type b\n".to_owned();
    for i in 1..4 {
        put(&set.join(format!("appendonly.aof.{i}.incr.aof")), &sets(i * 10, i * 10 + 10));
        lines += &format!("file appendonly.aof.{i}.incr.aof seq {i} type i\n");
    }
    put(&set.join("appendonly.aof.manifest"), lines.as_bytes());
    dir
}

/// What servers wrote, rewriting: a cut there takes the middle of one increment, and whole ones.
fn recorded() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&recorded_sets().join("redis-8.2.3/rewriting"), dir.path());
    dir
}

fn words(dir: &Path, words: &[&str]) -> Vec<String> {
    let set = dir.join("aof");
    let path = if set.exists() { set } else { dir.join("appendonly.aof") };
    let words = words.iter().map(|word| (*word).to_owned());
    words.chain([path.to_str().unwrap().to_owned()]).collect()
}

#[test]
fn a_kill_at_any_call_leaves_the_old_set_or_the_new_one() {
    let at = |file: &str, records: usize| format!("{file}:{}", records * RECORD);
    let cases = [
        ("the last increment", world(false), at("appendonly.aof.3.incr.aof", 4)),
        ("an inner increment", world(false), at("appendonly.aof.2.incr.aof", 4)),
        ("the base", world(false), at("appendonly.aof.1.base.aof", 4)),
        ("a single file", world(true), at("appendonly.aof", 4)),
        ("a recorded set", recorded(), "appendonly.aof.3.incr.aof:1000".to_owned()),
    ];
    for (name, original, at) in &cases {
        let way = ["rewind", "--at", at, "--apply"];
        let make = || copied(original.path());
        let whole = make();
        assert!(kill::aofkit(&words(whole.path(), &way)).status.success(), "{name}");
        let (old, new) = (state(original.path()), state(whole.path()));
        let (old_loaded, new_loaded) = (loaded(original.path()), loaded(whole.path()));
        assert_ne!(old_loaded, new_loaded, "{name}");
        let seen = Mutex::new(BTreeSet::new());
        let killed = at_every_call(
            make,
            |dir| words(dir, &way),
            |dir, _, what| {
                let what = format!("{name}, {what}");
                let is_new = loaded(dir) == new_loaded;
                assert!(is_new || loaded(dir) == old_loaded, "{what}: neither old nor new");
                seen.lock().unwrap().insert(is_new);
                // Whatever changes something next finishes it, or it is done anew.
                let again = if is_new { &["repair", "--apply"][..] } else { &way };
                let again = kill::aofkit(&words(dir, again));
                assert!(again.status.success(), "{what}: {again:?}");
                assert!(bytes(&state(dir)) == bytes(&new), "{what}: the next run leaves something");
                let undone = kill::aofkit(&words(dir, &["repair", "--undo", "--apply"]));
                assert!(undone.status.success(), "{what}: {undone:?}");
                assert!(state(dir) == old, "{what}: undo brings something else");
            },
        );
        println!("rewind, {name}: {killed}");
        assert!(
            killed.kills == 0 || seen.into_inner().unwrap().len() == 2,
            "{name}: one of both only"
        );
        undo_killed(name, original.path(), &way);
    }
}

fn undo_killed(name: &str, original: &Path, way: &[&str]) {
    let make = || {
        let dir = copied(original);
        assert!(kill::aofkit(&words(dir.path(), way)).status.success());
        dir
    };
    let (old, new_loaded) = (state(original), loaded(make().path()));
    let old_loaded = loaded(original);
    let undo = ["repair", "--undo", "--apply"];
    let killed = at_every_call(
        make,
        |dir| words(dir, &undo),
        |dir, _, what| {
            let what = format!("undo, {name}, {what}");
            let is_old = loaded(dir) == old_loaded;
            assert!(is_old || loaded(dir) == new_loaded, "{what}: neither old nor new");
            let next = if is_old { &["repair", "--apply"][..] } else { &undo };
            let next = kill::aofkit(&words(dir, next));
            assert!(next.status.success(), "{what}: {next:?}");
            assert!(state(dir) == old, "{what}: not what it was");
        },
    );
    println!("undo of rewind, {name}: {killed}");
}

fn bytes(
    state: &std::collections::BTreeMap<std::path::PathBuf, (Vec<u8>, i64, u32)>,
) -> Vec<(&Path, &[u8])> {
    state.iter().map(|(name, (bytes, ..))| (name.as_path(), &bytes[..])).collect()
}

#[test]
fn a_copy_killed_at_any_call_is_not_there_or_whole() {
    let original = world(false);
    let make = || {
        let dir = kill::in_memory();
        copy_tree(original.path(), &dir.path().join("data"));
        dir
    };
    let way = |dir: &Path| {
        let made = dir.join("made").to_str().unwrap().to_owned();
        let at = format!("appendonly.aof.2.incr.aof:{}", 4 * RECORD);
        words(&dir.join("data"), &["rewind", "--at", &at, "--output", &made])
    };
    let whole = make();
    assert!(kill::aofkit(&way(whole.path())).status.success());
    let whole = state(&whole.path().join("made"));
    let before = state(original.path());
    let killed = at_every_call(make, way, |dir, _, what| {
        assert!(bytes(&state(&dir.join("data"))) == bytes(&before), "{what}: it was touched");
        let made = dir.join("made");
        assert!(made.exists() || kill::aofkit(&way(dir)).status.success(), "{what}");
        assert!(bytes(&state(&made)) == bytes(&whole), "{what}");
        assert_eq!(fs::read_dir(dir).unwrap().count(), 2, "{what}: something is left");
    });
    println!("rewind to a copy: {killed}");
}
