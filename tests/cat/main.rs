//! What `cat` prints, against real clients and servers; and the keys of records.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod clients;
mod getkeys;
mod servers;
#[path = "../support/mod.rs"]
mod support;
