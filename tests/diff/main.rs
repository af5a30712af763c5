//! Two sets side by side: where their histories part, and which keys each has alone.
#![allow(clippy::unwrap_used)]

mod failover;
mod files;
mod pairs;
mod ran;
#[allow(dead_code, reason = "not every caller looks at every property")]
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;
