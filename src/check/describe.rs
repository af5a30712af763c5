//! From what was seen in a segment to problems: wording, cost, and the way out. Wording lives here, once.

use super::finding::{Kind, Problem, Severity, bytes, commands};
use super::scene::{SALVAGE, Scene, at_start, in_flight, times};
use super::seen::{NonCanonical, Seen, What};
use super::{
    behind_dump, configuration, corrupt_tail, damaged, not_taken, payload_told, rdb_inside, splits,
    traps,
};
use crate::aof::{Damage, RdbStop, Role, Why};
use crate::format::rdb;

/// One thing seen, as a problem.
pub(super) fn describe(scene: &Scene<'_>, seen: &Seen) -> Problem {
    match &seen.what {
        What::Damage(damage) => match (&damage.rdb, damage.fault.reason) {
            (Some(stop), Why::Rdb(reason)) => rdb_damage(scene, seen, damage, stop, reason),
            _ => splits::problem(scene, seen)
                .unwrap_or_else(|| damaged::problem(scene, seen, damage)),
        },
        What::BehindDump(context) => behind_dump::problem(scene, seen, context),
        What::OpenTransaction { commands } => {
            splits::problem(scene, seen).unwrap_or_else(|| open_transaction(scene, seen, *commands))
        }
        What::Hollow => hollow(scene, seen),
        What::DiscardInTransaction => {
            let message = format!(
                "a transaction that contains DISCARD ends here; {} queues DISCARD while loading and \
                 crashes when EXEC runs it",
                scene.aof.target()
            );
            let problem = scene.problem(Kind::BadTransaction, Severity::Error, seen, message);
            problem.lost(scene.lost(seen, seen.bytes, 1)).next(scene.repair(SALVAGE))
        }
        What::Raw(_) => scene.problem(Kind::LimitExceeded, Severity::Info, seen, String::new()),
        What::UnknownCommand { name, is_learnt } => {
            not_taken::unknown(scene, seen, name, *is_learnt)
        }
        What::MissingModule { name, need } => not_taken::missing(scene, seen, name, *need),
        What::DoubtfulModule(module) => not_taken::doubtful(scene, seen, module),
        What::DeadlyCommand(name) => not_taken::deadly(scene, seen, name),
        What::WrongArity { name, argc, fatal } => {
            not_taken::arity(scene, seen, name, *argc, *fatal)
        }
        What::Trap { name, fatal } => traps::in_log(scene, seen, name, *fatal),
        What::NonCanonical(kind @ NonCanonical::StrayExec) => {
            splits::problem(scene, seen).unwrap_or_else(|| non_canonical(scene, seen, *kind))
        }
        What::NonCanonical(kind) => non_canonical(scene, seen, *kind),
        What::BadTimestamp => {
            let message = format!(
                "an annotation begins like a timestamp and has no number{}; loaders skip it, \
                 redis-check-aof --truncate-to-timestamp stops at it",
                times(seen)
            );
            scene.problem(Kind::BadAnnotation, Severity::Warning, seen, message)
        }
        What::OpenAnnotation => open_annotation(scene, seen),
        What::RdbFlaw(flaw) => rdb_inside::flaw(scene, seen, flaw),
        What::RdbLeftOut(report) => rdb_inside::left_out(scene, seen, report),
        What::Payload(payload) => payload_told::problem(scene, seen, payload),
        What::Stray { stray, is_twice } => rdb_inside::stray(scene, seen, stray, *is_twice),
        What::RdbVersion(header) => not_taken::rdb_version(scene, seen, *header),
        What::RdbNumber(number) => {
            let message = format!(
                "the RDB holds a type or opcode {number}, which {} does not have; it refuses to start",
                scene.aof.target()
            );
            scene.problem(Kind::RdbUnsupported, Severity::Error, seen, message)
        }
        What::BeyondDatabases { db, is_rdb } => configuration::beyond(scene, seen, *db, *is_rdb),
        What::RefusedAnnotation => {
            let message = format!(
                "{} does not know annotations (#TS lines){}; {}",
                scene.aof.target(),
                times(seen),
                at_start(scene, seen, false)
            );
            scene.problem(Kind::UnknownCommand, Severity::Error, seen, message)
        }
        What::RdbChecksum { stored, computed } => checksum(scene, seen, *stored, *computed),
    }
}

/// An RDB whose structure is whole, and whose bytes are not those that were written.
fn checksum(scene: &Scene<'_>, seen: &Seen, stored: u64, computed: u64) -> Problem {
    let message = format!(
        "the RDB's checksum does not fit ({stored:016x} stored, {computed:016x} computed): at \
         least one of its bytes is not what was written; its structure is whole. {} refuses it",
        scene.aof.target()
    );
    let problem = scene.problem(Kind::RdbChecksumMismatch, Severity::Error, seen, message);
    problem.lost(scene.lost(seen, seen.bytes, 0))
}

