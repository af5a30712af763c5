//! What each program accepts: one [`Rules`] value per loader. Facts about bytes do not depend on a
//! program; judgements do. Pure.
//!
//! Source: what the servers named here did with the byte sequences of the case tables in `testdata`.

mod target;

pub use target::{Target, TargetError};

use crate::command::Server;
use crate::format::manifest::Dialect;
use crate::format::rdb::Family;

/// How a loader answers a command with the wrong number of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// It does not look: too few arguments crash it, too many are passed on.
    Unchecked,
    /// It refuses the file with a clear error.
    Refused,
}

/// What one server's loader accepts and does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `redis-8.2`
    pub name: &'static str,
    /// Whose commands it knows.
    pub server: Server,
    /// How it reads a manifest's quotes.
    pub manifest: Dialect,
    /// What it does about argument counts.
    pub arity: Arity,
    /// Newest RDB version under the `REDIS` magic.
    pub redis_rdb: u32,
    /// RDB version under the `VALKEY` magic; 0: it does not load any.
    pub valkey_rdb: u32,
    /// It takes a file for an RDB by `VALKEY`, and by `REDIS0` where others look at `REDIS`.
    pub knows_valkey_magic: bool,
    /// A record torn inside MULTI is cut off alone: the open MULTI stays in the file and swallows
    /// whatever is appended after it.
    pub leaves_open_transaction: bool,
    /// A torn first command after an RDB part makes it cut the file to nothing.
    pub cuts_rdb_away: bool,
    /// An argument length beyond this many bytes kills it: its allocator gives up.
    pub largest_allocation: u64,
}

/// jemalloc reserves address space without asking for memory, up to what 47 bits can hold.
const ADDRESS_SPACE: u64 = 1 << 47;

/// The C library's allocator asks the kernel, which refuses what is plainly more than the machine has.
const PLAINLY_TOO_MUCH: u64 = 1 << 36;

const REDIS_7_0: Rules = Rules {
    name: "redis-7.0",
    server: Server::Redis70,
    manifest: Dialect::Strict,
    arity: Arity::Unchecked,
    redis_rdb: 10,
    valkey_rdb: 0,
    knows_valkey_magic: false,
    leaves_open_transaction: true,
    cuts_rdb_away: true,
    largest_allocation: ADDRESS_SPACE,
};

const REDIS_8_2: Rules =
    Rules { name: "redis-8.2", server: Server::Redis82, redis_rdb: 12, ..REDIS_7_0 };

const VALKEY_8_1: Rules = Rules {
    name: "valkey-8.1",
    server: Server::Valkey81,
    arity: Arity::Refused,
    redis_rdb: 11,
    knows_valkey_magic: true,
    largest_allocation: PLAINLY_TOO_MUCH,
    ..REDIS_7_0
};

const VALKEY_9_1: Rules = Rules {
    name: "valkey-9.1",
    server: Server::Valkey91,
    manifest: Dialect::Concatenating,
    valkey_rdb: 80,
    leaves_open_transaction: false,
    cuts_rdb_away: false,
    ..VALKEY_8_1
};

/// The rules aofkit has, each family's oldest first.
pub const KNOWN: [&Rules; 4] = [&REDIS_7_0, &REDIS_8_2, &VALKEY_8_1, &VALKEY_9_1];

impl Rules {
    /// Whether the loader reads an RDB of this family and version. It may still be one it does not even
    /// recognise as an RDB.
    pub fn loads_rdb(&self, family: Family, version: u32) -> bool {
        match family {
            Family::Redis => (1..=self.redis_rdb).contains(&version),
            Family::Valkey => version != 0 && version == self.valkey_rdb,
        }
    }
}
