//! All that could be looked at.

use std::path::PathBuf;

use crate::aof::{Aof, Configuration};
use crate::check;
use crate::growth::{GrowthReport, Outlook};
use crate::rules::Target;
use crate::server::ServerSeen;

/// All that could be looked at. What is not there was not looked at, and no rule speaks of it.
#[derive(Debug, Default)]
pub struct Subject {
    /// The server whose ways count, where it is known.
    pub target: Option<Target>,
    /// The server's configuration.
    pub conf: Option<Configuration>,
    /// The running server.
    pub server: Option<ServerSeen>,
    /// The sets that were found.
    pub sets: Vec<SetSeen>,
    /// The backup repository, a directory.
    pub repository: Option<PathBuf>,
}

/// A set, and what was seen of it in one pass.
#[derive(Debug)]
pub struct SetSeen {
    /// The set.
    pub aof: Aof,
    /// What `check` says.
    pub report: check::Report,
    /// How it grew.
    pub growth: GrowthReport,
    /// What follows from that.
    pub outlook: Outlook,
}
