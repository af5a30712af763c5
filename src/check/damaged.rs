//! Damage in a log, in words: torn, zeros, garbage, or a range with sound records behind it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::corrupt_tail;
use super::finding::{Kind, Problem, Severity, bytes, commands};
use super::halt::Cause;
use super::scene::{Before, SALVAGE, Scene, at_start, in_flight};
use super::seen::Seen;
use crate::aof::{Damage, Ending, LoaderMeets};
use crate::{disk, text};

/// What bytes alone cannot tell of a record that claims more than there is, with sound records in what it claims.
const READINGS: &str = ", if the length of the record that begins here is wrong. Or its value holds what looks \
                        like records, and the file is torn inside it; then --truncate is what helps. Bytes alone \
                        cannot tell";

/// What an editor or a text copy did.
const CONVERTED: &str = ". Its lines end in LF alone: an editor, or a copy that takes it for text, has taken CR away. \
                         Do not cut it: copy it again as it was, or take it from a backup";

/// A copy beside the file that ends where its sound records begin again, as a rotation of logs leaves it that copies a file and
/// empties it under its server.
fn rotated(scene: &Scene<'_>, seen: &Seen, damage: &Damage) -> String {
    if damage.ending != Ending::Resumes {
        return String::new();
    }
    let (own, end) = (&scene.segment().name, seen.offset + seen.len);
    let is_copy = |name: &OsStr| {
        name.as_bytes().strip_prefix(&own[..]).is_some_and(|rest| rest.starts_with(b"."))
    };
    let listed = disk::list_some(&scene.aof.dir(), is_copy).unwrap_or_default();
    let copy = listed.into_iter().find(|one| !one.is_dir && !one.is_link && one.len == end);
    copy.map_or_else(String::new, |one| {
        format!(
            ". {} beside it has as many bytes as stand up to here ({}): if it is a copy from before somebody emptied the file, it has \
             what stood in this range. Look at it before --salvage drops the range",
            text::name(one.name.as_bytes()),
            text::thousands(end)
        )
    })
}

/// Damage that is no RDB's.
pub(super) fn problem(scene: &Scene<'_>, seen: &Seen, damage: &Damage) -> Problem {
    if scene.in_flight && damage.end == scene.facts.len {
        return in_flight(scene, seen, Kind::TruncatedTail);
    }
    let kind = match damage.ending {
        Ending::Torn if scene.is_last => Kind::TruncatedTail,
        Ending::Torn => Kind::TruncatedInnerSegment,
        Ending::Zeros => Kind::ZeroTail,
        Ending::Garbage => Kind::GarbageTail,
        Ending::Resumes | Ending::Unread(_) | Ending::Crossed(_) => Kind::CorruptRange,
    };
    // The EXEC of a transaction that seems to be open up to here.
    let exec = match seen.cut_before < seen.offset {
        true => scene.facts.garbled_exec(seen.cut_before),
        false => None,
    };
    let mut message = message(scene, seen, damage, &start(scene, seen, damage));
    message += &garbled(exec);
    message += &rotated(scene, seen, damage);
    let is_converted = damage.has_lost_carriage_returns();
    if is_converted {
        message += CONVERTED;
    }
    let is_inner = exec.is_some() || matches!(damage.ending, Ending::Resumes | Ending::Crossed(_));
    let (lost_bytes, lost_commands) = if is_inner {
        (seen.len, 0)
    } else {
        // What stands in a transaction without its EXEC goes with the tail.
        (damage.end - seen.cut_before, scene.facts.commands - seen.commands_before)
    };
    let next = match damage.ending {
        Ending::Unread(_) => None,
        _ if is_converted => None,
        _ if is_inner || !scene.is_last => scene.repair(SALVAGE),
        _ => scene.repair(""),
    };
    let lost = scene.lost(seen, lost_bytes, lost_commands);
    let problem = scene.problem(kind, Severity::Error, seen, message).lost(lost).next(next);
    // Sound records lie in it: it is no end, wherever it ends.
    let at_the_end = problem.at_the_end && kind != Kind::CorruptRange && exec.is_none();
    Problem { at_the_end, ..problem }
}

/// What has to be said where a record may be the EXEC that is missing.
pub(super) fn garbled(exec: Option<&Seen>) -> String {
    exec.map_or_else(String::new, |exec| {
        format!(
            ". The record at byte {} may be its EXEC, with wrong bytes in the name: then what follows it is sound, \
             and --salvage keeps it",
            exec.offset
        )
    })
}

/// What the target does about it, and what it could be told to do.
fn start(scene: &Scene<'_>, seen: &Seen, damage: &Damage) -> String {
    let cutting = matches!(damage.loader, LoaderMeets::EndOfFile | LoaderMeets::Allocation(_));
    let start = at_start(scene, seen, cutting);
    let stops = scene.facts.broken.filter(|halt| halt.at == damage.start);
    match stops.map(|halt| halt.cause) {
        None => start,
        Some(_) if scene.before(seen) != Before::Nothing => start,
        Some(Cause::Crash) => format!("{} crashes on it", scene.aof.target()),
        Some(Cause::EndOrCrash) => format!(
            "{start}, or dies of the length that the record claims: that depends on the memory it gets"
        ),
        Some(_) => start + &corrupt_tail::note(scene.aof, scene.facts, scene.is_last),
    }
}

fn message(scene: &Scene<'_>, seen: &Seen, damage: &Damage, start: &str) -> String {
    let range = bytes(seen.len);
    let inside = inside_transaction(seen);
    match damage.ending {
        Ending::Torn => format!(
            "the file ends inside a record: the last {range} are its beginning{inside}; {start}"
        ),
        Ending::Zeros => format!(
            "the last {range} hold no record and end in NUL bytes, as after a power loss{inside}; {start}"
        ),
        Ending::Garbage => {
            format!("no record in the last {range} ({}){inside}; {start}", scene.fault(damage))
        }
        Ending::Resumes => format!(
            "{range} are damaged ({}){inside}; {} after them are sound{}. {start}",
            scene.fault(damage),
            commands(scene.facts.commands - seen.commands_before),
            if damage.is_doubtful { READINGS } else { "" }
        ),
        Ending::Crossed(at) => format!(
            "{range} are damaged ({}){inside}: they are the end of a record that begins at byte {at}. A wrong length \
             in the record before claims its beginning. {start}",
            scene.fault(damage)
        ),
        Ending::Unread(at) => format!(
            "{range} are damaged ({}){inside}; sound records begin again at byte {at}, too far back \
             in a stream to be read: check the file itself. {start}",
            scene.fault(damage)
        ),
    }
}

fn inside_transaction(seen: &Seen) -> String {
    match seen.cut_before < seen.offset {
        true => format!(", inside a transaction that begins at byte {}", seen.cut_before),
        false => String::new(),
    }
}
