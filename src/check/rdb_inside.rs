//! Wording for what a thorough look at an RDB found inside of its values.

use super::facts::RdbFacts;
use super::finding::{Kind, Problem, Severity};
use super::scene::{SALVAGE, Scene};
use super::seen::Seen;
use crate::format::rdb::Stray;
use crate::format::rdb::deep::{BODY_MOST, Flaw, Report, Wrong};
use crate::format::rdb::place::{KEY_KEPT, Key};
use crate::format::rdb::row;
use crate::text::count;

/// Something wrong.
pub(super) fn flaw(scene: &Scene<'_>, seen: &Seen, flaw: &Flaw) -> Problem {
    let target = scene.aof.target();
    let then = match flaw.wrong {
        Wrong::DuplicateKey => format!("{target} crashes on it"),
        Wrong::Empty if flaw.stops(target.rules.care) => format!("{target} refuses to start"),
        Wrong::Empty => format!("{target} drops the key, redis-check-rdb calls the file broken"),
        _ if stops(scene, flaw) => format!("{target} refuses to start"),
        _ if flaw.is_taken_by_most() => format!("{target} takes it, valkey-9.1 refuses it"),
        _ => format!(
            "{target} finds it while loading only with sanitize-dump-payload yes; else it may \
             misbehave when the key is used"
        ),
    };
    let inside = flaw.inside.map_or_else(String::new, |at| format!(", {at} bytes into the value"));
    // Numbers mean the same in both families below 22; the name is for readers, the key counts.
    let header = scene.facts.rdb.as_ref().and_then(|rdb| rdb.header());
    let name = header.and_then(|header| row(header, flaw.key.kind)).map(|row| row.name);
    let message = format!(
        "{} ({} in database {}, {}, byte {}{inside}); {then}",
        flaw.wrong,
        scene.key(&flaw.key),
        flaw.key.db,
        name.unwrap_or("unknown type"),
        flaw.at
    );
    let is_odd = flaw.wrong == Wrong::Empty || flaw.is_taken_by_most();
    let severity = match is_odd && !stops(scene, flaw) {
        true => Severity::Warning,
        false => Severity::Error,
    };
    match flaw.wrong {
        Wrong::DuplicateKey => {
            let strays = scene.facts.rdb.as_ref().and_then(RdbFacts::strays);
            let is_stray = strays
                .is_some_and(|strays| strays.list.iter().any(|stray| stray.is_named_as(&flaw.key)));
            let next = scene.repair(SALVAGE).filter(|_| is_stray);
            scene.problem(Kind::DuplicateKey, severity, seen, message).next(next)
        }
        _ => scene.problem(Kind::RdbBadStructure, severity, seen, message),
    }
}

fn stops(scene: &Scene<'_>, flaw: &Flaw) -> bool {
    let sanitizes = scene.aof.settings.sanitizes_loads() && flaw.stops_sanitizing();
    sanitizes || flaw.stops(scene.aof.target().rules.care)
}

/// A key under another slot than its own.
pub(super) fn stray(scene: &Scene<'_>, seen: &Seen, stray: &Stray, is_twice: bool) -> Problem {
    let key = Key {
        at: stray.at,
        db: stray.db,
        kind: 0,
        start: stray.key[..stray.key.len().min(KEY_KEPT)].to_vec(),
        is_cut: stray.is_cut,
    };
    let then = match is_twice {
        true => "the same key stands in the file once more; a repair drops this copy".to_owned(),
        false => format!("{} does not compare the two", scene.aof.target()),
    };
    let message = format!(
        "{} in database {} stands under slot {} and hashes to slot {} (byte {}); {then}",
        scene.key(&key),
        stray.db,
        stray.under,
        stray.own,
        stray.at
    );
    let kind = if is_twice { Kind::DuplicateKey } else { Kind::RdbBadStructure };
    let next = scene.repair(SALVAGE).filter(|_| is_twice);
    scene.problem(kind, Severity::Warning, seen, message).next(next)
}

/// What was not looked at.
pub(super) fn left_out(scene: &Scene<'_>, seen: &Seen, report: &Report) -> Problem {
    let mut parts = Vec::new();
    if report.unopened > 0 {
        let strings = count(report.unopened, "string");
        parts.push(format!("{strings} larger than {} MiB were not opened", BODY_MOST >> 20));
    }
    if report.uncompared > 0 {
        let values = count(report.uncompared, "value");
        parts.push(format!("{values} have too many members to compare them all"));
    }
    if !report.keys_compared {
        parts.push("not all keys were compared with each other".to_owned());
    }
    let message = format!("the thorough look left something out: {}", parts.join("; "));
    scene.problem(Kind::LimitExceeded, Severity::Info, seen, message)
}
