//! `aofkit audit`: every rule has something that breaks just it and something that does not; what is said of a file's
//! lines is what real servers do with them.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code)]
#[path = "../support/schema.rs"]
mod schema;

mod advice;
mod asked;
mod capacity;
mod cases;
mod cluster;
mod configurations;
mod defaults;
mod documents;
mod elasticache;
mod guide;
mod live;
mod live_tls;
mod memory;
mod mutated;
mod nodes;
mod output;
mod persistence;
mod restart;
mod rewrite;
mod security;
mod sentinel;
mod sets;
mod syntax;
mod users;
mod versions;
