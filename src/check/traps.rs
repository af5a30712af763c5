//! What servers do of their own accord that loses data: known bugs and habits, told before the restart.

use super::corrupt_tail;
use super::facts::{RdbFacts, SegmentFacts};
use super::finding::{Kind, Problem, Severity, bytes, commands};
use super::halt::Cause;
use super::scene::{Before, Scene, times};
use super::seen::{Seen, What};
use crate::aof::{Aof, Ending};
use crate::text::escape;

/// The traps that wait in one segment.
pub(super) fn of_segment(
    aof: &Aof,
    facts: &SegmentFacts,
    is_last: bool,
    before: Before,
) -> Vec<Problem> {
    let name = &aof.segments[facts.position].name;
    let target = aof.target();
    let is_doubtful = before != Before::Nothing || facts.doubt.is_some();
    let trap = |message: String| {
        let message = match is_doubtful {
            true => format!("if {target} comes as far as this: {message}"),
            false => message,
        };
        Problem::of_file(Kind::ServerTrap, Severity::Warning, name, message)
    };
    let mut found = Vec::new();
    found.extend(beyond_default(aof, facts).into_iter().map(trap));
    let cuts = match facts.broken.filter(|broken| facts.halt == Some(*broken)).map(|h| h.cause) {
        Some(Cause::EndOfFile | Cause::OpenTransaction | Cause::EndOrCrash) => {
            aof.settings.load_truncated()
        }
        Some(Cause::BadFormat) => corrupt_tail::is_cut(aof, facts),
        _ => false,
    };
    if !cuts {
        return found;
    }
    let safe_cut = facts.sound().safe_cut;
    let cut = facts.own_cut.unwrap_or(safe_cut);
    if !is_last {
        found.push(trap(format!(
            "the first start of {target} refuses this set, but cuts the file to {} on the way out; \
             the second start then loads it with a silent hole of {}",
            bytes(cut),
            bytes(facts.len - cut)
        )));
    }
    // What it takes for a record at a wrong line end may end behind the safe cut, too, and leaves nothing open.
    if cut > safe_cut && facts.sound().record_end > safe_cut {
        found.push(trap(format!(
            "{target} would cut at byte {cut} and leave MULTI open in the file: everything written \
             after that start is lost at the next one; cut at byte {} instead",
            safe_cut
        )));
    }
    if cut < safe_cut {
        found.push(trap(format!(
            "{target} would cut the whole file to {}, the RDB part included: the data would then \
             exist in memory only; cut at byte {} instead",
            bytes(cut),
            safe_cut
        )));
    }
    if let Some(behind) = sound_behind(facts) {
        let takes = match facts.broken.map(|halt| halt.cause) {
            Some(Cause::BadFormat) => "all behind the first wrong byte for a corrupt end",
            _ => "the damage for a torn end",
        };
        found.push(trap(format!(
            "{target} takes {takes}: it would cut off {} at byte {cut} without a question, {} among them \
             that are sound",
            bytes(facts.len - cut),
            commands(behind)
        )));
    }
    found
}

/// Databases that a server has only by its configuration, which nobody named.
fn beyond_default(aof: &Aof, facts: &SegmentFacts) -> Vec<String> {
    let mut found = Vec::new();
    let databases = u64::from(aof.settings.databases());
    let in_rdb = facts.rdb.as_ref().and_then(RdbFacts::highest_db).unwrap_or(0);
    // With a configuration it is known what becomes of it.
    if !aof.configured && in_rdb >= databases {
        found.push(format!(
            "database {in_rdb} of the RDB is beyond the {databases} databases of the default configuration: a server \
             with fewer refuses to start; name its configuration with --conf"
        ));
    }
    if !aof.configured && facts.max_db >= databases {
        found.push(format!(
            "SELECT {} is beyond the {databases} databases of the default configuration: a server with fewer logs an \
             error and puts the keys that follow into the database selected before; name its configuration with \
             --conf",
            facts.max_db
        ));
    }
    found
}

/// A command that no server logs.
pub(super) fn in_log(scene: &Scene<'_>, seen: &Seen, name: &[u8], fatal: bool) -> Problem {
    let target = scene.aof.target();
    let severity = if fatal { Severity::Error } else { Severity::Warning };
    let then = match fatal {
        true => format!("{target} dies of it while it loads"),
        false => format!(
            "{target} runs it while it loads, whoever wrote it. Find out how it came there before a \
             server is started on this"
        ),
    };
    let message = format!(
        "the log holds {}{}, which no server logs: it changes no key; it acts on the process, its \
         configuration, files, network or clients. {then}",
        escape(name),
        times(seen)
    );
    let problem = scene.problem(Kind::ServerTrap, severity, seen, message);
    // The record is whole: it is no damage at the end, wherever it stands.
    Problem { at_the_end: false, ..problem }
}

/// Sound records behind the place where the loader thinks the file ends.
fn sound_behind(facts: &SegmentFacts) -> Option<u64> {
    let halt = facts.broken?;
    if halt.cause == Cause::BadFormat {
        return Some(facts.commands - facts.sound().commands).filter(|&behind| behind > 0);
    }
    let resumes = facts.seen.iter().any(|seen| match &seen.what {
        What::Damage(damage) => damage.start == halt.at && damage.ending == Ending::Resumes,
        _ => false,
    });
    resumes.then(|| facts.commands - facts.sound().commands_to_cut)
}
