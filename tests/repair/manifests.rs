//! Manifests that are put right, and one that is made anew.

use std::fs;

use super::library::{judged, state};
use super::world::*;

const B: &str = "file appendonly.aof.1.base.aof seq 1 type b\n";
const I: &str = "file appendonly.aof.1.incr.aof seq 1 type i\n";

fn repair(words: &[&str], set: &Set) -> Run {
    finish(aofkit().arg("repair").args(words).arg(set.dir()))
}

/// A healthy set with this manifest, repaired: the new manifest; and back again.
fn repaired(manifest: &str) -> String {
    let set = Set::of(&sets(5));
    set.put("appendonly.aof.2.incr.aof", &sets(2));
    set.put("appendonly.aof.manifest", manifest.as_bytes());
    let before = state(&set.dir());
    let code = check(&set.dir()).code;
    assert_eq!(code, 22, "{manifest:?}");
    repair(&[], &set).expect(22);
    assert_eq!(state(&set.dir()), before);
    let run = repair(&["--apply"], &set);
    assert_eq!(run.code, 0, "{manifest:?}: {run:#?}");
    assert_eq!(check(&set.dir()).code, 0);
    let new = fs::read_to_string(set.file("appendonly.aof.manifest")).unwrap();
    let again = repair(&["--apply"], &set).expect(0);
    assert!(again.out.contains("nothing was changed"), "{}", again.out);
    repair(&["--undo", "--apply"], &set).expect(22);
    assert_eq!(state(&set.dir()), before, "{manifest:?}");
    new
}

const I2: &str = "file appendonly.aof.2.incr.aof seq 2 type i\n";

#[test]
fn what_stands_in_the_way_goes_and_what_it_says_stays() {
    let whole = format!("{B}{I}{I2}");
    for broken in [
        format!("{B}{I}{}", I2.trim_end()),
        format!("{B}\n{I}{I2}"),
        format!("{B}{I}{I2}\n"),
        format!("\u{feff}{B}{I}{I2}"),
        format!("{B}{I}{I2}\0\0\0\0"),
        format!("{B}{I}{I2}{I2}"),
        format!("{B}{I2}{I}"),
        format!("{B}{I}file appendonly.aof.2.incr.aof seq 2 type I\n"),
        format!("{B}{I}file appendonly.aof.2.incr.aof seq 0 type i\n"),
        format!("{B}{I}file appendonly.aof.2.incr.aof seq\n"),
        format!("{B}{I}file x/appendonly.aof.2.incr.aof seq 2 type i\n"),
        format!("{B}{I}{I2}file appendonly.aof.2.incr.aof seq 2 type h\n"),
        format!("{B}{I}file appendonly.aof.2.incr.aof seq 9223372036854775807 type i\n"),
        format!("file appendonly.aof.1.base.aof seq -1 type b\n{I}{I2}"),
        format!("seq 1 file appendonly.aof.1.base.aof type b\n{I}{I2}"),
        format!("{B}file appendonly.aof.0.base.rdb seq 1 type b\n{I}{I2}"),
    ] {
        assert_eq!(repaired(&broken), whole, "{broken:?}");
    }
}

#[test]
fn comments_go_and_unknown_words_and_offsets_stay() {
    let broken = format!(
        "# by hand\n{B}{I}file appendonly.aof.2.incr.aof seq 2 type i startoffset 7 note x"
    );
    let wanted =
        format!("{B}{I}file appendonly.aof.2.incr.aof seq 2 type i startoffset 7 note x\n");
    assert_eq!(repaired(&broken), wanted);
}

#[test]
fn an_empty_or_unreadable_or_lost_manifest_is_made_from_the_files() {
    let whole = format!("{B}{I}{I2}");
    for broken in ["", "# nothing\n", "garbage\n", "\0\0\0\0", "file nothing seq 1 type b\nxx"] {
        assert_eq!(repaired(broken), whole, "{broken:?}");
    }
    let set = Set::of(&sets(5));
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    let before = state(&set.dir());
    repair(&["--apply"], &set).expect(0);
    let new = fs::read_to_string(set.file("appendonly.aof.manifest")).unwrap();
    assert_eq!(new, format!("{B}{I}"));
    repair(&["--undo", "--apply"], &set).expect(22);
    assert_eq!(state(&set.dir()), before);
}

/// A base by a real server, which says when it was begun.
fn with_dated_base() -> (Set, u64) {
    let set = Set::recorded("redis-8.2.3/rdb-base");
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    let (_, report) = judged(&set.dir());
    let rdb = report.segments[0].facts.as_ref().unwrap().rdb.as_ref().unwrap();
    let created = rdb.fields().created_s().unwrap();
    (set, u64::try_from(created).unwrap())
}

