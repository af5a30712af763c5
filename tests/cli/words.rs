//! Options and their twins in the environment, what is hidden, and what is escaped.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::world::*;

fn with_env(verb: &str, name: &str, value: &str, path: &Path) -> Run {
    finish(aofkit().arg(verb).arg(path).env(name, value))
}

#[test]
fn long_options_have_twins_in_the_environment() {
    let set = Set::of(&sets(3));
    let dir = set.dir();
    let json = |run: Run| -> serde_json::Value { serde_json::from_str(&run.out).unwrap() };
    assert!(json(with_env("check", "AOFKIT_JSON", "1", &dir))["schema"].is_string());
    assert!(json(with_env("check", "AOFKIT_FORMAT", "json", &dir))["schema"].is_string());
    assert!(!with_env("check", "AOFKIT_JSON", "0", &dir).expect(0).out.starts_with('{'));
    let run =
        finish(aofkit().args(["check", "--json"]).arg(&dir).env("AOFKIT_TARGET", "redis-7.0"));
    assert_eq!(json(run)["target"], "redis-7.0");
    assert!(with_env("check", "AOFKIT_COLOR", "always", &dir).expect(0).out.contains('\x1b'));
    let loud = check(&dir).expect(0).out;
    let quiet = with_env("check", "AOFKIT_QUIET", "yes", &dir).expect(0).out;
    assert!(loud.contains("note:") && !quiet.contains("note:"), "{quiet}");
    set.put("temp-rewriteaof-1.aof", b"x");
    assert!(!check(&dir).out.contains("temp-rewriteaof-1.aof"));
    let verbose = with_env("check", "AOFKIT_VERBOSE", "true", &dir).expect(0).out;
    assert!(verbose.contains("temp-rewriteaof-1.aof"), "{verbose}");
    for (name, value) in [("NO_PROGRESS", "1"), ("THREADS", "2"), ("LIMIT_RATE", "64MiB")] {
        with_env("check", &format!("AOFKIT_{name}"), value, &dir).expect(0);
    }
    for (name, value) in [
        ("TARGET", "mongodb-7"),
        ("FORMAT", "xml"),
        ("THREADS", "0"),
        ("COLOR", "pink"),
        ("LIMIT_RATE", "fast"),
    ] {
        with_env("check", &format!("AOFKIT_{name}"), value, &dir).expect(2);
    }
}

#[test]
fn arguments_that_make_no_sense_are_a_usage_error() {
    let calls: [&[&str]; 8] = [
        &[],
        &["check"],
        &["inspect"],
        &["check", "a", "b"],
        &["check", "--target", "redis", "."],
        &["check", "--limit-rate", "0", "."],
        &["repair-everything", "."],
        &["check", "--format", "yaml", "."],
    ];
    for words in calls {
        let run = run(words).expect(2);
        assert_ne!(run.err, "", "{words:?}");
    }
}

#[test]
fn the_command_line_overrides_the_environment() {
    let set = Set::of(&sets(3));
    let mut command = aofkit();
    command.args(["check", "--json", "--target", "valkey-8.1"]).arg(set.dir());
    let run = finish(command.env("AOFKIT_TARGET", "redis-7.0"));
    assert_eq!(run.json()["target"], "valkey-8.1");
}

#[test]
fn what_a_judgement_stands_on_is_said() {
    let set = Set::of(&sets(3));
    for (target, knowledge, rules, words) in [
        ("redis-7.4", "recorded", "redis-7.4", "judged as redis-7.4\n"),
        ("redis-7.2", "between", "redis-7.0", "judged as redis-7.2 (not run)"),
        (
            "redis-8.12",
            "documented",
            "redis-8.6",
            "judged as redis-8.12 (not run, only read about)",
        ),
        ("redis-9.9", "newer", "redis-8.6", "newer than every server that aofkit knows"),
    ] {
        let path = set.dir();
        let run =
            |format| run(["check", format, "--target", target, path.to_str().unwrap()]).expect(0);
        let json = run("--json").json();
        assert_eq!(json["target"], target);
        assert_eq!(json["knowledge"], knowledge, "{target}");
        assert_eq!(json["rules"], rules, "{target}");
        assert_eq!(
            (&json["verdict"], &json["loads"]),
            (&"healthy".into(), &"yes".into()),
            "{target}"
        );
        let text = run("--no-progress").out.replace("\n  ", " ");
        assert!(text.contains(words), "{target}: {text}");
        assert_eq!(
            text.contains("was not run"),
            ["between", "documented"].contains(&knowledge),
            "{text}"
        );
    }
}

