//! RDB files of Redis 8.8 to 8.12 and Valkey 9.2, of which no server was run: walked, counted, printed and converted as
//! it is written about them, and called not understood where they hold what nobody knows.

mod files;
mod templates;
mod unknown;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::mutate::Random;
use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::Options;
use aofkit::check::{Check, Kind, Report, Wording, judge};
use aofkit::convert::{self, Form, Picks};
use aofkit::disk::LocalDisk;
use aofkit::format::rdb::{Deep, Entry, Sink, walk_slice, walk_slice_with};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};
use files::{all, crc64};

fn aofkit(words: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aofkit")).args(words).arg(path).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[derive(Default)]
struct Told(Vec<(String, String, String, u64)>, u64);

impl Sink for Told {
    const ENTRIES: bool = true;

    fn entry(&mut self, entry: &Entry<'_>) {
        let (kind, encoding) = (entry.type_name().to_owned(), entry.encoding().to_owned());
        self.0.push((text(entry.key), kind, encoding, entry.elements.unwrap()));
        self.1 += u64::from(entry.expire_ms.is_some());
    }
}

#[test]
fn every_key_is_told_with_its_type_encoding_elements_and_expiry() {
    for made in all() {
        let mut told = Told::default();
        let walked = walk_slice_with(&made.bytes, 0, &mut told).unwrap();
        assert_eq!(walked.outcome.end, made.bytes.len() as u64, "{}", made.name);
        let wanted: Vec<_> = made
            .keys
            .iter()
            .map(|(key, kind, encoding, n)| {
                (key.to_string(), kind.to_string(), encoding.to_string(), *n)
            })
            .collect();
        assert_eq!(told.0, wanted, "{}", made.name);
        assert_eq!((told.1, walked.outcome.expires), (made.expires, made.expires), "{}", made.name);
        assert!(walked.outcome.header.is_documented_only(), "{}", made.name);
        assert!(walked.outcome.documented_only().count() > 0, "{}", made.name);
        let inline = if made.name == "valkey 81" { 2 } else { 0 };
        assert_eq!(walked.outcome.inline_commands(), inline, "{}", made.name);
    }
}

#[test]
fn nothing_in_them_is_called_damaged() {
    let dir = tempfile::tempdir().unwrap();
    for made in all() {
        let path = dir.path().join("dump.rdb");
        fs::write(&path, &made.bytes).unwrap();
        let aof = Aof::open(&path, &OpenOptions::default()).unwrap();
        for thorough in [false, true] {
            let check = Check::new(&aof).thorough(thorough);
            let facts = scan(&aof, check, &Pace::default(), &Silent).unwrap();
            let report = judge(&aof, facts, &Wording::default()).unwrap();
            // Whether the target reads the version is another question; what cannot be compared is told.
            let known = [Kind::RdbUnsupported, Kind::LimitExceeded];
            let odd = report.problems.iter().find(|problem| !known.contains(&problem.kind));
            assert!(odd.is_none(), "{}, thorough {thorough}: {odd:?}", made.name);
        }
    }
}

/// The arguments of each command in `bytes`.
fn commands(mut bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    fn number(bytes: &mut &[u8]) -> usize {
        let end = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
        let number = text(&bytes[1..end]).parse().unwrap();
        *bytes = &bytes[end + 2..];
        number
    }
    let mut commands = Vec::new();
    while !bytes.is_empty() {
        let count = number(&mut bytes);
        let argument = |_: usize| {
            let len = number(&mut bytes);
            let (argument, rest) = bytes.split_at(len);
            bytes = &rest[2..];
            argument.to_vec()
        };
        commands.push((0..count).map(argument).collect());
    }
    commands
}

#[test]
fn they_are_printed_as_far_as_commands_can_say_it() {
    let dir = tempfile::tempdir().unwrap();
    for made in all() {
        let path = dir.path().join("dump.rdb");
        fs::write(&path, &made.bytes).unwrap();
        let run = aofkit(&["cat", "--with-base", "--format", "resp"], &path);
        assert!(run.status.success(), "{}: {}", made.name, text(&run.stderr));
        let printed = commands(&run.stdout);
        let (restores, others): (Vec<_>, Vec<_>) =
            printed.iter().partition(|words| words[0] == b"RESTORE");
        let names: Vec<_> = restores.iter().map(|words| text(&words[1])).collect();
        let wanted: Vec<_> = made.keys.iter().map(|row| row.0).collect();
        assert_eq!(names, wanted, "{}", made.name);
        for words in restores {
            let (body, crc) = words[3].split_last_chunk::<8>().unwrap();
            assert_eq!(u64::from_le_bytes(*crc), crc64(body), "{}", made.name);
            let (value, version) = body.split_last_chunk::<2>().unwrap();
            let digits =
                text(&made.bytes[..9]).chars().filter(char::is_ascii_digit).collect::<String>();
            assert_eq!(u16::from_le_bytes(*version).to_string(), digits.trim_start_matches('0'));
            let with_names = made.inline.iter().find(|(key, _)| key.as_bytes() == words[1]);
            if let Some((key, inline)) = with_names {
                assert_eq!(value, inline, "{}: {key}", made.name);
                continue;
            }
            // As it stands in the file, behind the key.
            let key = [&files::string(&words[1])[..], &value[1..]].concat();
            let is_there = made.bytes.windows(key.len()).any(|bytes| bytes == key);
            assert!(is_there && value[0] != 0xf1, "{}: {}", made.name, text(&words[1]));
        }
        let told = text(&run.stderr);
        assert!(!told.contains("not printed"), "{}: {told}", made.name);
        assert_eq!(told.contains("kept from eviction"), made.bytes[11] == 0xf1, "{told}");
        let inline = if made.name == "valkey 81" { files::INLINE.to_vec() } else { Vec::new() };
        let inline = commands(&inline.concat());
        assert_eq!(others, inline.iter().collect::<Vec<_>>(), "{}", made.name);
        if made.name == "valkey 81" {
            let order: Vec<_> = printed.iter().map(|words| text(&words[0])).collect();
            assert_eq!(order, ["RESTORE", "RESTORE", "SET", "RESTORE", "DEL", "RESTORE"]);
        }
    }
}

/// The base that a conversion with `words` makes of the file, or why it makes none.
fn converted(path: &Path, keys: Option<&str>) -> Result<Vec<u8>, String> {
    let open = |path: &Path| {
        let aof = Aof::open(path, &OpenOptions::default()).unwrap();
        let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
        let report = judge(&aof, facts, &Wording::default()).unwrap();
        (aof, report)
    };
    let sound = path.with_extension("sound");
    fs::write(&sound, files::Rdb::new("REDIS0010").sealed()).unwrap();
    let (aof, judged) = open(path);
    // As a target says that reads the version: which one does is another question.
    let mut report: Report = open(&sound).1;
    report.segments = judged.segments;
    let mut picks = Picks::default();
    keys.into_iter().for_each(|pattern| picks.filter.add_key_pattern(pattern.as_bytes()));
    let plan = convert::plan(&aof, &report, Form::Set, &picks, &Pace::default(), &Silent);
    let plan = plan.map_err(|error| error.to_string())?;
    let to = tempfile::tempdir().unwrap();
    plan.write_to(&to.path().join("aof"), &LocalDisk, &Options::default(), &Silent).unwrap();
    Ok(fs::read(to.path().join("aof/appendonly.aof.1.base.rdb")).unwrap())
}

#[test]
fn they_are_converted_byte_for_byte_and_filtered_key_by_key() {
    let dir = tempfile::tempdir().unwrap();
    for made in all() {
        let path = dir.path().join("dump.rdb");
        fs::write(&path, &made.bytes).unwrap();
        assert_eq!(converted(&path, None).unwrap(), made.bytes, "{}", made.name);
        if made.name == "valkey 81" {
            let refused = converted(&path, Some("*a*")).unwrap_err();
            assert!(refused.contains("commands stand among its keys"), "{refused}");
            continue;
        }
        assert_eq!(converted(&path, Some("*")).unwrap(), made.bytes, "{}", made.name);
        let bytes = converted(&path, Some("*a*")).unwrap();
        let mut kept = Told::default();
        let walked = walk_slice_with(&bytes, 0, &mut kept).unwrap();
        let wanted = made.keys.iter().map(|row| row.0).filter(|key| key.contains('a'));
        let kept: Vec<_> = kept.0.iter().map(|row| &*row.0).collect();
        assert_eq!(kept, wanted.collect::<Vec<_>>(), "{}", made.name);
        assert_eq!(walked.outcome.end, bytes.len() as u64);
        assert_eq!(crc64(&bytes), 0, "{}", made.name);
    }
}

#[test]
fn cut_anywhere_they_are_torn_and_changed_anywhere_they_are_not_sound() {
    for made in all() {
        for cut in 9..made.bytes.len() {
            let failed = walk_slice_with(&made.bytes[..cut], 0, &mut Deep::new()).unwrap_err();
            assert!(failed.fault.at <= cut as u64, "{} at {cut}", made.name);
            let class = failed.fault.reason.class();
            assert_eq!(class, aofkit::format::rdb::Class::Torn, "{} at {cut}", made.name);
        }
        let mut random = Random::new(crate::support::number_from_env("AOFKIT_SEED", 8_12), 1);
        for _ in 0..4000 {
            let mut bytes = made.bytes[..made.bytes.len() - 8].to_vec();
            for _ in 0..=random.below(3) {
                let at = 9 + random.below(bytes.len() - 9);
                bytes[at] = random.next() as u8;
            }
            bytes.extend(crc64(&bytes).to_le_bytes());
            // Whatever it is, it is said without a panic, and the same with and without a listener.
            let silent = walk_slice(&bytes, 0).map_err(|failed| failed.fault.at);
            let told =
                walk_slice_with(&bytes, 0, &mut Deep::new()).map_err(|failed| failed.fault.at);
            assert_eq!(
                silent.map(|w| w.outcome.keys),
                told.map(|w| w.outcome.keys),
                "{}",
                made.name
            );
        }
    }
}
