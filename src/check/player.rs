//! One server's loader among those that read a file together: what it takes, and how it stood where it did not.

use super::configuration;
use super::halt::Cause;
use super::loader::State;
use super::opinions::{Opinion, Opinions};
use crate::aof::{Aof, Damage, Why};
use crate::command::{self, CommandId};
use crate::format::conf::RdbVersionCheck;
use crate::format::rdb;
use crate::rules::{Knowledge, Rules, Target};

/// One loader.
#[derive(Clone, Copy, Debug)]
pub(super) struct Player {
    pub(super) rules: &'static Rules,
    /// `rdb-version-check relaxed`: it tries versions that are not its own.
    is_relaxed: bool,
    /// It is newer than the base's writer, of its family, and its RDB versions are not recorded.
    reads_own_past: bool,
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
    ) -> Self {
        let relaxed = aof.settings.rdb_version_check() == RdbVersionCheck::Relaxed;
        Self {
            rules: target.rules,
            databases: configuration::databases(aof, *target).unwrap_or(u64::MAX),
            is_relaxed: relaxed && target.rules.has_version_check,
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
    let simple = |player: &Player| !player.rules.is_container(id) && !player.rules.is_deadly(id);
    let mut arities = players.iter().filter_map(|player| player.rules.arity_of(id));
    let Some(first) = arities.next() else { return nothing };
    if arities.any(|arity| arity != first) || !players.iter().all(simple) {
        return nothing;
    }
    let opinions = players.iter().map(|player| match player.rules.arity_of(id) {
        Some(_) => Opinion::Fine,
        None => Opinion::Unknown,
    });
    (first, Opinions::each(opinions))
}
