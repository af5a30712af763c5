//! Names of commands that a server on trial is given, for the log has them.

use std::ffi::OsString;

use crate::command::{Renames, may_be_trap};
use crate::format::conf::Settings;

use super::arguments;

/// The names that a configuration gives to commands, without which the log is not understood; those of commands that act
/// on more than keys stay as they are, for they are taken away.
#[derive(Clone, Debug, Default)]
pub struct HandedOn {
    names: Renames,
    lines: Vec<(Vec<u8>, Vec<u8>)>,
}

impl HandedOn {
    /// Of this configuration.
    pub fn of(settings: &Settings) -> Self {
        let mut handed_on = Self::default();
        for (from, to) in &settings.renamed_commands {
            let id = handed_on.names.lookup(from);
            let is_own = id.is_some_and(|id| !may_be_trap(id.command().name.as_bytes()));
            if is_own && handed_on.names.add(from, to, |id| id.is_some()).is_ok() {
                handed_on.lines.push((from.clone(), to.clone()));
            }
        }
        handed_on
    }

    /// By which names that server has its commands.
    pub fn names(&self) -> &Renames {
        &self.names
    }

    /// What the server is started with.
    pub fn arguments(&self) -> Vec<OsString> {
        let line = |(from, to): &(Vec<u8>, Vec<u8>)| arguments::line("rename-command", &[from, to]);
        self.lines.iter().map(line).collect()
    }
}