fn open_transaction(scene: &Scene<'_>, seen: &Seen, inside: u64) -> Problem {
    if scene.in_flight {
        return in_flight(scene, seen, Kind::OpenTransaction);
    }
    let exec = scene.facts.garbled_exec(seen.offset);
    let inner = (!scene.is_last).then_some(Kind::TruncatedInnerSegment);
    let message = format!(
        "the file ends inside a transaction: MULTI at byte {}, {} since, no EXEC; {}{}",
        seen.offset,
        commands(inside),
        at_start(scene, seen, true),
        damaged::garbled(exec)
    );
    if let Some(exec) = exec {
        let lost = scene.lost(seen, exec.len, 0);
        let problem = scene.problem(Kind::CorruptRange, Severity::Error, seen, message);
        let problem = problem.lost(lost).next(scene.repair(SALVAGE));
        return Problem { at_the_end: false, ..problem };
    }
    let kind = inner.unwrap_or(Kind::OpenTransaction);
    let lost = scene.lost(seen, seen.len, scene.facts.commands - seen.commands_before);
    let next = scene.repair(if scene.is_last { "" } else { SALVAGE });
    scene.problem(kind, Severity::Error, seen, message).lost(lost).next(next)
}

fn open_annotation(scene: &Scene<'_>, seen: &Seen) -> Problem {
    let what = format!("the last {} are an annotation without a line end", bytes(seen.len));
    let target = scene.aof.target();
    if scene.facts.halt.is_some() || !scene.is_last || scene.segment().role != Role::Increment {
        let message = format!("{what}; {target} appends nothing behind it");
        return scene.problem(Kind::BadAnnotation, Severity::Info, seen, message);
    }
    let message = format!(
        "{what}: {target} loads the file, glues its next command to that line and refuses to start the \
         time after, unless it writes a timestamp first (aof-timestamp-enabled yes)"
    );
    let lost = scene.lost(seen, seen.len, 0);
    let problem = scene.problem(Kind::BadAnnotation, Severity::Warning, seen, message);
    problem.lost(lost).next(scene.repair(""))
}

fn hollow(scene: &Scene<'_>, seen: &Seen) -> Problem {
    let message = format!(
        "a record header announces no arguments{}: redis-check-aof passes over it, {}{}",
        times(seen),
        at_start(scene, seen, false),
        match scene.facts.broken {
            Some(halt) if halt.at == seen.offset => {
                corrupt_tail::note(scene.aof, scene.facts, scene.is_last)
            }
            _ => String::new(),
        }
    );
    let next = scene.repair(SALVAGE);
    let lost = scene.lost(seen, seen.bytes, 0);
    scene.problem(Kind::CorruptRange, Severity::Error, seen, message).lost(lost).next(next)
}

fn non_canonical(scene: &Scene<'_>, seen: &Seen, kind: NonCanonical) -> Problem {
    let what = match kind {
        NonCanonical::LooseLine => "a header line does not end with its number and CRLF",
        NonCanonical::LongLine => "a header line is longer than redis-check-aof's buffer",
        NonCanonical::WrappedCount => "an argument count is beyond 32 bits",
        NonCanonical::BadTerminator => "an argument is not followed by CRLF",
        NonCanonical::NestedMulti => "MULTI stands inside a transaction",
        NonCanonical::StrayExec => "EXEC stands outside a transaction",
        NonCanonical::RdbInIncrement => "an increment begins with an RDB",
    };
    let message = format!(
        "{what}{}: {} takes that, redis-check-aof does not, and its --fix would cut the file here",
        times(seen),
        scene.aof.target()
    );
    scene.problem(Kind::NonCanonical, Severity::Warning, seen, message)
}

fn rdb_damage(
    scene: &Scene<'_>,
    seen: &Seen,
    damage: &Damage,
    stop: &RdbStop,
    reason: rdb::Reason,
) -> Problem {
    let place = match (&stop.place.key, &stop.place.last_key) {
        (Some(key), _) => format!(" in the value of {}", scene.key(key)),
        (None, Some(key)) => format!(" after {}", scene.key(key)),
        (None, None) => String::new(),
    };
    let whole_keys = crate::text::count(stop.place.keys, "whole key");
    let at = damage.fault.at;
    let target = scene.aof.target();
    let (kind, message) = match stop.class(reason) {
        rdb::Class::Torn => (
            Kind::RdbTruncated,
            format!(
                "the RDB ends too early: {reason} (byte {at}{place}, after {whole_keys}); {target} \
                 never cuts an RDB, it refuses to start"
            ),
        ),
        rdb::Class::Header => (Kind::RdbBadHeader, format!("{reason}; {target} refuses to start")),
        rdb::Class::Malformed => (
            Kind::RdbBadStructure,
            format!(
                "the RDB is broken at byte {at}: {reason}{place}, after {whole_keys}{}{}; {target} \
                 refuses to start",
                scene.near(&damage.context),
                if stop.intact == Some(false) { "; no checksum fits behind it" } else { "" }
            ),
        ),
        rdb::Class::Unsupported => {
            let intact = match stop.intact {
                None if stop.header.is_none() => "aofkit does not read that",
                Some(true) => "it is intact by its checksum, only not understood by aofkit",
                _ => "it has no checksum to tell whether it is damaged, or aofkit does not know it",
            };
            let then = not_taken::then(scene, scene.facts.doubt == Some(seen.offset));
            let message =
                format!("byte {at}: {reason}{place}, after {whole_keys}: {intact}; {then}");
            (Kind::RdbUnsupported, message)
        }
    };
    let lost = match kind {
        Kind::RdbUnsupported => None,
        _ => Some(scene.lost(seen, seen.len, 0)),
    };
    let problem = Problem { lost, ..scene.problem(kind, Severity::Error, seen, message) };
    match kind {
        Kind::RdbTruncated | Kind::RdbBadStructure if stop.place.keys > 0 => {
            problem.next(scene.repair(SALVAGE))
        }
        _ => problem,
    }
}
