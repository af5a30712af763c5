//! Keys of a moment back into a running server: exactly these, nothing doubled, nothing else changed.
#![allow(clippy::unwrap_used)]

mod histories;
mod killed;
mod large;
mod ran;
#[allow(dead_code, reason = "not every caller looks at every property")]
#[path = "../support/schema.rs"]
mod schema;
mod state;
#[path = "../support/mod.rs"]
mod support;
mod typed;
