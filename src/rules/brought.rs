//! What the recorded tables say of modules to one server.

use crate::command::{ModuleId, ModuleTable, Tables, Version};
use crate::format::rdb::Family;

/// By module and by command.
#[derive(Clone, Debug, Default)]
pub(super) struct Brought {
    pub(super) built_in: Vec<ModuleId>,
    /// They ran in this very version.
    pub(super) recorded: Vec<ModuleId>,
    /// They ran in some version of this family.
    pub(super) family: Vec<ModuleId>,
    /// By place in the command table: argument count, 0 when no module has it.
    pub(super) arities: Vec<i16>,
    /// By module: names of what it writes, and the newest version it was seen to write it in.
    pub(super) kinds: Vec<Vec<(&'static str, u16)>>,
}

impl Brought {
    /// What they say to this version of a family: of each module the table of the next older server that it ran in.
    pub(super) fn to(tables: &Tables, family: Family, version: Version) -> Self {
        let own = |table: &ModuleTable| table.family == family.name();
        let mut brought = Self { arities: vec![0; tables.commands().len()], ..Self::default() };
        for module in tables.module_ids() {
            let of_it = || tables.module_tables(module);
            let fit = |table: &ModuleTable| {
                (own(table), table.version <= version, table.version.min(version))
            };
            let best = of_it().max_by_key(|(_, table)| fit(table));
            for (id, known) in best.map_or(&[][..], |(place, _)| tables.brought(place)) {
                brought.arities[id.index()] = known.arity;
            }
            let best = best.map(|(_, table)| table);
            let is_since = |table: &&ModuleTable| own(table) && table.version <= version;
            if best.filter(is_since).is_some_and(|table| table.is_built_in) {
                brought.built_in.push(module);
            }
            if of_it().any(|(_, table)| own(table) && table.version == version) {
                brought.recorded.push(module);
            }
            if of_it().any(|(_, table)| own(table)) {
                brought.family.push(module);
            }
            brought.kinds.push(best.map(|table| table.kinds().collect()).unwrap_or_default());
        }
        brought
    }
}
