//! What one server's loader accepts and does.

use std::collections::HashSet;

use super::brought::Brought;
use super::directives::Directives;
use super::numbers::NumberSet;
use crate::command::{CommandId, Deaths};
use crate::format::manifest::Dialect;
use crate::format::rdb::deep::Care;
use crate::format::rdb::{Family, Header};

/// How a loader answers a command with the wrong number of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// It does not look: too many are passed on, and too few crash it, unless the command itself looks.
    Unchecked,
    /// It refuses the file with a clear error.
    Refused,
}

/// What a loader thinks of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// It runs it.
    Fine,
    /// It has no such command or subcommand.
    Unknown,
    /// A wrong number of arguments, and the command answers an error: the loading goes on.
    GoesOn,
    /// A wrong number of arguments: it stops with a clear error, or crashes.
    WrongArity,
    /// Well formed, and it ends or kills the server that loads it.
    Deadly,
}

/// What one server's loader accepts and does.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The table whose behaviour this is, `redis-8.2`.
    pub name: &'static str,
    /// How it reads a manifest's quotes; `None`: it reads no manifest.
    pub manifest: Option<Dialect>,
    /// Whether it passes over lines that begin with `#`.
    pub annotations: bool,
    /// What it does about argument counts.
    pub arity: Arity,
    /// A record torn inside MULTI is cut off alone: the open MULTI stays in the file and swallows
    /// whatever is appended after it.
    pub leaves_open_transaction: bool,
    /// A torn first command after an RDB part makes it cut the file to nothing.
    pub cuts_rdb_away: bool,
    /// An argument length beyond this many bytes kills it: its allocator gives up.
    pub largest_allocation: u64,
    /// How much of the values of an RDB it looks at by itself.
    pub care: Care,
    /// It takes a payload of RESTORE that has no checksum.
    pub takes_unsummed: bool,
    /// It can cut a corrupt tail by itself (`aof-load-corrupt-tail-max-size`).
    pub has_corrupt_tail_option: bool,
    /// What it dies of that others do not.
    pub deaths: Deaths,
    /// The lines of a configuration that it takes.
    pub directives: Directives,
    /// It knows `rdb-version-check`.
    pub has_version_check: bool,
    pub(super) rdb: [NumberSet; 2],
    pub(super) relaxed: [NumberSet; 2],
    pub(super) numbers: [Option<NumberSet>; 2],
    /// By place in the command table: argument count, 0 when unknown.
    pub(super) arities: Vec<i16>,
    /// By place in the command table: it has subcommands here.
    pub(super) containers: Vec<bool>,
    pub(super) goes_on: HashSet<(CommandId, u32)>,
    pub(super) deadly: Vec<CommandId>,
    pub(super) deadly_traps: Vec<CommandId>,
    pub(super) brought: Brought,
}

impl Rules {
    /// Whether the loader reads an RDB of this family and version. It may still be one it does not even
    /// recognise as an RDB.
    pub fn loads_rdb(&self, header: Header) -> bool {
        self.rdb[header.family as usize].has(header.version)
    }

    /// The same with `rdb-version-check relaxed`, where it knows that.
    pub fn loads_rdb_relaxed(&self, header: Header) -> bool {
        self.loads_rdb(header) || self.relaxed[header.family as usize].has(header.version)
    }

    /// Whether it has heard of a type or opcode under this magic; `None` where that was not recorded.
    pub fn knows_number(&self, family: Family, number: u8) -> Option<bool> {
        self.numbers[family as usize].as_ref().map(|numbers| numbers.has(number.into()))
    }

    /// How many arguments it wants, the name included; `-n` means `n` or more. `None` when it does not
    /// know the command.
    pub fn arity_of(&self, id: CommandId) -> Option<i16> {
        self.arities.get(id.index()).copied().filter(|arity| *arity != 0)
    }

    /// Whether it looks for a subcommand.
    pub fn is_container(&self, id: CommandId) -> bool {
        self.containers.get(id.index()).copied().unwrap_or(false)
    }

    /// How many commands it knows, subcommands included.
    pub fn commands(&self) -> usize {
        self.arities.iter().filter(|arity| **arity != 0).count()
    }

    /// What it thinks of a call of a command, the subcommand where it has some, with so many arguments.
    pub fn call(&self, id: CommandId, argc: u32) -> Call {
        self.arity_of(id).map_or(Call::Unknown, |arity| self.call_of(id, argc, arity))
    }

    /// The same of a command that wants so many arguments.
    pub fn call_of(&self, id: CommandId, argc: u32, arity: i16) -> Call {
        let wanted = u32::from(arity.unsigned_abs());
        if arity < 0 && argc >= wanted || argc == wanted {
            return if self.deadly.contains(&id) { Call::Deadly } else { Call::Fine };
        }
        let is_error = argc > wanted || self.goes_on.contains(&(id, argc));
        match self.arity == Arity::Unchecked && is_error {
            true => Call::GoesOn,
            false => Call::WrongArity,
        }
    }

    /// Whether a call with this many arguments may be anything but [`Call::Fine`] although the number fits.
    pub fn is_deadly(&self, id: CommandId) -> bool {
        self.deadly.contains(&id)
    }

    /// Whether it dies of this command, which no server logs, in any form that was tried.
    pub fn is_deadly_trap(&self, id: CommandId) -> bool {
        self.deadly_traps.contains(&id)
    }

    /// How it reads a manifest, if it reads one: as the first servers that did.
    pub fn dialect(&self) -> Dialect {
        self.manifest.unwrap_or(Dialect::Strict)
    }
}
