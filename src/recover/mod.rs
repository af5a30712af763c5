//! Keys of a moment back into a running server, or into a file.
//!
//! A moment of a set is held by a real server ([`crate::trial::Held`]); its keys that are wanted are named in batches,
//! compared with those of the target ([`compare`]), written there ([`write()`]), into a file ([`Rdb`], [`Commands`]), or
//! shown ([`show`]). The only room that sends commands that write to a server of somebody else. What it replaces it
//! keeps first; what is there and was not to be replaced it never touches, whatever was planned.

mod by_commands;
mod compare;
mod file;
mod hindrance;
mod kept;
mod listed;
mod passed;
mod replace;
mod show;
mod source;
mod stream;
mod target;
mod words;
mod write;

pub use compare::{Comparison, compare};
pub use file::{Commands, Rdb, Sheet, write_file};
pub use hindrance::Hindrance;
pub use kept::Kept;
pub use listed::{KeyNamed, List};
pub use passed::passed;
pub use show::{Shown, show};
pub use source::{Selected, Wish};
pub use target::{Connect, Node, Target};
pub use write::{Written, write};
