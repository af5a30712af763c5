//! Journals that somebody else wrote, that are broken, that are large, and that 0.1.0 wrote.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::tree::{in_time, is_root, tree, tree_without};
use super::world::*;

const ID: &str = "00000001-20261124T134247Z-repair";
const OLD_ID: &str = "20261124T134247Z-repair";

/// A healthy set, a victim outside of it, and an entry with a journal of this state.
fn planted(id: &str, state: &str, journal: &str) -> (Set, PathBuf) {
    let set = Set::of(&sets(20));
    fs::write(set.root().join("victim"), b"theirs").unwrap();
    let entry = set.root().join("aof.aofkit").join(id);
    fs::create_dir_all(&entry).unwrap();
    fs::write(entry.join(state), journal).unwrap();
    // An object that any journal may speak of.
    fs::write(entry.join("1.zst"), zstd::bulk::compress(b"kept", 1).unwrap()).unwrap();
    (set, entry)
}

fn stamp(path: &Path) -> (u64, i64) {
    let meta = fs::metadata(path).unwrap();
    (meta.len(), meta.mtime() * 1_000_000_000 + meta.mtime_nsec())
}

#[test]
fn no_name_in_a_journal_leads_out_of_the_set() {
    let names = [
        "../victim",
        "../../victim",
        "/etc/passwd",
        "..",
        ".",
        "",
        "sub/file",
        "./victim",
        "../",
        "../../../../../../../../etc/passwd",
        "a\\x00b",
        "../temp-x/../victim",
        ".bashrc",
        "../.bashrc",
    ];
    let root = if is_root() { "0 0" } else { "1000 1000" };
    for name in names {
        let one = [
            format!("stage \"{name}\""),
            format!("step rename \"{name}\" \"x\""),
            format!("step rename \"temp-aofkit-x\" \"{name}\""),
            format!("step truncation \"{name}\" 6 3 1000"),
            format!("step unlink \"{name}\""),
            format!("gone \"{name}\"\nold \"{name}\" 6 644 {root} 1000\nkept 6"),
            format!("old \"{name}\" 4 4777 {root} 1000\nkept 4"),
            format!("old \"{name}\" 6 644 {root} 1000\nbytes \"theirs\""),
            format!("old \"x\" 6 644 {root} 1000\nfrom \"{name}\" 0 6"),
            format!("made \"{name}\" 6 1000 0000000000000000"),
        ];
        let two = [
            format!("stage \"{name}\" \"x\""),
            format!("stage \"temp-aofkit-1-1\" \"{name}\""),
            format!("gone \"{name}\" 1 1"),
            format!("old \"{name}\" 6 777 {root} 1000\nbytes \"theirs\""),
            format!("made \"{name}\" 6 1000 0000000000000000 1"),
        ];
        let all = one.iter().map(|l| (1, OLD_ID, l)).chain(two.iter().map(|l| (2, ID, l)));
        for (format, id, lines) in all {
            let journal = format!("aofkit-journal {format}\nverb repair\nat 1\n{lines}\nend\n");
            for state in ["begun", "ready", "journal"] {
                let (set, entry) = planted(id, state, &journal);
                let before = tree_without(set.root(), ".aofkit");
                let kept = tree(&entry);
                let words: &[&str] = match state {
                    "journal" => &["repair", "--undo", "--apply"],
                    _ => &["repair", "--apply"],
                };
                let run = in_time(words, &set.dir());
                let at = format!("{state} {lines}: {run:#?}");
                assert_eq!(run.code, 1, "{at}");
                assert_eq!(tree_without(set.root(), ".aofkit"), before, "{at}");
                assert_eq!(tree(&entry), kept, "{at}");
                assert!(run.err.contains("aof"), "{at}");
            }
        }
    }
}

