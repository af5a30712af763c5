//! Up to which size a server keeps values packed, and where it begins a new node.
//!
//! Source: the servers' defaults and what they do with other settings, seen on bases that they wrote.

use super::kind::Kind;
use crate::format::conf::PackedLimits;

/// Of sets, sorted sets or hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Members at most.
    pub most: usize,
    /// Bytes of a name or value at most.
    pub longest: u64,
    /// Members at most of a set of numbers, which has a form of its own; 0 of others.
    pub numbers: usize,
}

/// Of nodes of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// Bytes of a node that takes more than one element.
    pub bytes: usize,
    /// Elements at most.
    pub elements: u64,
}

/// All of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    set: Packing,
    zset: Packing,
    hash: Packing,
    pub list: Nodes,
    /// A node of a stream takes no more entries from so many bytes or entries on.
    pub stream_bytes: u64,
    pub stream_entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(&PackedLimits::default())
    }
}

impl Limits {
    /// By what was said, and by the servers' defaults.
    pub fn of(said: &PackedLimits) -> Self {
        let packing = |most: Option<i64>, otherwise, longest: Option<i64>, numbers| Packing {
            most: natural(most, otherwise) as usize,
            longest: natural(longest, 64),
            numbers,
        };
        let unlimited = |said: Option<i64>, otherwise| match natural(said, otherwise) {
            0 => u64::MAX,
            limit => limit,
        };
        let numbers = natural(said.set_numbers, 512) as usize;
        Self {
            set: packing(said.set_entries, 128, said.set_value, numbers),
            zset: packing(said.zset_entries, 128, said.zset_value, 0),
            hash: packing(said.hash_entries, 512, said.hash_value, 0),
            list: nodes(said.list.unwrap_or(-2)),
            stream_bytes: unlimited(said.stream_bytes, 4096),
            stream_entries: unlimited(said.stream_entries, 100),
        }
    }

    /// Of this kind of value.
    pub fn packing(&self, kind: Kind) -> Packing {
        match kind {
            Kind::Set => self.set,
            Kind::Zset => self.zset,
            Kind::Hash => self.hash,
        }
    }
}

fn natural(said: Option<i64>, otherwise: u64) -> u64 {
    said.and_then(|number| u64::try_from(number).ok()).unwrap_or(otherwise)
}

/// `list-max-listpack-size`
fn nodes(said: i64) -> Nodes {
    /// Where elements are counted a node ends by its bytes, too.
    const COUNTED: usize = 8192;
    match u64::try_from(said) {
        Ok(elements) => Nodes { bytes: COUNTED, elements: elements.max(1) },
        Err(_) => {
            let class = said.unsigned_abs().min(5);
            Nodes { bytes: 2048 << class, elements: u64::MAX }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_default() {
        let limits = Limits::default();
        assert_eq!(limits.packing(Kind::Hash), Packing { most: 512, longest: 64, numbers: 0 });
        assert_eq!(limits.packing(Kind::Set), Packing { most: 128, longest: 64, numbers: 512 });
        assert_eq!(limits.list, Nodes { bytes: 8192, elements: u64::MAX });
        let said = PackedLimits { list: Some(3), stream_bytes: Some(0), ..PackedLimits::default() };
        let limits = Limits::of(&said);
        assert_eq!((limits.list.elements, limits.stream_bytes), (3, u64::MAX));
        assert_eq!(nodes(-5).bytes, 65536);
        assert_eq!(nodes(-1).bytes, 4096);
    }
}
