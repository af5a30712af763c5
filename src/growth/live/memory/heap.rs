//! What allocations, strings and tables take in a server's memory.
//!
//! Source: `used_memory` of every recorded server after it loaded keys of each type and encoding, less that of an
//! empty one. Builds differ in their allocator: jemalloc in steps of eight bytes, in steps of sixteen (as
//! distributions build it), and that of the C library. Each allocation is taken to be in the middle between the
//! least and the most of these.

use crate::command::Version;
use crate::format::rdb::Family;
use crate::stats::memory::allocate::{jemalloc as class, library};

/// Bytes of an object beside its value.
pub(super) const OBJECT: f64 = 16.0;

/// Where a server keeps keys, and the members of large values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tables {
    /// Redis before 7.2: an entry for each key and member.
    Entries,
    /// Redis from 7.2: a member of a set needs an entry only where another lies in the same place.
    Lean,
    /// Redis from 8.2: a key, its object and a short string are one allocation.
    Joined,
    /// Redis from 8.6: the same; a field and its value, and a member and its score, are one as well.
    JoinedMembers,
    /// Valkey: places of seven in one cache line, keys within their objects.
    Buckets,
    /// Valkey from 9.1: the same; sorted sets hold a member and its score in one allocation.
    BucketsMembers,
}

impl Tables {
    /// Of this server.
    pub(super) fn of(family: Family, version: Version) -> Self {
        match family {
            Family::Valkey if version < (9, 1) => Self::Buckets,
            Family::Valkey => Self::BucketsMembers,
            Family::Redis if version < (7, 2) => Self::Entries,
            Family::Redis if version < (8, 2) => Self::Lean,
            Family::Redis if version < (8, 6) => Self::Joined,
            Family::Redis => Self::JoinedMembers,
        }
    }

    pub(super) fn is_valkey(self) -> bool {
        matches!(self, Self::Buckets | Self::BucketsMembers)
    }

    /// A key lies within its object.
    pub(super) fn joins_keys(self) -> bool {
        !matches!(self, Self::Entries | Self::Lean)
    }

    /// Bytes of the table that finds so many keys or members, but for entries.
    pub(super) fn table(self, count: f64) -> f64 {
        /// Members that a bucket holds before the table grows.
        const BUCKET: f64 = 6.4;
        if count < 1.0 {
            return 0.0;
        }
        match self.is_valkey() {
            true => 64.0 * power_of_two(count / BUCKET),
            false => 8.0 * power_of_two(count),
        }
    }

    /// Bytes of what the table has for one key.
    pub(super) fn entry(self) -> f64 {
        match self {
            Self::Entries | Self::Lean => allocated(24.0),
            // Most need none.
            Self::Joined | Self::JoinedMembers => 9.0,
            Self::Buckets | Self::BucketsMembers => 2.0,
        }
    }

    /// Bytes of what the table of a hash has for one field.
    pub(super) fn hash_entry(self) -> f64 {
        match self {
            Self::Entries | Self::Lean | Self::Joined => allocated(24.0),
            _ => self.set_entry(),
        }
    }

    /// Bytes of a table before anything is in it.
    pub(super) fn head(self) -> f64 {
        match self {
            Self::Entries => allocated(96.0),
            _ => allocated(64.0),
        }
    }

    /// How much larger a table is that grew member by member: while it moves to a larger one both are there.
    pub(super) fn grown(self) -> f64 {
        if self.is_valkey() { 1.4 } else { 1.0 }
    }

    /// Bytes of a stream without nodes.
    pub(super) fn stream(self) -> f64 {
        match self {
            Self::Entries | Self::Lean => 90.0,
            Self::Joined => 120.0,
            Self::JoinedMembers => 200.0,
            Self::Buckets | Self::BucketsMembers => 140.0,
        }
    }

    /// Bytes of what the table of a set has for one member.
    pub(super) fn set_entry(self) -> f64 {
        match self {
            Self::Entries => allocated(24.0),
            Self::Lean | Self::Joined | Self::JoinedMembers => 7.0,
            Self::Buckets | Self::BucketsMembers => 2.0,
        }
    }
}

fn power_of_two(count: f64) -> f64 {
    (count.ceil().max(1.0) as u64).next_power_of_two() as f64
}

/// Bytes that an allocation takes, in the middle of what allocators make of it.
pub(super) fn allocated(bytes: f64) -> f64 {
    let bytes = bytes.max(1.0) as u64;
    let sizes = [library(bytes), class(bytes, 8), class(bytes, 16)];
    let (least, most) = sizes.iter().fold((u64::MAX, 0), |(l, m), n| (l.min(*n), m.max(*n)));
    (least + most) as f64 / 2.0
}

/// Bytes of a string with its length in front and the zero behind it, as it lies inside an allocation.
pub(super) fn string(len: u64) -> f64 {
    let head = match len {
        0..32 => 1,
        32..256 => 3,
        256..65536 => 5,
        _ => 9,
    };
    (len + head + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_in_the_middle_of_three_allocators() {
        assert_eq!(allocated(24.0), 28.0);
        assert_eq!(string(31) + string(32), 33.0 + 36.0);
    }

    #[test]
    fn a_table_has_room_for_all() {
        assert_eq!(Tables::Lean.table(1000.0), 8.0 * 1024.0);
        assert_eq!(Tables::Buckets.table(20_000.0), 64.0 * 4096.0);
        assert_eq!(Tables::Entries.table(0.0), 0.0);
    }
}
