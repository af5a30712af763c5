//! The recorded tables of servers, as text: sections, each with facts and commands.
//!
//! One line, one fact; the form is told at the head of `servers.txt`. What the facts mean is read in
//! [`crate::rules`], what the commands mean in this room. A line that is not understood is an error, with its
//! number: a table is written by a program and read by one.

use std::fmt;

use super::module_table::ModuleTable;
use super::row::{Row, row};
use super::version::{Version, version};

/// One server.
#[derive(Clone, Debug)]
pub struct Section {
    /// `redis`, `valkey`.
    pub family: &'static str,
    /// Major and minor version.
    pub version: Version,
    /// The name it goes by, `redis-8.6`.
    pub name: &'static str,
    /// The whole version of the program that was run; `None`: it was only read about.
    pub run: Option<&'static str>,
    /// Word and value, in the order of the text; commands not among them.
    pub facts: Vec<(&'static str, &'static str)>,
    pub(super) rows: Vec<Row>,
}

/// A table that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for TableError {}

/// What a text holds, each in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) servers: Vec<Section>,
    pub(super) modules: Vec<ModuleTable>,
}

/// The sections of a text.
///
/// # Errors
/// At the first line that is not understood.
pub(super) fn sections(text: &'static str) -> Result<Text, TableError> {
    let mut sections = Text::default();
    let mut is_module = false;
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| TableError { line: number + 1, why: format!("{why}: {line}") };
        let (word, value) =
            line.split_once([' ', '\t']).ok_or_else(|| wrong("a word without a value"))?;
        if ["server", "read", "module"].contains(&word) {
            is_module = word == "module";
        }
        match word {
            "server" => {
                let (name, run) = value.split_once(' ').ok_or_else(|| wrong("no version"))?;
                let section = section(name, Some(run));
                sections.servers.push(section.ok_or_else(|| wrong("not a server's name"))?);
            }
            "read" => {
                let section = section(value, None);
                sections.servers.push(section.ok_or_else(|| wrong("not a server's name"))?);
            }
            "module" => {
                let module = ModuleTable::begin(value);
                sections.modules.push(module.ok_or_else(|| wrong("not a module in a server"))?);
            }
            _ => {
                let row = (word == "command").then(|| row(value));
                let row = row.map(|row| row.ok_or_else(|| wrong("not a command's row")));
                sections.add(is_module, row.transpose()?, (word, value)).map_err(wrong)?;
            }
        }
    }
    Ok(sections)
}

impl Text {
    /// One more line of the section that is open: a command, or a fact.
    fn add(
        &mut self,
        to_module: bool,
        row: Option<Row>,
        fact: (&'static str, &'static str),
    ) -> Result<(), &'static str> {
        if to_module {
            let open = self.modules.last_mut().ok_or("before the first module")?;
            let Some(row) = row else {
                return open.learn(fact).ok_or("not a name and a number");
            };
            open.rows.push(row);
            return Ok(());
        }
        let open = self.servers.last_mut().ok_or("before the first server")?;
        match row {
            Some(row) => open.rows.push(row),
            None => open.facts.push(fact),
        }
        Ok(())
    }
}

fn section(name: &'static str, run: Option<&'static str>) -> Option<Section> {
    let (family, number) = name.split_once('-')?;
    let version = version(number)?;
    Some(Section { family, version, name, run, facts: Vec::new(), rows: Vec::new() })
}

/// What commands do to their keys: class and name, from the hand-written list.
pub(super) fn effects(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let class = words.next().unwrap_or_default();
        words.map(move |name| (class, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_understood_is_told_with_its_number() {
        let line = |text| sections(text).map(|_| 0).unwrap_or_else(|error| error.line);
        assert_eq!(line("# words\n\nserver redis-9.0 9.0.1\narity refused\n"), 0);
        assert_eq!(line("arity refused\n"), 1);
        assert_eq!(line("server redis-9.0 9.0.1\ncommand\tSET\tmany\t-\t-\t-\t-\n"), 2);
        assert_eq!(line("server nine 9\n"), 1);
        assert_eq!(line("read redis-9.x\n"), 1);
        assert_eq!(line("module melt 1 redis-9.0\n"), 1);
        assert_eq!(line("module melt 1 redis-9.0 9.0.1\ntype melting-1 x\n"), 2);
    }
}
