//! Whatever fails, and whenever the power goes: the set is the old one or the new one, the next run finishes or
//! clears what was left, and what was removed can be brought back.

use std::fs;
use std::path::{Path, PathBuf};

use aofkit::disk::LocalDisk;
use aofkit::repair;

use super::library::{
    Failing, State, apply, clear_up, judged, plan, salvage, state, truncate, undo,
};
use super::support::trace::{Act, Tracer};
use super::world::{BASE, INCREMENT, Set, record, sets};

/// A set, how it is repaired, and how it is afterwards.
pub struct Case {
    pub name: &'static str,
    pub make: fn() -> Set,
    pub plan: fn(&Path) -> aofkit::change::Proposal,
    /// The word for the program.
    pub words: &'static [&'static str],
    /// The path that is repaired.
    pub path: fn(&Set) -> PathBuf,
}

fn torn() -> Vec<u8> {
    [sets(20), b"*3\r\n$3\r\nSET\r\n$6\r\nunsure\r\n$4\r\nha".to_vec()].concat()
}

fn with_hole() -> Vec<u8> {
    [sets(20), b"*3\r\n$3\r\nSXX".to_vec(), sets(20)].concat()
}

fn damaged_inside() -> Set {
    let set = Set::of(&sets(3));
    set.put(INCREMENT, &with_hole());
    set
}

fn without_newline() -> Set {
    let set = Set::of(&torn());
    let manifest = fs::read(set.file("appendonly.aof.manifest")).unwrap();
    set.put("appendonly.aof.manifest", &manifest[..manifest.len() - 1]);
    set
}

/// Damage in both increments, so that both get a successor.
fn damaged_twice() -> Set {
    let set = Set::of(&with_hole());
    set.put("appendonly.aof.2.incr.aof", &with_hole());
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n\
         file appendonly.aof.2.incr.aof seq 2 type i\n"
    ));
    set
}

fn single(bytes: &[u8]) -> Set {
    let set = Set::empty();
    set.put("appendonly.aof", bytes);
    set
}

pub fn cases() -> Vec<Case> {
    let dir: fn(&Set) -> PathBuf = Set::dir;
    let file: fn(&Set) -> PathBuf = |set| set.file("appendonly.aof");
    vec![
        Case { name: "a torn tail", make: || Set::of(&torn()), plan, words: &[], path: dir },
        Case {
            name: "damage inside",
            make: damaged_inside,
            plan: salvage,
            words: &["--salvage"],
            path: dir,
        },
        Case {
            name: "damage in several files",
            make: damaged_twice,
            plan: salvage,
            words: &["--salvage"],
            path: dir,
        },
        Case {
            name: "a cut before the last file",
            make: damaged_twice,
            plan: truncate,
            words: &["--truncate"],
            path: dir,
        },
        Case { name: "tail and manifest", make: without_newline, plan, words: &[], path: dir },
        Case { name: "a torn single file", make: || single(&torn()), plan, words: &[], path: file },
        Case {
            name: "a single file with a hole",
            make: || single(&with_hole()),
            plan: salvage,
            words: &["--salvage"],
            path: file,
        },
    ]
}

/// What a healthy end looks like, made without any fault.
pub fn ends(case: &Case) -> (State, State) {
    let set = (case.make)().in_memory();
    age(&set);
    let old = state(&set.dir());
    apply(&(case.plan)(&(case.path)(&set)), &LocalDisk).unwrap();
    (old, state(&set.dir()))
}

/// Long ago, so that nobody seems to be in the middle of writing, and equal for all copies.
pub fn age(set: &Set) {
    for entry in fs::read_dir(set.dir()).unwrap() {
        let file = fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000))
            .unwrap();
    }
}

/// The files a server would look at: those that are written beside do not count.
fn seen_by_servers(mut state: State) -> State {
    state.retain(|name, _| !name.starts_with("temp-") && !name.contains(".0"));
    state
}

