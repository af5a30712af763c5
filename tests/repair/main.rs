//! Repairs of tails and manifests, how they are published, and how they are taken back.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, in its helpers as well"
)]

mod annotations;
mod crash;
mod extended;
mod killed;
mod library;
mod manifests;
mod outputs;
mod plans;
#[path = "../support/schema.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod schema;
mod servers;
mod session;
mod sound;
#[path = "../support/mod.rs"]
mod support;
mod tails;
#[path = "../cli/world.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod world;

use support::spelled;
