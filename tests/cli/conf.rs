//! `--conf`: a server's configuration in the place of PATH.

use std::fs;

use serde_json::{Value, json};

use super::world::*;

/// `aofkit VERB --json --conf FILE`, run in the set's root.
fn by_conf(set: &Set, verb: &str, conf: &str) -> Run {
    let mut command = aofkit();
    command.args([verb, "--json", "--conf", conf]).current_dir(set.root());
    finish(&mut command)
}

fn write(set: &Set, name: &str, text: &str) {
    let path = set.root().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text.replace("ROOT", set.root().to_str().unwrap())).unwrap();
}

#[test]
fn custom_names_lead_to_the_set() {
    let set = Set::of(&sets(3));
    fs::rename(set.dir(), set.root().join("my logs")).unwrap();
    let dir = set.root().join("my logs");
    fs::rename(dir.join("appendonly.aof.manifest"), dir.join("orders.aof.manifest")).unwrap();
    write(
        &set,
        "redis.conf",
        "# ours\nport 7000\nDIR ROOT\nappenddirname \"my logs\"\nappendfilename 'orders.aof'\n",
    );
    let report = by_conf(&set, "check", "redis.conf").expect(0).json();
    let manifest = dir.join("orders.aof.manifest");
    assert_eq!(report["source"]["manifest"], manifest.to_str().unwrap());
    assert_eq!(report["segments"].as_array().unwrap().len(), 2);
}

#[test]
fn includes_are_followed_relative_absolute_and_by_pattern_and_the_last_word_counts() {
    let set = Set::of(&sets(3));
    write(&set, "redis.conf", "dir /nowhere\ninclude conf/one.conf\ninclude ROOT/conf/d/*.conf\n");
    write(&set, "conf/one.conf", "dir ROOT\nappenddirname wrong\n");
    write(&set, "conf/d/1.conf", "appenddirname wrong-too\n");
    write(&set, "conf/d/2.conf", "appenddirname aof\nauto-aof-rewrite-percentage 50\n");
    // A pattern may match nothing.
    write(&set, "conf/d/3.conf", "include ROOT/none/*.conf\n");
    let report = by_conf(&set, "inspect", "redis.conf").expect(0).json();
    assert_eq!(report["growth"]["trigger"]["percentage"], 50);
    // Also from another working directory.
    let conf = set.root().join("redis.conf");
    run(["check", "--conf", conf.to_str().unwrap()]).expect(0);
}

#[test]
fn the_rewrite_trigger_is_the_configured_one_in_redis_units() {
    let set = Set::of(&sets(3));
    write(
        &set,
        "redis.conf",
        "dir ROOT\nappenddirname aof\nauto-aof-rewrite-min-size 2k\nauto-aof-rewrite-percentage 10\n",
    );
    let growth = by_conf(&set, "inspect", "redis.conf").expect(0).json()["growth"].clone();
    let trigger = &growth["trigger"];
    assert_eq!(trigger["min_size_bytes"], 2000);
    assert_eq!(trigger["rewrite_at_bytes"], 2001);
    assert_eq!(trigger["source"], "conf");
    assert_eq!(trigger["remaining_bytes"], 2001 - growth["current_bytes"].as_u64().unwrap());
    assert_eq!(inspect_json(&set.dir())["growth"]["trigger"]["source"], "default");
    write(&set, "off.conf", "dir ROOT\nappenddirname aof\nauto-aof-rewrite-percentage 0\n");
    let growth = by_conf(&set, "inspect", "off.conf").expect(0).json()["growth"].clone();
    assert_eq!(growth["trigger"]["rewrite_at_bytes"], Value::Null);
    assert_eq!(growth["trigger"]["due"], false);
}

#[test]
fn a_server_told_not_to_cut_does_not_load_a_torn_tail() {
    let mut torn = sets(3);
    torn.extend(b"*3\r\n$3\r\nSET");
    let set = Set::of(&torn);
    for (setting, loads) in [("yes", "after-truncation"), ("no", "no")] {
        let conf = format!("dir ROOT\nappenddirname aof\naof-load-truncated {setting}\n");
        write(&set, "redis.conf", &conf);
        let report = by_conf(&set, "check", "redis.conf").expect(20).json();
        assert_eq!(report["loads"], loads, "aof-load-truncated {setting}");
    }
}

#[test]
fn a_pre_7_server_directory_is_found_by_its_configuration() {
    let set = Set::recorded("redis-6.2.14/plain");
    write(&set, "redis.conf", "dir .\nappendonly yes\n");
    let report = by_conf(&set, "check", "redis.conf").expect(0).json();
    assert_eq!(report["source"]["layout"], "single-file");
}

