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
fn check_lists_the_ends_of_a_long_set_and_what_is_wrong_between_them() {
    let set = Set::of(&sets(2));
    let mut manifest = format!("file {BASE} seq 1 type b\n");
    for i in 1..=600 {
        let name = format!("appendonly.aof.{i}.incr.aof");
        let damaged = [sets(1), b"junk".to_vec(), sets(1)].concat();
        set.put(&name, &if i == 300 { damaged } else { sets(2) });
        manifest += &format!("file {name} seq {i} type i\n");
    }
    set.manifest(&manifest);
    let dir = set.dir();
    let text = run(["check", dir.to_str().unwrap()]).expect(21).out;
    assert!(text.lines().count() <= 50, "{text}");
    assert!(text.matches("… 293 more files, ").count() == 2, "{text}");
    assert!(text.contains("  incr     appendonly.aof.300.incr.aof  "), "{text}");
    let all = run(["check", "-v", dir.to_str().unwrap()]).expect(21).out;
    assert!(all.contains(".150.incr.aof") && !all.contains("more files"), "{all}");
}

/// Six nodes with the names that orchestrators give, one of them damaged.
fn fleet() -> Set {
    let set = Set::of(&sets(9));
    for node in 0..6 {
        let name = format!("redis-cluster-production-eu-west-1-node-{node}.example.internal/data");
        let to = set.root().join("fleet").join(name);
        std::fs::create_dir_all(&to).unwrap();
        copy_tree(&set.dir(), &to.join("appendonlydir"));
    }
    set
}

#[test]
fn a_fleet_has_one_line_a_node_which_tells_it_from_the_others() {
    let set = fleet();
    let path = set.root().join("fleet");
    for columns in ["80", "100", "120"] {
        for verb in ["inspect", "check", "growth"] {
            let mut command = aofkit();
            command.arg(verb).arg(&path).env("COLUMNS", columns);
            let text = finish(&mut command).out;
            for node in 0..6 {
                let is_of_it = |line: &&str| line.contains(&format!("{node}.example.internal "));
                assert_eq!(text.lines().filter(is_of_it).count(), 1, "{verb} {columns}:\n{text}");
            }
            let broken: Vec<_> = text.lines().filter(|l| l.starts_with("ample.")).collect();
            assert!(broken.is_empty(), "{verb} {columns}:\n{text}");
        }
    }
    let mut command = aofkit();
    command.arg("inspect").arg(&path).env("COLUMNS", "100");
    let text = finish(&mut command).out;
    let whole = "redis-cluster-production-eu-west-1-node-3.example.internal  ";
    assert!(text.contains(whole), "nothing is shortened where there is room:\n{text}");
}

#[test]
fn no_line_begins_with_a_unit_or_ends_with_a_blank() {
    let long = "a-very-long-name-of-an-append-only-file-that-somebody-chose.aof";
    let set = Set::of(&[sets(9), b"junk".to_vec(), sets(9)].concat());
    let name = format!("{long}.1.incr.aof");
    std::fs::rename(set.file(INCREMENT), set.file(&name)).unwrap();
    set.manifest(&format!("file {BASE} seq 1 type b\nfile {name} seq 1 type i\n"));
    let dirs = [set.dir(), recorded("redis-8.2.3/rdb-base"), recorded("redis-8.2.3/history")];
    let verbs: [&[&str]; 7] = [
        &["inspect"],
        &["check"],
        &["stats"],
        &["growth"],
        &["repair", "--salvage"],
        &["rewind", "--list"],
        &["clean"],
    ];
    let units = ["B", "KiB", "MiB", "GiB", "KiB/s", "MiB/s", "%"];
    for (dir, verb) in dirs.iter().flat_map(|dir| verbs.iter().map(move |verb| (dir, verb))) {
        for columns in ["80", "100", "120"] {
            let mut command = aofkit();
            command.args(*verb).arg(dir).env("COLUMNS", columns);
            let text = finish(&mut command).out;
            for line in text.lines() {
                let first = line.split_whitespace().next().unwrap_or_default();
                let first = first.trim_end_matches([',', '.', ';', ':', ')']);
                assert!(!units.contains(&first), "{verb:?} {columns}: {line:?}\n{text}");
                assert_eq!(line, line.trim_end(), "{verb:?} {columns}:\n{text}");
            }
        }
    }
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
