//! What a command name means: which programs know it, since when, with how many arguments, and
//! which of them are keys. Pure.
//!
//! The table is `commands.tsv`, what COMMAND DOCS of Redis 8.2.3 and Valkey 9.1.2 answered; from the
//! version each entry was introduced in follows what older servers know.

mod glob;
mod index;
mod keys;
mod specs;
mod table;
mod trap;

pub use glob::Glob;
pub use index::{LastName, full, lookup, lookup_sub};
pub use keys::{FirstKeys, Key, Keys, first_key, keys, other_db, swapped};
pub use table::{Command, CommandId, Effect, Kind, Server, all, has_module_form};
pub use trap::{Trap, has_subcommands, may_be_trap, trap};
