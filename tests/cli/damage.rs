//! Damage: its exit status, its place, and the next command, which has to do what it promises.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::world::*;

const TORN: &[u8] = b"*3\r\n$3\r\nSET\r\n$3\r\nke";

/// The first error of a report.
fn first(report: &Value) -> &Value {
    &report["problems"][0]
}

/// Runs what `next` says, as a user would who pastes it.
fn obey(problem: &Value) {
    let next = problem["next"].as_str().unwrap_or_else(|| panic!("no next command: {problem:#}"));
    let bin = Path::new(env!("CARGO_BIN_EXE_aofkit")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let shell = |text: &str| finish(Command::new("sh").args(["-c", text]).env("PATH", &path));
    if !next.starts_with("aofkit repair") {
        let run = shell(next);
        assert_eq!(run.code, 0, "{next}: {run:#?}");
        return;
    }
    let plan = shell(next);
    assert!(plan.out.lines().next().unwrap().contains("nothing was changed"), "{next}: {plan:#?}");
    let run = shell(&next.replacen("repair", "repair --apply", 1));
    assert_eq!(run.code, 0, "{next}: {run:#?}");
}

/// Checks a set whose increment ends in damage, obeys, and checks again.
fn tail(ending: &[u8], kind: &str, loads: &str) {
    let sound = sets(5);
    let set = Set::of(&[&sound[..], ending].concat());
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["verdict"]), (20, &json!("tail-damage")), "{report:#}");
    let problem = first(&report);
    assert_eq!(problem["kind"], kind);
    assert_eq!(problem["severity"], "error");
    assert_eq!(problem["file"], INCREMENT);
    assert_eq!(problem["offset"], sound.len());
    assert_eq!(problem["length_bytes"], ending.len());
    assert_eq!(report["loads"], loads);
    assert_eq!(report["segments"][1]["safe_cut"], sound.len());
    assert_eq!(problem["lost"]["bytes"], ending.len());
    obey(problem);
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["loads"]), (0, &json!("yes")), "{report:#}");
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), sound);
    let dir = set.dir();
    run(["repair", "--undo", "--apply", dir.to_str().unwrap()]).expect(20);
    let back = fs::read(set.file(INCREMENT)).unwrap();
    assert_eq!(back, [&sound[..], ending].concat(), "what was cut is kept");
}

#[test]
fn a_torn_tail_is_cut_by_the_next_command() {
    tail(TORN, "truncated-tail", "after-truncation");
}

#[test]
fn a_tail_of_zeros_is_cut_by_the_next_command() {
    tail(&[0; 500], "zero-tail", "no");
}

#[test]
fn a_tail_of_garbage_is_cut_by_the_next_command() {
    tail(b"\x07\x99garbage without a record in it", "garbage-tail", "no");
}

#[test]
fn an_open_transaction_is_cut_before_its_multi() {
    let open = [record(&[b"MULTI"]), record(&[b"SET", b"a", b"1"])].concat();
    tail(&open, "open-transaction", "after-truncation");
}

#[test]
fn a_record_torn_inside_a_transaction_costs_the_whole_transaction() {
    let before = sets(3);
    let multi = [record(&[b"MULTI"]), record(&[b"SET", b"a", b"1"])].concat();
    let set = Set::of(&[&before[..], &multi, TORN].concat());
    let (code, report) = check_json(&set.dir());
    assert_eq!(code, 20, "{report:#}");
    let torn =
        report["problems"].as_array().unwrap().iter().find(|p| p["kind"] == "truncated-tail");
    let torn = torn.unwrap();
    assert_eq!(torn["offset"], before.len() + multi.len());
    assert_eq!(
        torn["lost"],
        json!({"bytes": multi.len() + TORN.len(), "commands": 2,
                                     "likely_commands": 3, "if_truncated_commands": 2})
    );
    obey(torn);
    assert_eq!(check_json(&set.dir()).0, 0);
    assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), before);
}

#[test]
fn a_hole_is_named_exactly_and_the_next_command_keeps_both_sides() {
    let (before, after) = (sets(5), sets(7));
    let hole = b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$12\r\nshort\r\n";
    let set = Set::of(&[&before[..], hole, &after].concat());
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["verdict"]), (21, &json!("inner-damage")), "{report:#}");
    let problem = first(&report);
    assert_eq!(problem["kind"], "corrupt-range");
    assert_eq!(problem["offset"], before.len());
    assert_eq!(problem["length_bytes"], hole.len());
    assert_eq!(problem["lost"]["commands"], 0);
    assert_eq!(problem["lost"]["if_truncated_commands"], 8);
    obey(problem);
    let salvaged = set.file("appendonly.aof.01.incr.aof");
    assert_eq!(fs::read(&salvaged).unwrap(), [before, after].concat());
    assert_eq!(check_json(&set.dir()).0, 0);
}

