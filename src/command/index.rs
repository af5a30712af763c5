//! From a name as it stands in a file to its place in the table, fast.

use std::sync::OnceLock;

use super::table::{Command, CommandId, all};
use crate::format::resp::Record;

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

/// The command of a record whose name is `id`: a container's subcommand, where there is one of that name.
pub fn full(id: CommandId, record: &Record<'_>) -> CommandId {
    if !id.command().container {
        return id;
    }
    record.args().nth(1).and_then(|sub| lookup_sub(id, sub.head)).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
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
}
