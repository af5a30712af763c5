//! Every kind of PATH.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::world::*;

/// The files of a report: name, role, format.
fn files(report: &Value) -> Vec<(String, String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or("null").to_owned();
    let segments = report["segments"].as_array().unwrap();
    segments.iter().map(|s| (text(&s["file"]), text(&s["role"]), text(&s["format"]))).collect()
}

fn file(name: &str, role: &str, format: &str) -> (String, String, String) {
    (name.to_owned(), role.to_owned(), format.to_owned())
}

fn layout(report: &Value) -> &str {
    report["source"]["layout"].as_str().unwrap()
}

/// The server that ran last on a recorded directory: `redis-8.2` of `redis-8.2.3/upgraded`.
fn last_server(dir: &Path) -> String {
    let name = dir.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
    name.rsplit_once('.').unwrap().0.to_owned()
}

#[test]
fn what_servers_wrote_is_healthy_by_their_own_rules() {
    for dir in all_recorded() {
        let target = last_server(&dir);
        let run = run(["check", "--json", "--target", &target, dir.to_str().unwrap()]);
        let report = run.expect(0).json();
        assert_eq!((&report["verdict"], &report["loads"]), (&json!("healthy"), &json!("yes")));
        assert_eq!(report["size_bytes"], report["ok_bytes"], "{}", dir.display());
    }
}

#[test]
fn what_servers_wrote_is_no_cause_for_alarm_without_a_target_either() {
    // A set whose base an older server wrote is as healthy as any other: whoever wrote its manifest and
    // its increments has read that base.
    for dir in all_recorded() {
        let (code, report) = check_json(&dir);
        assert_eq!((code, &report["verdict"]), (0, &json!("healthy")), "{}", dir.display());
    }
}

