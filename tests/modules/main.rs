//! Sets with modules: what they need, whether a server takes them, and that every verb treats their records and values
//! as it treats others.
//!
//! `AOFKIT_SEED`, `AOFKIT_DAMAGES`, `AOFKIT_SETS`: other or more damage and sets for the real servers.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, in its helpers as well"
)]

mod further;
#[allow(dead_code, reason = "nothing is restarted here")]
#[path = "../support/growing.rs"]
mod growing;
mod loads;
mod real;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod torn;
mod traffic;
mod verbs;
#[path = "../cli/world.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod world;

use support::spelled;

/// Sets that Redis 7.4 wrote with ReJSON, bf, search and timeseries.
const OF_MODULES: [&str; 2] = ["../modules/redis-7.4.1/rdb-base", "../modules/redis-7.4.1/fresh"];

/// Sets with vector sets, and who wrote them.
const OF_VECTORS: [(&str, &str); 3] = [
    ("../modules/redis-8.0.2/rdb-base", "redis-8.0"),
    ("../modules/redis-8.2.3/rdb-base", "redis-8.2"),
    ("../modules/redis-8.6.2/rdb-base", "redis-8.6"),
];

/// All modules of the former, as they are named for `--modules`.
const ALL: &str = "ReJSON,bf,search,timeseries";
