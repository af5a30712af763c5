//! Names that a configuration gives to commands and takes from them (`rename-command`).
//!
//! A server looks its commands up by the names that are left, while it serves and while it loads; letter case never
//! counts. What it writes by itself (SELECT, MULTI, the PXAT form of SET ...) goes into the log under the first name all
//! the same. Source: servers started with such lines, and on logs with either name.

use std::collections::HashMap;
use std::sync::Arc;

use super::index::lookup;
use super::table::CommandId;

/// What names mean where a configuration renames commands; by default, what the tables say.
#[derive(Clone, Debug, Default)]
pub struct Renames {
    /// In capitals: the command that goes by a name, or `None` where the name was taken away. No table where nothing is
    /// renamed.
    names: Option<Arc<HashMap<Vec<u8>, Option<CommandId>>>>,
}

/// `SELECT db` for a server that has its commands by these names.
pub fn select(db: u64, names: &Renames) -> Vec<u8> {
    let (name, db) = (names.called(b"SELECT"), db.to_string());
    let head = format!("*2\r\n${}\r\n", name.len());
    let rest = format!("\r\n${}\r\n{db}\r\n", db.len());
    [head.as_bytes(), name, rest.as_bytes()].concat()
}

/// Why a server does not rename a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRenamed {
    /// No command goes by the first name.
    NoSuch,
    /// A command goes by the second name already.
    Taken,
}

impl Renames {
    /// What the lines of a configuration make of the names, each a name and the one to take its place, empty for none.
    /// A line that no server takes changes nothing.
    pub fn of(lines: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let mut renames = Self::default();
        for (from, to) in lines {
            // Whether a server takes the line is told elsewhere.
            let _ = renames.add(from, to, |id| id.is_some());
        }
        renames
    }

    /// Takes one more line; `has` says whether the server has a command of the tables, or `None` of none.
    ///
    /// # Errors
    /// When a server refuses the line; nothing is changed then.
    pub fn add(
        &mut self,
        from: &[u8],
        to: &[u8],
        has: impl Fn(Option<CommandId>) -> bool,
    ) -> Result<(), NotRenamed> {
        let (from, to) = (from.to_ascii_uppercase(), to.to_ascii_uppercase());
        let is_there = |name: &[u8]| match self.given(name) {
            Some(given) => given.is_some(),
            None => has(lookup(name)),
        };
        if !is_there(&from) {
            return Err(NotRenamed::NoSuch);
        }
        if to != from && !to.is_empty() && is_there(&to) {
            return Err(NotRenamed::Taken);
        }
        let id = self.given(&from).unwrap_or_else(|| lookup(&from));
        let names = Arc::make_mut(self.names.get_or_insert_default());
        names.insert(from, None);
        if !to.is_empty() {
            names.insert(to, id);
        }
        Ok(())
    }

    /// Whether every name means what the tables say.
    pub fn is_empty(&self) -> bool {
        self.names.is_none()
    }

    /// The command that goes by a name, in any case. A name that was taken away and given to no other command stands for the
    /// one that had it: the log may have been written before.
    pub fn lookup(&self, name: &[u8]) -> Option<CommandId> {
        self.given(name).flatten().or_else(|| lookup(name))
    }

    /// Whether a name was taken away and given to no other command.
    pub fn has_taken(&self, name: &[u8]) -> bool {
        self.given(name) == Some(None)
    }

    /// Whether a name, in any case, was given to a command.
    pub fn has_given(&self, name: &[u8]) -> bool {
        self.given(name).flatten().is_some()
    }

    /// The commands whose own names were taken away.
    pub fn taken(&self) -> impl Iterator<Item = CommandId> {
        let names = self.names.iter().flat_map(|names| names.iter());
        names.filter(|(_, given)| given.is_none()).filter_map(|(name, _)| lookup(name))
    }

    /// The name by which this server knows the command that the tables call `name`: what is written for it has to use that
    /// one. A name that was taken away without another stays: the server has no such command.
    pub fn called<'a>(&'a self, name: &'a [u8]) -> &'a [u8] {
        let Some((names, id)) = self.names.as_ref().zip(lookup(name)) else { return name };
        match self.given(name) {
            Some(given) if given != Some(id) => {
                let now = names.iter().find(|(_, given)| **given == Some(id));
                now.map_or(name, |(now, _)| now.as_slice())
            }
            _ => name,
        }
    }

