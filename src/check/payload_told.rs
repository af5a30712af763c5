//! The payload of a RESTORE as a problem.

use super::finding::{Kind, Problem, Severity};
use super::payload::{Payload, PayloadFault};
use super::scene::Scene;
use super::seen::Seen;
use crate::format::rdb::payload::Inside;
use crate::redact::hidden;
use crate::text::escape;

/// As a problem.
pub(super) fn problem(scene: &Scene<'_>, seen: &Seen, payload: &Payload) -> Problem {
    let target = scene.aof.target();
    let what = match &payload.fault {
        PayloadFault::Short => "its payload is shorter than any".to_owned(),
        PayloadFault::Checksum { stored, computed } => format!(
            "the checksum of its payload does not fit ({stored:016x} stored, {computed:016x} computed)"
        ),
        PayloadFault::Version(version) => {
            format!("its payload has version {version} of the format, which {target} does not take")
        }
        PayloadFault::Inside(Inside::Fault(at, reason)) => {
            format!("its value is broken, {at} bytes into the payload: {reason}")
        }
        PayloadFault::Inside(Inside::Trailing(bytes)) => {
            format!("{} lie behind its value", super::finding::bytes(*bytes))
        }
        PayloadFault::Inside(Inside::Flaw(flaw)) => flaw.wrong.to_string(),
        PayloadFault::Inside(Inside::NotOpened) => "its value was not opened".to_owned(),
    };
    let key = match scene.wording.redact {
        true => hidden(&payload.key),
        false => format!("\"{}\"", escape(&payload.key)),
    };
    let then = match &payload.fault {
        _ if payload.ends => format!("{target} ends while it loads it"),
        PayloadFault::Inside(Inside::Trailing(_)) => format!("{target} does not look at them"),
        PayloadFault::Inside(Inside::Fault(..)) => {
            format!(
                "{target} answers an error, logs it as critical and goes on, in most cases without the key"
            )
        }
        PayloadFault::Inside(Inside::Flaw(flaw)) if flaw.is_taken_by_most() => {
            format!("{target} takes it, valkey-9.1 ends at it")
        }
        PayloadFault::Inside(_) => format!(
            "{target} finds it only with sanitize-dump-payload yes, and answers an error or ends; else it may \
             misbehave when the key is used"
        ),
        _ => format!("{target} answers an error, logs it as critical and goes on without the key"),
    };
    let severity = if payload.ends { Severity::Error } else { Severity::Warning };
    let message = format!("RESTORE of key {key}: {what}; {then}");
    // The record itself is whole, wherever it stands.
    let problem = scene.problem(Kind::RestorePayload, severity, seen, message);
    Problem { at_the_end: false, ..problem }
}
