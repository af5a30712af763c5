//! Backups that see it coming: a set that shrank or was begun anew, one that is kept as it was found, and whose history a
//! source has.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::repository::{Kept, assert_fits};
use super::world::*;

impl Kept {
    fn with(&self, words: &[&str]) -> Run {
        let dir = self.set.dir();
        let all = [&["backup", "--json", "--min-free", "0"], words, &[dir.to_str().unwrap()]];
        self.verb(&all.concat())
    }

    fn append(&self, bytes: &[u8]) {
        let log = [fs::read(self.set.file(INCREMENT)).unwrap(), bytes.to_vec()].concat();
        self.set.put(INCREMENT, &log);
    }

    fn listed(&self, words: &[&str]) -> Vec<Value> {
        let all = [&["snapshots", "--json"], words].concat();
        let listed = self.verb(&all).expect(0).json();
        assert_fits("snapshots", &listed);
        listed["snapshots"].as_array().unwrap().clone()
    }

    /// Numbers of the snapshots that stay.
    fn pruned(&self, words: &[&str]) -> Vec<Value> {
        let done = self.verb(&[&["prune", "--json", "--apply"], words].concat()).expect(0).json();
        assert_fits("prune", &done);
        done["kept"].as_array().unwrap().clone()
    }
}

fn marks(made: &Value) -> Vec<&str> {
    let all = made["snapshot"]["marks"].as_array().unwrap();
    all.iter().map(|mark| mark["kind"].as_str().unwrap()).collect()
}

#[test]
fn keys_are_counted_from_snapshot_to_snapshot_though_only_what_was_appended_is_read() {
    let kept = Kept::new();
    let keys = |made: &Value| made["snapshot"]["keys"].as_u64();
    let first = kept.backup();
    assert_fits("backup", &first);
    assert_eq!(keys(&first), Some(10));
    kept.append(&record(&[b"SELECT", b"3"]));
    kept.append(&[record(&[b"SET", b"key:0", b"1"]), record(&[b"SET", b"key:77", b"1"])].concat());
    assert_eq!(keys(&kept.backup()), Some(12), "key:0 of another database is another key");
    // The database stays selected over the end of a run, and a transaction counts when it ends.
    kept.append(&[record(&[b"DEL", b"key:77"]), record(&[b"MULTI"])].concat());
    kept.append(&record(&[b"SET", b"later", b"1"]));
    assert_eq!(keys(&kept.backup()), Some(11));
    kept.append(&record(&[b"EXEC"]));
    assert_eq!(keys(&kept.backup()), Some(12));
    kept.append(&record(&[b"SET", b"gone", b"1", b"PXAT", b"1000"]));
    let last = kept.backup();
    assert_eq!((keys(&last), &last["snapshot"]["keys_estimated"]), (Some(12), &false.into()));
    kept.append(&[record(&[b"RPUSH", b"l", b"1"]), record(&[b"LPOP", b"l"])].concat());
    let last = kept.backup();
    assert_eq!(
        last["snapshot"]["keys_estimated"], true,
        "a list may have gone with its last element"
    );
    assert!(kept.listed(&[]).iter().all(|one| one["keys"].is_u64() && one["age_seconds"].is_u64()));
    let table = kept.verb(&["snapshots"]).expect(0).out;
    assert!(table.contains("KEYS") && table.contains("AGE"), "{table}");
    // Without the count of the run before it is not known, and nothing is asserted.
    fs::remove_dir_all(kept.repo().join("keys")).unwrap();
    kept.grow("x");
    assert_eq!(kept.backup()["snapshot"]["keys"], Value::Null);
    kept.verb(&["verify", "--data"]).expect(0);
}

#[test]
fn a_set_that_lost_its_keys_is_stored_with_a_loud_mark_and_the_snapshot_before_stays() {
    let kept = Kept::new();
    let before = kept.backup()["snapshot"]["id"].as_str().unwrap().to_owned();
    kept.append(&record(&[b"FLUSHALL"]));
    let made = kept.with(&["--fail-on-shrink", "50"]).expect(30).json();
    assert_eq!(
        (marks(&made), &made["snapshot"]["marks"][0]["percent"]),
        (vec!["shrunk"], &100.into())
    );
    kept.grow("y");
    kept.with(&["--fail-on-shrink", "50"]).expect(0);
    for at in 0..3 {
        kept.grow(&format!("z{at}"));
        kept.with(&[]).expect(0);
    }
    // Also when the snapshot that bears the mark is gone.
    for _ in 0..2 {
        let stay = kept.pruned(&["--keep-last", "1"]);
        let reasons = stay[0]["reasons"].to_string();
        assert_eq!((stay.len(), stay[0]["id"].as_str()), (2, Some(before.as_str())), "{stay:?}");
        assert!(reasons.contains("before the set shrank"), "{reasons}");
        kept.grow("more");
        kept.with(&[]).expect(0);
    }
    kept.verb(&["verify", "--data"]).expect(0);
    let stay = kept.pruned(&["--keep-last", "1", "--accept-shrinks"]);
    assert_eq!(stay.len(), 1, "{stay:?}");
}