#[test]
fn a_torn_file_that_is_not_the_last_is_inner_damage() {
    let set = Set::of(&[sets(2), TORN.to_vec()].concat());
    set.put("appendonly.aof.2.incr.aof", &sets(4));
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n\
         file appendonly.aof.2.incr.aof seq 2 type i\n"
    ));
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["loads"]), (21, &json!("no")));
    assert_eq!(kinds(&report, "error"), ["truncated-inner-segment"]);
    assert!(kinds(&report, "warning").contains(&"server-trap".to_owned()), "it heals into a hole");
}

#[test]
fn a_manifest_without_its_last_newline_gets_it_from_the_next_command() {
    let set = Set::of(&sets(3));
    set.manifest(&format!("file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i"));
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["loads"]), (22, &json!("no")), "{report:#}");
    let problem = first(&report);
    assert_eq!((&problem["kind"], &problem["line"]), (&json!("manifest-invalid"), &json!(2)));
    assert_eq!(problem["file"], "appendonly.aof.manifest");
    obey(problem);
    assert_eq!(check_json(&set.dir()).0, 0);
}

#[test]
fn a_missing_file_and_a_second_base_make_the_set_inconsistent() {
    let set = Set::of(&sets(3));
    fs::remove_file(set.file(BASE)).unwrap();
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, kinds(&report, "error")), (22, vec!["segment-missing".to_owned()]));
    assert_eq!(report["segments"][0]["size_bytes"], Value::Null);
    set.put(BASE, b"");
    set.manifest(&format!("file {BASE} seq 1 type b\nfile {INCREMENT} seq 2 type b\n"));
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, kinds(&report, "error")), (22, vec!["manifest-invalid".to_owned()]));
}

#[test]
fn a_lost_manifest_is_made_from_the_files_by_the_next_command() {
    let set = Set::of(&sets(3));
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    let (_, report) = check_json(&set.dir());
    obey(first(&report));
    assert_eq!(check_json(&set.dir()).0, 0);
}

#[test]
fn a_newer_rdb_is_unsupported_and_the_next_command_asks_a_server_that_reads_it() {
    let set = Set::recorded("redis-8.2.3/rdb-base");
    let run = run(["check", "--json", "--target", "redis-7.0", set.dir().to_str().unwrap()]);
    let report = run.expect(24).json();
    assert_eq!((&report["verdict"], &report["loads"]), (&json!("unsupported"), &json!("no")));
    assert_eq!(first(&report)["kind"], "rdb-unsupported");
    obey(first(&report));
}

#[test]
fn a_changed_byte_in_a_base_is_found_by_its_checksum() {
    let set = Set::recorded("redis-7.0.15/rdb-base");
    let base = set.file("appendonly.aof.2.base.rdb");
    let mut bytes = fs::read(&base).unwrap();
    let at = bytes.windows(5).rposition(|w| w.iter().all(u8::is_ascii_alphanumeric)).unwrap();
    bytes[at + 2] ^= 1;
    fs::write(&base, &bytes).unwrap();
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["loads"]), (21, &json!("no")));
    assert_eq!(kinds(&report, "error"), ["rdb-checksum-mismatch"]);
}

#[test]
fn the_graver_verdict_decides_over_the_lighter() {
    // A missing file weighs more than a hole, a hole more than a torn tail.
    let hole = [sets(2), b"junk".to_vec(), sets(4), TORN.to_vec()].concat();
    let set = Set::of(&hole);
    assert_eq!(check_json(&set.dir()).0, 21);
    fs::remove_file(set.file(BASE)).unwrap();
    assert_eq!(check_json(&set.dir()).0, 22);
}

#[test]
fn look_alikes_inside_a_value_are_not_mistaken_for_records() {
    let value = sets(20);
    let backup = record(&[b"SET", b"backup", &value]);
    let log = [sets(2), backup.clone(), sets(2)].concat();
    let set = Set::of(&log);
    assert_eq!(check_json(&set.dir()).0, 0);
    // Behind damage, too, the record around them is the one that counts.
    set.put(INCREMENT, &[sets(2), b"junk".to_vec(), backup.clone(), sets(2)].concat());
    let (code, report) = check_json(&set.dir());
    assert_eq!((code, &report["segments"][1]["commands"]), (21, &json!(7)));
    assert_eq!(first(&report)["length_bytes"], 4);
}

#[test]
fn a_record_torn_inside_a_value_full_of_records_is_not_called_torn() {
    let backup = record(&[b"SET", b"backup", &sets(20)]);
    let torn = &backup[..backup.len() - 10];
    let set = Set::of(&[sets(2), torn.to_vec()].concat());
    let (code, report) = check_json(&set.dir());
    // They may be records behind a wrong length, too: it takes a word to cut them.
    assert_eq!(
        (code, kinds(&report, "error")),
        (21, ["corrupt-range", "truncated-tail"].map(str::to_owned).to_vec())
    );
    assert_eq!(first(&report)["length_bytes"], 31);
    assert!(first(&report)["message"].as_str().unwrap().contains("torn inside"));
}