#[test]
fn an_undo_gives_no_mode_and_no_owner_that_the_set_has_not() {
    for mode in ["4777", "2755", "1777", "777", "666"] {
        let journal = |made: &str| {
            format!(
                "aofkit-journal 2\nverb repair\nat 1\ntarget redis-8.2\nstep removal\n\
                 old \"appendonly.aof.7.incr.aof\" 4 {mode} 12345 12345 1000\nkept 4\n{made}end\n"
            )
        };
        let (set, _) = planted(ID, "journal", &journal(""));
        let run = in_time(&["repair", "--undo", "--apply"], &set.dir());
        let path = set.file("appendonly.aof.7.incr.aof");
        let is_special = mode.len() == 4;
        assert_eq!(run.code == 1, is_special, "{mode}: {run:#?}");
        assert_eq!(path.exists(), !is_special, "{mode}");
        if !is_special {
            let meta = fs::metadata(&path).unwrap();
            let dir = fs::metadata(set.dir()).unwrap();
            assert_eq!((meta.uid(), meta.gid()), (dir.uid(), dir.gid()));
            let allowed = dir.permissions().mode() & 0o777 | 0o600;
            assert_eq!(meta.permissions().mode() & 0o7777 & !allowed, 0, "{mode}");
            assert_eq!(fs::read(&path).unwrap(), b"kept");
        }
    }
}

#[test]
fn what_a_journal_calls_gone_or_written_beside_is_not_removed_on_its_word() {
    let set = Set::of(&sets(20));
    set.put("dump.rdb", b"theirs");
    set.put("appendonly.aof.01.incr.aof", b"an older repair's");
    set.put("temp-aofkit-2-1", b"another change's");
    let (len, time) = stamp(&set.file("dump.rdb"));
    let inode = fs::metadata(set.file("dump.rdb")).unwrap().ino();
    let journals = [
        (OLD_ID, "stage \"dump.rdb\"\nstep removal\n".to_owned()),
        (
            OLD_ID,
            format!("step removal\ngone \"dump.rdb\"\nold \"dump.rdb\" {len} 644 0 0 {time}\n"),
        ),
        (
            ID,
            format!(
                "step removal\ngone \"dump.rdb\" {inode} 1\nold \"dump.rdb\" {len} 644 0 0 {time}\n"
            ),
        ),
        (ID, "stage \"dump.rdb\" \"x\"\n".to_owned()),
        (ID, "stage \"temp-aofkit-2-1\" \"x\"\n".to_owned()),
        (ID, "stage \"temp-aofkit-1-1\" \"dump.rdb\"\nstep removal\n".to_owned()),
    ];
    let before = tree(&set.dir());
    for (id, lines) in journals {
        for state in ["begun", "ready"] {
            let format = if id == ID { 2 } else { 1 };
            let entry = set.root().join("aof.aofkit").join(id);
            fs::create_dir_all(&entry).unwrap();
            let journal = format!("aofkit-journal {format}\nverb clean\nat 1\n{lines}end\n");
            fs::write(entry.join(state), journal).unwrap();
            in_time(&["clean", "--apply", "--min-age", "1h"], &set.dir());
            assert_eq!(tree(&set.dir()), before, "{state}: {lines}");
            let _ = fs::remove_dir_all(set.root().join("aof.aofkit"));
        }
    }
    // Where the manifest is lost nobody knows what is live.
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    let before = tree(&set.dir());
    let entry = set.root().join("aof.aofkit").join(OLD_ID);
    fs::create_dir_all(&entry).unwrap();
    let lines = "stage \"appendonly.aof.01.incr.aof\"\nstep removal\n";
    fs::write(entry.join("begun"), format!("aofkit-journal 1\nverb repair\nat 1\n{lines}end\n"))
        .unwrap();
    in_time(&["rewind", "--apply", "--at", "appendonly.aof.1.incr.aof:58"], &set.dir());
    assert_eq!(tree(&set.dir()), before);
}

