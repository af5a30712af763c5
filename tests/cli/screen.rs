//! What `inspect` and `check` look like: narrow, complete, calm.

use super::world::*;

/// Lines wider than `columns`, those that have to hold a path or a command in one piece aside.
fn too_wide(text: &str, columns: usize, path: &str) -> Vec<String> {
    let excused = |line: &&str| line.contains("next:") || line.contains(path);
    let lines = text.lines().filter(|line| !excused(line));
    lines.filter(|line| line.chars().count() > columns).map(str::to_owned).collect()
}

fn assert_narrow(path: &std::path::Path, columns: usize) {
    for words in [&["inspect"][..], &["inspect", "-v"], &["check"], &["check", "-v"]] {
        let mut command = aofkit();
        command.args(words).arg(path).env("COLUMNS", columns.to_string());
        let run = finish(&mut command);
        let wide = too_wide(&run.out, columns, path.to_str().unwrap());
        assert!(wide.is_empty(), "{words:?} {}: {wide:#?}", path.display());
    }
}

#[test]
fn recorded_sets_fit_on_80_and_on_100_columns() {
    for dir in all_recorded() {
        assert_narrow(&dir, 80);
        assert_narrow(&dir, 100);
    }
}

#[test]
fn damaged_and_strange_sets_fit_on_80_columns() {
    let name = "x".repeat(60).into_bytes();
    let strange = record(&[&name, b"1"]);
    let container = record(&[b"CLUSTER", &name]);
    let log = [sets(9), b"junk".to_vec(), sets(9), strange, container, b"*1\r\n".to_vec()].concat();
    let set = Set::of(&log);
    assert_narrow(&set.dir(), 80);
    let long = format!("{}.1.incr.aof", "appendonly-of-the-orders-service");
    set.put(&long, &sets(3));
    set.manifest(&format!("file {BASE} seq 1 type b\nfile {long} seq 1 type i\n"));
    assert_narrow(&set.dir(), 80);
    std::fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    assert_narrow(&set.dir(), 80);
}

#[test]
fn several_sets_fit_on_80_columns() {
    let set = Set::of(&sets(9));
    copy_tree(&Set::of(b"junk").dir(), &set.root().join("second-shard-of-the-cluster"));
    assert_narrow(set.root(), 80);
}

#[test]
fn one_screen_says_what_is_there_how_it_grows_what_fills_it_and_how_it_is() {
    let dir = recorded("redis-7.0.15/rdb-base");
    let text = run(["inspect", dir.to_str().unwrap()]).expect(0).out;
    let expected = [
        "written by redis 7.0.15",
        "judged as redis-7.0",
        "appendonly.aof.2.base.rdb",
        "appendonly.aof.2.incr.aof",
        "next rewrite",
        "server defaults",
        "RDB version 10, checksum ok",
        "transactions",
        "SET",
        "db0",
        "healthy: redis-7.0 loads it",
        "redis-check-aof 8.2 says: valid",
        "cannot be seen",
    ];
    for words in expected {
        assert!(text.contains(words), "'{words}' is not in:\n{text}");
    }
    assert!(text.lines().count() <= 50, "one screen:\n{text}");
}

#[test]
fn hundreds_of_increments_do_not_push_the_rest_off_the_screen() {
    let set = Set::empty();
    let mut manifest = String::new();
    for i in 1..=300 {
        set.put(&format!("a.{i}.incr.aof"), &sets(2));
        manifest += &format!("file a.{i}.incr.aof seq {i} type i\n");
    }
    set.manifest(&manifest);
    let text = run(["inspect", set.dir().to_str().unwrap()]).expect(0).out;
    assert!(text.lines().count() <= 50, "{text}");
    assert!(text.contains("286 more"), "{text}");
    let all = run(["inspect", "-v", set.dir().to_str().unwrap()]).expect(0).out;
    assert!(all.contains("a.150.incr.aof"));
}

#[test]
fn the_rows_of_commands_add_up() {
    for dir in all_recorded() {
        let report = inspect_json(&dir);
        let sum = |rows: &str, field: &str| -> u64 {
            report[rows].as_array().unwrap().iter().map(|r| r[field].as_u64().unwrap()).sum()
        };
        let totals = &report["totals"];
        assert_eq!(sum("commands", "bytes"), totals["command_bytes"], "{}", dir.display());
        assert_eq!(sum("commands", "count"), totals["commands"], "{}", dir.display());
        assert_eq!(sum("databases", "bytes"), totals["command_bytes"], "{}", dir.display());
        let size = totals["resp_bytes"].as_u64().unwrap() + totals["rdb_bytes"].as_u64().unwrap();
        assert_eq!(report["size_bytes"], size, "{}", dir.display());
    }
}
