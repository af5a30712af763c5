//! A record whose halves stand in two increments, as a write that was cut short before a rewrite leaves it.

use std::fs;

use super::*;

/// Keys by database.
fn keys(live: &mut Live) -> Vec<i64> {
    let mut count = |db: u64| {
        live.must(&format!("SELECT {db}"));
        i64::try_from(live.must("DBSIZE").number()).expect("a number")
    };
    vec![count(0), count(3)]
}

/// A rewrite that fails begins an increment all the same.
fn failing_rewrite(live: &mut Live) {
    live.must("CONFIG SET rdb-key-save-delay 10000000");
    live.must("BGREWRITEAOF");
    live.until_it_says("aof_rewrite_in_progress:1");
    let parent = pid(live).to_string();
    Command::new("pkill").args(["-KILL", "-P", &parent]).status().expect("run pkill");
    live.until_it_says("aof_rewrite_in_progress:0");
}

/// The last bytes of the first increment, from there on, become the first of the second.
fn split(set: &Path, at: usize) -> [Vec<u8>; 2] {
    let [first, second] = ["2", "3"].map(|n| set.join(format!("appendonly.aof.{n}.incr.aof")));
    let (mut whole, next) = (fs::read(&first).expect("read"), fs::read(&second).expect("read"));
    let rest = whole.split_off(at);
    fs::write(&first, &whole).expect("write");
    let next = [rest, next].concat();
    fs::write(&second, &next).expect("write");
    [whole, next]
}

/// Offset of the first of these bytes in the first increment.
fn find(set: &Path, bytes: &str) -> usize {
    let log = fs::read(set.join("appendonly.aof.2.incr.aof")).expect("read");
    let mut windows = log.windows(bytes.len());
    windows.position(|window| window == bytes.as_bytes()).expect("it is there")
}

/// A set with base 2 and two increments, the first of which ends in database 3.
fn written(server: &Server, dir: &Path) -> Vec<i64> {
    let mut live = logging(server, dir);
    fill(&mut live, "old", 5);
    rewrite(&mut live);
    fill(&mut live, "zero", 4);
    live.must("SELECT 3");
    fill(&mut live, "three", 3);
    live.must("MULTI");
    live.must("SET inside:1 x");
    live.must("SET inside:2 y");
    live.must("EXEC");
    fill(&mut live, "last", 2);
    failing_rewrite(&mut live);
    live.must("SELECT 0");
    fill(&mut live, "later", 2);
    keys(&mut live)
}

#[test]
fn a_record_split_over_two_increments_is_told_and_joined_with_nothing_lost() {
    for server in servers() {
        // In the first database, in another one with more behind it, in a transaction, and in the last record.
        for place in ["zero:3", "three:1", "inside:1", "last:1"] {
            let dir = tempfile::tempdir().expect("make a directory");
            let wanted = written(&server, dir.path());
            assert_eq!(wanted, [11, 7], "{}", server.name);
            let set = dir.path().join("appendonlydir");
            let at = find(&set, place) + 3;
            let torn = split(&set, at);
            let (status, report) = json("check", dir.path(), &[]);
            assert_eq!((status, &report["loads"]), (Some(21), &"no".into()), "{report:#}");
            let told = problems(&report, "truncated-inner-segment");
            assert_eq!(told.len(), 1, "{} {place}: {report:#}", server.name);
            assert!(told[0].2.contains("nothing is lost"), "{told:?}");
            let rest = problems(&report, "corrupt-range");
            assert_eq!(rest.len(), 1, "{} {place}: {report:#}", server.name);
            let all = report["problems"].as_array().expect("problems").iter();
            for one in all.filter(|one| one["severity"] == "error") {
                assert_eq!(one["lost"]["bytes"], 0, "{one:#}");
                let next = one["next"].as_str().expect("a command");
                assert!(next.starts_with("aofkit repair /"), "{next}");
            }
            let (status, refused) = json("repair", dir.path(), &["--salvage", "--apply"]);
            assert_eq!((status, &refused["applied"]), (Some(21), &false.into()), "{refused:#}");
            let before = support::kill::state(&set);
            let (status, done) = json("repair", dir.path(), &["--max-loss", "0", "--apply"]);
            assert_eq!((status, &done["applied"]), (Some(0), &true.into()), "{done:#}");
            assert_eq!(done["loss"]["bytes"], 0, "{done:#}");
            let (status, _) = json("repair", dir.path(), &["--undo", "--apply"]);
            assert_eq!(status, Some(21), "{}", server.name);
            assert_eq!(support::kill::state(&set), before, "{}: taken back", server.name);
            assert_eq!(fs::read(set.join("appendonly.aof.2.incr.aof")).expect("read"), torn[0]);
            json("repair", dir.path(), &["--apply"]);
            assert_silent(dir.path(), &server.name);
            let mut live = logging(&server, dir.path());
            assert_eq!(keys(&mut live), wanted, "{} {place}", server.name);
        }
    }
}

