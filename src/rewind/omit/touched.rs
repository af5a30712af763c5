//! Names of the keys that later records name.

use std::collections::{BTreeMap, HashSet};

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
    /// Only these keys count.
    pub(super) fn among(names: HashSet<Name>) -> Self {
        Self { among: Some(names), ..Self::default() }
    }

    /// This key counts as touched, whatever names it.
    pub(super) fn insert(&mut self, (db, name): &Name) {
        self.names.entry(*db).or_default().insert(name.clone());
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
}
