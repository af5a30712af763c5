//! What a server does not take, or aofkit has not learnt: never damage, never removed but by name.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::world::*;

fn news(count: usize) -> Vec<u8> {
    (0..count).flat_map(|n| record(&[b"NEWCMD", format!("k{n}").as_bytes(), b"v"])).collect()
}

fn of_target(verb: &str, words: &[&str], target: &str, dir: &Path) -> (i32, Value) {
    let mut all = vec![verb, "--json", "--target", target];
    all.extend(words);
    all.push(dir.to_str().unwrap());
    let run = run(all);
    (run.code, serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {run:#?}")))
}

#[test]
fn a_recorded_server_is_known_not_to_have_it_and_for_one_that_nobody_named_it_is_not_known() {
    let set = Set::of(&[sets(3), news(1000)].concat());
    let (code, report) = of_target("check", &[], "redis-8.2", &set.dir());
    assert_eq!(
        (code, &report["loads"], &report["verdict"]),
        (24, &json!("no"), &json!("unsupported"))
    );
    let row = &report["unknown"][0];
    assert_eq!((&row["what"], &row["count"]), (&json!("NEWCMD"), &json!(1000)));
    assert_eq!((&row["file"], &row["offset"]), (&json!(INCREMENT), &json!(sets(3).len())));
    assert_eq!(report["problems"][0]["lost"], Value::Null, "nothing is lost");
    assert_eq!(report["ok_bytes"], report["size_bytes"]);
    let (code, report) = check_json(&set.dir());
    assert_eq!(
        (code, &report["loads"], &report["verdict"]),
        (24, &Value::Null, &json!("unsupported"))
    );
    let text = check(&set.dir()).expect(24).out;
    assert!(text.contains("aofkit does not know whether"), "{text}");
    assert!(!text.contains("damage") && !text.contains("repair"), "{text}");
    let module = Set::of(&record(&[b"JSON.SET", b"k", b"$", b"1"]));
    let (code, report) = of_target("check", &[], "redis-8.2", &module.dir());
    assert_eq!((code, &report["loads"]), (24, &Value::Null), "it may have the module");
}

#[test]
fn damage_among_commands_that_nobody_knows_costs_itself_alone() {
    let junk = b"\0\0junk\0\0";
    for before in [0, 1, 500] {
        for after in [1, 2, 999] {
            let bytes = [&news(before)[..], junk, &news(after)].concat();
            let set = Set::of(&bytes);
            let (code, report) = of_target("check", &[], "redis-8.2", &set.dir());
            assert_eq!(
                (code, &report["verdict"]),
                (21, &json!("inner-damage")),
                "{before} {after}"
            );
            let problems = report["problems"].as_array().unwrap();
            let damage = problems.iter().find(|p| p["kind"] == "corrupt-range").unwrap();
            assert_eq!(damage["offset"], news(before).len(), "{before} {after}");
            assert_eq!(damage["length_bytes"], junk.len(), "{before} {after}");
            assert_eq!(report["unknown"][0]["count"], before + after);
            let (_, plan) = of_target("repair", &["--salvage"], "redis-8.2", &set.dir());
            assert_eq!(plan["loss"]["bytes"], junk.len());
            assert_eq!(
                (&plan["loss"]["commands"], &plan["verdict_after"]),
                (&json!(0), &json!("unsupported"))
            );
        }
    }
}

/// A set of increments that hold these bytes.
fn increments(parts: &[Vec<u8>]) -> Set {
    let set = Set::empty();
    let mut manifest = String::new();
    for (at, bytes) in parts.iter().enumerate() {
        let name = format!("appendonly.aof.{}.incr.aof", at + 1);
        fs::write(set.file(&name), bytes).unwrap();
        manifest += &format!("file {name} seq {} type i\n", at + 1);
    }
    fs::write(set.file("appendonly.aof.manifest"), manifest).unwrap();
    set
}

#[test]
fn a_name_that_is_whole_anywhere_in_the_set_counts_where_damage_ends() {
    let junk = b"\0\0junk\0\0".to_vec();
    for name in [&b"NEWCMD"[..], b"\xffodd name"] {
        let new = |count: usize| record(&[name, b"key", b"value"]).repeat(count);
        let holed = [sets(3), junk.clone(), new(3), junk.clone(), sets(4)].concat();
        let behind = [&holed[..], &new(1), &sets(1)].concat();
        let sets_of = [
            vec![behind.clone()],
            vec![holed.clone(), [sets(1), new(1)].concat()],
            vec![[new(1), sets(1)].concat(), holed.clone()],
        ];
        for parts in sets_of {
            let set = increments(&parts);
            let whole: usize = parts.iter().map(Vec::len).sum();
            let (code, report) = of_target("check", &[], "redis-8.2", &set.dir());
            assert_eq!(code, 21);
            assert_eq!(report["ok_bytes"], whole - 2 * junk.len(), "{report:#}");
            let (_, plan) = of_target("repair", &["--salvage"], "redis-8.2", &set.dir());
            assert_eq!(plan["loss"]["bytes"], 2 * junk.len());
            assert_eq!(plan["loss"]["commands"], 0);
        }
        // Nowhere else, such records between two damaged places may be look-alikes.
        let set = increments(std::slice::from_ref(&holed));
        let (_, report) = of_target("check", &[], "redis-8.2", &set.dir());
        let lost = 2 * junk.len() + new(3).len();
        assert_eq!(report["ok_bytes"], holed.len() - lost, "{report:#}");
    }
}

#[test]
fn no_way_of_repair_takes_it_and_a_torn_end_behind_it_is_still_cut() {
    let sound = [sets(2), news(5), record(&[b"SET", b"b"])].concat();
    for (ending, code) in [(&b""[..], 24), (b"*3\r\n$3\r\nSET\r\n$1\r\n", 20)] {
        for target in ["redis-7.0", "redis-8.6", "valkey-9.1"] {
            let set = Set::of(&[&sound[..], ending].concat());
            for mode in [&[][..], &["--truncate"], &["--salvage"]] {
                let (exit, plan) = of_target("repair", mode, target, &set.dir());
                assert_eq!(
                    (exit, &plan["loss"]["commands"]),
                    (code, &json!(0)),
                    "{target} {mode:?}"
                );
                assert_eq!(plan["loss"]["bytes"], ending.len(), "{target} {mode:?}");
                let left = plan["left"].to_string();
                assert!(left.contains("--drop-command NEWCMD") && left.contains("stay"), "{left}");
            }
            let dir = set.dir();
            run(["repair", "--apply", "--target", target, dir.to_str().unwrap()]).expect(24);
            let there: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
            let kept = there.iter().find(|p| p.to_str().unwrap().ends_with("incr.aof")).unwrap();
            assert_eq!(fs::read(kept).unwrap(), sound);
        }
    }
}

#[test]
fn a_name_drops_what_the_target_refuses_and_nothing_else() {
    let odd = record(&[b"a\\\xff", b"k"]);
    let bytes =
        [sets(2), news(3), record(&[b"MULTI"]), news(1), sets(1), record(&[b"EXEC"]), odd].concat();
    let set = Set::of(&bytes);
    let drop = |words: &[&str]| of_target("repair", words, "redis-8.2", &set.dir()).1;
    let plan = drop(&["--drop-command", "newcmd"]);
    assert_eq!(
        (&plan["loss"]["commands"], &plan["loss"]["bytes"]),
        (&json!(4), &json!(news(3).len() + news(1).len()))
    );
    assert!(plan["notes"].to_string().contains("inside a transaction"), "{}", plan["notes"]);
    assert_eq!(plan["loads_after"], "no", "one of another name is left");
    let plan = drop(&["--drop-command", "NEWCMD", "--drop-command", r"A\x5C\xff"]);
    assert_eq!((&plan["loss"]["commands"], &plan["loads_after"]), (&json!(5), &json!("yes")));
    assert_eq!(drop(&["--drop-command", "SET"])["actions"], json!([]), "the target takes it");
    let at = |offset: usize| format!("{INCREMENT}:{offset}");
    let plan = drop(&["--drop-at", &at(sets(2).len())]);
    assert_eq!(plan["loss"]["commands"], 1);
    for wrong in [at(0), at(sets(2).len() + 1), format!("nothing.aof:{}", sets(2).len())] {
        let plan = drop(&["--drop-at", &wrong]);
        assert_eq!(plan["actions"], json!([]), "{wrong}");
        assert!(plan["left"].to_string().contains("nothing is dropped there"), "{}", plan["left"]);
    }
    let words = ["--drop-command", "NEWCMD", "--max-loss", "3"];
    assert_eq!(of_target("repair", &words, "redis-8.2", &set.dir()).0, 23);
    for wrong in [["--drop-command", r"\n"], ["--drop-at", "5"]] {
        assert_eq!(run(["repair", wrong[0], wrong[1], "."]).code, 2);
    }
    let dir = set.dir();
    let words = [
        "repair",
        "--apply",
        "--target",
        "redis-8.2",
        "--drop-command",
        "NEWCMD",
        "--drop-command",
    ];
    run(words.into_iter().chain([r"a\x5c\xFF", dir.to_str().unwrap()])).expect(0);
    let left = [sets(2), record(&[b"MULTI"]), sets(1), record(&[b"EXEC"])].concat();
    assert_eq!(fs::read(set.file("appendonly.aof.01.incr.aof")).unwrap(), left);
}

#[test]
fn one_plan_leaves_out_all_that_the_target_refuses_and_then_it_loads() {
    let set = Set::of(&[sets(2), news(3), record(&[b"OTHERCMD", b"k"]), sets(1)].concat());
    let (_, report) = of_target("check", &[], "redis-8.2", &set.dir());
    let next: Vec<_> = report["problems"].as_array().unwrap().iter().map(|p| &p["next"]).collect();
    let dir = set.dir();
    let plan = "aofkit repair --drop-command=NEWCMD --drop-command=OTHERCMD --target redis-8.2";
    assert_eq!(next, vec![&json!(format!("{plan} {}", dir.display())); 2]);
    let words = ["--drop-command=NEWCMD", "--drop-command=OTHERCMD"];
    assert_eq!(of_target("repair", &words, "redis-8.2", &dir).1["loads_after"], "yes");
}

#[test]
fn a_name_drops_nothing_of_which_it_is_not_known_that_the_target_refuses_it() {
    let of_module = record(&[b"my.module", b"k"]);
    let bytes = [sets(2), news(3), of_module.clone(), sets(1)].concat();
    let set = Set::of(&bytes);
    let json = |words: &[&str]| {
        let mut all = vec!["repair", "--json"];
        all.extend(words);
        run(all.into_iter().map(Path::new).chain([set.dir().as_path()])).json()
    };
    let at = format!("{INCREMENT}:{}", sets(2).len() + news(3).len());
    for mode in [&[][..], &["--salvage"], &["--truncate"]] {
        // Nobody named the server, so it may be one that has learnt the command.
        let plan = json(&[mode, &["--drop-command", "NEWCMD"]].concat());
        assert_eq!(plan["actions"], json!([]), "{mode:?}");
        let notes = plan["notes"].to_string();
        assert!(notes.contains("3 records of that name are not dropped"), "{notes}");
        assert!(plan["left"].to_string().contains("--target names"), "{}", plan["left"]);
        // A server may have been started with the module.
        let named = ["--target", "redis-8.2", "--drop-command", "my.module"];
        let plan = json(&[mode, &named, &["--drop-command", "newcmd"]].concat());
        assert_eq!(plan["loss"]["commands"], 3, "{mode:?}");
        let notes = plan["notes"].to_string();
        assert!(notes.contains("a record of that name is not dropped"), "{notes}");
        // One that is pointed at is one that a person has looked at.
        let plan = json(&[mode, &["--drop-at", &at]].concat());
        assert_eq!(plan["loss"]["bytes"], of_module.len(), "{mode:?}");
    }
}

#[test]
fn a_length_beyond_what_machines_have_is_not_judged_by_a_guess() {
    let claims = |length: &str| format!("*2\r\n$3\r\nGET\r\n${length}\r\nab").into_bytes();
    for (length, loads) in [
        ("1000", json!("after-truncation")),
        ("150000000000", Value::Null),
        ("9223372036854775807", json!("no")),
    ] {
        let set = Set::of(&[sets(5), claims(length)].concat());
        let (code, report) = of_target("check", &[], "redis-8.2", &set.dir());
        assert_eq!((code, &report["loads"]), (20, &loads), "{length}");
    }
}

#[test]
fn of_what_stands_behind_damage_or_doubt_no_more_is_said_than_is_known() {
    let torn = b"*3\r\n$3\r\nSET\r\n$1\r\n";
    let set = Set::of(&[&news(1)[..], torn].concat());
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["loads"]), (20, &Value::Null), "{report:#}");
    let text = report["problems"].to_string();
    assert!(text.contains("comes as far as this is not known"), "{text}");
    let (_, report) = of_target("check", &[], "redis-8.2", &set.dir());
    assert_eq!(report["loads"], "no");
    assert!(report["problems"].to_string().contains("stops before it"), "{report:#}");
}

