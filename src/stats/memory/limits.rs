//! Up to which size a server keeps values packed.

use super::kind::Kind;
use crate::format::conf::PackedLimits;

/// Members at most, and bytes of the longest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) members: u64,
    pub(super) longest: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    set: Limit,
    zset: Limit,
    hash: Limit,
    /// Members at most of a set of numbers.
    pub(super) numbers: u64,
    /// They are those of the configuration: what the base shows does not count beside them.
    pub(super) are_told: bool,
}

impl Limits {
    /// By a configuration, or by default.
    pub(super) fn of(said: Option<&PackedLimits>) -> Self {
        let limits = said.copied().unwrap_or_default();
        let natural = |said: Option<i64>, otherwise: u64| {
            said.and_then(|number| u64::try_from(number).ok()).unwrap_or(otherwise)
        };
        let limit = |members, otherwise, longest| Limit {
            members: natural(members, otherwise),
            longest: natural(longest, 64),
        };
        Self {
            set: limit(limits.set_entries, 128, limits.set_value),
            zset: limit(limits.zset_entries, 128, limits.zset_value),
            hash: limit(limits.hash_entries, 512, limits.hash_value),
            numbers: natural(limits.set_numbers, 512),
            are_told: said.is_some(),
        }
    }

    pub(super) fn packing(&self, kind: Kind) -> Limit {
        match kind {
            Kind::Zset => self.zset,
            Kind::Hash => self.hash,
            _ => self.set,
        }
    }
}
