//! RDB files: walked, counted and compared, of the servers here and of those that no server was run for.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contents;
mod counts;
mod damaged;
mod fixtures;
mod later;
mod places;
#[path = "../support/mod.rs"]
mod support;