#[test]
fn an_undo_of_a_single_file_writes_no_other_file() {
    for name in ["other", ".profile", "appendonly.aof.manifest", "../temp-x"] {
        let set = Set::empty();
        let file = set.file("appendonly.aof");
        set.put("appendonly.aof", &sets(3));
        let entry = set.file("appendonly.aof.aofkit").join(ID);
        fs::create_dir_all(&entry).unwrap();
        let journal = format!(
            "aofkit-journal 2\nverb repair\nat 1\nstep removal\n\
             old \"{name}\" 6 644 0 0 1000\nbytes \"theirs\"\nend\n"
        );
        fs::write(entry.join("journal"), journal).unwrap();
        let before = tree(set.root());
        let run = in_time(&["repair", "--undo", "--apply"], &file).expect(1);
        assert!(run.err.contains("not the name of a file of the set"), "{}", run.err);
        let mut now = tree(set.root());
        now.retain(|path, _| !path.ends_with("lock"));
        assert_eq!(now, before);
    }
}

/// What is done to a journal, by its name.
type Break = (&'static str, fn(&Path));

#[test]
fn a_journal_that_cannot_be_read_stops_everything_and_nothing_is_freed() {
    let torn = [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat();
    let break_it: [Break; 8] = [
        ("cut", |path| {
            let text = fs::read(path).unwrap();
            fs::write(path, &text[..text.len() - 10]).unwrap();
        }),
        ("later", |path| fs::write(path, "aofkit-journal 3\nend\n").unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("noise", |path| fs::write(path, [0xff; 1000]).unwrap()),
        ("an unknown line", |path| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text.replace("end\n", "more than we know\nend\n")).unwrap();
        }),
        ("something behind the end", |path| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text + "x\n").unwrap();
        }),
        ("a line without an end", |path| {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_len(200 << 20).unwrap();
        }),
        ("a dangling link", |path| {
            fs::remove_file(path).unwrap();
            symlink("nowhere", path).unwrap();
        }),
    ];
    for (what, break_it) in break_it {
        for state in ["ready", "journal"] {
            let set = Set::of(&torn);
            in_time(&["repair", "--apply"], &set.dir()).expect(0);
            let kept = set.root().join("aof.aofkit");
            let entry =
                fs::read_dir(&kept).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir());
            let entry = entry.unwrap();
            fs::rename(entry.join("journal"), entry.join(state)).unwrap();
            break_it(&entry.join(state));
            let before = tree_without(set.root(), "lock");
            let acts: &[&[&str]] = match state {
                "ready" => &[
                    &["repair", "--apply"],
                    &["repair", "--undo", "--apply"],
                    &["clean", "--apply"],
                    &["rewind", "--apply", "--at", "appendonly.aof.1.incr.aof:58"],
                ],
                _ => &[&["repair", "--undo", "--apply"], &["repair", "--undo"]],
            };
            for act in acts {
                let run = in_time(act, &set.dir()).expect(1);
                assert!(run.err.contains(state), "{what}, {act:?}: {}", run.err);
                assert_eq!(tree_without(set.root(), "lock"), before, "{what}, {act:?}");
            }
        }
    }
}

/// Good records with as many unknown ones between them.
fn interleaved(n: usize) -> Vec<u8> {
    let mut bytes = record(&[b"SELECT", b"0"]);
    for i in 0..n {
        bytes.extend(record(&[b"SET", format!("{i}").as_bytes(), b"v"]));
        bytes.extend(record(&[b"NO", b"x"]));
    }
    bytes
}

#[test]
fn a_journal_of_any_length_is_written_read_and_taken_back() {
    let bytes = interleaved(300_000);
    let set = Set::of(&bytes).in_memory();
    let words = ["repair", "--salvage", "--target", "redis-8.2", "--drop-command", "NO", "--apply"];
    finish(aofkit().args(words).arg(set.dir())).expect(0);
    let kept = set.root().join("aof.aofkit");
    let entry = fs::read_dir(&kept).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir());
    let journal = entry.unwrap().join("journal");
    assert!(fs::metadata(&journal).unwrap().len() > 16 << 20);
    // As after a kill between the step and its end.
    fs::rename(&journal, journal.with_file_name("ready")).unwrap();
    let run = finish(aofkit().args(["repair", "--apply"]).arg(set.dir())).expect(0);
    assert!(run.out.contains("an interrupted run is finished"), "{}", run.out);
    finish(aofkit().args(["repair", "--undo", "--apply"]).arg(set.dir()));
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), bytes);
}

