//! What the table of one module says, and the number that a module goes by.

use super::row::Row;
use super::version::{Version, version};

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
}

impl ModuleTable {
    /// From `NAME VERSION SERVER RUN`.
    pub(super) fn begin(text: &'static str) -> Option<Self> {
        let mut words = text.split(' ');
        let (name, _, server, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let (family, number) = server.split_once('-')?;
        let version = version(number)?;
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
    pub(super) fn goes_by(&self, name: &str) -> bool {
        let of_file = |file: &&str| stem(file).eq_ignore_ascii_case(name);
        let of_command =
            |row: &Row| first_word(row.name).is_some_and(|word| word.eq_ignore_ascii_case(name));
        self.name.eq_ignore_ascii_case(name)
            || self.files.iter().any(of_file)
            || self.rows.iter().any(of_command)
    }
}

/// `JSON` of `JSON.SET`.
pub(super) fn first_word(command: &str) -> Option<&str> {
    command.split_once('.').map(|(word, _)| word)
}

/// The name of a library, as `loadmodule` gives its path, without directory and ending.
pub fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split_once('.').map_or(file, |(stem, _)| stem)
}
