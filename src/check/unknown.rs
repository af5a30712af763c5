//! What the target does not take, or aofkit has not learnt: one row for each name.

use std::collections::HashMap;

use super::facts::Facts;
use super::seen::What;
use crate::aof::{Aof, Why};
use crate::format::rdb::Reason;
use crate::rules::Need;

/// A command, or something of an RDB, that the target refuses or of which that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Its name as the log has it, or `type 29`, `opcode 241`, `module type ReJSON-RL`.
    pub what: Vec<u8>,
    /// How often it was seen.
    pub count: u64,
    /// The file of the first of them, by its name in the manifest.
    pub file: Vec<u8>,
    /// Offset of the first of them.
    pub offset: u64,
    /// It is a command.
    pub is_command: bool,
    /// The target is known to refuse it.
    pub is_learnt: bool,
}

/// From this number on there are opcodes, before it types of values.
const OPCODES: u8 = 200;

/// All rows, in the order in which they first come.
pub(super) fn rows(aof: &Aof, facts: &Facts) -> Vec<Unknown> {
    let mut rows: Vec<Unknown> = Vec::new();
    let mut places = HashMap::new();
    for segment in &facts.segments {
        for seen in &segment.seen {
            let Some(what) = name(&seen.what) else { continue };
            let (is_command, is_learnt) = match &seen.what {
                What::UnknownCommand { is_learnt, .. } => (true, *is_learnt),
                What::WrongArity { .. } => (true, true),
                What::MissingModule { need, .. } => (*need == Need::Command, true),
                What::DoubtfulModule(_) => (false, false),
                _ => (false, segment.doubt != Some(seen.offset)),
            };
            let place = *places.entry(what.to_ascii_uppercase()).or_insert(rows.len());
            if let Some(row) = rows.get_mut(place) {
                row.count += seen.count;
                row.is_learnt &= is_learnt;
                continue;
            }
            let file = aof.segments[segment.position].name.to_vec();
            let (count, offset) = (seen.count, seen.offset);
            rows.push(Unknown { what, count, file, offset, is_command, is_learnt });
        }
    }
    rows
}

fn name(what: &What) -> Option<Vec<u8>> {
    match what {
        What::UnknownCommand { name, .. } | What::WrongArity { name, fatal: true, .. } => {
            Some(name.clone())
        }
        What::MissingModule { name, need: Need::Command } => Some(name.clone()),
        What::MissingModule { name, .. } => Some(module(name)),
        What::DoubtfulModule(of) => Some(module(of.name.as_bytes())),
        What::RdbNumber(number) => of_rdb(Reason::UnknownNumber(*number)).map(String::into_bytes),
        What::RdbVersion(header) => Some(format!("RDB version {}", header.version).into_bytes()),
        What::Damage(damage) => match damage.fault.reason {
            Why::Rdb(reason) => of_rdb(reason).map(String::into_bytes),
            Why::Resp(_) => None,
        },
        _ => None,
    }
}

fn module(kind: &[u8]) -> Vec<u8> {
    [b"module type ", kind].concat()
}

fn of_rdb(reason: Reason) -> Option<String> {
    match reason {
        Reason::UnknownNumber(n) if n < OPCODES => Some(format!("type {n}")),
        Reason::UnknownNumber(n) => Some(format!("opcode {n}")),
        Reason::ModulePreRelease => Some("type 6".to_owned()),
        Reason::ModuleOperation(n) => Some(format!("module operation {n}")),
        Reason::ArrayTag(n) => Some(format!("array tag {n}")),
        Reason::TemplateForm(n) => Some(format!("hash template form {n}")),
        _ => None,
    }
}
