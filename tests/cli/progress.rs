//! The progress bar, as a terminal sees it: `script` of util-linux lends one.

use std::process::{Command, Stdio};

use super::world::*;

/// What a terminal of so many columns is sent while aofkit runs with these words, in a shell, so that words may
/// redirect; `None` without `script` and `stty`, and says so.
fn on_terminal(columns: usize, words: &str, environment: &[(&str, &str)]) -> Option<String> {
    let has = |tool: &str| {
        let tried = Command::new(tool).arg("--version").stdout(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    if !has("script") || !has("stty") {
        eprintln!("SKIPPED: script or stty is missing, nobody looks at the progress bar");
        return None;
    }
    let inner =
        format!("stty rows 24 cols {columns}; exec {} {words}", env!("CARGO_BIN_EXE_aofkit"));
    let mut command = Command::new("script");
    command.args(["-qec", &inner, "/dev/null"]).stdin(Stdio::null()).env_remove("NO_COLOR");
    command.env("SHELL", "/bin/sh").env("TERM", "xterm").env("COLUMNS", "100");
    command.env("AOFKIT_COLOR", "never").envs(environment.iter().copied());
    let output = command.stderr(Stdio::piped()).output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

/// What was drawn and wiped again, and what stays on the screen.
fn drawn(sent: &str) -> (Vec<&str>, &str) {
    let mut frames: Vec<_> = sent.split("\r\x1b[2K").collect();
    let rest = frames.pop().unwrap();
    (frames, rest)
}

/// A set that takes a second at the rate of [`SLOWLY`].
fn slow() -> Set {
    Set::of(&sets(12_000))
}

const SLOWLY: &str = "--limit-rate 400kb";

/// In the bar, and nowhere in what verbs print.
const LEFT: &str = "/s ETA ";

#[test]
fn a_bar_with_bytes_rate_and_time_left_fits_its_line_and_leaves_nothing_behind() {
    let set = slow();
    let path = set.dir().display().to_string();
    let mut quietly = aofkit();
    quietly.args(["check", &path]).env("COLUMNS", "100");
    let text = finish(&mut quietly).expect(0).out.replace('\n', "\r\n");
    for columns in [120, 80, 60, 40] {
        let words = format!("check {SLOWLY} {path}");
        let Some(sent) = on_terminal(columns, &words, &[]) else { return };
        let (frames, rest) = drawn(&sent);
        assert!(!frames.is_empty(), "{columns} columns: {sent:?}");
        for frame in &frames {
            assert!(frame.contains(LEFT) && frame.contains("KiB"), "{frame:?}");
            assert!(!frame.contains('\x1b'), "one line that is wiped whole: {frame:?}");
            assert!(frame.chars().count() <= columns, "{columns} columns: {frame:?}");
            assert_eq!(frame.contains('░') || frame.contains('█'), columns > 50, "{frame:?}");
        }
        assert_eq!(rest, text, "{columns} columns");
    }
}

#[test]
fn an_error_stands_on_a_line_of_its_own() {
    // The file shrinks under the reader while the bar is shown.
    let set = slow();
    let (path, log) = (set.dir().display().to_string(), set.file("appendonly.aof.1.incr.aof"));
    let shrink = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(1500));
        std::fs::File::options().write(true).open(log).unwrap().set_len(100).unwrap();
    });
    let sent = on_terminal(80, &format!("check --limit-rate 200kb {path}"), &[]);
    shrink.join().unwrap();
    let Some(sent) = sent else { return };
    let (frames, rest) = drawn(&sent);
    assert!(!frames.is_empty(), "{sent:?}");
    assert!(rest.starts_with("aofkit: ") && rest.ends_with("\r\n"), "{rest:?}");
    assert!(rest.contains("shrank while it was read"), "{rest:?}");
}

#[test]
fn no_bar_where_it_is_unwanted_or_would_be_in_the_way() {
    let set = slow();
    let path = set.dir().display().to_string();
    let file = set.root().join("printed").display().to_string();
    type Settings<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, String, Settings<'_>, bool); 10] = [
        ("check", String::new(), &[("NO_COLOR", "1")], true), // a bar has no colours
        ("check --json", String::new(), &[], false),
        ("check --quiet", String::new(), &[], false),
        ("check --no-progress", String::new(), &[], false),
        ("check", String::new(), &[("AOFKIT_NO_PROGRESS", "1")], false),
        ("check", String::new(), &[("TERM", "dumb")], false),
        ("check", "2>/dev/null".to_owned(), &[], false),
        ("cat", String::new(), &[], false),
        ("cat", "| tail -n 1".to_owned(), &[], false), // as in front of a pager
        ("cat", format!("> {file}"), &[], true),
    ];
    for (verb, redirection, environment, expected) in cases {
        let words = format!("{verb} {SLOWLY} {path} {redirection}");
        let Some(sent) = on_terminal(80, &words, environment) else { return };
        assert_eq!(sent.contains(LEFT), expected, "{words} {environment:?}: {sent:?}");
    }
}
