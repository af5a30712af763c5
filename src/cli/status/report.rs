//! What `aofkit status` found, for whoever prints it.

use std::cmp::Reverse;
use std::path::PathBuf;

use aofkit::check::{Severity, Verdict};
use aofkit::fleet::{Backed, Coverage, Outlier, Source, State, Vacant};
use jiff::SignedDuration;

use crate::cli::common::outcome::Outcome;

/// All that was looked at.
pub struct Watched {
    /// The sets, the worst first, each with its name.
    pub sets: Vec<(String, State)>,
    /// What the repository has, where one was named.
    pub sources: Option<Vec<Source>>,
    pub repo: Option<PathBuf>,
    /// Sets that stand out, by their place in `sets`.
    pub outliers: Vec<Outlier>,
    /// The slots of a cluster, where the sets are of one.
    pub coverage: Option<Coverage>,
    /// The oldest that a backup may be.
    pub max_age: Option<SignedDuration>,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// Directories beside those of servers, with no set in them.
    pub vacant: Vec<Vacant>,
    /// What these are named below.
    pub root: PathBuf,
    /// Sets that could not be read.
    pub failed: u64,
}

impl Watched {
    /// Whether something of this time is too old, or there is none; `None` where nobody asked.
    pub fn is_too_old(&self, taken_ms: Option<i64>) -> Option<bool> {
        let most = i64::try_from(self.max_age?.as_millis()).unwrap_or(i64::MAX);
        Some(taken_ms.is_none_or(|taken| self.now_ms.saturating_sub(taken) > most))
    }

    /// Whether the last backup of a set is too old, or there is none.
    pub fn is_set_too_old(&self, state: &State) -> Option<bool> {
        match &state.backed {
            Backed::NotAsked => None,
            Backed::Never => self.is_too_old(None),
            Backed::By { source, .. } => self.is_too_old(source.taken_ms()),
        }
    }

    /// The same of a source; those of files as they were found are none.
    pub fn is_source_too_old(&self, source: &Source) -> Option<bool> {
        if source.is_as_is() {
            return None;
        }
        self.is_too_old(source.taken_ms())
    }

    /// How it ends.
    pub fn outcome(&self) -> Outcome {
        let of_sets = Outcome::worst(self.sets.iter().map(|(_, state)| outcome(state)));
        if of_sets != Outcome::Done {
            return of_sets;
        }
        if self.vacant.iter().any(|one| one.is_of_server) {
            return Outcome::NotFound;
        }
        let mut sources = self.sources.iter().flatten();
        if sources.clone().any(is_bad) {
            return Outcome::BadBackup;
        }
        let too_old = |old: Option<bool>| old == Some(true);
        let is_old = self.sets.iter().any(|(_, state)| too_old(self.is_set_too_old(state)))
            || sources.any(|source| too_old(self.is_source_too_old(source)))
            || self.max_age.is_some()
                && self.sets.is_empty()
                && self.sources.iter().all(Vec::is_empty);
        if is_old { Outcome::Findings } else { Outcome::Done }
    }
}

/// Whether a source's newest snapshot cannot be read, or the last verification found that one is damaged.
pub fn is_bad(source: &Source) -> bool {
    !source.unreadable.is_empty() || source.last_look().is_some_and(|look| !look.good)
}

/// What `check` would exit with.
pub fn outcome(state: &State) -> Outcome {
    if state.is_closed() { Outcome::CouldNot } else { Outcome::of_verdict(state.verdict()) }
}

/// The worst first: by verdict, then those that stand out (by their place among these), then by what is found beside the
/// set and what is to be done soon.
pub fn rank(state: &State, stands_out: Option<usize>) -> impl Ord + use<> {
    let severity = state.worst().map(|problem| problem.severity);
    let is_due = state.outlook.trigger.is_due();
    let verdict = Reverse((state.is_closed(), state.verdict()));
    let others = Reverse((severity, state.outlook.holds.len(), is_due));
    (verdict, stands_out.unwrap_or(usize::MAX), others, Reverse(state.growth_percent()))
}

/// How a set is, in one or two words.
pub fn health(state: &State) -> String {
    let verdict = state.verdict().as_str();
    match state.worst() {
        _ if state.is_closed() => "not readable by its server".to_owned(),
        Some(problem) if state.verdict() != Verdict::Healthy => {
            let of_verdict = problem.kind.as_str();
            if of_verdict == verdict {
                verdict.to_owned()
            } else {
                format!("{verdict}: {of_verdict}")
            }
        }
        Some(problem) if problem.severity == Severity::Warning => {
            format!("{verdict}, {}", problem.kind.as_str())
        }
        _ => verdict.to_owned(),
    }
}
