//! Laws of configurations: what holds for any bytes whatever in the place of a `redis.conf`. Plain functions of bytes that
//! panic when a law is broken, called by tests and fuzz targets alike.

// Each caller is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::fs;

use aofkit::aof::{Aof, Configuration, OpenOptions};
use aofkit::check::{self, Check, Wording};
use aofkit::format::conf::{self, Directive, Settings, parse_percentage, parse_size};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

/// Any bytes: a directive stands where it says, means the same when it is quoted anew, and a fault names its line.
pub fn directives_are_what_their_lines_spell(bytes: &[u8]) {
    let line_of = |at: u64| {
        let at = usize::try_from(at).expect("an offset in memory");
        assert!(at == 0 || bytes[at - 1] == b'\n', "a line begins at {at}");
        1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count() as u64
    };
    let mut last = 0;
    for read in conf::lines(bytes) {
        let (line, at) = match &read {
            Ok(one) => (one.line, one.at),
            Err(fault) => (fault.reason.line, fault.at),
        };
        assert!(line > last && line == line_of(at), "{read:?}");
        last = line;
        let Ok(one) = read else { continue };
        let spelled = spelled(&one);
        let mut again = conf::lines(&spelled);
        let again = again.next().expect("it says something").expect("all is quoted");
        assert_eq!((&again.name, &again.args), (&one.name, &one.args));
    }
}

/// A line in which every byte is escaped.
fn spelled(directive: &Directive) -> Vec<u8> {
    let quoted = |word: &Vec<u8>| {
        let bytes: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("\"{bytes}\"")
    };
    let words: Vec<String> =
        std::iter::once(&directive.name).chain(&directive.args).map(quoted).collect();
    words.join(" ").into_bytes()
}

/// Any bytes: settings are the same however the lines are spread over files; a line that is refused changes nothing. The
/// first byte chooses where the second file begins.
pub fn settings_are_the_same_in_any_files(bytes: &[u8]) {
    let Some((&choice, text)) = bytes.split_first() else { return };
    let mut settings = Settings::default();
    for one in conf::lines(text).flatten() {
        let before = settings.clone();
        match settings.apply(&one) {
            Ok(matters) => assert!(matters || settings == before, "{one:?}"),
            Err(fault) => {
                assert_eq!(settings, before, "{one:?} was refused");
                assert_eq!((fault.at, fault.reason.line), (one.at, one.line));
            }
        }
    }
    // Includes lead anywhere, and here nobody knows what is there.
    if conf::lines(text).flatten().all(|one| one.include().is_none()) {
        same_when_included(text, choice, &settings);
    }
}

/// `settings` are those of `text`.
fn same_when_included(text: &[u8], choice: u8, settings: &Settings) {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let starts: Vec<usize> = (0..=text.len())
        .filter(|&at| at == 0 || at == text.len() || text[at - 1] == b'\n')
        .collect();
    let (first, second) = text.split_at(starts[usize::from(choice) % starts.len()]);
    // The last line of a file need not end.
    let main = [first, b"\ninclude deeper/*.conf\n"].concat();
    fs::create_dir(dir.path().join("deeper")).expect("make a directory");
    let files = [("one.conf", text), ("main.conf", &main), ("deeper/rest.conf", second)];
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).expect("write a temporary file");
    }
    let read = |name: &str| Configuration::read(&dir.path().join(name)).expect("they are there");
    let (one, main) = (read("one.conf"), read("main.conf"));
    assert_eq!((&one.settings, &main.settings), (settings, settings));
    // The include itself is a line, too.
    assert_eq!(one.lines.len() + 1, main.lines.len());
    let refused = |all: &Configuration| all.lines.iter().filter(|l| l.refused.is_some()).count();
    assert_eq!(refused(&one), refused(&main));
}

/// Any bytes as a configuration whose includes may be anything, itself included: it ends with an answer.
pub fn a_configuration_is_read_or_refused(bytes: &[u8]) {
    // What leads out of the directory is no matter of these bytes.
    let leads_out = |one: &Directive| one.include().is_some_and(|to| to.contains(&b'/'));
    if conf::lines(bytes).flatten().any(|one| leads_out(&one)) {
        return;
    }
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let path = dir.path().join("c");
    for name in ["c", "d"] {
        fs::write(dir.path().join(name), bytes).expect("write a temporary file");
    }
    match Configuration::read(&path) {
        Ok(read) => assert!(read.lines.iter().all(|line| line.number > 0)),
        Err(e) => assert!(!e.to_string().is_empty()),
    }
}

/// Any bytes as a number with a unit: what is read is what the digits and the unit say.
pub fn sizes_are_digits_times_units(text: &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = text[..digits]
        .iter()
        .try_fold(0_u128, |sum, digit| sum.checked_mul(10)?.checked_add(u128::from(digit - b'0')));
    let unit: Option<u128> = match text[digits..].to_ascii_lowercase().as_slice() {
        b"" | b"b" => Some(1),
        [letter, rest @ ..] => {
            let power = [b'k', b'm', b'g'].iter().position(|one| one == letter);
            let base: Option<u128> = match rest {
                b"" => Some(1000),
                b"b" => Some(1024),
                _ => None,
            };
            base.zip(power).map(|(base, power)| base.pow(power as u32 + 1))
        }
    };
    let expected = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    let expected = expected.filter(|_| digits > 0).and_then(|bytes| u64::try_from(bytes).ok());
    assert_eq!(parse_size(text), expected, "{}", text.escape_ascii());
    if let Some(percent) = parse_percentage(text) {
        assert_eq!(percent.to_string().as_bytes(), text, "one way to write it");
    }
}

/// Any bytes as a configuration beside a small set: whatever names it gives and takes, the report adds up, and only names
/// that it gives away are unknown.
pub fn a_set_is_judged_under_any_configuration(bytes: &[u8]) {
    if conf::lines(bytes).flatten().any(|one| one.include().is_some()) {
        return;
    }
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let (log, conf) = (dir.path().join("appendonly.aof"), dir.path().join("redis.conf"));
    let records = b"*2\r\n$6\r\nSELECT\r\n$1\r\n9\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    fs::write(&log, records).expect("write a temporary file");
    fs::write(&conf, bytes).expect("write a temporary file");
    let options = OpenOptions { conf: Some(conf), ..OpenOptions::default() };
    let Ok(aof) = Aof::open(&log, &options) else { return };
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).expect("read a set");
    let report = check::judge(&aof, facts, &Wording::default()).expect("nobody writes to it");
    assert_eq!(report.size_bytes, records.len() as u64);
    let renamed = !aof.settings.renamed_commands.is_empty();
    let is_unknown = |one: &check::Problem| one.kind == check::Kind::UnknownCommand;
    assert!(renamed || !report.problems.iter().any(is_unknown), "{:?}", report.problems);
}