#[test]
fn a_configuration_whose_manifest_is_lost_says_so() {
    let set = Set::of(&sets(3));
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    write(&set, "redis.conf", "dir ROOT\nappenddirname aof\n");
    let report = by_conf(&set, "check", "redis.conf").expect(22).json();
    assert_eq!(report["loads"], json!("starts-empty"));
}

#[test]
fn what_leads_nowhere_is_not_found_and_what_makes_no_sense_is_refused() {
    let set = Set::empty();
    write(&set, "empty.conf", "dir ROOT\n");
    by_conf(&set, "check", "empty.conf").expect(10);
    by_conf(&set, "check", "missing.conf").expect(10);
    write(&set, "loop.conf", "include ROOT/loop.conf\n");
    by_conf(&set, "check", "loop.conf").expect(1);
    write(&set, "quote.conf", "dir \"ROOT\n");
    by_conf(&set, "check", "quote.conf").expect(1);
    write(&set, "gone.conf", "include ROOT/nothing.conf\n");
    by_conf(&set, "check", "gone.conf").expect(1);
}

/// A set whose server calls SET MYSET and has no FLUSHALL, and the configuration of that server, whose `dir` is one of a
/// container.
fn renamed() -> (Set, String) {
    let mut log = record(&[b"SELECT", b"0"]);
    for key in ["a", "b", "c"] {
        log.extend(record(&[b"mySET", key.as_bytes(), b"value"]));
    }
    log.extend(record(&[b"RPUSH", b"list", b"x"]));
    let set = Set::of(&log);
    set.put(BASE, &record(&[b"RPUSH", b"old", b"x"]));
    write(
        &set,
        "redis.conf",
        "dir /nowhere/data\nappendonly yes\nrename-command SET MYSET\nrename-command flushall \"\"\n",
    );
    let conf = set.root().join("redis.conf").to_str().unwrap().to_owned();
    (set, conf)
}

#[test]
fn beside_a_path_the_path_says_where_and_the_file_says_how_for_every_verb() {
    let (set, conf) = renamed();
    let dir = set.dir().to_str().unwrap().to_owned();
    let beside = |words: &[&str]| run([words, &["--conf", &conf, &dir]].concat());
    let report = beside(&["check", "--json", "--target", "redis-8.2"]).expect(0).json();
    assert_eq!((&report["loads"], &report["problems"]), (&json!("yes"), &json!([])));
    assert_eq!(report["source"]["path"], dir.as_str());
    // Before the verb, and by the environment.
    run(["--conf", &conf, "check", &dir]).expect(0);
    finish(aofkit().args(["check", &dir]).env("AOFKIT_CONF", &conf)).expect(0);
    let alone = check(&set.dir()).expect(24).out;
    assert!(alone.replace("\n    ", " ").contains("its configuration with --conf FILE"), "{alone}");

    let rows = beside(&["stats", "--json", "--by", "command", "--by", "key"]).expect(0).json();
    let row = &rows["commands"][0];
    assert_eq!(
        (&row["name"], &row["group"], &row["count"]),
        (&json!("SET"), &json!("string"), &json!(3))
    );
    assert_eq!(rows["keys"].as_array().unwrap().len(), 5);
    for name in ["SET", "myset"] {
        let run = beside(&["cat", "--command", name]).expect(0);
        assert_eq!((run.out.lines().count(), run.err.as_str()), (3, ""), "{name}");
        let run = beside(&["rewind", "--before-command", &format!("{name}:first")]).expect(0);
        assert!(run.out.contains("4 whole commands") && run.err.is_empty(), "{run:?}");
    }
    assert_eq!(beside(&["cat", "--key", "b"]).expect(0).out.lines().count(), 1);
    let inspect = beside(&["inspect", "--json"]).expect(0).json();
    assert_eq!(inspect["commands"][0]["name"], "SET");
    let growth = beside(&["growth", "--json"]).expect(0).json();
    assert_eq!(growth["rewrite"]["unfollowed_commands"], 0);
    beside(&["clean"]).expect(0);
    beside(&["repair"]).expect(0);
    let repo = set.root().join("repo");
    beside(&["backup", "--quiet", "--repo", repo.to_str().unwrap()]).expect(0);
    run(["check", "--conf", &conf, &format!("{}::latest", repo.display())]).expect(0);
    let output = set.root().join("out");
    beside(&["convert", "--output", output.to_str().unwrap()]).expect(0);
    run(["check", "--conf", &conf, output.to_str().unwrap()]).expect(0);
}