#[test]
fn a_shrink_is_told_in_words_and_only_from_the_percentage_on_that_was_asked_for() {
    let kept = Kept::new();
    kept.backup();
    (0..3).for_each(|n| kept.append(&record(&[b"DEL", format!("key:{n}").as_bytes()])));
    // Three of ten keys.
    let made = kept.with(&["--fail-on-shrink", "31", "--always"]).expect(0).json();
    assert_eq!(marks(&made), Vec::<&str>::new());
    kept.append(&record(&[b"DEL", b"key:3"]));
    let dir = kept.set.dir();
    let words = ["backup", "--min-free", "0", "-q", "--fail-on-shrink", "10"];
    let told = kept.verb(&[&words[..], &[dir.to_str().unwrap()]].concat()).expect(30);
    assert!(told.err.contains("WARNING") && told.err.contains("6 keys"), "{}", told.err);
    let table = kept.verb(&["snapshots"]).expect(0).out;
    assert!(table.contains("MARKED"), "{table}");
}

#[test]
fn another_history_is_marked_and_a_rewrite_is_none() {
    let kept = Kept::new();
    kept.backup();
    let rewritten = |number: u32, base: &[u8]| {
        let (base_name, increment) = (
            format!("appendonly.aof.{number}.base.aof"),
            format!("appendonly.aof.{number}.incr.aof"),
        );
        kept.set.put(&base_name, base);
        kept.set.put(&increment, b"");
        kept.set.manifest(&format!(
            "file {base_name} seq {number} type b\nfile {increment} seq {number} type i\n"
        ));
    };
    rewritten(2, &sets(12));
    fs::remove_file(kept.set.file(BASE)).unwrap();
    fs::remove_file(kept.set.file(INCREMENT)).unwrap();
    let made = kept.with(&["--fail-on-shrink", "1"]).expect(0).json();
    assert_eq!((marks(&made), &made["snapshot"]["keys"]), (vec![], &12.into()));
    rewritten(1, &sets(13));
    fs::remove_file(kept.set.file("appendonly.aof.2.base.aof")).unwrap();
    fs::remove_file(kept.set.file("appendonly.aof.2.incr.aof")).unwrap();
    let made = kept.with(&["--fail-on-shrink", "99"]).expect(30).json();
    assert_eq!(marks(&made), ["another-history"]);
}

#[test]
fn a_set_that_a_server_began_anew_beside_fuller_files_is_marked_each_time() {
    let kept = Kept::new();
    kept.set.put("appendonly.aof.2.base.aof", &sets(200));
    kept.set.put("appendonly.aof.2.incr.aof", &record(&[b"SET", b"x", b"1"]));
    for unchanged in [false, true] {
        let made = kept.with(&["--fail-on-shrink", "90"]).expect(30).json();
        assert_fits("backup", &made);
        assert_eq!(made["unchanged"], unchanged);
        assert_eq!(marks(&made), ["started-empty"]);
    }
    let message = kept.listed(&[])[0]["marks"][0]["message"].to_string();
    assert!(message.contains("Do not let that server rewrite"), "{message}");
}

#[test]
fn times_in_json_have_no_fraction_and_gaps_begin_before_they_end() {
    let kept = Kept::new();
    kept.backup();
    for number in 2..5 {
        // A base that says when it was begun: now, and long before the snapshot before.
        let began =
            if number == 3 { 1_000_000_000 } else { jiff::Timestamp::now().as_second() + 2 };
        let mut rdb = b"REDIS0011\xfa\x05ctime\xc2".to_vec();
        rdb.extend(u32::try_from(began).unwrap().to_le_bytes());
        rdb.extend(b"\xff\0\0\0\0\0\0\0\0");
        let base = format!("appendonly.aof.{number}.base.rdb");
        kept.set.put(&base, &rdb);
        kept.set
            .manifest(&format!("file {base} seq {number} type b\nfile {INCREMENT} seq 1 type i\n"));
        kept.with(&[]).expect(0);
    }
    let listed = kept.listed(&[]);
    let instant = |value: &Value| {
        let text = value.as_str().unwrap();
        assert!(
            text.len() == 20 && text.ends_with('Z'),
            "{text}: `jq fromdateiso8601` reads no fraction"
        );
        text.to_owned()
    };
    let mut gaps = 0;
    for one in &listed {
        instant(&one["taken_at"]);
        for gap in one["gaps"].as_array().unwrap() {
            assert!(instant(&gap["from"]) < instant(&gap["to"]), "{gap}");
            gaps += 1;
        }
    }
    assert_eq!(
        gaps, 2,
        "where the base was begun before the snapshot before, nothing is missing: {listed:?}"
    );
}

