//! What is wrong with a set that could be read all the same: a warning, not a judgement.

use aofkit::aof::{Aof, ManifestState};
use aofkit::stats::Faults;
use aofkit::text::{count, name};

use super::context::Context;

/// What a reader has to know of what was left out.
pub fn of(aof: &Aof, faults: &Faults) -> Vec<String> {
    let mut troubles = Vec::new();
    if faults.ranges > 0 {
        let what = count(faults.ranges, "damaged range");
        troubles.push(format!("{what} ({}) left out", count(faults.bytes, "byte")));
    }
    if faults.not_understood > 0 {
        troubles.push("an RDB is not understood to its end, and left out from there on".to_owned());
    }
    if faults.inline_commands > 0 {
        let commands = count(faults.inline_commands, "command");
        troubles
            .push(format!("{commands} among the keys of the base: keys are as they stand there"));
    }
    if faults.open_transactions > 0 {
        troubles.push("a transaction is not closed".to_owned());
    }
    let missing = aof.live().filter(|(_, s)| s.is_missing() || s.is_directory()).count();
    if missing > 0 {
        troubles.push(format!("{} missing", count(missing as u64, "file")));
    }
    match aof.manifest.as_ref().map(|manifest| &manifest.state) {
        Some(ManifestState::Missing) => troubles.push("the manifest is missing".to_owned()),
        Some(ManifestState::Invalid(_)) => troubles.push("the manifest is not valid".to_owned()),
        _ => {}
    }
    troubles
}

/// Says so, when there are any.
pub fn note(aof: &Aof, troubles: &[String], context: &Context) {
    if !troubles.is_empty() {
        let path = name(aof.path.as_os_str().as_encoded_bytes());
        context.note(&format!("{path}: {}; see `aofkit check`", troubles.join(", ")));
    }
}
