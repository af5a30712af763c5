//! Commands that are looked at beyond what a loader thinks of them: those of modules, which are counted, and those
//! that no server logs.

use super::databases::names_database;
use crate::command::{self, Command, CommandId};
use crate::rules::{Needs, OfModules};

/// What there is to look at in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// Nothing.
    Not,
    /// It is of a module.
    Module,
    /// It may be one that no server logs.
    Trap,
    /// It carries the payload of a DUMP.
    Payload,
    /// It may name a database that the configuration does not give.
    Database,
    /// No table has it: it may be of a module, or one that no server logs.
    Stranger,
}

impl Watched {
    fn of(command: &Command, is_configured: bool) -> Self {
        if command::may_be_trap(command.name.as_bytes()) {
            Self::Trap
        } else if command.name == "RESTORE" || command.name == "RESTORE-ASKING" {
            Self::Payload
        } else if is_configured && names_database(&command.name) {
            Self::Database
        } else if command.module.is_some() {
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
    of_modules: OfModules,
}

impl Watch {
    /// Of a set for whose server there is a configuration, or not.
    pub(super) fn new(is_configured: bool) -> Self {
        let watched = command::all().iter().map(|command| Watched::of(command, is_configured));
        Self { watched: watched.collect(), of_modules: OfModules::default() }
    }

    #[inline]
    pub(super) fn of(&self, id: Option<CommandId>) -> Watched {
        id.map_or(Watched::Stranger, |id| self.watched[id.index()])
    }

    /// A record that may be of a module.
    pub(super) fn count(&mut self, id: Option<CommandId>, name: &[u8]) {
        self.of_modules.record(id, name);
    }

    /// One for a piece of the same file.
    pub(super) fn fork(&self) -> Self {
        Self { watched: self.watched.clone(), of_modules: OfModules::default() }
    }

    /// Whether there is room for all that was counted in a piece.
    pub(super) fn has_room_for(&self, later: &Self) -> bool {
        self.of_modules.has_room_for(&later.of_modules)
    }

    /// Takes over what was counted in a piece.
    pub(super) fn join(&mut self, later: Self) {
        self.of_modules.join(later.of_modules);
    }

    /// Adds what was counted, and begins anew.
    pub(super) fn take(&mut self, needs: &mut Needs) {
        self.of_modules.take(needs);
    }
}