/// What 0.1.0 left, with the times that its journal speaks of.
fn kept_by_first(case: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kept/0.1.0").join(case);
    let place = tempfile::tempdir().unwrap();
    super::support::copy_tree(&from, place.path());
    let mut pending = vec![place.path().to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.ends_with("journal") {
                let base = if case == "single" {
                    place.path().to_owned()
                } else {
                    place.path().join("aof")
                };
                for line in fs::read_to_string(&path).unwrap().lines() {
                    let words: Vec<_> = line.split(' ').collect();
                    if let ["made", name, _, time, _] = words[..] {
                        let file = fs::File::options()
                            .append(true)
                            .open(base.join(name.trim_matches('"')))
                            .unwrap();
                        let time = Duration::from_nanos(time.parse().unwrap());
                        file.set_modified(UNIX_EPOCH + time).unwrap();
                    }
                }
            }
        }
    }
    place
}

#[test]
fn what_the_first_version_kept_can_still_be_taken_back() {
    for case in ["tail", "salvage", "manifest", "rewind", "clean", "single"] {
        let place = kept_by_first(case);
        let set = place.path().join(if case == "single" { "appendonly.aof" } else { "aof" });
        let listed = in_time(&["repair", "--undo"], &set);
        assert!(listed.out.contains("20261130T"), "{case}: {}", listed.out);
        in_time(&["repair", "--undo", "--apply"], &set);
        let bytes = |dir: &Path| -> Vec<_> {
            let all = tree(dir).into_iter().filter(|(_, file)| file.0 == 'f');
            all.map(|(name, file)| (name, file.4)).collect()
        };
        if case == "single" {
            assert_eq!(
                fs::read(&set).unwrap(),
                fs::read(place.path().join("before/appendonly.aof")).unwrap()
            );
            continue;
        }
        assert_eq!(bytes(&set), bytes(&place.path().join("before")), "{case}");
        for (name, file) in tree(&place.path().join("aof")) {
            let is_restored = case == "salvage" && name.to_str().unwrap().ends_with(".incr.aof");
            assert!(!is_restored || file.5 == 1_000_000_000_000_000, "{name:?}: {}", file.5);
        }
        // And what is done then is numbered behind it.
        let again = in_time(&["repair", "--salvage", "--apply"], &set);
        if again.code == 0 && again.out.contains("repaired") {
            in_time(&["repair", "--undo", "--apply"], &set);
            assert_eq!(bytes(&set), bytes(&place.path().join("before")), "{case}, again");
        }
    }
}

#[test]
fn an_undo_touches_only_what_is_as_the_change_left_it_to_the_last_byte() {
    let torn = [sets(2000), b"*3\r\n$3\r\nSE".to_vec()].concat();
    let set = Set::of(&torn);
    in_time(&["repair", "--apply"], &set.dir()).expect(0);
    let path = set.file(INCREMENT);
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    // One byte far from the end, and everything else as it was.
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(5).position(|w| w == b"value").unwrap();
    bytes[at] = b'V';
    fs::write(&path, &bytes).unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    let run = in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(1);
    assert!(run.err.contains("it has changed since"), "{}", run.err);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn an_object_with_another_end_than_the_journal_says_is_not_brought_back() {
    let torn = [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat();
    let set = Set::of(&torn);
    in_time(&["repair", "--apply"], &set.dir()).expect(0);
    let kept = set.root().join("aof.aofkit");
    let entry = fs::read_dir(&kept).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir());
    let object = entry.unwrap().join("1.zst");
    let whole = fs::read(&object).unwrap();
    let before = tree(&set.dir());
    let longer = zstd::bulk::compress(b"*3\r\n$3\r\nSE and more", 1).unwrap();
    let mut flipped = whole.clone();
    let at = flipped.len() - 6;
    flipped[at] ^= 1;
    for bytes in [longer, flipped, whole[..whole.len() - 1].to_vec(), Vec::new()] {
        fs::write(&object, bytes).unwrap();
        in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(1);
        assert_eq!(tree(&set.dir()), before);
    }
    fs::write(&object, whole).unwrap();
    in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(20);
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), torn);
}
