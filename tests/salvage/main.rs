//! What `repair --salvage` and `repair --truncate` keep, over seeded damage to what real servers wrote, and
//! against a reader of its own that knows what the bytes were before.
//!
//! `AOFKIT_SEED`, `AOFKIT_DAMAGES`: other or more damage. `AOFKIT_DAMAGE=17`: only that one, told in full.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod bases;
mod damaged;
mod kept;
mod law;
mod loaded;
mod promised;
mod reader;
mod repaired;
mod rules;
mod written;