#[test]
fn a_name_that_was_taken_away_is_unknown_and_nothing_is_offered_for_removal() {
    let (set, conf) = renamed();
    let dir = set.dir().to_str().unwrap().to_owned();
    for (name, argument) in [("SET", &b"v"[..]), ("FlushAll", b"")] {
        let mut words: Vec<&[u8]> = vec![name.as_bytes()];
        words.extend([&b"k"[..], argument].into_iter().filter(|_| name == "SET"));
        set.put(INCREMENT, &[record(&words), sets(0)].concat());
        // Also for a server that was only read about.
        for target in ["redis-8.2", "redis-8.12", "valkey-9.1"] {
            let words = ["check", "--json", "--target", target, "--conf", &conf, &dir];
            let report = run(words).expect(24).json();
            assert_eq!(
                (&report["loads"], &report["verdict"]),
                (&json!("no"), &json!("unsupported"))
            );
            assert_eq!(kinds(&report, "error"), ["unknown-command"], "{target}");
            assert_eq!(report["unknown"][0]["what"], name);
            assert_eq!(report["problems"][0]["next"], Value::Null);
        }
        for way in ["--salvage", "--truncate", "--force"] {
            let plan = run(["repair", "--json", way, "--conf", &conf, &dir]).expect(24).json();
            assert_eq!(plan["actions"], json!([]), "{name} {way}");
        }
        // What it is is known all the same.
        let rows = run(["stats", "--json", "--conf", &conf, &dir]).expect(0).json();
        let named =
            |row: &Value| row["name"] == name.to_ascii_uppercase() && row["group"].is_string();
        assert!(rows["commands"].as_array().unwrap().iter().any(named), "{rows}");
    }
}

#[test]
fn a_torn_tail_behind_renamed_commands_is_repaired_and_salvage_keeps_them() {
    let (set, conf) = renamed();
    let dir = set.dir().to_str().unwrap().to_owned();
    let whole = std::fs::read(set.file(INCREMENT)).unwrap();
    let next = record(&[b"MYSET", b"k", b"v"]);
    set.put(INCREMENT, &[&whole[..], &next[..next.len() - 3]].concat());
    let report = run(["check", "--json", "--conf", &conf, &dir]).expect(20).json();
    assert_eq!(report["loads"], "after-truncation");
    assert!(report["problems"][0]["next"].as_str().unwrap().contains(&format!("--conf {conf}")));
    let plan = run(["repair", "--json", "--conf", &conf, &dir]).expect(20).json();
    assert_eq!((&plan["verdict_after"], &plan["loss"]["commands"]), (&json!("healthy"), &json!(0)));
    set.put(INCREMENT, &[&whole[..], b"\0\0junk\0", &next].concat());
    let plan = run(["repair", "--salvage", "--json", "--conf", &conf, &dir]).expect(21).json();
    assert_eq!((&plan["verdict_after"], &plan["loss"]["commands"]), (&json!("healthy"), &json!(0)));
    run(["repair", "--salvage", "--apply", "--conf", &conf, &dir]).expect(0);
    let report = run(["check", "--json", "--conf", &conf, &dir]).expect(0).json();
    assert_eq!(report["segments"][1]["size_bytes"], whole.len() + next.len());
}

/// `check --json` of the increment's set by these lines.
fn judged_by(set: &Set, lines: &str, target: &str, code: i32) -> Value {
    write(set, "redis.conf", &format!("appendonly yes\n{lines}"));
    let (conf, dir) = (set.root().join("redis.conf"), set.dir());
    let words = ["check", "--json", "--target", target, "--conf", conf.to_str().unwrap()];
    run([&words[..], &[dir.to_str().unwrap()]].concat()).expect(code).json()
}

#[test]
fn a_database_that_the_configuration_does_not_give_is_refused_and_is_no_damage() {
    let moves: [&[&[u8]]; 4] = [
        &[b"SELECT", b"5"],
        &[b"MOVE", b"key:1", b"5"],
        &[b"SWAPDB", b"0", b"5"],
        &[b"COPY", b"key:1", b"copy", b"DB", b"5"],
    ];
    for words in moves {
        let set = Set::of(&[sets(2), record(words), record(&[b"SET", b"k", b"v"])].concat());
        for (lines, is_admitted) in [
            ("databases 5", false),
            ("databases 6", true),
            ("", true),
            ("cluster-enabled yes", false),
        ] {
            let report = judged_by(&set, lines, "redis-8.2", if is_admitted { 0 } else { 24 });
            let loads = if is_admitted { "yes" } else { "no" };
            assert_eq!(report["loads"], loads, "{lines} {words:?}");
            let refused: &[&str] = if is_admitted { &[] } else { &["refused-by-configuration"] };
            assert_eq!(kinds(&report, "error"), refused);
            assert_eq!(report["ok_bytes"], report["size_bytes"], "nothing is damaged");
        }
        let report = judged_by(&set, "cluster-enabled yes\ncluster-databases 6", "valkey-9.1", 0);
        assert_eq!(report["loads"], "yes");
        judged_by(&set, "cluster-enabled yes\ncluster-databases 6", "valkey-8.1", 24);
        judged_by(&set, "cluster-enabled yes\ndatabases 16", "valkey-9.1", 24);
        let (conf, dir) = (set.root().join("redis.conf"), set.dir());
        for way in ["--salvage", "--truncate", "--force"] {
            let words = ["repair", "--json", way, "--conf", conf.to_str().unwrap()];
            let run = run([&words[..], &[dir.to_str().unwrap()]].concat()).expect(24);
            assert_eq!(run.json()["actions"], json!([]));
        }
    }
    // Without a configuration nobody knows how many there are.
    let set = Set::of(&[record(&[b"SELECT", b"99"]), record(&[b"SET", b"k", b"v"])].concat());
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, kinds(&report, "warning")), (0, vec!["server-trap".to_owned()]));
}

