//! Damage and a moment: before it a cut cures, behind it nothing is done before a repair.

use std::fs;
use std::path::Path;

use crate::support::live::Live;
use crate::support::server::Server;
use crate::typed::{aofkit, record, rewind, tree};

/// Three increments; the second has a broken range in its middle, the third a FLUSHALL.
fn damaged() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("aof");
    fs::create_dir(&set).unwrap();
    let sets = |from: usize, to: usize| -> String {
        (from..to).map(|i| record(&["SET", &format!("key:{i:02}"), "value"])).collect()
    };
    let put = |name: &str, text: String| fs::write(set.join(name), text).unwrap();
    put("appendonly.aof.1.base.aof", sets(0, 5));
    put("appendonly.aof.1.incr.aof", sets(5, 10));
    let broken = format!("{}*3\r\n$3\r\nSXX{}", sets(10, 15), sets(15, 20));
    put("appendonly.aof.2.incr.aof", broken);
    put("appendonly.aof.3.incr.aof", sets(20, 25) + &record(&["FLUSHALL"]) + &sets(25, 27));
    let lines = (1..4).map(|i| format!("file appendonly.aof.{i}.incr.aof seq {i} type i\n"));
    let base = "file appendonly.aof.1.base.aof seq 1 type b\n".to_owned();
    put("appendonly.aof.manifest", base + &lines.collect::<String>());
    (dir, set)
}

fn keys(dir: &Path) -> Option<u64> {
    let server = Server::find("redis-8.2")?;
    let settings = ["--appendonly", "yes", "--appenddirname", "aof"];
    Some(Live::start_with(&server, dir, &settings).must("DBSIZE").number())
}

#[test]
fn a_cut_before_the_damage_cures() {
    let one = record(&["SET", "key:00", "value"]).len();
    let at = |file: usize, offset: usize| format!("appendonly.aof.{file}.incr.aof:{offset}");
    // Before it in another file and in its own, at its first byte, and inside of it.
    let cases = [(at(1, one), 6), (at(2, one), 11), (at(2, 5 * one), 15), (at(2, 5 * one + 7), 15)];
    for (place, wanted) in cases {
        let (dir, set) = damaged();
        let run = rewind(&["--at", &place, "--apply"], &set);
        assert_eq!(run.code, 0, "{place}: {}{}", run.out, run.err);
        assert_eq!(aofkit(&["check", set.to_str().unwrap()]).code, 0, "{place}");
        match keys(dir.path()) {
            Some(found) => assert_eq!(found, wanted, "{place}"),
            None => println!("did not run: no redis-8.2 to load the rewound set"),
        }
    }
}

#[test]
fn a_moment_behind_the_damage_is_refused_until_the_set_is_repaired() {
    let (dir, set) = damaged();
    let before = tree(&set);
    let copy = dir.path().join("copy");
    let copy_words = ["--output", copy.to_str().unwrap()];
    for more in [&[][..], &["--apply"], &copy_words] {
        let run = rewind(&[&["--before-command", "FLUSHALL"], more].concat(), &set);
        assert_eq!(run.code, 21, "{more:?}: {}{}", run.out, run.err);
        assert!(
            run.out.lines().next().unwrap().ends_with("refused; nothing was changed"),
            "{}",
            run.out
        );
        assert!(run.out.contains("lies behind damage at byte"), "{}", run.out);
        assert!(!run.out.contains("--apply changes the set"), "{}", run.out);
        assert!(tree(&set) == before && !copy.exists(), "{more:?}");
    }
    let json = rewind(&["--json", "--before-command", "FLUSHALL", "--apply"], &set);
    assert_eq!(json.code, 21);
    let json = json.json();
    assert_eq!((&json["applied"], json["refused"].is_string()), (&false.into(), true), "{json}");
    let repaired = aofkit(&["repair", "--salvage", "--apply", set.to_str().unwrap()]);
    assert_eq!(repaired.code, 0, "{}{}", repaired.out, repaired.err);
    let run = rewind(&["--before-command", "FLUSHALL", "--apply"], &set);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    match keys(dir.path()) {
        // The broken record takes no sound one with it.
        Some(found) => assert_eq!(found, 25),
        None => println!("did not run: no redis-8.2 to load the rewound set"),
    }
}

#[test]
fn what_is_known_of_the_age_of_a_base_is_said_with_its_source() {
    let (_dir, set) = damaged();
    let file = fs::File::options().append(true).open(set.join("appendonly.aof.1.base.aof"));
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    file.unwrap().set_modified(at).unwrap();
    let run = rewind(&["--list"], &set);
    assert_eq!(run.code, 0, "{}", run.err);
    let said = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = "the base (number 1) does not say when it was made, its file is of 2023-11-14T22:13:20Z by \
                  the file system; older moments are out of reach";
    assert!(said.contains(wanted), "{}", run.out);
    let run = rewind(&["--until", "2020-01-01T00:00:00Z"], &set);
    assert!(run.code == 1 && run.err.contains("by the file system"), "{}", run.err);
    // The annotation that a server puts before the commands of a base dates it.
    let base = fs::read_to_string(set.join("appendonly.aof.1.base.aof")).unwrap();
    fs::write(set.join("appendonly.aof.1.base.aof"), format!("#TS:1600000000\r\n{base}")).unwrap();
    let json = rewind(&["--list", "--json"], &set).json();
    assert_eq!(json["reach"]["base_created_at"], "2020-09-13T12:26:40Z");
    assert_eq!(json["reach"]["base_seq"], 1);
    let run = rewind(&["--until", "2020-01-01T00:00:00Z"], &set);
    assert!(run.code == 1 && run.err.contains("the base was saved at 2020-09-13"), "{}", run.err);
}
