//! What lies in the directory beside a set, and in the set's, that we did not put there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use super::tree::{fifo, in_time, is_root, tree};
use super::world::*;

/// A set with a torn end and something for `clean`, and the directory beside it.
fn set() -> (Set, PathBuf) {
    let set = Set::of(&[sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat());
    set.put("appendonly.aof.9.incr.aof", &sets(1));
    let kept = set.root().join("aof.aofkit");
    (set, kept)
}

/// Every way to have something done.
const ACTS: [&[&str]; 4] = [
    &["repair", "--apply"],
    &["rewind", "--apply", "--at", "appendonly.aof.1.incr.aof:58"],
    &["clean", "--apply", "--min-age", "0s"],
    &["repair", "--undo", "--apply"],
];

/// A tree of somebody else's, with all kinds of things in it.
fn theirs(at: &Path) {
    fs::create_dir_all(at.join("deep/er")).unwrap();
    fs::write(at.join("file"), b"theirs").unwrap();
    fs::write(at.join("1.zst"), b"theirs").unwrap();
    fs::write(at.join("temp"), b"theirs").unwrap();
    fs::write(at.join("deep/er/file"), b"theirs").unwrap();
    symlink("/etc/passwd", at.join("link")).unwrap();
}

#[test]
fn directories_that_we_did_not_write_are_never_touched() {
    let names = [
        "my-copy",
        "20261124T134247Z-repair",
        "00000001-20261124T134247Z-repair",
        "20261124T134247Z-mine",
        "repair",
        ".hidden",
    ];
    for act in ACTS {
        let (set, kept) = set();
        for name in names {
            theirs(&kept.join(name));
        }
        fs::write(kept.join("notes"), b"theirs").unwrap();
        let before = tree(&kept);
        in_time(act, &set.dir());
        let mut now = tree(&kept);
        now.retain(|path, _| before.contains_key(path));
        assert_eq!(now, before, "{act:?}");
        // Nor are they counted.
        let text = in_time(&["repair", "--undo"], &set.dir()).out;
        assert!(names.iter().all(|name| !text.contains(&format!("  {name}  "))), "{text}");
    }
}

#[test]
fn an_empty_directory_of_ours_and_one_with_half_a_journal_are_cleared() {
    let (set, kept) = set();
    let begun = kept.join("00000001-20261124T134247Z-repair");
    fs::create_dir_all(&begun).unwrap();
    in_time(&["repair", "--apply"], &set.dir()).expect(0);
    assert!(!begun.exists());
    let begun = kept.join("00000007-20261124T134247Z-repair");
    fs::create_dir_all(&begun).unwrap();
    fs::write(begun.join("temp"), b"aofkit-jour").unwrap();
    in_time(&["repair", "--apply"], &set.dir()).expect(0);
    assert!(!begun.exists());
}

#[test]
fn what_else_lies_in_an_entry_that_is_cleared_stays_and_is_told() {
    let (set, kept) = set();
    let begun = kept.join("00000001-20261124T134247Z-repair");
    fs::create_dir_all(begun.join("sub")).unwrap();
    fs::write(begun.join("begun"), "aofkit-journal 2\nverb repair\nend\n").unwrap();
    fs::write(begun.join("sub/file"), b"theirs").unwrap();
    fs::write(begun.join("notes"), b"theirs").unwrap();
    let run = in_time(&["repair", "--apply"], &set.dir()).expect(0);
    assert!(run.out.contains("stays") && run.out.contains("00000001-2026"), "{}", run.out);
    assert_eq!(fs::read(begun.join("sub/file")).unwrap(), b"theirs");
    assert_eq!(fs::read(begun.join("notes")).unwrap(), b"theirs");
}

/// Puts something into the place of `path`, says what, and may refuse to.
type Trap = (&'static str, fn(&Path, &Path));

const TRAPS: [Trap; 5] = [
    ("a link to a directory", |path, outside| symlink(outside, path).unwrap()),
    ("a link to a file", |path, outside| symlink(outside.join("file"), path).unwrap()),
    ("a dangling link", |path, outside| symlink(outside.join("new"), path).unwrap()),
    ("a pipe", |path, _| fifo(path)),
    ("a link in a circle", |path, _| symlink(path, path).unwrap()),
];

#[test]
fn links_and_pipes_are_refused_by_name_and_never_followed() {
    let places = [
        "aof.aofkit",
        "aof.aofkit/lock",
        "aof.aofkit/anything",
        "aof.aofkit/00000001-20261124T134247Z-repair",
        "aof.aofkit/00000001-20261124T134247Z-repair/begun",
        "aof.aofkit/00000001-20261124T134247Z-repair/ready",
        "aof.aofkit/00000001-20261124T134247Z-repair/temp",
        "aof.aofkit/20261124T134247Z-repair/ready",
    ];
    for (what, trap) in TRAPS {
        for place in places {
            for act in ACTS {
                let (set, _) = set();
                let outside = set.root().join("outside");
                theirs(&outside);
                let path = set.root().join(place);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                trap(&path, &outside);
                let (before, old) = (tree(&outside), tree(&set.dir()));
                let run = in_time(act, &set.dir());
                let at = format!("{act:?} with {what} as {place}: {run:#?}");
                assert_eq!(tree(&outside), before, "{at}");
                assert_eq!(tree(&set.dir()), old, "{at}");
                assert!(fs::symlink_metadata(&path).is_ok(), "{at}");
                let name = path.file_name().unwrap().to_str().unwrap();
                // Nothing to take back is no reason to look at more.
                let is_undo = act.contains(&"--undo");
                assert!(run.code == 1 || is_undo && run.code != 0, "{at}");
                assert!(run.err.contains(name) || is_undo, "{at}");
            }
        }
    }
}

#[test]
fn a_file_in_the_place_of_the_directory_beside_is_refused() {
    for act in ACTS {
        let (set, kept) = set();
        fs::write(&kept, b"theirs").unwrap();
        let old = tree(&set.dir());
        let run = in_time(act, &set.dir()).expect(1);
        assert!(run.err.contains("aof.aofkit"), "{}", run.err);
        assert_eq!((tree(&set.dir()), fs::read(&kept).unwrap()), (old, b"theirs".to_vec()));
    }
}

#[test]
fn what_belongs_to_somebody_else_is_refused_and_ours_belongs_to_the_owner_of_the_set() {
    if !is_root() {
        println!("did not run: only root gives files away");
        return;
    }
    let (first, kept) = set();
    for path in [first.dir(), first.file(INCREMENT), first.file(BASE)] {
        chown(path, Some(4711), Some(4712)).unwrap();
    }
    in_time(&["repair", "--apply"], &first.dir()).expect(0);
    for path in [kept.clone(), kept.join("lock")] {
        let meta = fs::metadata(&path).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (4711, 4712), "{}", path.display());
    }
    in_time(&["repair", "--undo", "--apply"], &first.dir()).expect(20);
    let meta = fs::metadata(first.file(INCREMENT)).unwrap();
    assert_eq!((meta.uid(), meta.gid()), (4711, 4712));
    let places = ["", "lock", "00000001-20261124T134247Z-repair", "notes"];
    for place in places {
        let (set, kept) = set();
        let path = kept.join(place);
        fs::create_dir_all(&kept).unwrap();
        match place {
            "lock" | "notes" => fs::write(&path, b"").unwrap(),
            _ => fs::create_dir_all(&path).unwrap(),
        }
        chown(&path, Some(4711), None).unwrap();
        let old = tree(&set.dir());
        let run = in_time(&["repair", "--apply"], &set.dir()).expect(1);
        assert!(run.err.contains("belongs to user 4711"), "{place}: {}", run.err);
        assert_eq!(tree(&set.dir()), old);
    }
}

#[test]
fn several_runs_at_once_exclude_each_other_whatever_is_deleted_meanwhile() {
    let (set, kept) = set();
    // Somebody holds the set's directory, as a run does; the lock beside it is gone.
    let held = fs::File::open(set.dir()).unwrap();
    held.lock().unwrap();
    assert!(!kept.exists());
    let old = tree(&set.dir());
    let run = in_time(&["repair", "--apply"], &set.dir()).expect(11);
    assert!(run.err.contains("another run"), "{}", run.err);
    assert_eq!(tree(&set.dir()), old);
    drop(held);
    in_time(&["repair", "--apply"], &set.dir()).expect(0);
    let single = Set::empty();
    single.put("appendonly.aof", &[sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat());
    let held = fs::File::open(single.file("appendonly.aof")).unwrap();
    held.lock().unwrap();
    in_time(&["repair", "--apply"], &single.file("appendonly.aof")).expect(11);
}

#[test]
fn a_manifest_that_is_a_link_is_refused_by_what_changes_a_set_and_by_all_where_it_leads_out() {
    let torn = [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat();
    let outside = tempfile::tempdir().unwrap();
    for inside in [true, false] {
        let set = Set::of(&torn);
        set.put("appendonly.aof.9.incr.aof", &sets(1));
        let manifest = set.file("appendonly.aof.manifest");
        let target = match inside {
            true => set.file("real"),
            false => outside.path().join("real"),
        };
        fs::rename(&manifest, &target).unwrap();
        symlink(&target, &manifest).unwrap();
        let (before, outer) = (tree(&set.dir()), tree(outside.path()));
        for act in ACTS {
            for words in [act.to_vec(), act.iter().copied().filter(|w| *w != "--apply").collect()] {
                let run = in_time(&words, &set.dir()).expect(1);
                assert!(run.err.contains("appendonly.aof.manifest"), "{words:?}: {}", run.err);
                assert!(run.err.contains("link"), "{words:?}: {}", run.err);
            }
        }
        let copy = set.root().join("copy");
        let read = if inside { 20 } else { 1 };
        for words in [&["check"][..], &["inspect"], &["stats"], &["cat"]] {
            let run = in_time(words, &set.dir());
            assert_eq!(run.code == 1, !inside, "{words:?}: {run:#?}");
        }
        in_time(&["check"], &set.dir()).expect(read);
        let words = ["repair", "--output", copy.to_str().unwrap()];
        in_time(&words, &set.dir()).expect(if inside { 0 } else { 1 });
        if inside {
            assert!(
                !fs::symlink_metadata(copy.join("appendonly.aof.manifest")).unwrap().is_symlink()
            );
            in_time(&["check"], &copy).expect(0);
        }
        assert_eq!((tree(&set.dir()), tree(outside.path())), (before, outer));
    }
}

#[test]
fn clean_takes_files_that_it_listed_and_nothing_that_they_lead_to() {
    let set = Set::of(&sets(5));
    let outside = tempfile::tempdir().unwrap();
    theirs(outside.path());
    symlink(outside.path().join("file"), set.file("temp-appendonly.aof.manifest")).unwrap();
    symlink(outside.path().join("deep"), set.file("appendonly.aof.8.incr.aof")).unwrap();
    symlink("nowhere", set.file("temp-1.rdb")).unwrap();
    fs::create_dir(set.file("appendonly.aof.7.incr.aof")).unwrap();
    fs::create_dir(set.file("temp-dir.aof")).unwrap();
    fifo(&set.root().join("temp-rewriteaof-7.aof"));
    fs::hard_link(outside.path().join("1.zst"), set.file("appendonly.aof.9.incr.aof")).unwrap();
    let before = tree(outside.path());
    let old = tree(set.root());
    for words in [
        &["clean", "--apply", "--min-age", "0s"][..],
        &["clean", "--apply", "--delete", "--min-age", "0s"],
    ] {
        let run = in_time(words, &set.dir()).expect(0);
        assert!(run.out.contains("no regular file"), "{}", run.out);
        assert!(!set.file("appendonly.aof.9.incr.aof").exists());
        assert_eq!(tree(outside.path()), before);
        let now = tree(set.root());
        for (path, was) in
            old.iter().filter(|(path, _)| !path.ends_with("appendonly.aof.9.incr.aof"))
        {
            assert_eq!(now.get(path), Some(was), "{}", path.display());
        }
        if !words.contains(&"--delete") {
            in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(0);
            assert_eq!(fs::read(set.file("appendonly.aof.9.incr.aof")).unwrap(), b"theirs");
            assert_eq!(tree(outside.path()), before);
        }
    }
    let mode = fs::metadata(outside.path().join("1.zst")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, before[Path::new("1.zst")].1 & 0o7777);
}
