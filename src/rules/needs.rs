//! What a set needs of modules. Pure.

use std::collections::HashMap;

use crate::command::{self, CommandId, ModuleId};
use crate::format::rdb;
use crate::limits;

/// Modules and forms of names that are told apart; what comes beyond is counted under the last.
const KEPT: usize = 256;

/// What a module is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// Values of keys, or metadata of keys.
    Type,
    /// What it keeps beside all keys.
    Auxiliary,
    /// Its commands.
    Command,
}

impl Need {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Auxiliary => "aux",
            Self::Command => "command",
        }
    }
}

impl From<rdb::Need> for Need {
    fn from(need: rdb::Need) -> Self {
        match need {
            rdb::Need::Value | rdb::Need::Metadata => Self::Type,
            rdb::Need::Auxiliary => Self::Auxiliary,
        }
    }
}

/// One module, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// As MODULE LIST has it where it was recorded; else the type in the RDB, or the word before the dot of its commands.
    pub name: String,
    /// What for.
    pub need: Need,
    /// How many values, pieces of data or records.
    pub count: u64,
}

/// All of them, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs(Vec<Needed>);

impl Needs {
    /// Nothing.
    pub const NONE: Self = Self(Vec::new());

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of names; of one name types come first.
    pub fn sorted(mut self) -> Vec<Needed> {
        self.0.sort_by(|a, b| (&a.name, a.need).cmp(&(&b.name, b.need)));
        self.0
    }

    /// So many more.
    pub fn add(&mut self, name: &str, need: Need, count: u64) {
        let place = self.0.iter().position(|row| row.name == name && row.need == need);
        if place.is_none() && self.0.len() < KEPT {
            self.0.push(Needed { name: name.to_owned(), need, count });
        } else if let Some(row) = self.0.get_mut(place.unwrap_or(KEPT - 1)) {
            row.count += count;
        }
    }

    /// What an RDB holds of modules.
    pub fn add_rdb(&mut self, modules: &[rdb::Module]) {
        for module in modules {
            let recorded = command::module_of_kind(&module.name).map(ModuleId::name);
            self.add(recorded.unwrap_or(&module.name), module.need.into(), module.count);
        }
    }

    /// So many records with a command; nothing where no module has it.
    pub fn add_command(&mut self, id: Option<CommandId>, name: &[u8], count: u64) {
        if let Some(module) = command::module_of(id, name) {
            self.add(&module, Need::Command, count);
        }
    }

    /// What another part of the set needs.
    pub fn merge(&mut self, later: &Self) {
        for row in &later.0 {
            self.add(&row.name, row.need, row.count);
        }
    }
}

/// Counts records with commands of modules, as they come.
#[derive(Clone, Debug)]
pub struct OfModules {
    /// By place in the command table: `None`, no module has it.
    counts: Vec<Option<u64>>,
    /// By names that no table has.
    strangers: HashMap<Vec<u8>, u64>,
}

impl Default for OfModules {
    fn default() -> Self {
        let count = |command: &command::Command| command.module.map(|_| 0);
        let counts = command::all().iter().map(count).collect();
        Self { counts, strangers: HashMap::new() }
    }
}

impl OfModules {
    /// One record.
    #[inline]
    pub fn record(&mut self, id: Option<CommandId>, name: &[u8]) {
        match id {
            Some(id) => {
                if let Some(count) = &mut self.counts[id.index()] {
                    *count += 1;
                }
            }
            None => self.stranger(name),
        }
    }

    #[cold]
    fn stranger(&mut self, name: &[u8]) {
        if let Some(count) = self.strangers.get_mut(name) {
            *count += 1;
        } else if self.strangers.len() < limits::NAMES && command::has_module_form(name) {
            self.strangers.insert(name.to_vec(), 1);
        }
    }

    /// Whether there is room for all names of `later`.
    pub fn has_room_for(&self, later: &Self) -> bool {
        self.strangers.len() + later.strangers.len() < limits::NAMES
    }

    /// Takes over what `later` counted.
    pub fn join(&mut self, later: Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(later.counts) {
            *mine = mine.zip(theirs).map(|(mine, theirs)| mine + theirs);
        }
        for (name, count) in later.strangers {
            *self.strangers.entry(name).or_default() += count;
        }
    }

    /// Adds what was counted to `needs`, and begins anew.
    pub fn take(&mut self, needs: &mut Needs) {
        for (place, count) in self.counts.iter_mut().enumerate() {
            let id = CommandId::at(place);
            if let (Some(id), Some(count @ 1..)) = (id, count) {
                needs.add_command(Some(id), id.command().name.as_bytes(), std::mem::take(count));
            }
        }
        for (name, count) in std::mem::take(&mut self.strangers) {
            needs.add_command(None, &name, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_goes_by_its_module_and_what_was_not_by_its_form() {
        let mut needs = Needs::default();
        for name in [&b"json.set"[..], b"JSON.DEL", b"MELT.ADD", b"SET", b"NOPE"] {
            needs.add_command(command::lookup(name), name, 2);
        }
        let module = |name: &str, need| {
            let name = name.to_owned();
            rdb::Module { name, encoding: 0, need, count: 3, first_at: 9 }
        };
        let all = [
            module("ReJSON-RL", rdb::Need::Value),
            module("ft_index0", rdb::Need::Auxiliary),
            module("scdtype00", rdb::Need::Auxiliary),
            module("melting-1", rdb::Need::Value),
        ];
        needs.add_rdb(&all);
        let rows: Vec<_> = needs
            .sorted()
            .into_iter()
            .map(|row| (row.name, row.need.as_str(), row.count))
            .collect();
        let wanted = [
            ("MELT", "command", 2),
            ("ReJSON", "type", 3),
            ("ReJSON", "command", 4),
            ("melting-1", "type", 3),
            ("search", "aux", 6),
        ];
        assert_eq!(rows, wanted.map(|(name, need, count)| (name.to_owned(), need, count)));
    }
}
