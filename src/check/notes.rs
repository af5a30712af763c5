//! What has to be known of the target before its judgement is believed.

use super::facts::Facts;
use crate::aof::{Aof, Writer};
use crate::rules::{Knowledge, Target};

/// Sentences about it; none for a server that was run and that somebody named, or that wrote the set.
pub(super) fn notes(aof: &Aof, facts: &Facts) -> Vec<String> {
    let target = aof.target();
    let mut notes: Vec<_> = stands_on(target).into_iter().collect();
    if aof.is_sealed_backup() {
        notes.push(
            "a sealed backup by its place and its manifest, as BACKUP SEAL of Redis 8.10 and later leaves it (as \
             documented; aofkit was not tried with such a server): it is read as a set, and no server appends to it"
                .to_owned(),
        );
    }
    let writer = aof.writer.as_ref().and_then(Writer::release);
    let wanted = writer.map_or(Target::default().family, |(family, _)| family);
    if aof.target_given {
        return notes;
    }
    if facts.is_beyond_all {
        notes.push(
            "no server that aofkit knows has all of its commands and types: whether one loads it is not \
             known"
                .to_owned(),
        );
    } else if wanted != target.family {
        notes.push(format!(
            "no {} that aofkit knows has all of its commands and types; {target} has",
            wanted.name()
        ));
    }
    notes
}

fn stands_on(target: Target) -> Option<String> {
    let rules = target.rules.name;
    match target.knowledge {
        Knowledge::Recorded | Knowledge::Asked => None,
        Knowledge::Between => Some(format!(
            "{target} was not run: its commands and RDB versions are known by when they came, it is taken to \
             behave as {rules}"
        )),
        Knowledge::Documented => Some(format!(
            "{target} was not run: what is said of it was read, and it is taken to behave as {rules}"
        )),
        Knowledge::Newer => Some(format!(
            "{target} is newer than every server that aofkit knows: it is taken to behave as {rules}"
        )),
    }
}
