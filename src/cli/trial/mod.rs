//! Trials: a real server loads a copy of a log, and what it does is looked at.
//!
//! Loaders run every command of a log and ask nobody. So a trial has two walls. First, the names of all commands in the copy
//! are looked at, and one that no server logs stops the trial ([`names`]); a server is started with what was looked at and
//! with nothing else. Second, the server has nothing but that copy: another user, no network, no processes but its own, no place
//! to write in but its directory, none of the commands that act on more than keys ([`guard`], [`inside`], [`walls`],
//! [`settings`]), and time, memory and words only as far as its log is large ([`bounds`]). What the kernel does not allow of
//! this is told. Nothing of it outlives the run ([`leash`]).

pub mod arguments;
mod bounds;
mod guard;
mod handed_on;
pub mod inside;
mod leash;
mod names;
mod said;
mod server;
mod settings;
#[cfg_attr(not(target_os = "linux"), path = "no_walls.rs")]
mod walls;

pub use guard::Guard;
pub use handed_on::HandedOn;
pub use leash::{Leash, OwnDir};
pub use names::{Looked, look};
pub use server::{Failure, Load, OwnServer, words};
