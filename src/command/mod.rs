//! What a command name means: which programs know it, since when, with how many arguments, and
//! which of them are keys. Pure.
//!
//! The tables are texts: what COMMAND and COMMAND DOCS of each server that was run answered, and what was read
//! about others. What servers do with them beyond that is told in [`crate::rules`].

mod deed;
mod glob;
mod index;
mod key_rule;
mod keys;
mod last_name;
mod module_table;
mod modules;
mod renames;
mod row;
mod specs;
mod table;
mod tables;
mod trap;
mod version;

pub(crate) use deed::{Deed, deadline, deed};
pub use glob::Glob;
pub use index::{full, lookup, lookup_sub};
pub(crate) use keys::other_db;
pub use keys::{FirstKeys, Key, Keys, first_key, keys, swapped};
pub use last_name::LastName;
pub use module_table::{ModuleId, ModuleTable, stem};
pub use modules::{Form, form_of, has_module_form, module_named, module_of, module_of_kind};
pub use renames::{NotRenamed, Renames, select};
pub use table::{Command, CommandId, Effect, Kind, Known, Tables, add_table, all, tables};
pub use tables::{Section, TableError};
pub use trap::{Deaths, Trap, has_subcommands, may_be_trap, trap};
pub use version::{Release, Version, version};
