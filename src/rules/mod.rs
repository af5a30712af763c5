//! What each program accepts: one [`Rules`] value per loader. Facts about bytes do not depend on a
//! program; judgements do. Pure.
//!
//! Source: the recorded tables, one per server that was run (`servers.txt`) and per module that ran in one
//! (`modules.txt`), and what is only read about others (`documented.txt`). A version between two tables takes commands, RDB versions and options by when they came,
//! and the behaviour of the next older table.

mod brought;
mod complaints;
pub mod defaults;
mod directives;
mod modules;
mod needs;
mod numbers;
mod of_server;
mod read;
mod refusals;
mod target;
mod worded;

pub use directives::{Directives, LargeSizes, UnknownLines};
pub use modules::{By, Modules, Origin, Presence, Presences};
pub use needs::{Need, Needed, Needs, OfModules};
pub use of_server::{Arity, Call, Rules};
pub use target::{Knowledge, Target, TargetError};
