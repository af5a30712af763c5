//! Sets from others, and what lies around a set: nobody else's file is touched, nobody else's inode is shared, and a
//! journal is believed only as far as it is proven.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, in its helpers as well"
)]

mod campaign;
#[path = "../support/change_laws.rs"]
mod change_laws;
mod fixed;
mod journals;
mod laws;
mod locks;
mod neighbours;
mod order;
mod servers;
mod shared;
#[path = "../support/mod.rs"]
mod support;
mod tree;
#[path = "../cli/world.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod world;

use support::spelled;
