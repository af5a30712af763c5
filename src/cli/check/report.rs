//! What `aofkit check` found, for whoever prints it.

use aofkit::aof::Aof;
use aofkit::check::{Kind, Problem, Report, Severity};
use aofkit::trial::Loaded;

use crate::cli::common::loaded;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::sets::Row;

/// One set.
pub struct Checked {
    pub aof: Aof,
    pub report: Report,
    /// What a server made of a copy, where one was asked.
    pub loaded: Option<Loaded>,
}

impl Checked {
    /// Its row among several.
    pub fn row(&self) -> Row<'_> {
        Row { aof: &self.aof, report: &self.report, growth: None, mix: None }
    }

    /// The exit status for it.
    pub fn outcome(&self) -> Outcome {
        let is_closed = |p: &Problem| p.kind == Kind::NotReadable && p.severity == Severity::Error;
        let own = match Outcome::of_verdict(self.report.verdict) {
            Outcome::Done if self.report.problems.iter().any(is_closed) => Outcome::CouldNot,
            own => own,
        };
        let loaded = self.loaded.as_ref();
        loaded.map_or(own, |loaded| loaded::exit_status(own, self.report.loads, loaded))
    }
}
