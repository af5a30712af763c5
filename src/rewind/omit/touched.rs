//! Names of the keys that later records name.

use std::collections::{BTreeMap, HashSet};

use super::unit::Unit;
use crate::limits;

/// A key of a database.
pub(super) type Name = (u64, Box<[u8]>);

/// Keys that records behind a command name.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    /// By database.
    names: BTreeMap<u64, HashSet<Box<[u8]>>>,
    /// Those alone count; `None`: all do, since the command may have changed any.
    among: Option<HashSet<Name>>,
    bytes: usize,
}

impl Touched {
    /// Only keys that the unit names need to be known, unless it empties a database.
    pub(super) fn of(unit: &Unit) -> Self {
        let named = || unit.records.iter().flat_map(|record| record.keys.iter().cloned()).collect();
        Self { among: (!unit.flushes()).then(named), ..Self::default() }
    }

    /// A later record names this key. Answers whether there is room for it.
    #[must_use]
    pub(super) fn add(&mut self, db: u64, name: &[u8]) -> bool {
        if let Some(among) = &self.among
            && !among.contains(&(db, name.into()))
        {
            return true;
        }
        let names = self.names.entry(db).or_default();
        if !names.contains(name) {
            self.bytes += name.len() + limits::NAME_OVERHEAD;
            names.insert(name.into());
        }
        self.bytes <= limits::LATER_NAMES
    }

    pub(super) fn has(&self, (db, name): &Name) -> bool {
        self.names.get(db).is_some_and(|names| names.contains(name))
    }

    /// Names of these databases in a fixed order: the same log gives the same plan.
    pub(super) fn sorted(&self, db: Option<u64>) -> impl Iterator<Item = (u64, Vec<&[u8]>)> {
        let databases =
            self.names.iter().filter(move |(number, _)| db.is_none_or(|db| db == **number));
        databases.map(|(db, names)| {
            let mut names: Vec<&[u8]> = names.iter().map(|name| &**name).collect();
            names.sort_unstable();
            (*db, names)
        })
    }

    /// A record of the unit that cannot be divided stays for all of its keys where it stays for one of them.
    pub(super) fn close_over(&mut self, unit: &Unit) {
        loop {
            let mut is_closed = true;
            for record in unit.records.iter().filter(|record| record.is_indivisible()) {
                let known = record.keys.iter().filter(|key| self.has(key)).count();
                if known > 0 && known < record.keys.len() {
                    is_closed = false;
                    for (db, name) in &record.keys {
                        self.names.entry(*db).or_default().insert(name.clone());
                    }
                }
            }
            if is_closed {
                return;
            }
        }
    }
}
