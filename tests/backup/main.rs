//! Backups through the library's door and the command line: what comes back is what was there, also by hand, also after failures.
#![allow(clippy::unwrap_used)]

mod apart;
mod beside;
mod compacted;
mod counted;
mod doubted;
mod failures;
mod gone_over;
mod guide;
#[path = "../support/home.rs"]
#[allow(dead_code)]
mod home;
mod hostile;
mod lists;
mod live;
mod loaded;
mod locks;
mod lost;
mod races;
mod running;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod turns;
mod unfit;
mod until;
mod within;

use std::fs;
use std::path::{Path, PathBuf};

use aofkit::aof::OpenOptions;
use aofkit::backup::{Backup, BackupOptions, backup};
use aofkit::error::ErrorKind;
use aofkit::progress::Silent;
use home::{EXEC, Home, INCREMENT, MULTI, files_in, run_script, set};

#[test]
fn a_set_comes_back_byte_for_byte_by_its_script_alone() {
    let home = Home::with_increment(&set("a", b"1"));
    let first = home.backup();
    assert!(!first.unchanged);
    assert_eq!(home.by_hand(&first), files_in(&home.set()));
}

#[test]
fn only_what_was_appended_is_stored_and_an_unchanged_set_stores_nothing() {
    let home = Home::with_increment(&set("a", &b"0123456789".repeat(10_000)));
    let first = home.backup();
    let again = home.backup();
    assert!(again.unchanged);
    assert_eq!((again.entry.id, again.new_bytes), (first.entry.id, 0));
    home.append(&set("b", b"2"));
    let second = home.backup();
    assert!(!second.unchanged && second.new_bytes < 100, "{second:?}");
    assert_eq!(second.entry.files[1].segments.len(), 2);
    assert_eq!(second.entry.files[0].segments, first.entry.files[0].segments);
    assert_eq!(second.entry.commands(), 3);
    assert_eq!(home.by_hand(&second), files_in(&home.set()));
}

#[test]
fn a_torn_record_and_an_open_transaction_come_with_the_next_snapshot() {
    let whole = set("a", b"1");
    let home = Home::with_increment(&[&whole[..], MULTI, &set("b", b"2")].concat());
    let first = home.backup();
    assert_eq!(first.entry.files[1].size, whole.len() as u64);
    assert_eq!(home.by_hand(&first)[INCREMENT], whole);
    home.append(&[EXEC, b"*3\r\n$3\r\nSE"].concat());
    let second = home.backup();
    assert_eq!(second.entry.cut_bytes(), 10);
    let expected = [&whole[..], MULTI, &set("b", b"2"), EXEC].concat();
    assert_eq!(home.by_hand(&second)[INCREMENT], expected);
}

#[test]
fn a_history_that_was_rewritten_is_found_and_told() {
    let home = Home::with_increment(&set("a", b"1").repeat(9000));
    home.backup();
    let mut bytes = fs::read(home.set().join(INCREMENT)).unwrap();
    let at = bytes.len() - 3;
    bytes[at] = b'2';
    bytes.extend(set("b", b"3"));
    home.put(INCREMENT, &bytes);
    let second = home.backup();
    assert_eq!(second.entry.diverged.len(), 1, "{second:?}");
    assert_eq!(second.entry.diverged[0].same_up_to, 0);
    assert_eq!(home.by_hand(&second), files_in(&home.set()));
}

#[test]
fn a_file_that_was_cut_is_stored_up_to_its_new_end() {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    home.append(&set("b", b"2"));
    home.backup();
    home.put(INCREMENT, &set("a", b"1"));
    let third = home.backup();
    assert_eq!(third.entry.diverged[0].same_up_to, set("a", b"1").len() as u64);
    assert_eq!(home.by_hand(&third), files_in(&home.set()));
}

#[test]
fn a_damaged_set_is_refused_and_nothing_is_published() {
    let home =
        Home::with_increment(&[&set("a", b"1")[..], b"!!", &set("b", b"2").repeat(3)].concat());
    let refused = home.try_backup(&BackupOptions::default()).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::BadBackup(_)), "{refused}");
    assert_eq!(home.repository().list().unwrap(), []);
}

