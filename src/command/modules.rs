//! Modules: what each brings to a server, and which one something is of.
//!
//! The table is `modules.txt`, written by `tests/servers/record --modules`: commands as COMMAND tells them, the names of values
//! and of what is kept beside keys as a base has them. A module goes by the name that MODULE LIST gives it. What nobody
//! recorded is named by its form: the word before the dot of a command, the type in an RDB.

use super::module_table::{ModuleId, ModuleTable, first_word};
use super::row::Row;
use super::table::{Command, CommandId, tables};

impl ModuleId {
    /// As MODULE LIST has it.
    pub fn name(self) -> &'static str {
        tables().module_names.get(self.index()).copied().unwrap_or_default()
    }
}

/// The module that a name is meant for: its own, its library's, or the word before the dot of its commands.
pub fn module_named(name: &str) -> Option<ModuleId> {
    find(|table| table.goes_by(name))
}

/// The module with values, or something beside keys, of this name.
pub fn module_of_kind(kind: &str) -> Option<ModuleId> {
    find(|table| table.kinds().any(|(name, _)| name == kind))
}

/// What the form of a command's name says, where no table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// Nothing.
    Plain,
    /// It begins as the commands of this module do.
    Recorded(ModuleId),
    /// It is of the form that modules give their commands: the word before the dot.
    Foreign(&'a str),
}

/// Tells it.
pub fn form_of(name: &[u8]) -> Form<'_> {
    let text = std::str::from_utf8(name).ok().filter(|_| has_module_form(name));
    let Some(word) = text.and_then(first_word) else { return Form::Plain };
    let begins = |row: &Row| first_word(row.name).is_some_and(|w| w.eq_ignore_ascii_case(word));
    match find(|table| table.rows.iter().any(begins)) {
        Some(module) => Form::Recorded(module),
        None => Form::Foreign(word),
    }
}

fn find(is: impl Fn(&ModuleTable) -> bool) -> Option<ModuleId> {
    let tables = tables();
    tables.modules.iter().find(|table| is(table)).and_then(|table| tables.module(table.name))
}

/// What the module of a command is called: a recorded one by its own name, another by the form of its command.
pub fn module_of(id: Option<CommandId>, name: &[u8]) -> Option<String> {
    match id {
        Some(id) => id.command().module.map(|module| module.name().to_owned()),
        None => match form_of(name) {
            Form::Plain => None,
            Form::Recorded(module) => Some(module.name().to_owned()),
            Form::Foreign(word) => Some(word.to_ascii_uppercase()),
        },
    }
}

/// Whether a name is of the form modules give their commands (`JSON.SET`).
pub fn has_module_form(name: &[u8]) -> bool {
    let word = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(b))
    };
    match name.iter().position(|&b| b == b'.') {
        Some(dot) => name.len() <= 64 && word(&name[..dot]) && word(&name[dot + 1..]),
        None => false,
    }
}

impl Command {
    /// Whether only a module has it, in some server or in all.
    pub fn is_of_module(&self) -> bool {
        self.module.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lookup;
    use super::super::stem;
    use super::*;

    #[test]
    fn a_module_goes_by_its_name_its_library_and_its_commands() {
        let named = |name| module_named(name).map(ModuleId::name);
        for name in ["ReJSON", "rejson", "json", "JSON"] {
            assert_eq!(named(name), Some("ReJSON"), "{name}");
        }
        for name in ["bf", "redisbloom", "CMS", "tdigest"] {
            assert_eq!(named(name), Some("bf"), "{name}");
        }
        assert_eq!(named("vectorset"), Some("vectorset"));
        assert_eq!(named("redis"), None);
        assert_eq!(stem("/usr/lib/redis/modules/rejson.so"), "rejson");
        assert_eq!(stem("librejson.so.2"), "librejson");
    }

    #[test]
    fn what_is_in_a_file_tells_its_module() {
        let of_kind = |kind| module_of_kind(kind).map(ModuleId::name);
        assert_eq!(of_kind("ReJSON-RL"), Some("ReJSON"));
        assert_eq!(of_kind("ft_index0"), Some("search"));
        assert_eq!(of_kind("vectorset"), Some("vectorset"));
        assert_eq!(of_kind("melting-1"), None);
        let of = |name: &[u8]| module_of(lookup(name), name);
        assert_eq!(of(b"json.set").as_deref(), Some("ReJSON"));
        assert_eq!(of(b"JSON.MELT").as_deref(), Some("ReJSON"));
        assert_eq!(of(b"melt.add").as_deref(), Some("MELT"));
        assert_eq!(of(b"VADD").as_deref(), Some("vectorset"));
        assert_eq!(of(b"SET"), None);
        assert_eq!(of(b"NOPE"), None);
    }

    #[test]
    fn module_names_have_a_dot_inside() {
        assert!(has_module_form(b"JSON.SET"));
        assert!(!has_module_form(b"SET"));
        assert!(!has_module_form(b".SET"));
        assert!(!has_module_form(b"a.\x00"));
    }
}
