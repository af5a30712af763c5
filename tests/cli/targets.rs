//! Who a set is judged for, where nobody says it: the oldest server from the base's writer on that knows all of it.

use serde_json::Value;

use crate::world::{Set, check_json, kinds, record, recorded, run, sets};

fn judged(set: &Set, target: &str) -> Value {
    run(["check", "--json", "--target", target, set.dir().to_str().unwrap()]).json()
}

fn short(report: &Value) -> (&str, &str, Option<&str>) {
    let text = |name: &str| report[name].as_str();
    (text("target").unwrap(), text("verdict").unwrap(), text("loads"))
}

/// A set of that server, and these records appended to its last file.
fn continued(from: &str, last: &str, records: &[Vec<u8>]) -> Set {
    let set = Set::recorded(from);
    let file = set.root().join(last);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend(records.concat());
    std::fs::write(&file, bytes).unwrap();
    set
}

fn words(text: &str) -> Vec<u8> {
    record(&text.split(' ').map(str::as_bytes).collect::<Vec<_>>())
}

#[test]
fn a_server_that_was_upgraded_without_a_rewrite_is_no_damage() {
    // A base of Redis 7.0, and what only later servers log behind it.
    for (appended, target) in [
        ("HSETEX h FIELDS 1 f v", "redis-8.0"),
        ("XDELEX s IDS 1 1-1", "redis-8.2"),
        ("MSETEX 1 a b", "redis-8.6"),
        ("HPEXPIREAT h 4102444800000 FIELDS 1 f", "redis-7.4"),
        ("SET a b", "redis-7.0"),
    ] {
        let set = continued(
            "redis-7.0.15/rdb-base",
            "aof/appendonly.aof.2.incr.aof",
            &[words("SELECT 0"), words(appended)],
        );
        let (code, report) = check_json(&set.root().join("aof"));
        assert_eq!(short(&report), (target, "healthy", Some("yes")), "{appended}");
        assert_eq!((code, &report["knowledge"]), (0, &"recorded".into()), "{appended}");
    }
}

/// Vector sets came with Redis 8.0, into which they are built. That a set has one says nothing of servers that never had them.
#[test]
fn vector_sets_behind_an_older_base_are_for_the_server_that_brings_them() {
    let added = words("VADD points VALUES 3 1 2 3 a");
    let on = |from: &str, last: &str| continued(from, last, &[words("SELECT 0"), added.clone()]);
    let set = on("redis-7.4.1/rdb-base", "aof/appendonly.aof.2.incr.aof");
    let path = set.root().join("aof");
    let (code, report) = check_json(&path);
    assert_eq!(short(&report), ("redis-8.0", "healthy", Some("yes")), "{report}");
    assert_eq!(code, 0);
    let asked = run(["check", "--json", "--target", "redis-7.4", path.to_str().unwrap()]);
    let report = asked.expect(24).json();
    assert_eq!(short(&report), ("redis-7.4", "unsupported", None), "{report}");
    // Of the other family no server has them.
    let set = on("valkey-8.1.8/rdb-base", "aof/appendonly.aof.2.incr.aof");
    let (_, report) = check_json(&set.root().join("aof"));
    assert_ne!((&report["target"], &report["loads"]), (&"valkey-8.1".into(), &"yes".into()));
}

#[test]
fn a_base_that_names_no_writer_is_judged_by_a_server_that_knows_its_commands() {
    for (log, target) in [
        ("SET a b", "redis-8.2"),
        ("XIDMPRECORD s p i 1-1", "redis-8.6"),
        ("ARSET a 0 v", "redis-8.8"),
        ("SEXPIRE s 60 MEMBERS 1 m", "redis-8.12"),
        ("DELIFEQ a b", "valkey-9.0"),
    ] {
        let set = Set::of(&words(log));
        let (code, report) = check_json(&set.dir());
        assert_eq!(short(&report), (target, "healthy", Some("yes")), "{log}");
        assert_eq!(code, 0, "{log}");
        let documented = ["redis-8.8", "redis-8.12"].contains(&target);
        assert_eq!(report["knowledge"], if documented { "documented" } else { "recorded" });
    }
    // That it is one of another family is said.
    let set = Set::of(&words("DELIFEQ a b"));
    let text = run(["check", set.dir().to_str().unwrap()]).expect(0).out;
    assert!(text.contains("no redis that aofkit knows has all of its commands"), "{text}");
}

#[test]
fn a_base_of_redis_6_2_behind_a_manifest_was_taken_over() {
    let (code, report) = check_json(&recorded("redis-7.0.15/upgraded").join("aof"));
    assert_eq!(report["writer"]["version"].as_str().unwrap().split('.').next(), Some("6"));
    assert_eq!(short(&report), ("redis-7.0", "healthy", Some("yes")));
    assert_eq!(code, 0);
    let (_, report) = check_json(&recorded("redis-6.2.14/preamble").join("appendonly.aof"));
    assert_eq!(short(&report), ("redis-6.2", "healthy", Some("yes")));
}

#[test]
fn what_no_server_knows_is_not_known_by_default_and_refused_by_a_recorded_target() {
    let set = Set::of(&[sets(2), words("NOSUCHTHING a b")].concat());
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, short(&report).1, &report["loads"]), (24, "unsupported", &Value::Null));
    let report = judged(&set, "redis-8.6");
    assert_eq!(short(&report), ("redis-8.6", "unsupported", Some("no")));
    assert_eq!(judged(&set, "redis-9.9")["loads"], Value::Null);
    assert_eq!(judged(&set, "redis-8.8")["loads"], Value::Null);
    assert_eq!(kinds(&report, "error"), ["unknown-command"]);
}