#[test]
fn included_files_stay_in_later_snapshots_until_they_are_dropped() {
    let kept = Kept::new();
    let conf = kept.set.root().join("redis.conf");
    fs::write(&conf, "maxmemory 1gb\n").unwrap();
    kept.with(&[&format!("--include={}", conf.display())]).expect(0);
    assert_eq!(kept.backup()["unchanged"], true, "not giving it again changes nothing");
    fs::remove_file(&conf).unwrap();
    kept.grow("x");
    let second = kept.backup();
    let extra = &second["snapshot"]["extras"][0];
    assert_eq!(extra["file"], "redis.conf");
    assert_eq!(extra["read_at"], kept.listed(&[])[0]["taken_at"], "{extra}");
    let out = kept.set.root().join("out");
    let words = ["restore", &kept.snapshot("latest"), out.to_str().unwrap()];
    run(words).expect(0);
    assert_eq!(fs::read(kept.set.root().join("out.extra/redis.conf")).unwrap(), b"maxmemory 1gb\n");
    kept.grow("y");
    let third = kept.with(&["--drop-includes"]).expect(0).json();
    assert_eq!(third["snapshot"]["extras"], Value::Array(vec![]));
    kept.verb(&["verify", "--data"]).expect(0);
}

#[test]
fn a_source_that_is_not_there_is_not_found() {
    let kept = Kept::new();
    let name = kept.backup()["snapshot"]["source_name"].as_str().unwrap().to_owned();
    kept.verb(&["snapshots", "--source", &name]).expect(0);
    let run = kept.verb(&["snapshots", "--source", "typo"]).expect(10);
    assert!(run.err.contains(&name), "{}", run.err);
}

#[test]
fn a_snapshot_that_is_older_than_a_command_says_that_it_can_be_restored_whole() {
    let kept = Kept::new();
    kept.backup();
    kept.append(&record(&[b"FLUSHALL"]));
    kept.backup();
    let out = kept.set.root().join("out");
    let restore = |which: &str, command: &str| {
        let words = ["restore", &kept.snapshot(which), out.to_str().unwrap()];
        run([&words[..], &["--before-command", command]].concat())
    };
    let older = restore("latest~1", "FLUSHALL").expect(1);
    assert!(
        older.err.contains("older than the one") && older.err.contains("restored whole"),
        "{}",
        older.err
    );
    let never = restore("latest~1", "FLUSHDB").expect(1);
    assert!(!never.err.contains("older"), "{}", never.err);
    assert!(!out.exists());
}

/// What is damaged is refused, and kept with every byte by --as-is.
#[test]
fn a_damaged_set_is_kept_as_it_is_and_no_latest_leads_there() {
    let kept = Kept::new();
    let good = kept.backup()["snapshot"]["id"].clone();
    let log = [&sets(3)[..], b"garbage\r\n", &sets(30), b"*3\r\n$3\r\nSE"].concat();
    kept.set.put(INCREMENT, &log);
    kept.set.put("appendonly.aof.9.incr.aof", &record(&[b"SET", b"only", b"here"]));
    kept.with(&[]).expect(25);
    let made = kept.with(&["--as-is"]).expect(0).json();
    assert_fits("backup", &made);
    assert_eq!((marks(&made), &made["snapshot"]["verified"]), (vec!["as-is"], &false.into()));
    kept.verb(&["verify", "--data"]).expect(0);
    let latest = kept.listed(&[])[0]["id"].clone();
    assert_eq!(latest, good);
    let out = kept.set.root().join("out");
    let restored = |which: &str, words: &[&str]| {
        drop(fs::remove_dir_all(&out));
        drop(fs::remove_dir_all(kept.set.root().join("out.extra")));
        run([&["restore", &kept.snapshot(which), out.to_str().unwrap()], words].concat()).expect(0);
        fs::read(out.join(INCREMENT)).unwrap()
    };
    assert_eq!(restored("latest", &[]), sets(3));
    let id = made["snapshot"]["id"].as_str().unwrap();
    run(["check", &kept.snapshot(id)]).expect(21);
    assert_eq!(restored(id, &[]), log);
    let beside = kept.set.root().join("out.extra/appendonly.aof.9.incr.aof");
    assert_eq!(fs::read(beside).unwrap(), record(&[b"SET", b"only", b"here"]));
    let source = made["snapshot"]["source_name"].as_str().unwrap();
    assert_eq!(restored("latest", &["--source", source]), log);
    // It takes no place of a proven one, and goes only where it is named.
    let stay = kept.pruned(&["--keep-last", "1"]);
    assert_eq!(stay.len(), 2, "{stay:?}");
    let stay = kept.pruned(&["--keep-tag", "none", "--source", source]);
    assert_eq!((stay.len(), &stay[0]["id"]), (1, &good), "{stay:?}");
    kept.verb(&["verify", "--data"]).expect(0);
}

