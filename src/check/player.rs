//! One server's loader among those that read a file together: what it takes, and how it stood where it did not.

use super::databases::databases;
use super::halt::Cause;
use super::opinions::{Opinion, Opinions};
use super::state::State;
use crate::aof::{Aof, Damage, Why};
use crate::command::{self, CommandId, Form};
use crate::format::conf::RdbVersionCheck;
use crate::format::rdb;
use crate::format::rdb::deep::{Care, Flaw};
use crate::rules::{Knowledge, Presence, Presences, Rules, Target};

/// One loader.
#[derive(Clone, Debug)]
pub(super) struct Player {
    pub(super) rules: &'static Rules,
    /// `rdb-version-check relaxed`: it tries versions that are not its own.
    is_relaxed: bool,
    /// `sanitize-dump-payload yes`: it looks at all of a value.
    sanitizes: bool,
    /// It is newer than the base's writer, of its family, and its RDB versions are not recorded.
    reads_own_past: bool,
    modules: Presences,
    /// So many databases its configuration gives it; without one nobody knows.
    pub(super) databases: u64,
    /// What it does not take, and how far it had come.
    pub(super) refused: Option<State>,
    /// The same of what it may take.
    pub(super) perhaps: Option<State>,
}

impl Player {
    /// The loader of this target; `writer` is who wrote the base.
    pub(super) fn new(
        target: &Target,
        aof: &Aof,
        writer: Option<(rdb::Family, command::Version)>,
        modules: Presences,
    ) -> Self {
        let relaxed = aof.settings.rdb_version_check() == RdbVersionCheck::Relaxed;
        Self {
            rules: target.rules,
            modules,
            databases: databases(aof, *target).unwrap_or(u64::MAX),
            is_relaxed: relaxed && target.rules.has_version_check,
            sanitizes: aof.settings.sanitizes_loads(),
            reads_own_past: target.knowledge != Knowledge::Recorded
                && writer.is_some_and(|(family, version)| {
                    family == target.family && version <= target.version
                }),
            refused: None,
            perhaps: None,
        }
    }

    pub(super) fn loads_rdb(&self, header: rdb::Header) -> bool {
        self.rules.loads_rdb(header)
            || self.is_relaxed && self.rules.loads_rdb_relaxed(header)
            || self.reads_own_past
    }

    pub(super) fn has_numbers(&self, header: rdb::Header, met: &[rdb::Met]) -> bool {
        let is_known = |number| self.rules.knows_number(header.family, number) != Some(false);
        self.reads_own_past || met.iter().all(|met| is_known(met.row.number))
    }

    /// How many arguments a command wants that it has, of its own or by a module.
    fn arity_of(&self, id: CommandId) -> Option<i16> {
        self.rules.arity_of(id).or_else(|| self.modules.arity_of(id))
    }

    /// Whether it stops at something wrong inside of a value.
    pub(super) fn stops_at(&self, flaw: &Flaw) -> bool {
        flaw.stops(self.rules.care) || self.sanitizes && flaw.stops_sanitizing()
    }

    /// The same of a payload of RESTORE.
    pub(super) fn ends_in_restore(&self, flaw: &Flaw) -> bool {
        let care = if self.sanitizes { Care::Opens } else { self.rules.care };
        flaw.stops_in_restore(care) && (!self.sanitizes || self.stops_at(flaw))
    }

    /// What it thinks of a call.
    pub(super) fn call(&self, id: CommandId, argc: u32) -> Opinion {
        match self.arity_of(id) {
            Some(arity) => self.rules.call_of(id, argc, arity).into(),
            None => self.absent(id),
        }
    }

    /// The same of a command that it does not have.
    fn absent(&self, id: CommandId) -> Opinion {
        let Some(module) = id.command().module else { return Opinion::Unknown };
        match self.modules.module(module) {
            // The module that ran in it has no such command.
            Presence::There(_) if self.rules.knows_module(module) => Opinion::Unknown,
            Presence::There(_) => Opinion::Unsure,
            presence => presence.into(),
        }
    }

    /// The same of one that no table has.
    pub(super) fn foreign(&self, form: Form<'_>) -> Opinion {
        self.modules.form(form).map_or(Opinion::Unknown, Opinion::from)
    }

    /// Whether it can read what a module wrote into an RDB.
    pub(super) fn reads(&self, module: &rdb::Module) -> Presence {
        match (self.modules.kind(&module.name, module.encoding), module.need) {
            // What servers do with metadata of a class that they do not know was not seen.
            (Presence::Missing, rdb::Need::Metadata) => Presence::Unsure,
            (presence, _) => presence,
        }
    }

    /// Whether it stops at what a module wrote into an RDB, for certain or perhaps.
    pub(super) fn lacks(&self, module: &rdb::Module) -> Option<Cause> {
        match self.reads(module) {
            Presence::There(_) => None,
            Presence::Missing => Some(Cause::MissingModule),
            Presence::Unsure => Some(Cause::Perhaps),
        }
    }

    /// What it does about something of an RDB that aofkit does not understand.
    pub(super) fn not_understood(&self, damage: &Damage) -> Cause {
        let header = damage.rdb.as_ref().and_then(|stop| stop.header);
        let lacks = |header: rdb::Header| match damage.fault.reason {
            Why::Rdb(rdb::Reason::UnknownNumber(number)) => {
                self.rules.knows_number(header.family, number) == Some(false)
            }
            _ => false,
        };
        match header {
            Some(header) if !self.loads_rdb(header) || lacks(header) => Cause::Rdb,
            _ => Cause::Perhaps,
        }
    }
}

/// The argument count that all of them want which have a command, and what each thinks of such a call; 0 where there
/// is more to it.
pub(super) fn agreed(players: &[Player], place: usize) -> (i16, Opinions) {
    let nothing = (0, Opinions::FINE);
    let Some(id) = CommandId::at(place) else { return nothing };
    // Nearly all commands are of no module: those are looked up once.
    let is_of_module = id.command().module.is_some();
    let arity = |player: &Player| match is_of_module {
        true => player.arity_of(id),
        false => player.rules.arity_of(id),
    };
    let simple = |player: &Player| !player.rules.is_container(id) && !player.rules.is_deadly(id);
    let mut arities = players.iter().filter_map(arity);
    let Some(first) = arities.next() else { return nothing };
    if arities.any(|arity| arity != first) || !players.iter().all(simple) {
        return nothing;
    }
    let opinions = players.iter().map(|player| match arity(player) {
        Some(_) => Opinion::Fine,
        None if is_of_module => player.absent(id),
        None => Opinion::Unknown,
    });
    (first, Opinions::each(opinions))
}