#[test]
fn redis_6_2_reads_no_manifest() {
    let set = Set::of(&sets(3));
    let run =
        run(["check", "--json", "--target", "redis-6.2", set.dir().to_str().unwrap()]).expect(22);
    assert_eq!(run.json()["loads"], "starts-empty");
    assert_eq!(run.json()["verdict"], "set-inconsistent");
}

/// A hole with key and value beside it, and an RDB that breaks off inside a value.
fn full_of_secrets() -> [Set; 2] {
    let record = record(&[b"SET", b"SECRETKEY", b"SECRETVALUE"]);
    let mut broken = record.clone();
    // The value's length is one too small, so that the value itself stands where CRLF should.
    let at = broken.windows(3).position(|w| w == b"$11").unwrap();
    broken[at + 2] = b'0';
    let hole = Set::of(&[record.clone(), broken, record.clone(), record].concat());
    let base = Set::recorded("redis-7.0.15/rdb-base");
    let file = base.file("appendonly.aof.2.base.rdb");
    fs::write(&file, &fs::read(&file).unwrap()[..3000]).unwrap();
    [hole, base]
}

#[test]
fn redacted_output_holds_no_key_and_no_value() {
    let [hole, base] = full_of_secrets();
    let shown = check(&hole.dir()).expect(21).out + &check(&base.dir()).expect(21).out;
    assert!(shown.contains("SECRET") && shown.contains("key \""), "nothing to hide in:\n{shown}");
    for set in [&hole, &base] {
        for words in [&["check"][..], &["inspect"], &["check", "--json"], &["inspect", "--json"]] {
            let run = finish(aofkit().args(words).args(["-v", "--redact"]).arg(set.dir()));
            assert!(!run.out.contains("SECRET"), "{words:?}\n{}", run.out);
            assert!(!run.out.contains("key \""), "{words:?}\n{}", run.out);
            assert!(!run.out.contains("near \""), "{words:?}\n{}", run.out);
        }
    }
    let redacted = finish(aofkit().args(["check", "--redact"]).arg(base.dir())).out;
    assert!(redacted.contains("key #"), "a hash stands in its place:\n{redacted}");
    let again = finish(aofkit().args(["check", "--redact"]).arg(base.dir())).out;
    assert_ne!(redacted, again, "nobody can try out names: each run has a key of its own");
    let by_env = with_env("check", "AOFKIT_REDACT", "1", &hole.dir());
    assert!(!by_env.out.contains("SECRET"));
}

fn assert_tame(text: &str, what: &str) {
    let wild = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(wild, None, "{what} lets a control byte through:\n{text:?}");
}

#[test]
fn control_bytes_in_names_never_reach_the_terminal() {
    let command = record(&[b"\x1b[31mEVIL\x07\n", b"key\x1b]0;owned\x07"]);
    let set = Set::of(&[sets(3), command, sets(3), b"\x1b[2Jjunk\x9b".to_vec()].concat());
    let name = b"evil\x1b[31m.1.incr.aof";
    fs::rename(set.file(INCREMENT), set.dir().join(OsStr::from_bytes(name))).unwrap();
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile \"evil\\x1b[31m.1.incr.aof\" seq 1 type i\n"
    ));
    set.put("temp-\x1b[31m.aof", b"x");
    for verb in ["check", "inspect"] {
        let run = finish(aofkit().args([verb, "-v"]).arg(set.dir()));
        assert!(run.out.contains(r"\x1b[31m"), "{}", run.out);
        assert_tame(&run.out, verb);
        assert_tame(&run.err, verb);
    }
}

#[test]
fn control_bytes_in_paths_never_reach_the_terminal() {
    let set = Set::of(&[sets(3), b"*3\r\n".to_vec()].concat());
    let odd = set.root().join("odd\x1b[31mdir");
    fs::rename(set.dir(), &odd).unwrap();
    for verb in ["check", "inspect"] {
        let run = finish(aofkit().arg(verb).arg(&odd));
        assert_tame(&run.out, verb);
        assert_tame(&run.err, verb);
    }
}

