//! Commands that are looked at beyond what a loader thinks of them: those of modules, which are counted, and those
//! that no server logs.

use std::collections::HashMap;

use super::configuration;
use crate::command::{self, Command, CommandId};
use crate::limits;
use crate::rules::Needs;

/// What there is to look at in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// Nothing.
    Not,
    /// It is of a module.
    Module,
    /// It may be one that no server logs.
    Trap,
    /// It may name a database that the configuration does not give.
    Database,
    /// No table has it: it may be of a module, or one that no server logs.
    Stranger,
}

impl Watched {
    fn of(command: &Command, is_configured: bool) -> Self {
        if command::may_be_trap(command.name.as_bytes()) {
            Self::Trap
        } else if is_configured && configuration::names_database(&command.name) {
            Self::Database
        } else if command.is_of_module() {
            Self::Module
        } else {
            Self::Not
        }
    }
}

/// Which commands are watched, and how many of modules there were in a segment.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// By place in the command table.
    watched: Vec<Watched>,
    counts: Vec<u64>,
    /// Of modules that nobody recorded.
    strangers: HashMap<Vec<u8>, u64>,
}

impl Watch {
    /// Of a set for whose server there is a configuration, or not.
    pub(super) fn new(is_configured: bool) -> Self {
        let watched = |command| Watched::of(command, is_configured);
        let watched: Vec<_> = command::all().iter().map(watched).collect();
        Self { counts: vec![0; watched.len()], watched, strangers: HashMap::new() }
    }

    #[inline]
    pub(super) fn of(&self, id: Option<CommandId>) -> Watched {
        id.map_or(Watched::Stranger, |id| self.watched[id.index()])
    }

    /// A record with a command of a module.
    pub(super) fn count(&mut self, id: Option<CommandId>) {
        if let Some(count) = id.and_then(|id| self.counts.get_mut(id.index())) {
            *count += 1;
        }
    }

    /// A record with a name that no table has.
    #[cold]
    pub(super) fn stranger(&mut self, name: &[u8]) {
        if let Some(count) = self.strangers.get_mut(name) {
            *count += 1;
        } else if self.strangers.len() < limits::NAMES && command::has_module_form(name) {
            self.strangers.insert(name.to_vec(), 1);
        }
    }

    /// Adds what was counted, and begins anew.
    pub(super) fn take(&mut self, needs: &mut Needs) {
        for (place, count) in self.counts.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            let id = CommandId::at(place);
            let name = id.map_or(&b""[..], |id| id.command().name.as_bytes());
            needs.add_command(id, name, std::mem::take(count));
        }
        for (name, count) in std::mem::take(&mut self.strangers) {
            needs.add_command(None, &name, count);
        }
    }
}
