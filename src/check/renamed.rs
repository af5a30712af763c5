//! `rename-command` of a configuration: which names stand for which commands. Pure.

use std::collections::HashMap;

use crate::command::{self, CommandId};
use crate::format::conf::Settings;

/// Names as a configuration gives and takes them, in the order of its lines.
pub(super) fn renamed(settings: &Settings) -> HashMap<Vec<u8>, Option<CommandId>> {
    let mut names: HashMap<Vec<u8>, Option<CommandId>> = HashMap::new();
    for (from, to) in &settings.renamed_commands {
        let from = from.to_ascii_uppercase();
        let id = names.get(&from).copied().unwrap_or_else(|| command::lookup(&from));
        names.insert(from, None);
        if !to.is_empty() {
            names.insert(to.to_ascii_uppercase(), id);
        }
    }
    names
}
