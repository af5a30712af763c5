//! Pages of `report`: their numbers, their size, what a hostile set can do to them, and where they may be written.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, in its helpers as well"
)]

mod browser;
mod page;
mod world;
