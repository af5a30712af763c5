//! From a name as it stands in a file to its place in the table, fast.

use std::sync::OnceLock;

use super::table::{Command, CommandId, all};

/// Slots of the index: a power of two, several times the number of names.
const SLOTS: usize = 4096;

/// Open-addressed index over upper-case names; the case of what is looked up does not matter.
struct Index {
    slots: Vec<Option<CommandId>>,
}

impl Index {
    fn build(commands: &'static [Command]) -> Self {
        let mut slots = vec![None; SLOTS];
        for (place, command) in commands.iter().enumerate() {
            let mut at = slot(command.name.as_bytes());
            while slots[at].is_some() {
                at = (at + 1) % SLOTS;
            }
            slots[at] = u16::try_from(place).ok().map(CommandId);
        }
        Self { slots }
    }

    fn find(&self, name: &[u8]) -> Option<CommandId> {
        let mut at = slot(name);
        while let Some(id) = self.slots[at] {
            if id.command().name.as_bytes().eq_ignore_ascii_case(name) {
                return Some(id);
            }
            at = (at + 1) % SLOTS;
        }
        None
    }
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| Index::build(all()))
}

/// Where to begin looking for a name: from its length and its first and last bytes, letters of either
/// case alike. Equal names always agree; the comparison settles the rest.
fn slot(name: &[u8]) -> usize {
    let mut first = [0_u8; 8];
    let mut last = [0_u8; 8];
    let n = name.len().min(8);
    first[..n].copy_from_slice(&name[..n]);
    last[..n].copy_from_slice(&name[name.len() - n..]);
    const CASE: u64 = 0x2020_2020_2020_2020;
    let a = (u64::from_le_bytes(first) | CASE) ^ name.len() as u64;
    let b = u64::from_le_bytes(last) | CASE;
    let mixed = a.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    (mixed >> 52) as usize % SLOTS
}

/// The command of this name, in any case.
pub fn lookup(name: &[u8]) -> Option<CommandId> {
    index().find(name)
}

/// The subcommand of a container (`XGROUP`, `create`), in any case.
pub fn lookup_sub(container: CommandId, sub: &[u8]) -> Option<CommandId> {
    let mut name = container.command().name.clone().into_bytes();
    name.push(b'|');
    name.extend_from_slice(sub);
    lookup(&name)
}

/// Remembers the last names looked up: logs repeat themselves.
#[derive(Clone, Debug, Default)]
pub struct LastName {
    recent: [Recent; 2],
}

/// A name of up to 15 bytes and what it means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Recent {
    /// The name, zero-padded, its length in the last byte; 0 is no name.
    key: u128,
    id: Option<CommandId>,
}

impl LastName {
    /// As [`lookup`], quicker for a name that came shortly before.
    #[inline]
    pub fn lookup(&mut self, name: &[u8]) -> Option<CommandId> {
        let Some(key) = key(name) else { return lookup(name) };
        if self.recent[0].key == key {
            return self.recent[0].id;
        }
        if self.recent[1].key == key {
            self.recent.swap(0, 1);
            return self.recent[0].id;
        }
        self.recent[1] = self.recent[0];
        self.recent[0] = Recent { key, id: lookup(name) };
        self.recent[0].id
    }
}

#[inline]
fn key(name: &[u8]) -> Option<u128> {
    if name.is_empty() || name.len() > 15 {
        return None;
    }
    let mut bytes = [0_u8; 16];
    bytes[..name.len()].copy_from_slice(name);
    bytes[15] = name.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Server, has_module_form};
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for command in all() {
            let found = lookup(command.name.to_lowercase().as_bytes()).unwrap();
            assert_eq!(found.command().name, command.name);
        }
        assert_eq!(lookup(b"SETT"), None);
        assert_eq!(lookup(b""), None);
        assert_eq!(lookup(b"multi").unwrap().kind(), Kind::Multi);
        assert_eq!(lookup(b"Select").unwrap().kind(), Kind::Select);
        assert_eq!(lookup(b"set").unwrap().kind(), Kind::Plain);
        let group = lookup(b"XGROUP").unwrap();
        assert!(group.command().container);
        assert_eq!(lookup_sub(group, b"create").unwrap().command().name, "XGROUP|CREATE");
        assert_eq!(lookup_sub(group, b"FOO"), None);
    }

    #[test]
    fn what_a_server_knows_follows_from_when_a_command_came() {
        let arity = |name: &[u8], server| lookup(name).unwrap().command().arity(server);
        assert_eq!(arity(b"HSETEX", Server::Redis70), None);
        assert_eq!(arity(b"HSETEX", Server::Redis82), Some(-6));
        assert_eq!(arity(b"DELIFEQ", Server::Valkey91), Some(3));
        assert_eq!(arity(b"DELIFEQ", Server::Redis82), None);
        assert_eq!(arity(b"ZRANK", Server::Redis70), Some(3));
        assert_eq!(arity(b"ZRANK", Server::Redis82), Some(-3));
        let count = |s| all().iter().filter(|c| c.arity(s).is_some()).count();
        // The counts COMMAND gave on those servers, subcommands included.
        assert_eq!([Server::Redis70, Server::Redis82].map(count), [366, 397]);
        assert_eq!([Server::Valkey81, Server::Valkey91].map(count), [379, 399]);
    }

    #[test]
    fn the_short_memory_gives_the_same_answers() {
        let mut last = LastName::default();
        for name in
            [b"SET".as_slice(), b"set", b"DEL", b"SET", b"nope", b"DEL", b"georadiusbymember"]
        {
            assert_eq!(last.lookup(name), lookup(name));
        }
    }

    #[test]
    fn module_names_have_a_dot_inside() {
        assert!(has_module_form(b"JSON.SET"));
        assert!(!has_module_form(b"SET"));
        assert!(!has_module_form(b".SET"));
        assert!(!has_module_form(b"a.\x00"));
    }
}
