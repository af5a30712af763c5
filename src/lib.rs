//! aofkit: inspect and maintain the append-only files (AOF) of Redis and Valkey.
//!
//! The house has floors, and imports only go down:
//!
//! 0. words: [`error`], [`limits`], [`progress`], [`text`]
//! 1. hands and tongues: [`disk`] (bytes of files), [`store`] (whole objects in a repository),
//!    [`mod@format`] (what bytes mean), [`command`] (what a name means), [`rules`] (what each server accepts),
//!    [`server`] (what a running one says)
//! 2. [`aof`]: what is there: sets, segments, and the stream of events in them
//! 3. [`scan`]: one pass over a set that feeds observers
//! 4. observers: [`stats`], [`growth`], [`mod@check`], [`mod@print`] and [`moment`]
//! 5. [`change`]: the only room that alters a set: plans, and how they are carried out
//! 6. acts: [`repair`], [`rewind`], [`clean`], [`convert`] and [`backup`]
//! 7. [`trial`]: a real server loads a copy, and what it does is looked at
//! 8. watch: [`mod@audit`]: configuration, server, files and machine against the rules of production; [`fleet`]: the state of
//!    many sets at once; [`metrics`]: figures for Prometheus; [`recover`]: keys of a moment back into a running server; [`diff`]: two
//!    sets side by side
//!
//! ```no_run
//! use aofkit::{Aof, OpenOptions};
//!
//! # fn main() -> aofkit::Result<()> {
//! let aof = Aof::open("appendonlydir".as_ref(), &OpenOptions::default())?;
//! let report = aofkit::check(&aof)?;
//! println!("{}, {} problems", report.verdict.as_str(), report.problems.len());
//! # Ok(())
//! # }
//! ```
//!
//! Four whole programs are in `docs/library.md`: check a set, follow a log, salvage, a backup.
//!
//! The names at the root are what most programs need. What stands in [`disk`], [`aof`], [`scan`] and [`command`] beyond what
//! those programs use is there for the command line, and may change with any release.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod aof;
pub mod audit;
pub mod backup;
pub mod change;
pub mod check;
pub mod clean;
pub mod command;
pub mod convert;
pub mod diff;
pub mod disk;
pub mod error;
pub mod fleet;
pub mod format;
pub mod growth;
pub mod limits;
pub mod metrics;
pub mod moment;
pub mod neighbours;
pub mod print;
pub mod progress;
pub mod recover;
pub mod redact;
pub mod repair;
pub mod rewind;
pub mod rules;
pub mod scan;
pub mod server;
pub mod stats;
pub mod store;
pub mod text;
pub mod trial;

pub use aof::{Aof, OpenOptions};
pub use change::{Looking, Options, Outcome, Proposal, Refusal, Session};
pub use check::{Report, Verdict, check};
pub use error::{Error, Result};
pub use progress::{Progress, Silent};

/// The programs of the guide, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
pub struct Guide;
