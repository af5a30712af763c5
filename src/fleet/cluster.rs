//! The slots of a cluster, by the `nodes.conf` that each of its servers keeps beside its set.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::disk;
use crate::error::Result;
use crate::format::nodes::{self, Node, Nodes};
use crate::format::slot::SLOTS;
use crate::stats::SlotRow;

/// Bytes of a `nodes.conf` that are read: a thousand nodes take some hundred KiB.
const LONGEST: u64 = 16 << 20;

/// First and last of a stretch of slots.
pub type Stretch = (u16, u16);

/// Who has which slots, as the servers of several sets say of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Slots that nobody has.
    pub holes: Vec<Stretch>,
    /// Slots that two of the sets' servers take for their own, and the places of both.
    pub overlaps: Vec<(Stretch, usize, usize)>,
    /// Names of nodes that have slots, and whose sets are not among these.
    pub absent: Vec<String>,
}

impl Coverage {
    /// How many slots nobody has.
    pub fn missing(&self) -> u32 {
        self.holes.iter().map(|(first, last)| u32::from(last - first) + 1).sum()
    }
}

/// The slots that the log of a node has keys of, against those that it has by its `nodes.conf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotsOfNode {
    /// Slots with commands in the log.
    pub in_use: u64,
    /// Slots that are the node's; `None` without a `nodes.conf`. A replica has those of its primary.
    pub owned: Option<u32>,
    /// Slots with commands that are not the node's, moving ones not counted.
    pub outside: u64,
    /// Bytes of commands in these.
    pub outside_bytes: u64,
}

impl SlotsOfNode {
    /// From the slots in use, and what the node remembers.
    pub fn new(rows: &[SlotRow], nodes: Option<&Nodes>) -> Self {
        let own = nodes.and_then(Nodes::myself);
        let primary =
            |own: &&Node| nodes?.nodes.iter().find(|node| Some(&node.id) == own.primary.as_ref());
        let owner = own.map(|own| primary(&own).unwrap_or(own));
        let mut told = Self {
            in_use: rows.len() as u64,
            owned: owner.map(Node::slot_count),
            ..Self::default()
        };
        let Some(owner) = owner else { return told };
        let moves = |slot: u16| {
            owner.migrating.iter().chain(&owner.importing).any(|(moving, _)| *moving == slot)
        };
        for row in rows.iter().filter(|row| !owner.has(row.slot) && !moves(row.slot)) {
            told.outside += 1;
            told.outside_bytes += row.bytes;
        }
        told
    }
}

/// What the server that works in a directory remembers of its cluster; `None` where it keeps no such file, or where it is
/// not clear which is its own.
///
/// # Errors
/// When the directory cannot be listed.
pub fn nodes_in(dir: &Path) -> Result<Option<Nodes>> {
    let is_one = |name: &std::ffi::OsStr| {
        name.as_bytes().starts_with(b"nodes") && name.as_bytes().ends_with(b".conf")
    };
    let mut own = Vec::new();
    for one in disk::list_some(dir, is_one)? {
        let Ok(bytes) = disk::read_small(&dir.join(&one.name), LONGEST) else { continue };
        own.extend(nodes::parse(&bytes).ok().filter(|read| read.myself().is_some()));
    }
    let is_clear = own.len() == 1;
    Ok(own.pop().filter(|_| is_clear))
}

/// Who has which slots; `None` where no server is one of a cluster.
pub fn coverage<'a>(sets: impl Iterator<Item = Option<&'a Nodes>>) -> Option<Coverage> {
    let all: Vec<_> = sets.enumerate().filter_map(|(place, nodes)| Some((place, nodes?))).collect();
    let newest = all.iter().max_by_key(|(_, nodes)| nodes.current_epoch)?.1;
    let mut owner: Vec<Option<usize>> = vec![None; usize::from(SLOTS)];
    let mut coverage = Coverage::default();
    for (place, nodes) in &all {
        let Some(own) = nodes.myself() else { continue };
        for (first, last) in &own.slots {
            for slot in *first..=*last {
                match owner[usize::from(slot)].replace(*place) {
                    Some(other) => overlap(&mut coverage.overlaps, slot, other, *place),
                    None => {}
                }
            }
        }
    }
    let is_here =
        |id: &str| all.iter().filter_map(|(_, nodes)| nodes.myself()).any(|own| own.id == id);
    let mut taken: Vec<bool> = owner.iter().map(Option::is_some).collect();
    for node in newest.nodes.iter().filter(|node| !node.slots.is_empty() && !is_here(&node.id)) {
        coverage.absent.push(node.id.clone());
        for (first, last) in &node.slots {
            taken[usize::from(*first)..=usize::from(*last)].fill(true);
        }
    }
    for (slot, _) in (0..SLOTS).zip(&taken).filter(|(_, taken)| !**taken) {
        match coverage.holes.last_mut() {
            Some((_, last)) if *last + 1 == slot => *last = slot,
            _ => coverage.holes.push((slot, slot)),
        }
    }
    Some(coverage)
}

fn overlap(all: &mut Vec<(Stretch, usize, usize)>, slot: u16, one: usize, other: usize) {
    match all.last_mut() {
        Some(((_, last), a, b)) if (*last + 1, *a, *b) == (slot, one, other) => *last = slot,
        _ => all.push(((slot, slot), one, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> String {
        format!("{n:040x}")
    }

    fn file(own: usize, slots: &[&str]) -> Nodes {
        let mut text = String::new();
        for (n, slots) in slots.iter().enumerate() {
            let myself = if n == own { "myself," } else { "" };
            text += &format!("{} h:1@2 {myself}master - 0 0 {n} connected {slots}\n", name(n));
        }
        nodes::parse((text + "vars currentEpoch 6 lastVoteEpoch 0\n").as_bytes()).unwrap()
    }

    #[test]
    fn slots_of_a_whole_cluster_are_covered_once() {
        let slots = ["0-5460", "5461-10922", "10923-16383"];
        let all: Vec<_> = (0..3).map(|own| file(own, &slots)).collect();
        let told = coverage(all.iter().map(Some)).unwrap();
        assert_eq!(told, Coverage::default());
        let two = coverage(all[..2].iter().map(Some)).unwrap();
        assert_eq!((two.absent, two.holes), (vec![name(2)], vec![]));
        assert_eq!(coverage([None, None].into_iter()), None);
    }

    #[test]
    fn holes_and_overlaps_are_named() {
        let one = file(0, &["0-5460", "5461-10922", "10923-16000 16002-16383"]);
        let two = file(1, &["0-5460", "5400-10922", "10923-16000 16002-16383"]);
        let told = coverage([None, Some(&one), Some(&two)].into_iter()).unwrap();
        assert_eq!(told.holes, [(16001, 16001)]);
        assert_eq!(told.overlaps, [((5400, 5460), 1, 2)]);
        assert_eq!((told.missing(), told.absent), (1, vec![name(2)]));
    }
}
