//! Modules: what each brings to a server, and which one something is of.
//!
//! The table is `modules.txt`, written by `tests/servers/record --modules`: commands as COMMAND tells them, the names of values
//! and of what is kept beside keys as a base has them. A module goes by the name that MODULE LIST gives it. What nobody
//! recorded is named by its form: the word before the dot of a command, the type in an RDB.

use super::table::{Command, CommandId, tables};
use super::tables::{Row, Version};

/// What one module brings to one server.
#[derive(Clone, Debug)]
pub struct ModuleTable {
    /// As MODULE LIST has it.
    pub name: &'static str,
    /// The family of the server that it ran in.
    pub family: &'static str,
    /// That server's version.
    pub version: Version,
    /// The server has it without a library.
    pub is_built_in: bool,
    /// Its commands that end or kill the server which loads them.
    pub deadly: Vec<&'static str>,
    pub(super) files: Vec<&'static str>,
    /// Names of its values, and the newest version that they are written in.
    pub(super) types: Vec<(&'static str, u16)>,
    pub(super) beside: Vec<(&'static str, u16)>,
    pub(super) rows: Vec<Row>,
}

/// Number of a module by its name; small and dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub(super) u8);

impl ModuleId {
    /// Position among the modules, for arrays indexed by them.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// As MODULE LIST has it.
    pub fn name(self) -> &'static str {
        tables().module_names.get(self.index()).copied().unwrap_or_default()
    }
}

impl ModuleTable {
    /// From `NAME VERSION SERVER RUN`.
    pub(super) fn begin(text: &'static str) -> Option<Self> {
        let mut words = text.split(' ');
        let (name, _, server, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let (family, number) = server.split_once('-')?;
        let version = super::version(number)?;
        Some(Self {
            name,
            family,
            version,
            is_built_in: false,
            deadly: Vec::new(),
            files: Vec::new(),
            types: Vec::new(),
            beside: Vec::new(),
            rows: Vec::new(),
        })
    }

    /// One more fact. Words that are not known are for later versions of aofkit.
    pub(super) fn learn(&mut self, (word, value): (&'static str, &'static str)) -> Option<()> {
        let kind = || {
            let (name, encoding) = value.split_once(' ')?;
            Some((name, encoding.parse().ok()?))
        };
        match word {
            "type" => self.types.push(kind()?),
            "aux" => self.beside.push(kind()?),
            "file" => self.files.push(value),
            "built-in" => self.is_built_in = value == "yes",
            "dies" => self.deadly.push(value),
            _ => {}
        }
        Some(())
    }

    /// What it writes into an RDB: the names of its values and of what it keeps beside keys, with their versions.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, u16)> {
        self.types.iter().chain(&self.beside).copied()
    }

    /// Whether this name is meant for it, in any case: its own, its library's, or the word before the dot of one of its
    /// commands.
    fn goes_by(&self, name: &str) -> bool {
        let of_file = |file: &&str| stem(file).eq_ignore_ascii_case(name);
        let of_command =
            |row: &Row| first_word(row.name).is_some_and(|word| word.eq_ignore_ascii_case(name));
        self.name.eq_ignore_ascii_case(name)
            || self.files.iter().any(of_file)
            || self.rows.iter().any(of_command)
    }
}

/// `JSON` of `JSON.SET`.
fn first_word(command: &str) -> Option<&str> {
    command.split_once('.').map(|(word, _)| word)
}

/// The name of a library, as `loadmodule` gives its path, without directory and ending.
pub fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split_once('.').map_or(file, |(stem, _)| stem)
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
