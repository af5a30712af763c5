//! Is every byte accounted for, will a server load the set, and if not: what, where, what is lost, what
//! to do next.
//!
//! One pass gathers facts ([`Check`], an observer); two judges sit in it and see the same events: the
//! target's loader and redis-check-aof. [`judge`] puts the facts together with what the manifest says and
//! answers a [`Report`].

mod advice;
mod behind_dump;
mod beside;
mod checker;
mod configuration;
mod corrupt_tail;
mod damaged;
mod databases;
mod describe;
mod facts;
mod finding;
mod following;
mod growing;
mod halt;
mod import;
mod imports;
mod join;
mod listing;
mod loader;
mod modules;
mod moments;
mod not_looked_at;
mod not_taken;
mod notes;
mod objections;
mod observe;
mod opinions;
mod payload;
mod payload_told;
mod payloads;
mod player;
pub mod preamble;
mod raw;
mod rdb_inside;
mod rdb_parts;
mod reached;
mod report;
mod scene;
mod seen;
mod set;
mod settle;
mod shortened;
mod split;
mod splits;
mod state;
mod still_runs;
pub mod strict;
mod traps;
mod unknown;
mod unseen;
mod verdict;
mod watched;

pub(crate) use facts::may_be_exec;
pub use facts::{Facts, OddFacts, RdbFacts, SegmentFacts, SegmentFormat};
pub use finding::{Kind, Lost, Problem, Severity};
pub use following::{Change, Following};
pub use halt::{Cause, Halt};
pub(crate) use loader::Loader;
pub use moments::Moments;
pub use observe::Check;
pub(crate) use opinions::Opinion;
pub use raw::Raw;
pub use reached::Reached;
pub use report::{Report, SegmentReport, check, judge};
pub use scene::Wording;
pub use seen::{NonCanonical, Seen, What};
pub(crate) use settle::Certainty;
pub use split::{Crossing, Split};
pub use still_runs::deleted_but_open;
pub use unknown::Unknown;
pub use verdict::{CheckAof, Loads, Verdict};