#[test]
fn a_directory_a_manifest_and_the_data_directory_above_are_the_same_set() {
    let set = Set::of(&sets(3));
    let manifest = set.file("appendonly.aof.manifest");
    let copy = set.file("by-content.txt");
    fs::copy(&manifest, &copy).unwrap();
    let mut answers = Vec::new();
    for path in [set.dir(), manifest, set.root().to_owned(), copy] {
        let (code, mut report) = check_json(&path);
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(report["source"]["path"], path.to_str().unwrap());
        assert!(report.get("sets").is_none(), "one set is not several");
        report["source"] = Value::Null;
        answers.push(report);
    }
    assert_eq!(files(&answers[0]), [file(BASE, "base", "resp"), file(INCREMENT, "incr", "resp")]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[test]
fn several_sets_are_reported_each_and_in_total_with_the_worst_exit_status() {
    let several = Set::of(&sets(3));
    let mut torn = sets(3);
    torn.extend(b"*3\r\n$3\r\nSET");
    for (name, bytes) in [("b-torn", torn), ("c-hole", [sets(2), b"!!".to_vec(), sets(3)].concat())]
    {
        copy_tree(&Set::of(&bytes).dir(), &several.root().join(name));
    }
    let (code, report) = check_json(several.root());
    assert_eq!(code, 21);
    assert_eq!(report["schema"], "aofkit.check/1");
    assert_eq!(layout(&report), "several");
    let verdicts: Vec<_> =
        report["sets"].as_array().unwrap().iter().map(|s| s["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["healthy", "tail-damage", "inner-damage"]);
    let total = &report["total"];
    assert_eq!((&total["sets"], &total["healthy"]), (&json!(3), &json!(1)));
    assert_eq!(total["verdict"], "inner-damage");
    let sum: u64 =
        report["sets"].as_array().unwrap().iter().map(|s| s["size_bytes"].as_u64().unwrap()).sum();
    assert_eq!(total["size_bytes"], sum);
    let text = run(["inspect", several.root().to_str().unwrap()]).expect(0);
    for row in ["aof ", "b-torn", "c-hole", "3 sets, 1 healthy"] {
        assert!(
            text.out.lines().any(|line| line.starts_with(row)),
            "{row} is not in:\n{}",
            text.out
        );
    }
}

#[test]
fn nodes_of_a_cluster_are_a_line_each_named_by_their_directory() {
    let root = Set::empty();
    for node in ["node-7000", "node-7001", "node-7002"] {
        copy_tree(
            &Set::of(&sets(3)).dir(),
            &root.root().join("fleet").join(node).join("appendonlydir"),
        );
    }
    for columns in ["80", "100", "120"] {
        for verb in ["inspect", "check", "growth"] {
            let mut command = aofkit();
            command.arg(verb).arg(root.root().join("fleet")).env("COLUMNS", columns);
            let out = finish(&mut command).expect(0).out;
            for node in ["node-7000 ", "node-7001 ", "node-7002 "] {
                let lines = out.lines().filter(|line| line.starts_with(node)).count();
                assert_eq!(lines, 1, "{verb} on {columns} columns:\n{out}");
            }
            assert!(!out.contains("manifest"), "{verb} on {columns} columns:\n{out}");
        }
    }
}

#[test]
fn several_manifests_in_one_directory_are_several_sets() {
    let set = Set::of(&sets(3));
    set.put("other.aof.1.incr.aof", &sets(1));
    set.put("other.aof.manifest", b"file other.aof.1.incr.aof seq 1 type i\n");
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["total"]["sets"]), (0, &json!(2)));
}

#[test]
fn a_lost_manifest_is_told_loudly_because_a_server_would_start_empty() {
    let set = Set::of(&sets(3));
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    for path in [set.dir(), set.root().to_owned()] {
        let (code, report) = check_json(&path);
        assert_eq!((code, &report["verdict"]), (22, &json!("set-inconsistent")));
        assert_eq!(report["loads"], "starts-empty");
        assert_eq!(kinds(&report, "error"), ["manifest-missing"]);
        assert_eq!(files(&report).len(), 2);
    }
    let run = check(&set.dir()).expect(22);
    let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("DO NOT START A SERVER HERE"), "{}", run.out);
}

#[test]
fn the_old_single_file_is_taken_by_name_and_by_its_directory() {
    for variant in ["plain", "preamble", "plain-rewritten"] {
        let dir = recorded(&format!("redis-6.2.14/{variant}"));
        let (code, by_dir) = check_json(&dir);
        let (code_of_file, by_file) = check_json(&dir.join("appendonly.aof"));
        assert_eq!((code, code_of_file), (0, 0));
        let format = if variant == "preamble" { "rdb+resp" } else { "resp" };
        assert_eq!(files(&by_file), [file("appendonly.aof", "single", format)]);
        assert_eq!(layout(&by_file), "single-file");
        assert_eq!(by_dir["segments"], by_file["segments"]);
        assert_eq!(by_file["source"]["manifest"], Value::Null);
    }
}

#[test]
fn an_rdb_by_itself_is_an_rdb() {
    let set = Set::recorded("redis-8.2.3/rdb-base");
    let dir = set.root().join("snapshots");
    fs::create_dir(&dir).unwrap();
    // A base says of itself that it is one; a snapshot for its own sake does not.
    let bytes = fs::read(set.file("appendonly.aof.2.base.rdb")).unwrap();
    fs::write(dir.join("dump.rdb"), bytes).unwrap();
    for path in [dir.clone(), dir.join("dump.rdb")] {
        let (code, report) = check_json(&path);
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(files(&report), [file("dump.rdb", "single", "rdb")]);
        assert_eq!(report["segments"][0]["rdb"]["checksum"], "ok");
    }
}

#[test]
fn a_segment_by_itself_and_an_empty_one_are_single_files() {
    let set = Set::of(&sets(3));
    let (code, report) = check_json(&set.file(INCREMENT));
    assert_eq!((code, files(&report)), (0, vec![file(INCREMENT, "single", "resp")]));
    assert_eq!(report["segments"][0]["commands"], 4);
    set.put("nothing", b"");
    let (code, report) = check_json(&set.file("nothing"));
    assert_eq!((code, files(&report)), (0, vec![file("nothing", "single", "empty")]));
    set.put("annotated", b"#TS:1700000000\r\n");
    assert_eq!(check_json(&set.file("annotated")).1["segments"][0]["first_ts"], 1_700_000_000);
}

/// What a compressed file says must be what the file says, its own name and path aside.
fn assert_same_inside_zstd(plain: &Path) {
    let set = Set::empty();
    let packed = set.root().join("packed");
    fs::write(&packed, zstd(&fs::read(plain).unwrap())).unwrap();
    let (code, expected) = check_json(plain);
    let (packed_code, mut report) = check_json(&packed);
    assert_eq!(packed_code, code, "{report:#}");
    report["segments"][0]["file"] = expected["segments"][0]["file"].clone();
    for field in ["verdict", "loads", "target", "writer", "size_bytes", "ok_bytes", "segments"] {
        assert_eq!(report[field], expected[field], "{field} of {}", plain.display());
    }
}

#[test]
fn files_inside_zstd_read_as_if_they_were_not() {
    let set = Set::of(&sets(3));
    assert_same_inside_zstd(&set.file(INCREMENT));
    let mut torn = sets(3);
    torn.extend(b"*3\r\n$3\r\nSET\r\n$1");
    set.put("torn", &torn);
    assert_same_inside_zstd(&set.file("torn"));
    set.put("empty", b"");
    assert_same_inside_zstd(&set.file("empty"));
    assert_same_inside_zstd(&recorded("redis-6.2.14/preamble/appendonly.aof"));
    assert_same_inside_zstd(&recorded("valkey-9.1.2/rdb-base/aof/appendonly.aof.2.base.rdb"));
}

#[test]
fn a_zstd_file_that_breaks_off_is_an_error_not_a_verdict() {
    let set = Set::empty();
    let packed = zstd(&sets(10_000));
    set.put("packed", &packed[..packed.len() / 2]);
    let run = run(["check", "--json", set.file("packed").to_str().unwrap()]).expect(1);
    let error: Value = serde_json::from_str(&run.err).unwrap();
    assert_eq!(error["error"]["kind"], "compressed");
    piped(&["check", "-"], &packed[..packed.len() / 2]).expect(1);
    // Several frames one after the other are one stream.
    let two = [zstd(&sets(3)), zstd(&sets(4))].concat();
    set.put("frames", &two);
    assert_eq!(check_json(&set.file("frames")).1["segments"][0]["commands"], 9);
}

#[test]
fn a_manifest_inside_zstd_names_its_set() {
    let set = Set::of(&sets(3));
    let manifest = fs::read(set.file("appendonly.aof.manifest")).unwrap();
    set.put("packed", &zstd(&manifest));
    let (code, report) = check_json(&set.file("packed"));
    assert_eq!((code, files(&report).len()), (0, 2), "{report:#}");
}

#[test]
fn standard_input_is_streamed_also_when_it_is_compressed() {
    let preamble = fs::read(recorded("redis-6.2.14/preamble/appendonly.aof")).unwrap();
    for bytes in [preamble.clone(), zstd(&preamble)] {
        let report = piped(&["check", "--json", "-"], &bytes).expect(0).json();
        assert_eq!(layout(&report), "stream");
        assert_eq!(files(&report), [file("-", "stream", "rdb+resp")]);
        assert_eq!(report["size_bytes"], preamble.len());
    }
    let cut = &preamble[..preamble.len() - 3];
    let report = piped(&["check", "--json", "-"], cut).expect(20).json();
    assert_eq!(kinds(&report, "error"), ["truncated-tail"]);
    piped(&["inspect", "-"], &preamble).expect(0);
}

#[test]
fn an_interrupted_upgrade_counts_as_the_server_would_complete_it() {
    let set = Set::empty();
    set.manifest("file appendonly.aof seq 1 type b\n");
    fs::write(set.root().join("appendonly.aof"), sets(4)).unwrap();
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["loads"]), (0, &json!("yes")), "{report:#}");
    assert_eq!(files(&report), [file("appendonly.aof", "base", "resp")]);
    assert!(report.to_string().contains("upgrade"), "it is told");
    // Completed, the set holds the same.
    fs::rename(set.root().join("appendonly.aof"), set.file("appendonly.aof")).unwrap();
    let (code, after) = check_json(&set.dir());
    assert_eq!((code, &after["segments"]), (0, &report["segments"]));
}

