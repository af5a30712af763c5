//! Many sets at once: one row each, exact sums, the one that stands out; their backups; the slots of their cluster.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, in its helpers as well"
)]

mod backups;
mod closed;
mod cluster;
mod joined;
mod rows;
#[path = "../support/schema.rs"]
#[allow(dead_code, reason = "for the tests that share this")]
mod schema;
mod stable;
#[path = "../support/mod.rs"]
mod support;
mod watched;
mod world;
