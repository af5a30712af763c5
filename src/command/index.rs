//! From a name as it stands in a file to its place in the table, fast.

use std::sync::OnceLock;

use super::renames::Renames;
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

/// Names remembered at a time: more than a log has that come often.
const REMEMBERED: usize = 32;

/// Remembers names that were looked up: logs repeat themselves.
#[derive(Clone, Debug)]
pub struct LastName {
    recent: [Recent; REMEMBERED],
}

/// A name of 1 to 16 bytes, packed, and what it means.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    name: Packed,
    id: Option<CommandId>,
}

/// All bytes of a name of 1 to 16 bytes; its length 0 is no name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Packed {
    first: u64,
    last: u64,
    len: usize,
}

impl Packed {
    /// First and last halves, which overlap unless the length is just right: with the length they tell
    /// every byte.
    #[inline(always)]
    fn new(name: &[u8]) -> Option<Self> {
        let len = name.len();
        let (first, last) = match len {
            1..=3 => {
                let middle = u64::from(name[len / 2]) << 8;
                (u64::from(name[0]) | middle, u64::from(name[len - 1]))
            }
            4..=8 => {
                let (first, last) = (name.first_chunk::<4>()?, name.last_chunk::<4>()?);
                (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
            }
            9..=16 => {
                let (first, last) = (name.first_chunk::<8>()?, name.last_chunk::<8>()?);
                (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
            }
            _ => return None,
        };
        Some(Self { first, last, len })
    }

    #[inline(always)]
    fn slot(self) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 59) as usize % REMEMBERED
    }
}

impl Default for LastName {
    fn default() -> Self {
        Self { recent: [Recent::default(); REMEMBERED] }
    }
}

impl LastName {
    /// As [`Renames::lookup`], quicker for a name that came before; with the same names each time.
    #[inline(always)]
    pub fn lookup(&mut self, name: &[u8], names: &Renames) -> Option<CommandId> {
        let Some(packed) = Packed::new(name) else { return names.lookup(name) };
        let recent = &mut self.recent[packed.slot()];
        if recent.name != packed {
            *recent = Recent { name: packed, id: names.lookup(name) };
        }
        recent.id
    }
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

    #[test]
    fn the_short_memory_gives_the_same_answers() {
        let mut last = LastName::default();
        for name in
            [b"SET".as_slice(), b"set", b"DEL", b"SET", b"nope", b"DEL", b"georadiusbymember"]
        {
            assert_eq!(last.lookup(name, &Renames::default()), lookup(name));
        }
    }
}
