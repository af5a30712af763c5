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
//! 4. observers: [`stats`], [`growth`], [`check`], [`mod@print`] and [`moment`]
//! 5. [`change`]: the only room that alters a set: plans, and how they are carried out
//! 6. acts: [`repair`], [`rewind`], [`clean`], [`convert`] and [`backup`]
//! 7. [`trial`]: a real server loads a copy, and what it does is looked at
//!
//! ```no_run
//! use aofkit::aof::{Aof, OpenOptions};
//! use aofkit::progress::Silent;
//! use aofkit::{check, scan, stats};
//!
//! # fn main() -> aofkit::error::Result<()> {
//! let aof = Aof::open("appendonlydir".as_ref(), &OpenOptions::default())?;
//! let observer = (check::Check::new(&aof), stats::Mix::default());
//! let (facts, mix) = scan::scan(&aof, observer, &scan::Pace::default(), &Silent)?;
//! let report = check::judge(&aof, facts, &check::Wording::default())?;
//! println!("{:?}, {} commands", report.verdict, mix.totals.commands);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod aof;
pub mod backup;
pub mod change;
pub mod check;
pub mod clean;
pub mod command;
pub mod convert;
pub mod disk;
pub mod error;
pub mod format;
pub mod growth;
pub mod limits;
pub mod moment;
pub mod neighbours;
pub mod print;
pub mod progress;
pub mod repair;
pub mod rewind;
pub mod rules;
pub mod scan;
pub mod server;
pub mod stats;
pub mod store;
pub mod text;
pub mod trial;