#[test]
fn damage_counts_before_what_the_configuration_refuses() {
    let mut torn = [record(&[b"SELECT", b"5"]), sets(2)].concat();
    torn.extend(b"*3\r\n$3\r\nSET");
    let report = judged_by(&Set::of(&torn), "databases 2", "redis-8.2", 20);
    assert_eq!((&report["loads"], &report["verdict"]), (&json!("no"), &json!("tail-damage")));
}

#[test]
fn a_server_that_keeps_no_log_does_not_read_the_set() {
    let set = Set::of(&sets(2));
    let report = judged_by(&set, "appendonly no", "redis-8.2", 0);
    assert_eq!(
        (&report["loads"], kinds(&report, "warning")),
        (&json!("yes"), vec!["server-trap".to_owned()])
    );
    assert!(report["problems"][0]["message"].as_str().unwrap().contains("does not read this set"));
    assert_eq!(judged_by(&set, "", "redis-8.2", 0)["problems"], json!([]));
}

#[test]
fn a_line_that_a_server_does_not_start_with_is_a_warning_with_its_place() {
    let set = Set::of(&sets(2));
    for (line, target) in [
        ("port 0  # no TLS", "redis-8.2"),
        ("databases 4k", "redis-7.0"),
        ("no-such-directive yes", "redis-8.6"),
        ("appendonly on", "valkey-9.1"),
        ("maxmemory", "valkey-8.1"),
        ("aof-load-corrupt-tail-max-size 4kb", "redis-8.6"),
        ("aof-load-corrupt-tail-max-size 4096", "redis-8.2"),
        ("rename-command SET GET", "redis-8.2"),
        ("rename-command NOSUCH x", "valkey-9.0"),
        ("requirepass \"open", "redis-8.2"),
        ("requirepass secret # mine", "redis-8.2"),
        ("include ROOT/none.conf", "redis-8.2"),
    ] {
        let report = judged_by(&set, &format!("\n{line}\nport 7000\n"), target, 0);
        assert_eq!(report["loads"], "yes", "{line}");
        let problems = report["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 1, "{line} {problems:#?}");
        let problem = &problems[0];
        assert_eq!(
            (&problem["severity"], &problem["line"]),
            (&json!("warning"), &json!(3)),
            "{line}"
        );
        assert_eq!(problem["file"], set.root().join("redis.conf").to_str().unwrap());
        assert_eq!(problem["offset"], "appendonly yes\n\n".len());
        let message = problem["message"].as_str().unwrap();
        assert!(!message.contains("secret") && message.contains("line 3"), "{message}");
    }
    // The file is the one that the line stands in.
    write(&set, "more.conf", "port none\n");
    let report = judged_by(&set, "include ROOT/more.conf", "redis-8.2", 0);
    let file = set.root().join("more.conf");
    assert_eq!(report["problems"][0]["file"], file.to_str().unwrap());
}

#[test]
fn the_guides_example_lines_stop_a_server_and_the_set_is_judged_all_the_same() {
    let set = Set::of(&sets(2));
    let lines = "port 0  # Disable non-TLS port\nmaxmemory 2gb\nmaxmemory-policy volatile-lru\n";
    let report = judged_by(&set, lines, "redis-8.2", 0);
    let message = report["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("a comment cannot follow on the same line"), "{message}");
}

#[test]
fn a_configuration_near_a_set_is_not_read_unasked() {
    let (set, _) = renamed();
    assert_eq!(check_json(set.root()).0, 24);
    let stats = run([std::ffi::OsStr::new("stats"), set.root().as_os_str()]).expect(0);
    assert!(stats.err.contains("1 command name that no known server has"), "{}", stats.err);
    assert!(stats.err.contains("--conf FILE"), "{}", stats.err);
}

/// Each of them was put after all before it, anew: a file of a few MiB took minutes.
#[test]
fn a_million_steps_of_dir_take_no_longer_than_reading_them() {
    let set = Set::of(&sets(3));
    write(
        &set,
        "steps.conf",
        &format!("dir ROOT\n{}appenddirname aof\n", "dir .\n".repeat(1_000_000)),
    );
    let started = std::time::Instant::now();
    by_conf(&set, "check", "steps.conf");
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}
