//! Back to a second, a place, a command: what is kept, what goes, and what servers make of the result.
#![allow(clippy::unwrap_used)]

mod damaged;
mod keep_later;
mod killed;
#[allow(dead_code, reason = "not every caller looks at every property")]
#[path = "../support/schema.rs"]
mod schema;
mod seconds;
mod servers;
#[path = "../support/mod.rs"]
mod support;
mod typed;