#[test]
fn a_set_that_cannot_be_loaded_at_all_is_kept_as_it_is() {
    for what in ["no manifest", "a manifest that is none", "a missing file", "an empty increment"] {
        let kept = Kept::new();
        let manifest = kept.set.file("appendonly.aof.manifest");
        match what {
            "no manifest" => fs::remove_file(&manifest).unwrap(),
            "a manifest that is none" => fs::write(&manifest, "file \"\n").unwrap(),
            "a missing file" => fs::remove_file(kept.set.file(BASE)).unwrap(),
            _ => fs::write(kept.set.file(INCREMENT), b"").unwrap(),
        }
        let made = kept.with(&["--as-is"]).expect(0).json();
        let out = kept.set.root().join("out");
        let id = made["snapshot"]["id"].as_str().unwrap();
        run(["restore", &kept.snapshot(id), out.to_str().unwrap()]).expect(0);
        let of = |dir: &Path| {
            let all = fs::read_dir(dir).unwrap().map(|one| one.unwrap());
            let mut all: Vec<_> =
                all.map(|one| (one.file_name(), fs::read(one.path()).unwrap())).collect();
            all.sort();
            all
        };
        let mut restored = of(&out);
        let extra = kept.set.root().join("out.extra");
        if extra.exists() {
            restored.extend(of(&extra));
            restored.sort();
        }
        assert_eq!(restored, of(&kept.set.dir()), "{what}");
        run(["check", &kept.snapshot("latest")]).expect(10);
        kept.verb(&["verify", "--data"]).expect(0);
    }
}

#[test]
fn a_source_is_its_history_and_else_its_path() {
    let kept = Kept::new();
    let name = |made: &Value| made["snapshot"]["source_name"].as_str().unwrap().to_owned();
    let source = name(&kept.backup());
    let at = |dir: &Path| {
        kept.verb(&["backup", "--json", "--min-free", "0", dir.to_str().unwrap()]).expect(0).json()
    };
    // Moved elsewhere, it goes on.
    let moved = kept.set.root().join("moved");
    fs::rename(kept.set.dir(), &moved).unwrap();
    let log = [fs::read(moved.join(INCREMENT)).unwrap(), record(&[b"SET", b"m", b"1"])].concat();
    fs::write(moved.join(INCREMENT), log).unwrap();
    let made = at(&moved);
    assert_eq!(
        (name(&made), made["snapshot"]["marks"].to_string().as_str()),
        (source.clone(), "[]")
    );
    // A copy, while the set still lies there, is another source.
    let copy = kept.set.root().join("copy");
    copy_tree(&moved, &copy);
    assert_ne!(name(&at(&copy)), source);
    // A rewrite there has nothing in common with what was before: the path tells.
    fs::write(moved.join("appendonly.aof.2.base.aof"), sets(11)).unwrap();
    fs::write(
        moved.join("appendonly.aof.manifest"),
        "file appendonly.aof.2.base.aof seq 2 type b\n",
    )
    .unwrap();
    fs::remove_file(moved.join(BASE)).unwrap();
    fs::remove_file(moved.join(INCREMENT)).unwrap();
    assert_eq!(name(&at(&moved)), source);
}

/// A container has another host name each time it is made.
#[test]
fn a_source_has_nothing_to_do_with_the_name_of_its_machine() {
    let named = |name: &str, program: &mut std::process::Command| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-u", "sh", "-c", "hostname \"$0\"; exec \"$@\"", name]);
        command.arg(program.get_program()).args(program.get_args());
        finish(&mut command)
    };
    let kept = Kept::new();
    let backup = |host: &str| {
        let mut program = aofkit();
        program.args(["backup", "--json", "--min-free", "0"]).arg(kept.set.dir());
        named(host, program.arg("--repo").arg(kept.repo()))
    };
    let first = backup("one");
    if first.code != 0 {
        println!("no host name can be set here: {}", first.err);
        return;
    }
    let first = first.json();
    assert_eq!(first["snapshot"]["host"], "one");
    // Rewritten meanwhile: no byte tells that it is the same.
    kept.set.put("appendonly.aof.2.base.aof", &sets(11));
    kept.set.manifest("file appendonly.aof.2.base.aof seq 2 type b\n");
    fs::remove_file(kept.set.file(BASE)).unwrap();
    fs::remove_file(kept.set.file(INCREMENT)).unwrap();
    let second = backup("two").expect(0).json();
    assert_eq!(second["snapshot"]["source_name"], first["snapshot"]["source_name"]);
    assert_eq!(second["snapshot"]["host"], "two");
}
