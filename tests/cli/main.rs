//! The binary as its users see it: what they type, what they read, what their scripts rely on.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, in its helpers as well"
)]

mod bounds;
mod cat;
mod conf;
mod contract;
mod counts;
mod damage;
mod escapes;
mod exits;
mod filters;
mod foreseen;
mod growth;
mod growth_range;
mod links;
mod live;
mod paths;
mod progress;
mod refused;
mod renamed;
mod repository;
#[path = "../support/schema.rs"]
mod schema;
mod screen;
#[allow(dead_code, reason = "for the tests that share this")]
#[path = "../support/small_disk.rs"]
mod small_disk;
mod sources;
#[path = "../support/spelled.rs"]
mod spelled;
mod stats;
mod streams;
mod targets;
mod unknown;
mod words;
mod world;
