//! Wording for what a thorough look at an RDB found inside of its values.

use super::describe::Scene;
use super::facts::Seen;
use super::finding::{Kind, Problem, Severity};
use crate::format::rdb::deep::{BODY_MOST, Flaw, Report, Wrong};
use crate::format::rdb::layout::row;
use crate::text::count;

/// Something wrong.
pub(super) fn flaw(scene: &Scene<'_>, seen: &Seen, flaw: &Flaw) -> Problem {
    let target = scene.aof.target();
    let then = match flaw.wrong {
        Wrong::DuplicateKey => format!("{target} crashes on it"),
        Wrong::Empty => format!("{target} drops the key, redis-check-rdb calls the file broken"),
        _ if flaw.stops_loaders() => format!("{target} refuses to start"),
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
    let severity = if flaw.wrong == Wrong::Empty { Severity::Warning } else { Severity::Error };
    scene.problem(Kind::RdbBadStructure, severity, seen, message)
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
