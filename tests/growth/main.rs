//! What a rewrite gives back, when it comes, and the memory that a load takes: against what real servers then do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../benches/support/generate.rs"]
mod generate;
#[path = "../support/growing.rs"]
mod growing;
mod limits;
mod memory;
mod rewrites;
mod samples;
mod servers;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/traffic.rs"]
mod traffic;
