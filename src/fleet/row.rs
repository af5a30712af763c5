//! The state of one set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::aof::{Layout, Role};
use crate::check::{Kind, Loads, Problem, Report, Severity, Verdict};
use crate::format::nodes::Nodes;
use crate::growth::{Forecast, Outlook, Unforeseen};
use crate::server::ServerState;
use crate::stats::MixReport;

use super::outlier::Measured;
use super::source::{Backed, Candidates};

/// The files of one role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilesOfRole {
    /// How many are there.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many the manifest names and are not there.
    pub missing: u64,
}

/// The state of one set.
#[derive(Clone, Debug)]
pub struct State {
    /// What the path was resolved to.
    pub path: PathBuf,
    /// The set's own directory.
    pub dir: PathBuf,
    /// The manifest, where there is one.
    pub manifest: Option<PathBuf>,
    /// What kind of set it is.
    pub layout: Layout,
    /// Whether the configuration of its server was read.
    pub is_configured: bool,
    /// When it was looked at, Unix milliseconds.
    pub seen_ms: i64,
    /// The judgement, without what it tells of each file.
    pub report: Report,
    /// Files by role, history among them.
    pub files: Vec<(Role, FilesOfRole)>,
    /// Sound records of all live files.
    pub commands: u64,
    /// What fills them, by command.
    pub mix: MixReport,
    /// When it will be rewritten, when the disk is full, what keeps a rewrite from happening.
    pub outlook: Outlook,
    /// Files beside it that no server loads.
    pub leftovers: u64,
    /// When one of its files was last written to, Unix seconds.
    pub written_at: Option<i64>,
    /// What a repository has of it; see [`super::join`].
    pub backed: Backed,
    /// The sources that it may be.
    pub(super) candidates: Candidates,
    /// What its server remembers of its cluster.
    pub cluster: Option<Nodes>,
    /// What its running server said, and at which address; of another server's set nothing.
    pub server: Option<(String, ServerState)>,
}

impl State {
    /// How the set is.
    pub fn verdict(&self) -> Verdict {
        self.report.verdict
    }

    /// Whether its server may not read or write it, though it is well.
    pub fn is_closed(&self) -> bool {
        let is_closed = |p: &Problem| p.kind == Kind::NotReadable && p.severity == Severity::Error;
        self.report.verdict == Verdict::Healthy && self.report.problems.iter().any(is_closed)
    }

    /// The problem that matters most, where there is one above info.
    pub fn worst(&self) -> Option<&Problem> {
        self.report.problems.iter().find(|problem| problem.severity > Severity::Info)
    }

    /// How many problems there are by severity and kind.
    pub fn problems(&self) -> BTreeMap<(Severity, Kind), u64> {
        let mut all = BTreeMap::new();
        for problem in &self.report.problems {
            *all.entry((problem.severity, problem.kind)).or_default() += 1;
        }
        all
    }

    /// Files of this role.
    pub fn of_role(&self, role: Role) -> FilesOfRole {
        let own = self.files.iter().find(|(of, _)| *of == role);
        own.map(|(_, files)| *files).unwrap_or_default()
    }

    /// Growth since the base, in percent, as its server counts; `None` of what has no base to grow from.
    pub fn growth_percent(&self) -> Option<u64> {
        let has_base = self.layout == Layout::MultiPart && self.of_role(Role::Base).missing == 0;
        self.outlook.trigger.growth_percent().filter(|_| has_base)
    }

    /// Times to come; of what no server starts with, and none is known to write to, none.
    pub fn forecast(&self) -> Forecast {
        let withheld = match self.report.loads {
            _ if self.outlook.is_written_to == Some(true) || self.server.is_some() => None,
            Loads::No | Loads::StartsEmpty => Some(Unforeseen::NotLoaded),
            _ => None,
        };
        match withheld {
            Some(_) => Forecast { withheld, ..Forecast::default() },
            None => self.outlook.forecast,
        }
    }

    /// What is compared of it with others.
    pub fn measured(&self) -> Measured<'_> {
        Measured {
            verdict: Some(self.verdict()),
            size_bytes: self.report.size_bytes,
            growth_percent: self.growth_percent(),
            mix: Some(&self.mix),
        }
    }

    /// The part of the file system that is in use.
    pub fn disk_used(&self) -> Option<f64> {
        let disk = self.outlook.disk.filter(|disk| disk.total > 0)?;
        Some(1.0 - disk.free as f64 / disk.total as f64)
    }
}
