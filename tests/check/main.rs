//! What `check` says: against real servers started on damaged sets, and of single kinds of damage, names and manifests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod configured;
mod damage;
mod edge_cases;
mod manifest_grammar;
mod manifest_sets;
mod oracle;
#[path = "../support/mod.rs"]
mod support;
mod traps;
mod wrong_lengths;
