//! What investigations of a disk asked for: who wrote when, what of a log is framing, what a base takes in memory, and what
//! nobody uses.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, in its helpers as well"
)]

mod families;
mod forecast;
mod framing;
#[allow(dead_code, reason = "nothing is asked of it but to write and to load")]
#[path = "../support/growing.rs"]
mod growing;
mod idle;
mod memory;
#[allow(dead_code, reason = "nothing but the validator is used")]
#[path = "../support/schema.rs"]
mod schema;
mod seeds;
mod shapes;
#[path = "../support/mod.rs"]
mod support;
mod world;
mod written;
