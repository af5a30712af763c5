//! Which change is the last one: numbers say, no clock.

use std::fs;

use super::tree::in_time;
use super::world::*;

fn entries(set: &Set) -> Vec<String> {
    let kept = fs::read_dir(set.root().join("aof.aofkit")).unwrap();
    let mut names: Vec<_> =
        kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "lock");
    names.sort();
    names
}

#[test]
fn many_changes_in_one_second_are_taken_back_in_the_opposite_order() {
    let set = Set::of(&sets(30));
    let mut states = vec![fs::read(set.file(INCREMENT)).unwrap()];
    // A record of 36 bytes or 37 at a time.
    for n in (10..25).rev() {
        let at = format!("{INCREMENT}:{}", sets(n).len());
        in_time(&["rewind", "--apply", "--at", &at], &set.dir()).expect(0);
        states.push(fs::read(set.file(INCREMENT)).unwrap());
    }
    let names = entries(&set);
    assert_eq!(names.len(), 15);
    assert!(
        names.iter().enumerate().all(|(i, n)| n.starts_with(&format!("{:08}-", i + 1))),
        "{names:?}"
    );
    states.pop();
    while let Some(state) = states.pop() {
        in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(0);
        assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), state);
    }
    let run = in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(0);
    assert!(run.out.contains("nothing to take back"), "{}", run.out);
}

#[test]
fn a_clock_that_went_back_does_not_matter() {
    let torn = [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat();
    let set = Set::of(&torn);
    in_time(&["repair", "--apply"], &set.dir()).expect(0);
    // As if that had been done in the year 2099.
    let kept = set.root().join("aof.aofkit");
    let first = entries(&set).remove(0);
    let later = format!("{}-20990101T000000Z-repair", &first[..8]);
    fs::rename(kept.join(&first), kept.join(&later)).unwrap();
    in_time(&["rewind", "--apply", "--at", &format!("{INCREMENT}:58")], &set.dir()).expect(0);
    in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(0);
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), sets(20));
    in_time(&["repair", "--undo", "--apply"], &set.dir()).expect(20);
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), torn);
}

#[test]
fn numbers_that_are_used_up_end_in_an_error() {
    let torn = [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat();
    let set = Set::of(&torn);
    let last = set.root().join("aof.aofkit/999999999999-20261124T134247Z-repair");
    fs::create_dir_all(&last).unwrap();
    fs::write(last.join("undone"), "aofkit-journal 2\nverb repair\nend\n").unwrap();
    let run = in_time(&["repair", "--apply"], &set.dir()).expect(1);
    assert!(run.err.contains("aof.aofkit"), "{}", run.err);
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), torn);
}
