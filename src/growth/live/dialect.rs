//! Who writes the new base: servers of other versions write the same values in other sizes.
//!
//! | what | since |
//! |---|---|
//! | scores as short as they can be | Redis 7.2, every Valkey |
//! | small sets of texts packed | Redis 7.2, every Valkey |
//! | hashes whose fields expire: packed while small | Redis 7.4 |
//! | hashes whose fields expire: a table, each field with eight bytes | Valkey 9.0 |
//! | packed encodings are listpacks, which hold numbers in less than ziplists | Redis 7.0 |
//! | streams with what was ever added and deleted | Redis 7.0 |
//! | consumers with when they were last active | Redis 7.2, every Valkey |
//!
//! Source: bases that real servers of the recorded versions wrote.

use super::score;
use crate::command::Version;
use crate::format::rdb::Family;

/// How hashes are written some of whose fields expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fields {
    /// Small ones packed; large ones with distances from the soonest.
    Packed,
    /// As a table, with a time for each field.
    Plain,
}

/// How one server writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    has_short_scores: bool,
    pub packs_sets: bool,
    pub fields: Fields,
    pub has_stream_offsets: bool,
    pub has_active_time: bool,
    pub has_ziplists: bool,
}

impl Dialect {
    /// Redis from 7.2 on.
    pub const LATEST: Self = Self {
        has_short_scores: true,
        packs_sets: true,
        fields: Fields::Packed,
        has_stream_offsets: true,
        has_active_time: true,
        has_ziplists: false,
    };

    /// Valkey.
    const VALKEY: Self = Self { fields: Fields::Plain, ..Self::LATEST };

    /// Redis 7.0.
    const REDIS_7_0: Self =
        Self { has_short_scores: false, packs_sets: false, has_active_time: false, ..Self::LATEST };

    /// Redis 6.2.
    const REDIS_6: Self = Self { has_stream_offsets: false, has_ziplists: true, ..Self::REDIS_7_0 };

    /// All that may be meant where nobody says who writes: the likeliest one first.
    pub const ALL: [Self; 4] = [Self::LATEST, Self::VALKEY, Self::REDIS_7_0, Self::REDIS_6];

    /// Of this server.
    pub fn of(family: Family, version: Version) -> Self {
        match (family, version) {
            (Family::Valkey, _) => Self::VALKEY,
            (Family::Redis, version) if version < (7, 0) => Self::REDIS_6,
            (Family::Redis, version) if version < (7, 2) => Self::REDIS_7_0,
            (Family::Redis, _) => Self::LATEST,
        }
    }

    /// A score in a log of commands, or in a packed encoding.
    pub fn score(self, score: f64) -> String {
        score::text(score, self.has_short_scores)
    }
}
