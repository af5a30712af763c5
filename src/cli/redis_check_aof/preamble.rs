//! What redis-check-rdb tells of an RDB, here of one in front of a file.

use std::fmt::Write;

use aofkit::check::preamble::{self, End, Mark, Preamble, Tool};
use aofkit::disk::Source;
use aofkit::format::rdb::{Class, Key, Reason};
use aofkit::text;

use super::log;
use super::run::{Run, Told, reason};

/// Looks the RDB through; answers where records may begin.
pub fn check(run: &Run, source: &mut dyn Source, path: &[u8]) -> Told<u64> {
    run.say(&[b"[offset 0] Checking RDB file ", path, b"\n"].concat());
    if run.tool == Tool::Valkey {
        log::slots(run);
    }
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let found = match preamble::preamble(source, now_ms, run.tool) {
        Ok(found) => found,
        Err(e) => {
            let text = format!("Cannot read file: {}\n", reason(&e));
            return run.end(text.as_bytes());
        }
    };
    let mut told = String::new();
    let foreign = found.header.filter(|header| run.tool.finds_foreign(*header));
    if let Some(header) = foreign {
        let _ = writeln!(told, "[offset 9] Foreign RDB version {} detected", header.version);
    }
    told += &marks(&found);
    let sound = match &found.end {
        End::Sound { end, is_summed } => {
            let sum = match is_summed {
                true => "Checksum OK",
                false => "RDB file was saved with checksum disabled: no check performed.",
            };
            let _ = writeln!(told, "[offset {end}] {sum}");
            if run.tool == Tool::Valkey {
                let _ = writeln!(told, "[offset {end}] {RETURNED} 0 {MEANS}");
            }
            let looks = match foreign {
                Some(_) => "RDB looks OK, but loading requires config 'rdb-version-check relaxed'",
                None => "RDB looks OK! \\o/",
            };
            let _ = writeln!(told, "[offset {end}] \\o/ {looks}");
            Some(*end)
        }
        _ => {
            wrong(&mut told, &found, run.tool);
            None
        }
    };
    let _ = writeln!(
        told,
        "[info] {} keys read\n[info] {} expires\n[info] {} already expired\n{}",
        found.keys,
        found.expires,
        found.expired,
        match run.tool {
            Tool::Redis => format!("[info] {} subexpires", found.field_expires),
            Tool::Valkey => format!("[info] {} functions", found.functions),
        }
    );
    if let (Tool::Valkey, None) = (run.tool, sound) {
        let _ = writeln!(told, "[offset {}] {RETURNED} 1 {MEANS}", place(&found.end));
    }
    run.say(told.as_bytes());
    match sound {
        Some(end) => {
            run.say(b"RDB preamble is OK, proceeding with AOF tail...\n");
            Ok(end)
        }
        None => run.end(b"RDB preamble of AOF file is not sane, aborting.\n"),
    }
}

/// Auxiliary fields and databases, each with the offset behind it.
fn marks(found: &Preamble) -> String {
    let mut told = String::new();
    let mut fields = found.fields.iter();
    for mark in &found.marks {
        let _ = match mark {
            Mark::Field(end) => {
                let Some((name, value)) = fields.next() else { continue };
                let (name, value) = (text::name(name), text::name(value));
                writeln!(told, "[offset {end}] AUX FIELD {name} = '{value}'")
            }
            Mark::Database { end, db } => writeln!(told, "[offset {end}] Selecting DB ID {db}"),
        };
    }
    told
}

/// What the program of Valkey says of its own return.
const RETURNED: &str = "Check RDB returned error code";
const MEANS: &str = "(0 means success)";

/// Where it ended.
fn place(end: &End) -> u64 {
    match end {
        End::Sound { end, .. } | End::Checksum(end) | End::Fault(end, ..) => *end,
        End::Foreign { at, .. } => *at,
        End::Version(_) => 9,
        End::Flaw(flaw) => flaw.at,
    }
}

/// The error, and what was being read.
fn wrong(told: &mut String, found: &Preamble, tool: Tool) {
    let at = place(&found.end);
    let (what, doing, key) = match &found.end {
        End::Sound { .. } => return,
        End::Foreign { number, .. } => {
            let version = found.header.map_or(0, |header| header.version);
            (
                format!("Unknown object type {number} in RDB file with foreign version {version}"),
                "read-type",
                None,
            )
        }
        End::Checksum(_) => ("RDB CRC error".to_owned(), "check-sum", None),
        End::Version(version) => {
            (format!("Can't handle RDB format version {version}"), "start", None)
        }
        End::Fault(_, why, place) => {
            let what = match why {
                why if why.class() == Class::Torn => "Unexpected EOF reading RDB file".to_owned(),
                Reason::UnknownNumber(number) => format!("Invalid object type: {number}"),
                why => why.to_string(),
            };
            let doing = match (why.class(), place.key.is_some()) {
                (Class::Header, _) => "start",
                (_, true) => "read-object-value",
                (_, false) => "read-type",
            };
            (what, doing, place.key.as_ref())
        }
        End::Flaw(flaw) => (flaw.wrong.to_string(), "read-object-value", Some(&flaw.key)),
    };
    let _ = writeln!(told, "--- RDB ERROR DETECTED ---\n[offset {at}] {what}");
    let _ = writeln!(told, "[additional info] While doing: {doing}");
    if let Some(Key { start, .. }) = key {
        let _ = writeln!(told, "[additional info] Reading key '{}'", text::name(start));
    }
    // Before its first key the program of Redis takes itself to be reading a string.
    let before_all = (tool == Tool::Redis && found.keys == 0).then_some(0);
    if let Some(number) = key.map(|key| key.kind).or(before_all) {
        let name = TYPES.get(usize::from(number)).copied().unwrap_or("unknown");
        let _ = writeln!(told, "[additional info] Reading type {number} ({name})");
    }
}

/// What the programs call the types.
const TYPES: [&str; 26] = [
    "string",
    "list-linked",
    "set-hashtable",
    "zset-v1",
    "hash-hashtable",
    "zset-v2",
    "module-pre-release",
    "module-value",
    "",
    "hash-zipmap",
    "list-ziplist",
    "set-intset",
    "zset-ziplist",
    "hash-ziplist",
    "quicklist",
    "stream",
    "hash-listpack",
    "zset-listpack",
    "quicklist-v2",
    "stream-v2",
    "set-listpack",
    "stream-v3",
    "hash-hashtable-md-pre-release",
    "hash-listpack-md-pre-release",
    "hash-hashtable-md",
    "hash-listpack-md",
];
