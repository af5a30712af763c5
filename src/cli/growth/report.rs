//! What `aofkit growth` found, for whoever prints it.

use aofkit::aof::Aof;
use aofkit::check::Problem;
use aofkit::growth::{GrowthReport, Outlook};
use aofkit::server::ServerState;
use aofkit::stats::Faults;

use crate::cli::common::threshold::Exceeded;

/// How one set grows.
pub struct Grown {
    pub aof: Aof,
    pub report: GrowthReport,
    pub outlook: Outlook,
    pub faults: Faults,
    pub exceeded: Vec<Exceeded>,
    /// Figures that were to be watched and are not known.
    pub unknown: Vec<&'static str>,
    /// The running server that was asked about it: its address, and what it said.
    pub server: Option<(String, ServerState)>,
    /// What could not be kept from the server that has loaded it; `None` where none has.
    pub walls_missing: Option<Vec<String>>,
    /// Files are gone, and their server still runs.
    pub deleted: Option<Problem>,
}

impl Grown {
    /// Live increments.
    pub fn increments(&self) -> usize {
        let live = self.aof.live().map(|(_, segment)| segment.role);
        live.filter(|role| *role == aofkit::aof::Role::Increment).count()
    }
}

/// Where the rule in force comes from.
pub enum RuleSource {
    Server,
    Conf,
    Default,
}

/// Where this set's rule comes from: the server counts as soon as it told one of the two settings.
pub fn rule_source(one: &Grown) -> RuleSource {
    let told =
        |said: &ServerState| said.rewrite_percentage.is_some() || said.rewrite_min_bytes.is_some();
    match &one.server {
        Some((_, said)) if told(said) => RuleSource::Server,
        _ if one.aof.configured => RuleSource::Conf,
        _ => RuleSource::Default,
    }
}
