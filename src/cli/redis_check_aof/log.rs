//! What the manifest's reader writes to a server's log, in the log's own form.

use aofkit::check::preamble::Tool;
use aofkit::format::manifest::Reason;
use aofkit::text;

use super::run::{Ended, Run, Told};

/// A manifest that cannot be read ends the run.
pub fn manifest_fault<T>(run: &Run, manifest: &[u8], why: Reason) -> Told<T> {
    // The program of Valkey takes itself for a primary.
    let role = if run.tool == Tool::Valkey { 'M' } else { 'C' };
    let line = |run: &Run, text: &str| line(run, role, '#', text);
    line(run, "\n*** FATAL AOF MANIFEST FILE ERROR ***\n");
    let sentence = why.kind.server_message();
    // What was not read as a line at all has none to show.
    let place = match why.kind {
        aofkit::format::manifest::Kind::TooLong(_) | aofkit::format::manifest::Kind::Empty => None,
        _ => usize::try_from(why.line).ok().and_then(|line| line.checked_sub(1)),
    };
    if let Some(shown) = place.and_then(|line| manifest.split(|&b| b == b'\n').nth(line)) {
        line(run, &format!("Reading the manifest file, at line {}\n", why.line));
        let shown = text::name(shown.trim_ascii());
        line(run, &format!(">>> '{shown}'\n"));
    }
    line(run, &format!("{sentence}\n"));
    Err(Ended)
}

/// What Valkey's loader says before it loads an RDB.
pub fn slots(run: &Run) {
    line(run, 'M', '*', "Cleaning slot migration log in anticipation of a load operation.");
}

/// One line of the log: process, role, time, level.
fn line(run: &Run, role: char, level: char, text: &str) {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let time = now.strftime("%d %b %Y %H:%M:%S%.3f");
    run.say(format!("{}:{role} {time} {level} {text}\n", std::process::id()).as_bytes());
}