#[test]
fn control_bytes_in_errors_never_reach_the_terminal() {
    let run = run(["check", "no\x1b[31mwhere"]).expect(10);
    assert_tame(&run.err, "an error");
}

#[test]
fn quiet_verbs_say_nothing_of_what_went_well() {
    let set = Set::of(&sets(5));
    let repo = set.root().join("repo").display().to_string();
    let (dir, out) =
        (set.dir().display().to_string(), set.root().join("out").display().to_string());
    let latest = format!("{repo}::latest");
    let converted = set.root().join("converted").display().to_string();
    let silent = |words: &[&str]| {
        let run = run([words, &["--quiet"]].concat()).expect(0);
        assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""), "{words:?}");
    };
    silent(&["check", &dir]);
    silent(&["backup", "--min-free", "0", "--repo", &repo, &dir]);
    silent(&["backup", "--min-free", "0", "--repo", &repo, &dir]);
    silent(&["verify", "--data", "--repo", &repo]);
    silent(&["prune", "--keep-last", "1", "--apply", "--repo", &repo]);
    silent(&["restore", &latest, &out]);
    silent(&["convert", "--output", &converted, &dir]);
    set.put(INCREMENT, &[&sets(5)[..], b"*3\r\n$3"].concat());
    silent(&["repair", "--apply", &dir]);
    set.put(INCREMENT, &[&sets(5)[..], b"*3\r\n$3"].concat());
    let told = run(["check", "--quiet", &dir]).expect(20);
    assert!(told.out.contains("truncated-tail"), "{told:?}");
    let plan = run(["repair", "--quiet", &dir]).expect(20);
    assert!(plan.out.contains("plan"), "what is asked for is answered: {plan:?}");
}

#[test]
fn a_rate_without_a_unit_asks_what_was_meant() {
    let set = Set::of(&sets(5));
    let dir = set.dir().display().to_string();
    let told = run(["check", "--limit-rate", "50", &dir]).expect(2);
    assert!(told.err.contains("50 bytes a second") && told.err.contains("50mb"), "{}", told.err);
    run(["check", "--limit-rate", "50mb", &dir]).expect(0);
    run(["check", "--limit-rate", "65536", &dir]).expect(0);
    run(["check", "--limit-rate", "60000b", &dir]).expect(0);
}

#[test]
fn where_no_set_is_found_it_is_said_how_deep_was_searched() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("a/b/c/d/aof")).unwrap();
    let told = check(root.path()).expect(10);
    assert!(told.err.contains("up to 3 levels below"), "{}", told.err);
}

/// What is moved aside is packed, and takes room still: the plan says what is really freed.
#[test]
fn a_plan_to_clean_says_how_many_bytes_it_really_frees() {
    let set = Set::of(&sets(3000));
    set.put("temp-rewriteaof-7.aof", &sets(3000));
    let clean = |words: &[&str]| {
        let mut command = aofkit();
        command.args(["clean", "--json", "--min-age", "0s"]).args(words).arg(set.dir());
        finish(&mut command).expect(0).json()
    };
    let plan = clean(&[]);
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let (bytes, frees) = (number(&plan["loss"]["bytes"]), number(&plan["frees_bytes"]));
    assert_eq!(bytes, sets(3000).len() as u64);
    assert_eq!(number(&clean(&["--delete"])["frees_bytes"]), bytes);
    let told = run(["clean".as_ref(), "--min-age".as_ref(), "0s".as_ref(), set.dir().as_os_str()]);
    assert!(told.out.contains("moving aside frees about"), "{}", told.out);
    clean(&["--apply"]);
    let mut kept = 0;
    for change in fs::read_dir(set.root().join("aof.aofkit")).unwrap().map(|one| one.unwrap()) {
        let files = fs::read_dir(change.path()).into_iter().flatten().map(|one| one.unwrap());
        let packed = files.filter(|file| file.path().extension().is_some_and(|e| e == "zst"));
        kept += packed.map(|file| file.metadata().unwrap().len()).sum::<u64>();
    }
    assert!(kept > 0 && (bytes - frees).abs_diff(kept) <= 64, "{bytes} - {frees}, {kept} are kept");
}
