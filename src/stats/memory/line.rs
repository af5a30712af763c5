//! How servers of one line of versions keep values.
//!
//! Source: MEMORY USAGE with SAMPLES 0 of every recorded server, for keys of each type and encoding that it had loaded. What a
//! server itself only reckons (the trees of a stream before Redis 8.6, the entries of a table) is reckoned as it does.

use super::allocate::Allocators;
use crate::command::Version;
use crate::format::rdb::Family;

/// Versions that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    /// Redis up to 6.2: ziplists.
    Redis6,
    /// Redis 7.0: listpacks.
    Redis7,
    /// Redis 7.2 to 8.1: small sets of texts and small lists are one listpack.
    Redis72,
    /// Redis from 8.2: a key, its object and a short string are one allocation.
    Redis82,
    /// Redis from 8.4: counts the bytes that it asked for. A field and its value are one, a member and its score as well.
    Redis84,
    /// Valkey: tables of seven places in a cache line, keys within their objects, a field and its value in one.
    Valkey,
    /// Valkey from 9.1: the same; a member and its score are one, and so are longer keys and strings.
    Valkey91,
}

/// Bytes of a stream and its groups beside the entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamCosts {
    pub(super) stream: f64,
    pub(super) node: f64,
    pub(super) group: f64,
    pub(super) consumer: f64,
    pub(super) pending: f64,
}

impl Line {
    /// Of this server.
    pub(super) fn of(family: Family, version: Version) -> Self {
        match family {
            Family::Valkey if version < (9, 1) => Self::Valkey,
            Family::Valkey => Self::Valkey91,
            Family::Redis if version < (7, 0) => Self::Redis6,
            Family::Redis if version < (7, 2) => Self::Redis7,
            Family::Redis if version < (8, 2) => Self::Redis72,
            Family::Redis if version < (8, 4) => Self::Redis82,
            Family::Redis => Self::Redis84,
        }
    }

    pub(super) fn is_valkey(self) -> bool {
        matches!(self, Self::Valkey | Self::Valkey91)
    }

    /// A key lies within its object.
    pub(super) fn joins_keys(self) -> bool {
        self >= Self::Redis82
    }

    /// Small sets of texts, and small lists, are one listpack.
    pub(super) fn packs_sets(self) -> bool {
        self >= Self::Redis72
    }

    /// It counts the bytes of packed encodings and short strings that it asked for, not those that it got.
    pub(super) fn counts_requests(self) -> bool {
        self == Self::Redis84
    }

    fn allocators(self) -> Allocators {
        match self {
            Self::Redis6 => Allocators::Library,
            Self::Redis7 | Self::Redis72 => Allocators::Jemallocs,
            Self::Redis82 => Allocators::Own,
            _ => Allocators::OwnOrLibrary,
        }
    }

    /// Bytes of an allocation.
    #[inline]
    pub(super) fn allocated(self, bytes: u64) -> f64 {
        self.allocators().size(bytes)
    }

    /// Bytes of a packed encoding.
    pub(super) fn blob(self, bytes: u64) -> f64 {
        match self {
            Self::Redis6 | Self::Redis84 => bytes as f64,
            _ => self.allocated(bytes),
        }
    }

    /// Bytes of a string that is an allocation of its own.
    #[inline]
    pub(super) fn string(self, len: u64) -> f64 {
        match len {
            0..32 if self.counts_requests() => (len + 2) as f64,
            _ => self.allocated(short_string(len)),
        }
    }

    /// Bytes of a table of so many members, but for what each member takes.
    pub(super) fn table(self, members: u64) -> f64 {
        /// Members that a bucket holds before the table grows.
        const BUCKET: f64 = 6.4;
        const OVERFLOW: f64 = 1.2;
        let members = members.max(1);
        match self {
            Self::Valkey | Self::Valkey91 => {
                let buckets = ((members as f64 / BUCKET).ceil() as u64).next_power_of_two();
                64.0 + 64.0 * buckets as f64 + OVERFLOW * members as f64
            }
            _ => {
                let head = if self == Self::Redis6 { 96.0 } else { 56.0 };
                head + 8.0 * members.next_power_of_two().max(4) as f64
            }
        }
    }

    /// Bytes of what a table has for one member.
    pub(super) fn entry(self) -> f64 {
        if self.is_valkey() { 0.0 } else { 24.0 }
    }

    pub(super) fn stream(self) -> StreamCosts {
        let of = |stream, node, group, consumer, pending| StreamCosts {
            stream,
            node,
            group,
            consumer,
            pending,
        };
        match self {
            Self::Redis6 => of(50.0, 504.0, 276.0, 270.0, 1046.0),
            Self::Redis7 | Self::Redis72 => of(80.0, 504.0, 284.0, 276.0, 1046.0),
            Self::Redis82 => of(112.0, 504.0, 284.0, 278.0, 1054.0),
            Self::Redis84 => of(220.0, 50.0, 204.0, 84.0, 250.0),
            Self::Valkey | Self::Valkey91 => of(130.0, 54.0, 100.0, 84.0, 141.0),
        }
    }
}

/// Bytes of a string with its shortest head and the zero behind it.
#[inline]
pub(super) fn short_string(len: u64) -> u64 {
    if len < 32 { len + 2 } else { string(len) }
}

/// Bytes of a string with a head that knows how much is free, and the zero behind it.
#[inline]
pub(super) fn string(len: u64) -> u64 {
    let head = match len {
        0..256 => 3,
        256..65536 => 5,
        _ => 9,
    };
    len + head + 1
}