/// The rest is all that the second increment has.
#[test]
fn a_second_increment_that_is_nothing_but_the_rest_is_emptied_and_not_cut() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 5);
        rewrite(&mut live);
        fill(&mut live, "key", 4);
        failing_rewrite(&mut live);
        drop(live);
        let set = dir.path().join("appendonlydir");
        split(&set, find(&set, "key:3") + 3);
        let (status, done) = json("repair", dir.path(), &["--max-loss", "0", "--apply"]);
        assert_eq!((status, &done["applied"]), (Some(0), &true.into()), "{done:#}");
        assert_eq!(logging(&server, dir.path()).must("DBSIZE").number(), 9, "{}", server.name);
    }
}

/// Halves that do not fit each other are damage as before.
#[test]
fn a_torn_increment_before_one_that_begins_with_something_else_is_not_called_split() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        written(&server, dir.path());
        let set = dir.path().join("appendonlydir");
        let at = find(&set, "three:1") + 3;
        let [_, next] = split(&set, at);
        // A byte of the rest is gone.
        fs::write(set.join("appendonly.aof.3.incr.aof"), &next[1..]).expect("write");
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(21), "{report:#}");
        let told = problems(&report, "truncated-inner-segment");
        assert!(told.len() == 1 && !told[0].2.contains("nothing is lost"), "{told:?}");
    }
}

/// The border of the two increments lies between two records of a transaction.
#[test]
fn a_transaction_split_over_two_increments_is_told_and_joined_with_nothing_lost() {
    for server in servers() {
        for (place, more) in [("inside:1", 0), ("inside:2", 0), ("last:0", 14)] {
            let dir = tempfile::tempdir().expect("make a directory");
            let wanted = written(&server, dir.path());
            let set = dir.path().join("appendonlydir");
            // In front of a record of the transaction, and in front of its EXEC: `last:0` follows that at once.
            let log = fs::read(set.join("appendonly.aof.2.incr.aof")).expect("read");
            let at = log[..find(&set, place)].iter().rposition(|&byte| byte == b'*');
            let torn = split(&set, at.expect("a record") - more);
            let (status, report) = json("check", dir.path(), &[]);
            let case = format!("{} {place}: {report:#}", server.name);
            assert_eq!((status, &report["loads"]), (Some(21), &"no".into()), "{case}");
            let told = problems(&report, "truncated-inner-segment");
            assert_eq!(told.len(), 1, "{case}");
            assert!(told[0].2.contains("a transaction, between two of its records"), "{case}");
            assert!(told[0].2.contains("nothing is lost"), "{case}");
            let (status, done) = json("repair", dir.path(), &["--max-loss", "0", "--apply"]);
            assert_eq!((status, &done["applied"]), (Some(0), &true.into()), "{done:#}");
            assert_eq!(done["loss"]["bytes"], 0, "{done:#}");
            let (status, _) = json("repair", dir.path(), &["--undo", "--apply"]);
            assert_eq!(status, Some(21), "{case}");
            assert_eq!(fs::read(set.join("appendonly.aof.2.incr.aof")).expect("read"), torn[0]);
            json("repair", dir.path(), &["--apply"]);
            assert_silent(dir.path(), &case);
            let mut live = logging(&server, dir.path());
            assert_eq!(keys(&mut live), wanted, "{case}");
        }
    }
}

/// A transaction that was never finished, before an increment that a server began: there is nothing to join.
#[test]
fn an_open_transaction_before_a_sound_increment_is_not_called_split() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        written(&server, dir.path());
        let set = dir.path().join("appendonlydir");
        let first = set.join("appendonly.aof.2.incr.aof");
        let log = fs::read(&first).expect("read");
        let at = log[..find(&set, "inside:2")].iter().rposition(|&byte| byte == b'*');
        fs::write(&first, &log[..at.expect("a record")]).expect("write");
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(21), "{report:#}");
        let told = problems(&report, "truncated-inner-segment");
        assert!(told.len() == 1 && !told[0].2.contains("nothing is lost"), "{told:?}");
    }
}

/// The last file begins with the rest of a record and ends inside another: one repair puts both right.
#[test]
fn a_split_record_before_a_torn_end_is_one_plan() {
    for server in servers() {
        for place in ["zero:3", "inside:1", "last:1"] {
            let dir = tempfile::tempdir().expect("make a directory");
            let wanted = written(&server, dir.path());
            let set = dir.path().join("appendonlydir");
            split(&set, find(&set, place) + 3);
            let last = set.join("appendonly.aof.3.incr.aof");
            let mut log = fs::read(&last).expect("read");
            log.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$5\r\nnever");
            fs::write(&last, log).expect("write");
            let (status, planned) = json("repair", dir.path(), &[]);
            assert_eq!(status, Some(21), "{} {place}: {planned:#}", server.name);
            assert_eq!(planned["verdict_after"], "healthy", "{} {place}: {planned:#}", server.name);
            let (status, done) = json("repair", dir.path(), &["--max-loss", "0", "--apply"]);
            assert_eq!((status, &done["applied"]), (Some(0), &true.into()), "{done:#}");
            assert_eq!(
                (&done["loss"]["bytes"], &done["loss"]["commands"]),
                (&22.into(), &0.into())
            );
            let mut live = logging(&server, dir.path());
            assert_eq!(keys(&mut live), wanted, "{} {place}", server.name);
        }
    }
}