#[test]
fn what_is_not_there_or_holds_no_set_is_not_found() {
    let set = Set::empty();
    fs::write(set.root().join("notes.txt"), "# nothing of ours\n").unwrap();
    for path in [set.root().to_owned(), set.dir(), set.root().join("nowhere")] {
        for verb in ["check", "inspect"] {
            let run = run([verb, path.to_str().unwrap()]).expect(10);
            assert_eq!(run.out, "");
            assert!(run.err.contains(path.to_str().unwrap()), "{}", run.err);
        }
    }
}

#[test]
fn leftovers_are_listed_and_sized_and_harm_nothing() {
    let set = Set::of(&sets(3));
    set.put("appendonly.aof.7.incr.aof", &[b'x'; 100]);
    set.put("temp-rewriteaof-12.aof", &[b'x'; 10]);
    set.put("temp-appendonly.aof.manifest", b"");
    fs::write(set.root().join("temp-rewriteaof-bg-12.aof"), [b'x'; 1000]).unwrap();
    fs::write(set.root().join("unrelated.log"), [b'x'; 5000]).unwrap();
    let (code, report) = check_json(&set.dir());
    assert_eq!(code, 0);
    let mut info = kinds(&report, "info");
    info.sort();
    assert_eq!(info, ["orphan-segment", "temp-file", "temp-file", "temp-file"]);
    assert_eq!(inspect_json(&set.dir())["leftover_bytes"], 1110);
}
