//! Sums, sketches and families of `stats`: their laws, and against logs that servers write.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod evictions;
mod key_patterns;
mod live;
mod merge;
mod sums;
#[path = "../support/mod.rs"]
mod support;