#[test]
fn a_renamed_command_is_known_by_the_name_the_configuration_gives_it() {
    let set = Set::of(&[record(&[b"MYSET", b"a", b"1"]), record(&[b"GET", b"a"])].concat());
    let conf = |lines: &str| {
        let dir = set.root().to_str().unwrap();
        fs::write(set.root().join("redis.conf"), format!("dir {dir}\nappenddirname aof\n{lines}"))
            .unwrap();
        let conf = set.root().join("redis.conf");
        let run =
            run(["check", "--json", "--target", "redis-8.2", "--conf", conf.to_str().unwrap()]);
        (run.code, run.json()["loads"].clone())
    };
    fs::write(set.file(BASE), record(&[b"MYSET", b"b", b"1"])).unwrap();
    assert_eq!(conf("rename-command SET MYSET\n"), (0, json!("yes")));
    assert_eq!(conf(""), (24, json!("no")));
    assert_eq!(conf("rename-command SET MYSET\nrename-command GET \"\"\n"), (24, json!("no")));
}

#[test]
fn a_snapshot_beside_an_empty_append_directory_is_one_that_a_server_ignores() {
    let recorded = recorded("redis-8.2.3");
    let rdb = walk(&recorded).into_iter().find(|p| p.to_str().unwrap().ends_with(".rdb")).unwrap();
    let root = tempfile::tempdir().unwrap();
    fs::copy(&rdb, root.path().join("dump.rdb")).unwrap();
    let (code, report) = check_json(root.path());
    assert_eq!((code, &report["loads"]), (0, &json!("yes")), "a snapshot alone is what it is");
    fs::create_dir(root.path().join("appendonlydir")).unwrap();
    let (code, report) = check_json(root.path());
    assert_eq!((code, &report["loads"]), (22, &json!("starts-empty")));
    assert!(report["problems"].to_string().contains("dump.rdb is a snapshot"), "{report:#}");
    let conf = root.path().join("redis.conf");
    for (word, code) in [("yes", 22), ("no", 0)] {
        let text = format!("dir {}\nappendonly {word}\n", root.path().to_str().unwrap());
        fs::write(&conf, text).unwrap();
        let run = run(["check", "--json", "--conf", conf.to_str().unwrap()]).expect(code);
        assert_eq!(run.json()["loads"], if code == 0 { "yes" } else { "starts-empty" });
    }
}

