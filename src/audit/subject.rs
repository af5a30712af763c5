//! All that could be looked at.

use std::path::PathBuf;

use super::elasticache::Described;
use super::sentinel::SentinelConf;
use crate::aof::{Aof, Configuration};
use crate::check;
use crate::disk::Machine;
use crate::format::nodes::Nodes;
use crate::growth::{GrowthReport, Outlook};
use crate::rules::Target;
use crate::server::ServerSeen;
use crate::stats::DeleteReport;

/// All that could be looked at. What is not there was not looked at, and no rule speaks of it.
#[derive(Debug, Default)]
pub struct Subject {
    /// The server whose ways count, where it is known.
    pub target: Option<Target>,
    /// The server's configuration.
    pub conf: Option<Configuration>,
    /// Configurations of other servers of the same host.
    pub beside: Vec<Configuration>,
    /// The running server.
    pub server: Option<ServerSeen>,
    /// The sets that were found.
    pub sets: Vec<SetSeen>,
    /// The backup repository, a directory.
    pub repository: Option<PathBuf>,
    /// The machine that the server runs on, where that is this one.
    pub machine: Option<Machine>,
    /// The node files of a cluster that were found.
    pub nodes: Vec<NodesSeen>,
    /// Configurations of Sentinels.
    pub sentinels: Vec<SentinelConf>,
    /// What ElastiCache says of managed servers.
    pub elasticache: Vec<Described>,
    /// When this is judged, Unix seconds.
    pub now: Option<i64>,
}

impl Subject {
    /// Its own configuration and nothing else.
    pub fn by_file_alone(&self) -> Self {
        self.of_file(self.conf.clone())
    }

    /// The same of each configuration beside it.
    pub fn each_beside(&self) -> impl Iterator<Item = Self> {
        self.beside.iter().map(|conf| self.of_file(Some(conf.clone())))
    }

    fn of_file(&self, conf: Option<Configuration>) -> Self {
        Self { target: self.target, conf, now: self.now, ..Self::default() }
    }
}

/// A node file, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodesSeen {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub nodes: Nodes,
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
    /// What its log deletes and lets expire.
    pub deletes: DeleteReport,
}
