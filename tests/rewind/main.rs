//! Back to a second, a place, a command: what is kept, what goes, and what servers make of the result.
#![allow(clippy::unwrap_used)]

mod model;
mod seconds;
#[path = "../support/mod.rs"]
mod support;
