//! What redis-check-rdb tells of an RDB, here of one in front of a file.

use std::fmt::Write;

use aofkit::check::preamble::{self, End, Mark, Preamble};
use aofkit::disk::Source;
use aofkit::format::rdb::{Class, Key, Reason};
use aofkit::text;

use super::{Run, Told, reason};

/// Looks the RDB through; answers where records may begin.
pub fn check(run: &Run, source: &mut dyn Source, path: &[u8]) -> Told<u64> {
    run.say(&[b"[offset 0] Checking RDB file ", path, b"\n"].concat());
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let found = match preamble::preamble(source, now_ms) {
        Ok(found) => found,
        Err(e) => {
            let text = format!("Cannot read file: {}\n", reason(&e));
            return run.end(text.as_bytes());
        }
    };
    let mut told = marks(&found);
    let sound = match &found.end {
        End::Sound { end, is_summed } => {
            let sum = match is_summed {
                true => "Checksum OK",
                false => "RDB file was saved with checksum disabled: no check performed.",
            };
            let _ = writeln!(told, "[offset {end}] {sum}\n[offset {end}] \\o/ RDB looks OK! \\o/");
            Some(*end)
        }
        broken => {
            wrong(&mut told, broken);
            None
        }
    };
    let _ = writeln!(
        told,
        "[info] {} keys read\n[info] {} expires\n[info] {} already expired\n[info] {} subexpires",
        found.keys, found.expires, found.expired, found.field_expires
    );
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

/// The error, and what was being read.
fn wrong(told: &mut String, end: &End) {
    let (at, what, doing, key) = match end {
        End::Sound { .. } => return,
        End::Checksum(at) => (*at, "RDB CRC error".to_owned(), "check-sum", None),
        End::Version(version) => {
            (9, format!("Can't handle RDB format version {version}"), "start", None)
        }
        End::Fault(at, why, place) => {
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
            (*at, what, doing, place.key.as_ref())
        }
        End::Flaw(flaw) => (flaw.at, flaw.wrong.to_string(), "read-object-value", Some(&flaw.key)),
    };
    let _ = writeln!(told, "--- RDB ERROR DETECTED ---\n[offset {at}] {what}");
    let _ = writeln!(told, "[additional info] While doing: {doing}");
    if let Some(Key { start, .. }) = key {
        let _ = writeln!(told, "[additional info] Reading key '{}'", text::name(start));
    }
}
