//! What goes to standard output and what to standard error, in which form and colour.

use std::process::Stdio;

use super::world::*;

fn torn() -> Set {
    Set::of(&[sets(5), b"*3\r\n$3\r\nSET\r\n".to_vec()].concat())
}

#[test]
fn results_are_on_standard_output_and_notes_on_standard_error() {
    let (sound, torn) = (Set::of(&sets(5)), torn());
    for verb in ["check", "inspect"] {
        let run = run([verb, sound.dir().to_str().unwrap()]).expect(0);
        assert_eq!(run.err, "");
        assert!(run.out.contains("healthy"), "{}", run.out);
    }
    let checked = check(&torn.dir()).expect(20);
    assert_eq!(checked.err, "", "a problem is the result of a check");
    assert!(checked.out.contains("truncated-tail"));
    let inspected = run(["inspect", torn.dir().to_str().unwrap()]).expect(0);
    assert_eq!(inspected.err.lines().count(), 1, "{}", inspected.err);
    assert!(!inspected.out.contains(inspected.err.trim()));
    // JSON has the warning in itself.
    assert_eq!(run(["inspect", "--json", torn.dir().to_str().unwrap()]).err, "");
}

#[test]
fn errors_leave_standard_output_empty() {
    for words in [&["check", "no/such/path"][..], &["check", "--frob"], &["frob"], &[]] {
        let run = run(words);
        assert!(matches!(run.code, 2 | 10), "{words:?}: {}", run.code);
        assert_eq!(run.out, "", "{words:?}");
        assert_ne!(run.err, "", "{words:?}");
    }
}

#[test]
fn help_and_version_are_results() {
    for words in [&["--help"][..], &["--version"], &["check", "--help"], &["help", "inspect"]] {
        let run = run(words).expect(0);
        assert_eq!(run.err, "", "{words:?}");
        assert_ne!(run.out, "", "{words:?}");
    }
    let help = run(["check", "--help"]).out;
    for code in ["0 ", "1 ", "2 ", "10 ", "20 ", "21 ", "22 ", "24 "] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(code)), "{code} in\n{help}");
    }
}

#[test]
fn every_verb_s_manual_has_examples_and_exit_statuses_and_its_short_help_is_short() {
    let verbs = [
        "backup",
        "cat",
        "check",
        "clean",
        "convert",
        "diff",
        "growth",
        "inspect",
        "prune",
        "recover",
        "repair",
        "report",
        "restore",
        "rewind",
        "snapshots",
        "stats",
        "status",
        "verify",
    ];
    for verb in verbs {
        let long = run([verb, "--help"]).expect(0).out;
        let page = run(["man", verb]).expect(0).out;
        for text in [&long, &page] {
            let examples = text.matches(&format!("aofkit {verb} ")).count();
            assert!(examples >= 2, "{verb}: {examples} examples in\n{text}");
            assert!(text.contains("Exit status:"), "{verb} tells no exit status:\n{text}");
        }
        assert!(long.contains("--no-progress"), "{verb} --help lacks the global options:\n{long}");
        let short = run([verb, "-h"]).expect(0).out;
        assert!(!short.contains("--no-progress"), "{verb} -h:\n{short}");
        assert!(short.lines().count() <= 32, "{verb} -h has {} lines", short.lines().count());
    }
}

#[test]
fn colour_is_for_those_who_ask_or_have_a_terminal() {
    let set = torn();
    let colored = |words: &[&str], no_color: bool| {
        let mut command = aofkit();
        command.arg("check").args(words).arg(set.dir());
        if no_color {
            command.env("NO_COLOR", "1");
        }
        finish(&mut command).expect(20).out.contains('\x1b')
    };
    assert!(!colored(&[], false), "a pipe is no terminal");
    assert!(!colored(&["--color", "never"], false));
    assert!(!colored(&["--color", "auto"], true));
    assert!(colored(&["--color", "always"], false));
    assert!(colored(&["--color", "always"], true), "asked for on the command line");
    assert!(!colored(&["--color", "always", "--json"], false), "JSON has no colours");
}

#[test]
fn no_progress_is_drawn_where_nobody_watches() {
    // Slow enough that a bar would appear.
    let set = Set::of(&sets(12_000));
    let started = std::time::Instant::now();
    let run = run(["check", "--limit-rate", "400kb", set.dir().to_str().unwrap()]).expect(0);
    assert!(started.elapsed().as_millis() > 700, "the rate is a limit: {:?}", started.elapsed());
    assert_eq!(run.err, "");
}

#[test]
fn a_reader_that_went_away_is_a_quiet_success() {
    let (set, torn) = (Set::of(&sets(5)), torn());
    let (sound, torn) = (set.dir(), torn.dir());
    let calls: [&[&str]; 6] = [
        &["inspect", sound.to_str().unwrap()],
        &["check", "--json", torn.to_str().unwrap()],
        &["schema", "inspect"],
        &["completions", "bash"],
        &["man", "check"],
        &["--help"],
    ];
    for words in calls {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = aofkit();
        command.args(words).stdout(writer).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{words:?}");
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    let set = Set::of(&sets(5));
    let mut command = aofkit();
    command.arg("check").arg(set.dir()).stdout(full).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("standard output"));
}

#[test]
fn a_closed_standard_error_is_no_reason_to_crash() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = aofkit().args(["check", "no/such/path"]).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(10));
}