#[test]
fn no_command_is_advised_that_would_cut_standard_input_or_a_compressed_file() {
    // Offsets count unpacked bytes: cutting the file that lies there would destroy it.
    let set = Set::empty();
    let torn = [sets(5), TORN.to_vec()].concat();
    let holed = [sets(5), b"junk".to_vec(), sets(5)].concat();
    for (bytes, code) in [(torn, 20), (holed, 21)] {
        let streamed = piped(&["check", "--json", "-"], &bytes).expect(code).json();
        set.put("packed", &zstd(&bytes));
        let (_, packed) = check_json(&set.file("packed"));
        for report in [streamed, packed] {
            assert_eq!(report["segments"].as_array().unwrap().len(), 1);
            let next = first(&report)["next"].as_str().unwrap_or_default();
            assert!(!next.contains("repair"), "{next}");
        }
    }
}

#[test]
fn an_unknown_command_is_named_with_a_server_that_knows_it() {
    let log = [sets(2), record(&[b"HSETEX", b"h", b"FIELDS", b"1", b"f", b"v"])].concat();
    let set = Set::of(&log);
    let dir = set.dir();
    let run = run(["check", "--json", "--target", "redis-7.0", dir.to_str().unwrap()]);
    let report = run.json();
    assert_eq!(kinds(&report, "error"), ["unknown-command"]);
    assert_eq!(report["loads"], "no");
    assert_eq!(report["verdict"], "unsupported", "nothing is wrong with the bytes");
    assert_eq!(run.code, 24);
    let next = first(&report)["next"].as_str().unwrap();
    assert!(next.contains("--target redis-"), "a server of the same family comes first: {next}");
    obey(first(&report));
    assert_eq!(check_json(&dir).0, 0, "the default target is newer");
}

#[test]
fn inspect_shows_damaged_sets_with_a_warning_and_succeeds() {
    let set = Set::of(&[sets(5), TORN.to_vec()].concat());
    let run_text = run(["inspect", set.dir().to_str().unwrap()]).expect(0);
    assert!(run_text.err.contains("1 problem"), "{}", run_text.err);
    assert!(run_text.out.contains("truncated-tail") && run_text.out.contains("next:"));
    let quiet = run(["inspect", "--quiet", set.dir().to_str().unwrap()]).expect(0);
    assert_eq!(quiet.err, "");
    let report = inspect_json(&set.dir());
    assert_eq!(report["verdict"], "tail-damage");
    let totals = &report["totals"];
    let sum = ["command_bytes", "annotation_bytes", "unparsed_bytes"]
        .map(|name| totals[name].as_u64().unwrap())
        .iter()
        .sum::<u64>();
    assert_eq!(totals["resp_bytes"], sum);
    assert_eq!(totals["unparsed_bytes"], TORN.len());
}

/// What somebody loses is counted in commands, also where damage has left nothing of them.
#[test]
fn damage_tells_how_many_commands_it_probably_held() {
    let log = sets(200);
    let one = record(&[b"SET", b"key:100", b"value"]);
    let at = log.windows(one.len()).position(|window| window == one).unwrap();
    let broken = |len: usize| {
        let mut bytes = log.clone();
        bytes[at..at + len].fill(b'!');
        bytes
    };
    let torn = log[..log.len() - 5].to_vec();
    let cases = [
        ("five records", broken(5 * one.len()), 5),
        ("a part of one", broken(one.len() / 2), 1),
        ("torn", torn, 1),
        ("zeros", [log.clone(), vec![0; 10 * one.len()]].concat(), 10),
    ];
    for (what, bytes, likely) in cases {
        let set = Set::of(&bytes);
        let (_, report) = check_json(&set.dir());
        let lost = &report["problems"][0]["lost"];
        assert_eq!(
            (&lost["likely_commands"], &lost["commands"]),
            (&likely.into(), &0.into()),
            "{what}: {report:#}"
        );
        let word = if ["torn", "zeros"].contains(&what) { "--apply" } else { "--salvage" };
        let plan = run(["repair", "--json", word, set.dir().to_str().unwrap()]).json();
        let loss = &plan["loss"];
        assert_eq!(
            (&loss["likely_commands"], &loss["commands"]),
            (&likely.into(), &0.into()),
            "{what}: {plan:#}"
        );
    }
    let set = Set::of(&broken(5 * one.len()));
    let path = set.dir().display().to_string();
    let told = run(["check", &path]).out;
    assert!(told.contains("they probably held about 5 commands"), "{told}");
    let told = run(["repair", "--salvage", &path]).out;
    assert!(told.contains("probably about 5 commands"), "{told}");
    // The limit is about what is known to be whole.
    run(["repair", "--salvage", "--apply", "--max-loss", "0", &path]).expect(0);
}