#[test]
fn damage_is_damage_whatever_else_is_unknown() {
    let set = Set::of(&[words("NOSUCHTHING a b"), sets(2), b"*3\r\n$3\r\nSE".to_vec()].concat());
    assert_eq!(check_json(&set.dir()).0, 20);
}

#[test]
fn a_command_is_known_to_the_servers_that_have_it() {
    for (log, knows, does_not) in [
        ("HSETEX h FIELDS 1 f v", "redis-8.0", "redis-7.4"),
        ("XDELEX s IDS 1 1-1", "redis-8.2", "redis-8.0"),
        ("MSETEX 1 a b", "redis-8.4", "redis-8.2"),
        ("DELIFEQ a b", "valkey-9.0", "valkey-8.1"),
        ("ARSET a 0 v", "redis-8.8", "redis-8.6"),
    ] {
        let set = Set::of(&words(log));
        assert_eq!(short(&judged(&set, knows)), (knows, "healthy", Some("yes")), "{log}");
        assert_eq!(short(&judged(&set, does_not)), (does_not, "unsupported", Some("no")), "{log}");
    }
}

#[test]
fn too_few_arguments_stop_only_the_servers_that_die_of_them() {
    for call in ["HSET h f", "ZADD z 1"] {
        let set = Set::of(&[sets(1), words(call)].concat());
        for target in ["redis-7.0", "redis-7.4", "redis-8.0", "redis-8.2", "redis-8.6"] {
            let report = judged(&set, target);
            assert_eq!(report["loads"], "yes", "{call} {target}");
            assert_eq!(kinds(&report, "warning"), ["wrong-arity"], "{call}");
        }
        assert_eq!(judged(&set, "valkey-9.0")["loads"], "no", "{call}");
    }
    let set = Set::of(&[sets(1), words("INCRBY a")].concat());
    assert_eq!(judged(&set, "redis-8.2")["loads"], "no");
}

#[test]
fn an_rdb_and_a_torn_first_command_lose_the_rdb_on_servers_that_cut_it_away() {
    let base = [&b"REDIS0011\xfe\x00\x00\x01k\x01v\xff"[..], &[0; 8], b"*3\r\n$3\r\nSE"].concat();
    let set = Set::empty();
    set.put("appendonly.aof.1.base.aof", &base);
    set.manifest("file appendonly.aof.1.base.aof seq 1 type b\n");
    for target in ["valkey-8.1", "valkey-9.0", "redis-8.6"] {
        let report = judged(&set, target);
        assert_eq!(report["loads"], "after-truncation", "{target}");
        assert!(kinds(&report, "warning").contains(&"server-trap".to_owned()), "{target}");
    }
    let report = judged(&set, "valkey-9.1");
    assert!(!kinds(&report, "warning").contains(&"server-trap".to_owned()), "9.1 mended that");
}

#[test]
fn a_server_newer_than_all_tables_reads_what_it_wrote() {
    // The writer says 8.12: its RDB version was never seen.
    let fields = b"\xfa\x09redis-ver\x068.12.0";
    for version in ["0017", "0019"] {
        let magic = [b"REDIS", version.as_bytes()].concat();
        let rdb = [&magic[..], fields, b"\xfe\x00\x00\x01k\x01v\xff", &[0; 8]].concat();
        let set = Set::empty();
        set.put("appendonly.aof.1.base.rdb", &rdb);
        set.put("appendonly.aof.1.incr.aof", &words("SADDEX k PXAT 4102444800000 MEMBERS 1 m"));
        set.manifest(
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
        );
        let (code, report) = check_json(&set.dir());
        assert_eq!(short(&report), ("redis-8.12", "healthy", Some("yes")), "{report}");
        assert_eq!((code, &report["knowledge"]), (0, &"documented".into()));
        assert_eq!(judged(&set, "redis-8.6")["loads"], "no");
    }
}

/// Who names an older target has been told by the writer already: what is said next leads on, and not back to it.
#[test]
fn a_check_for_a_lower_target_ends_in_a_way_and_not_in_a_circle() {
    let set = recorded("redis-8.2.3/rdb-base");
    let path = set.to_str().unwrap();
    let report = run(["check", "--json", "--target", "redis-7.0", path]).expect(24).json();
    let problems = report["problems"].as_array().unwrap();
    let errors: Vec<_> = problems.iter().filter(|p| p["severity"] == "error").collect();
    assert_eq!(errors.len(), 2, "{errors:#?}");
    for problem in errors {
        let next = problem["next"].as_str();
        match problem["kind"].as_str().unwrap() {
            "rdb-unsupported" => {
                let message = problem["message"].as_str().unwrap();
                assert!(
                    message.contains("load the set with redis-8.2 and have a client"),
                    "{message}"
                );
            }
            _ => {
                // The plan can be made, and leaves out what the target does not know.
                let words = next.unwrap().split(' ').skip(1).chain(["--json"]);
                let plan = run(words).json();
                assert_eq!(plan["loss"]["commands"], 2, "{plan}");
            }
        }
    }
}