    fn given(&self, name: &[u8]) -> Option<Option<CommandId>> {
        let names = self.names.as_ref()?;
        match names.get(name) {
            None => names.get(&*name.to_ascii_uppercase()).copied(),
            found => found.copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renames(lines: &[(&str, &str)]) -> Renames {
        let owned = |(from, to): &(&str, &str)| (from.as_bytes().to_vec(), to.as_bytes().to_vec());
        Renames::of(&lines.iter().map(owned).collect::<Vec<_>>())
    }

    fn meant(renames: &Renames, name: &str) -> Option<&'static str> {
        Some(renames.lookup(name.as_bytes())?.command().name.as_str())
    }

    #[test]
    fn a_renamed_command_goes_by_its_new_name_in_any_case() {
        let renames = renames(&[("set", "MySet"), ("FLUSHALL", "")]);
        assert_eq!(meant(&renames, "MYSET"), Some("SET"));
        assert_eq!(meant(&renames, "myset"), Some("SET"));
        assert!(renames.has_taken(b"Set") && renames.has_taken(b"flushall"));
        assert!(!renames.has_taken(b"MYSET") && !renames.has_taken(b"GET"));
        assert_eq!(meant(&renames, "SET"), Some("SET"), "written before it was renamed");
        assert_eq!(meant(&renames, "GET"), Some("GET"));
        assert_eq!(meant(&renames, "NEVER"), None);
        let taken: Vec<_> = renames.taken().map(|id| id.command().name.clone()).collect();
        assert_eq!(taken.len(), 2, "{taken:?}");
    }

    #[test]
    fn what_is_written_has_the_name_that_is_left() {
        let called = |lines: &[(&str, &str)], name: &str| {
            String::from_utf8(renames(lines).called(name.as_bytes()).to_vec()).unwrap()
        };
        assert_eq!(called(&[], "SELECT"), "SELECT");
        assert_eq!(called(&[("GET", "x")], "SELECT"), "SELECT");
        assert_eq!(called(&[("select", "pick"), ("Pick", "choose")], "SELECT"), "CHOOSE");
        let swapped = [("SELECT", "x"), ("GET", "SELECT"), ("x", "GET")];
        assert_eq!(
            (called(&swapped, "SELECT"), called(&swapped, "GET")),
            ("GET".into(), "SELECT".into())
        );
        assert_eq!(called(&[("SELECT", "x"), ("x", "select")], "SELECT"), "SELECT");
        assert_eq!(called(&[("SELECT", "")], "SELECT"), "SELECT", "there is no name to write");
    }

    #[test]
    fn names_go_round_in_the_order_of_the_lines() {
        let chain = renames(&[("SET", "A"), ("A", "B")]);
        assert_eq!((meant(&chain, "B"), meant(&chain, "A")), (Some("SET"), None));
        let swapped = renames(&[("SET", "X"), ("GET", "SET"), ("X", "GET")]);
        assert_eq!((meant(&swapped, "SET"), meant(&swapped, "GET")), (Some("GET"), Some("SET")));
        assert!(!swapped.has_taken(b"SET") && !swapped.has_taken(b"GET"));
        let back = renames(&[("SET", "X"), ("X", "set")]);
        assert!(!back.has_taken(b"SET"));
        let same = renames(&[("SET", "sEt")]);
        assert!(!same.has_taken(b"SET") && meant(&same, "set") == Some("SET"));
    }

    #[test]
    fn a_line_that_servers_refuse_changes_nothing() {
        let refused = |lines: &[(&str, &str)], from: &str, to: &str| {
            let mut renames = renames(lines);
            renames.add(from.as_bytes(), to.as_bytes(), |id| id.is_some()).unwrap_err()
        };
        assert_eq!(refused(&[], "SET", "get"), NotRenamed::Taken);
        assert_eq!(refused(&[], "NEVER", "x"), NotRenamed::NoSuch);
        assert_eq!(refused(&[("SET", "A")], "SET", "B"), NotRenamed::NoSuch);
        assert_eq!(refused(&[("SET", "A")], "GET", "a"), NotRenamed::Taken);
        assert!(renames(&[("SET", "GET")]).is_empty());
    }
}
