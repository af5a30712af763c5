//! A snapshot comes back where aofkit was never installed: with a handful of programs and nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::home::{Home, INCREMENT, files_in, set};

/// All that a script may use.
const PROGRAMS: [&str; 10] =
    ["sh", "cat", "zstd", "sha256sum", "mkdir", "ls", "wc", "chmod", "dirname", "sync"];

/// A directory with these programs alone, or `None` where one is missing.
fn minimal(dir: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let bin = dir.join("bin");
    fs::create_dir(&bin).unwrap();
    for program in PROGRAMS {
        let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| p.is_file());
        let Some(found) = found else {
            println!("did not run: there is no {program} here");
            return None;
        };
        symlink(found, bin.join(program)).unwrap();
    }
    Some(bin)
}

fn script(home: &Home, made: &aofkit::backup::Backup) -> PathBuf {
    home.repo().join(format!("sources/{}/snapshots/{}.sh", made.entry.source, made.entry.id))
}

#[test]
fn a_snapshot_comes_back_with_ten_small_programs_and_an_empty_environment() {
    let home = Home::in_memory();
    home.fill(&set("a", b"1"));
    home.backup();
    home.append(&set("b", &[0, 255, b'\'', b'%', b'\n'].repeat(5000)));
    let made = home.backup();
    let Some(bin) = minimal(home.root.path()) else { return };
    // The repository was carried away: nothing of the machine it was made on is there.
    let elsewhere = home.root.path().join("else where's");
    fs::rename(home.repo(), &elsewhere).unwrap();
    let script =
        elsewhere.join(format!("sources/{}/snapshots/{}.sh", made.entry.source, made.entry.id));
    let run = |dest: &str| {
        let mut command = Command::new(bin.join("sh"));
        command.env_clear().env("PATH", &bin).current_dir(home.root.path());
        command.arg(&script).arg(dest).output().unwrap()
    };
    let ran = run("here");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let dest = home.root.path().join("here");
    assert_eq!(files_in(&dest), files_in(&home.set()));
    assert!(!run("here").status.success(), "it wrote into a directory that is not empty");
    assert_eq!(files_in(&dest), files_in(&home.set()));
}

#[test]
fn a_script_stops_at_an_object_that_is_not_what_it_was() {
    let home = Home::in_memory();
    home.fill(&set("a", b"1"));
    let made = home.backup();
    let Some(bin) = minimal(home.root.path()) else { return };
    let object = &made.entry.files[1].segments[0].object;
    let path = home.repo().join(object);
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let dest = home.root.path().join(format!("dest-{at}"));
        let ran = Command::new(bin.join("sh"))
            .env_clear()
            .env("PATH", &bin)
            .arg(script(&home, &made))
            .arg(&dest)
            .output()
            .unwrap();
        assert!(!ran.status.success(), "byte {at}");
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        let told = told + &String::from_utf8_lossy(&ran.stderr);
        assert!(told.contains(object.as_str()), "byte {at}: {told}");
        assert!(!dest.join(INCREMENT).exists(), "byte {at}");
    }
}

/// A set whose increment has so many segments, and its last snapshot.
fn with_segments(count: usize) -> (Home, aofkit::backup::Backup) {
    let home = Home::in_memory();
    home.fill(b"");
    let mut take = |n: usize| {
        home.append(&set(&format!("key:{n}"), &[0, 255, b'\'', b'%', b'\n']));
        home.backup()
    };
    let made = (0..count).map(&mut take).last().unwrap();
    (home, made)
}

#[test]
fn a_snapshot_with_lists_comes_back_with_the_same_programs() {
    let (home, made) = with_segments(275);
    assert_eq!(made.entry.files[1].lists.len(), 2);
    let Some(bin) = minimal(home.root.path()) else { return };
    let elsewhere = home.root.path().join("else where's");
    fs::rename(home.repo(), &elsewhere).unwrap();
    let script =
        elsewhere.join(format!("sources/{}/snapshots/{}.sh", made.entry.source, made.entry.id));
    let dest = home.root.path().join("here");
    let mut command = Command::new(bin.join("sh"));
    command.env_clear().env("PATH", &bin).current_dir(home.root.path());
    let ran = command.arg(&script).arg(&dest).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(files_in(&dest), files_in(&home.set()));
}

#[test]
fn a_script_stops_at_a_list_that_is_not_what_it_was_or_lacks_an_object() {
    let (home, made) = with_segments(17);
    let Some(bin) = minimal(home.root.path()) else { return };
    let list = &made.entry.files[1].lists[0].list;
    let in_list = &made.entry.files[1].segments[3].object;
    let refuses = |what: &str, named: &str| {
        let dest = home.root.path().join(format!("dest {what}"));
        let mut command = Command::new(bin.join("sh"));
        command.env_clear().env("PATH", &bin).arg(script(&home, &made)).arg(&dest);
        let ran = command.output().unwrap();
        assert!(!ran.status.success(), "{what}");
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        let told = told + &String::from_utf8_lossy(&ran.stderr);
        assert!(told.contains(named), "{what}: {told}");
        assert!(files_in(&dest).is_empty(), "{what}: it wrote something");
    };
    let path = home.repo().join(list);
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(11) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        refuses(&format!("byte {at}"), list);
    }
    fs::write(&path, &good[..good.len() / 2]).unwrap();
    refuses("cut", list);
    fs::remove_file(&path).unwrap();
    refuses("missing", list);
    fs::write(&path, &good).unwrap();
    fs::remove_file(home.repo().join(in_list)).unwrap();
    refuses("without an object", in_list);
}