#[test]
fn a_failing_or_dying_disk_leaves_the_old_set_or_the_new_one() {
    for case in cases() {
        let (old, new) = ends(&case);
        for dies in [false, true] {
            let mut call = 0;
            loop {
                call += 1;
                let at =
                    format!("{}, call {call}, {}", case.name, if dies { "dies" } else { "fails" });
                let set = (case.make)().in_memory();
                age(&set);
                let path = (case.path)(&set);
                let disk = Failing::at(call, dies);
                let outcome = apply(&(case.plan)(&path), &disk);
                if !disk.has_failed() {
                    outcome.unwrap();
                    break;
                }
                let now = seen_by_servers(state(&set.dir()));
                let is_old = now == seen_by_servers(old.clone());
                // The old files go only after the new ones are published.
                let is_new =
                    seen_by_servers(new.clone()).iter().all(|(k, v)| now.get(k) == Some(v));
                assert!(is_old || is_new, "{at}: neither old nor new: {:?}", now.keys());
                clear_up(&path);
                let (aof, report) = judged(&path);
                let left = repair::tail_and_manifest(&aof, &report).unwrap();
                if report.verdict != aofkit::check::Verdict::Healthy || !left.is_empty() {
                    assert_eq!(state(&set.dir()), old, "{at}: cleared, but not as it was");
                    apply(&(case.plan)(&path), &LocalDisk).unwrap();
                }
                assert_eq!(state(&set.dir()), new, "{at}");
                undo(&path, &LocalDisk).unwrap_or_else(|e| panic!("{at}: {e}"));
                assert_eq!(state(&set.dir()), old, "{at}: taken back");
            }
            assert!(call > 10, "{}: only {call} calls were seen", case.name);
        }
    }
}

#[test]
fn taking_back_is_as_safe_as_changing() {
    for case in cases() {
        let (old, new) = ends(&case);
        let mut call = 0;
        loop {
            call += 1;
            let set = (case.make)().in_memory();
            age(&set);
            let path = (case.path)(&set);
            apply(&(case.plan)(&path), &LocalDisk).unwrap();
            let disk = Failing::at(call, true);
            let outcome = undo(&path, &disk);
            if !disk.has_failed() {
                outcome.unwrap();
                assert_eq!(state(&set.dir()), old, "{}", case.name);
                break;
            }
            clear_up(&path);
            let now = state(&set.dir());
            if now != old {
                assert_eq!(now, new, "{}, call {call}: cleared, but not as it was", case.name);
                undo(&path, &LocalDisk).unwrap();
            }
            assert_eq!(state(&set.dir()), old, "{}, call {call}", case.name);
        }
    }
}

#[test]
fn a_torn_tail_of_a_large_set_rewrites_no_more_than_the_tail() {
    let Some(tracer) = Tracer::find() else { return };
    let set = Set::of(&sets(1));
    // One sparse value of 256 MiB, whole; then a torn record.
    let value = 256 << 20_u64;
    let log = fs::File::create(set.file(INCREMENT)).unwrap();
    use std::os::unix::fs::FileExt;
    let head = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${value}\r\n");
    log.write_all_at(head.as_bytes(), 0).unwrap();
    let torn = [b"\r\n".to_vec(), record(&[b"SET", b"a", b"b"]), b"*3\r\n$3".to_vec()].concat();
    log.write_all_at(&torn, head.len() as u64 + value).unwrap();
    drop(log);
    age(&set);
    let dir = set.dir();
    let words = ["repair", "--apply", "--quiet", dir.to_str().unwrap()];
    let calls = "write,pwrite64,copy_file_range,sendfile,ftruncate";
    let act = Act { what: "answers", at: 0, calls };
    let traced = tracer.run(act, &[set.root()], &words);
    assert_eq!(traced.code, 0, "{}", traced.stderr);
    let answer = |line: &String| line.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok());
    let answers: Vec<u64> = traced.listed.iter().filter_map(answer).collect();
    let total: u64 = answers.iter().sum();
    assert!(total > 0 && total < 16 << 10, "{total} bytes were written");
    // Cutting a file answers with nothing; writing never does.
    assert_eq!(answers.iter().filter(|answer| **answer == 0).count(), 1, "{answers:?}");
    assert_eq!(
        fs::metadata(set.file(INCREMENT)).unwrap().len(),
        head.len() as u64 + value + 2 + 27
    );
}
