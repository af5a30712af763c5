//! Findings of an audit among the metrics: once an hour at most, for it reads the sets as a whole.

use std::time::{Duration, Instant};

use aofkit::audit::{Report, audit};
use aofkit::error::Result;
use aofkit::metrics::{Samples, of_audit};

use super::args::MetricsArgs;
use crate::cli::audit::args::AuditArgs;
use crate::cli::audit::gather::gather;
use crate::cli::common::context::Context;

/// The shortest time between two audits.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// How many times longer than it took the next one is waited for, at least.
const REST: u32 = 100;

/// The last audit.
pub struct Audited {
    args: AuditArgs,
    report: Option<(Report, bool, i64)>,
    again: Option<Instant>,
}

impl Audited {
    pub fn new(args: &MetricsArgs) -> Self {
        let args = AuditArgs::of(&args.paths, args.repo.clone(), &args.ignore);
        Self { args, report: None, again: None }
    }

    /// Tells the findings, made anew where it is time for that.
    ///
    /// # Errors
    /// When nothing could be looked at. Then nothing is told.
    pub fn tell(&mut self, samples: &mut Samples, context: &Context) -> Result<()> {
        let started = Instant::now();
        if self.again.is_none_or(|again| started >= again) {
            self.report = None;
            let gathered = gather(&self.args, context);
            self.again = Some(started + EVERY.max(started.elapsed() * REST));
            let gathered = gathered?;
            let report = audit(&gathered.subject, &self.args.ignore);
            let now_ms = jiff::Timestamp::now().as_millisecond();
            self.report = Some((report, gathered.failed.is_none(), now_ms));
        }
        if let Some((report, is_whole, at_ms)) = &self.report {
            of_audit(samples, report, *is_whole, *at_ms);
        }
        Ok(())
    }
}
