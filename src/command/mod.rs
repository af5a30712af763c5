//! What a command name means: which programs know it, since when, with how many arguments, and
//! which of them are keys. Pure.
//!
//! The tables are texts: what COMMAND and COMMAND DOCS of each server that was run answered, and what was read
//! about others. What servers do with them beyond that is told in [`crate::rules`].

mod deed;
mod glob;
mod index;
mod keys;
mod modules;
mod renames;
mod specs;
mod table;
mod tables;
mod trap;

pub(crate) use deed::{Deed, deadline, deed};
pub use glob::Glob;
pub use index::{LastName, full, lookup, lookup_sub};
pub(crate) use keys::other_db;
pub use keys::{FirstKeys, Key, Keys, first_key, keys, swapped};
pub use modules::{
    Form, ModuleId, ModuleTable, form_of, has_module_form, module_named, module_of, module_of_kind,
    stem,
};
pub use renames::{NotRenamed, Renames, select};
pub use table::{Command, CommandId, Effect, Kind, Known, Tables, add_table, all, tables};
pub use tables::{Release, Section, TableError, Version, version};
pub use trap::{Deaths, Trap, has_subcommands, may_be_trap, trap};