#[test]
fn every_recorded_set_comes_back_by_hand() {
    let mut tried = 0;
    for family in fs::read_dir(support::recorded_sets()).unwrap() {
        for recorded in fs::read_dir(family.unwrap().path()).unwrap() {
            let data = recorded.unwrap().path();
            let home = Home::new();
            let options = BackupOptions::default();
            let made =
                backup(&data, &OpenOptions::default(), &home.repository(), &options, &Silent);
            let made = made.unwrap_or_else(|e| panic!("{}: {e}", data.display()));
            let got = home.by_hand(&made);
            for file in made.entry.all_files() {
                let name = String::from_utf8(file.name.bytes().unwrap()).unwrap();
                let original = find(&data, &name);
                assert_eq!(got[&name], fs::read(original).unwrap(), "{}: {name}", data.display());
            }
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried} sets were found");
}

fn find(dir: &Path, name: &str) -> PathBuf {
    let direct = dir.join(name);
    if direct.is_file() {
        return direct;
    }
    let below = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path().join(name));
    below.into_iter().find(|p| p.is_file()).unwrap()
}

/// What the documentation of Redis 8.10 says of a sealed backup: hard links to base and increments in a directory of
/// their own, with a manifest. No such server was at hand, so this one is made by hand.
#[test]
fn a_sealed_backup_of_a_server_is_a_source_and_stays_as_it_is() {
    let home = Home::with_increment(&set("a", b"1"));
    let sealed = home.root.path().join("backupdir");
    fs::create_dir(&sealed).unwrap();
    for (name, bytes) in files_in(&home.set()) {
        match name.ends_with(".manifest") {
            true => fs::write(sealed.join(&name), bytes).unwrap(),
            false => fs::hard_link(home.set().join(&name), sealed.join(&name)).unwrap(),
        }
    }
    let before = files_in(&sealed);
    let options = BackupOptions::default();
    let made = backup(&sealed, &OpenOptions::default(), &home.repository(), &options, &Silent);
    assert_eq!(home.by_hand(&made.unwrap()), before);
    assert_eq!(files_in(&sealed), before);
}

#[test]
fn another_servers_set_under_the_same_source_needs_a_word() {
    let home = Home::with_increment(&set("a", b"1"));
    let other = Home::with_increment(&set("z", b"9"));
    let options = BackupOptions { source: Some("prod".to_owned()), ..BackupOptions::default() };
    home.try_backup(&options).unwrap();
    other.put("appendonly.aof.1.base.aof", &set("other", b"1"));
    let at = |options: &BackupOptions| {
        backup(&other.set(), &OpenOptions::default(), &home.repository(), options, &Silent)
    };
    let refused = at(&options).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Refused(_)), "{refused}");
    let taken = at(&BackupOptions { new_history: true, ..options }).unwrap();
    assert_eq!(home.by_hand(&taken), files_in(&other.set()));
}

#[test]
fn files_beside_the_set_come_along_and_are_stored_again_only_when_they_change() {
    let home = Home::with_increment(&set("a", b"1"));
    let conf = home.root.path().join("redis.conf");
    fs::write(&conf, b"maxmemory 1gb\n").unwrap();
    let options = BackupOptions { includes: vec![conf.clone()], ..BackupOptions::default() };
    let first = home.try_backup(&options).unwrap();
    assert!(home.try_backup(&options).unwrap().unchanged);
    fs::write(&conf, b"maxmemory 2gb\n").unwrap();
    let second = home.try_backup(&options).unwrap();
    let extra = |made: &Backup, name: &str| {
        let dest = home.root.path().join(name);
        run_script(&home.repo(), made, &dest);
        files_in(&home.root.path().join(format!("{name}.extra")))["redis.conf"].clone()
    };
    assert_eq!(extra(&first, "one"), b"maxmemory 1gb\n");
    assert_eq!(extra(&second, "two"), b"maxmemory 2gb\n");
}