#[test]
fn a_directory_in_the_place_of_the_manifest_stops_every_server() {
    let set = Set::of(&sets(3));
    let manifest = set.file("appendonly.aof.manifest");
    fs::remove_file(&manifest).unwrap();
    fs::create_dir(&manifest).unwrap();
    for path in [set.dir(), manifest.clone(), set.root().to_owned()] {
        let (code, report) = check_json(&path);
        assert_eq!((code, &report["loads"]), (22, &json!("no")), "{}", path.display());
        assert_eq!(report["problems"][0]["kind"], "manifest-invalid");
    }
    run(["repair", "--apply", set.dir().to_str().unwrap()]).expect(22);
    assert!(manifest.is_dir());
}

#[test]
fn redis_check_aof_is_not_quoted_of_an_rdb_that_it_does_not_know() {
    for name in ["valkey-9.1.2", "redis-8.2.3"] {
        for path in
            walk(&recorded(name)).into_iter().filter(|p| p.to_str().unwrap().ends_with(".manifest"))
        {
            let run = check(&path);
            let (_, report) = check_json(&path);
            let version = report["segments"][0]["rdb"]["family"].as_str().unwrap_or("redis");
            assert_eq!(
                run.out.contains("redis-check-aof 8.2 says"),
                version == "redis",
                "{}",
                run.out
            );
        }
    }
}

/// Every file below a directory.
fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => all.extend(walk(&entry)),
            false => all.push(entry),
        }
    }
    all.sort();
    all
}