fn written_at(set: &Set, name: &str, seconds: u64) {
    let file = fs::File::options().write(true).open(set.file(name)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
}

#[test]
fn increments_that_the_base_contains_are_left_out_and_doubts_are_told() {
    let (set, created) = with_dated_base();
    set.put("appendonly.aof.1.incr.aof", &sets(3));
    set.put("appendonly.aof.3.incr.aof", &sets(3));
    written_at(&set, "appendonly.aof.1.incr.aof", created - 10);
    written_at(&set, "appendonly.aof.2.incr.aof", created + 10);
    written_at(&set, "appendonly.aof.3.incr.aof", created + 20);
    let run = repair(&["--apply"], &set).expect(0);
    let text = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("appendonly.aof.1.incr.aof is left out"), "{text}");
    assert!(text.contains("doubtful: appendonly.aof.3.incr.aof is taken"), "{text}");
    let new = fs::read_to_string(set.file("appendonly.aof.manifest")).unwrap();
    assert_eq!(
        new,
        "file appendonly.aof.2.base.rdb seq 2 type b\n\
         file appendonly.aof.2.incr.aof seq 2 type i\n\
         file appendonly.aof.3.incr.aof seq 3 type i\n"
    );
}

#[test]
fn the_manifest_a_server_had_written_and_not_put_in_place_is_its_own_word() {
    let (set, _) = with_dated_base();
    let text = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                file appendonly.aof.2.incr.aof seq 2 type i startoffset 62\n";
    set.put("temp-appendonly.aof.manifest", text.as_bytes());
    repair(&["--apply"], &set).expect(0);
    assert_eq!(fs::read_to_string(set.file("appendonly.aof.manifest")).unwrap(), text);
}

#[test]
fn what_cannot_be_proven_is_refused_and_nothing_changes() {
    let set = Set::of(&sets(5));
    fs::remove_file(set.file(BASE)).unwrap();
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    let before = state(&set.dir());
    let run = repair(&["--apply"], &set).expect(22);
    assert!(run.out.contains("no base is here"), "{}", run.out);
    // A file that is named and not there.
    let gone = Set::of(&sets(5));
    fs::remove_file(gone.file(BASE)).unwrap();
    repair(&["--apply"], &gone).expect(22);
    assert_eq!(state(&set.dir()), before);
    assert!(!set.root().join("aof.aofkit").exists());
}

#[test]
fn a_torn_end_and_a_broken_manifest_are_put_right_by_one_rename() {
    let set = Set::of(&[sets(5), b"*3\r\n$3\r\nSE".to_vec()].concat());
    set.manifest(&format!("{B}\n{I}"));
    let before = state(&set.dir());
    let run = repair(&["--apply", "--json"], &set).expect(0).json();
    let actions: Vec<_> =
        run["actions"].as_array().unwrap().iter().map(|a| a["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["manifest", "rewrite"]);
    let manifest = fs::read_to_string(set.file("appendonly.aof.manifest")).unwrap();
    assert_eq!(manifest, format!("{B}file appendonly.aof.01.incr.aof seq 1 type i\n"));
    assert_eq!(fs::read(set.file("appendonly.aof.01.incr.aof")).unwrap(), sets(5));
    assert!(!set.file(INCREMENT).exists());
    repair(&["--undo", "--apply"], &set).expect(22);
    assert_eq!(state(&set.dir()), before);
}

#[test]
fn a_broken_manifest_and_damage_inside_are_put_right_by_one_run() {
    let set = Set::of(&[sets(20), b"*3\r\n$3\r\nSXX".to_vec(), sets(20)].concat());
    set.manifest(&format!("{B}\n{I}"));
    let before = state(&set.dir());
    let plan = repair(&[], &set).expect(22);
    assert!(plan.out.contains("--salvage") && plan.out.contains("--truncate"), "{}", plan.out);
    // Without the word only the manifest is put right, and that is said.
    let half = repair(&["--apply"], &set).expect(21);
    assert!(half.out.contains("choose --truncate or --salvage"), "{}", half.out);
    repair(&["--undo", "--apply"], &set).expect(22);
    assert_eq!(state(&set.dir()), before);
    repair(&["--salvage", "--apply"], &set).expect(0);
    let manifest = fs::read_to_string(set.file("appendonly.aof.manifest")).unwrap();
    assert_eq!(manifest, format!("{B}file appendonly.aof.01.incr.aof seq 1 type i\n"));
    assert_eq!(
        fs::read(set.file("appendonly.aof.01.incr.aof")).unwrap(),
        [sets(20), sets(20)].concat()
    );
    repair(&["--undo", "--apply"], &set).expect(22);
    assert_eq!(state(&set.dir()), before);
}

#[test]
fn a_lost_manifest_with_a_torn_base_needs_the_word_and_one_run() {
    let (set, _) = with_dated_base();
    let base = set.file("appendonly.aof.2.base.rdb");
    let bytes = fs::read(&base).unwrap();
    fs::write(&base, &bytes[..bytes.len() / 2]).unwrap();
    let before = state(&set.dir());
    let plain = repair(&["--apply"], &set).expect(22);
    assert!(plain.out.contains("is broken") && plain.out.contains("--salvage"), "{}", plain.out);
    assert_eq!(state(&set.dir()), before);
    repair(&["--salvage", "--apply"], &set).expect(0);
    assert_eq!(check(&set.dir()).code, 0);
    repair(&["--undo", "--apply"], &set).expect(22);
    assert_eq!(state(&set.dir()), before);
}
