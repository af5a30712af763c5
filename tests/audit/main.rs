//! `aofkit audit`: every rule has something that breaks just it and something that does not; what is said of a file's
//! lines is what real servers do with them.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod cases;
mod cluster;
mod elasticache;
mod memory;
mod persistence;
mod security;
mod sentinel;
mod versions;
