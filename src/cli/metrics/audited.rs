//! Findings of an audit among the metrics: once an hour at most, for it reads the sets as a whole.

use std::time::{Duration, Instant};

use aofkit::audit::{Report, audit};
use aofkit::error::Result;
use aofkit::metrics::{Samples, nothing_audited, of_audit};

use super::args::MetricsArgs;
use crate::cli::audit::args::AuditArgs;
use crate::cli::audit::gather::gather;
use crate::cli::common::context::Context;

/// The shortest time between two audits.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// The shortest time until it is tried again where nothing could be looked at.
const AGAIN: Duration = Duration::from_secs(60);

/// How many times longer than it took the next one is waited for, at least.
const REST: u32 = 100;

/// The last audit.
pub struct Audited {
    args: AuditArgs,
    /// `None` where nothing could be looked at, or nothing was yet.
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
    /// When nothing could be looked at. Then that alone is told, and it is tried again soon.
    pub fn tell(&mut self, samples: &mut Samples, context: &Context) -> Result<()> {
        let started = Instant::now();
        if self.again.is_none_or(|again| started >= again) {
            self.report = None;
            let gathered = gather(&self.args, context);
            let every = if gathered.is_ok() { EVERY } else { AGAIN };
            self.again = Some(started + every.max(started.elapsed() * REST));
            let gathered = gathered.inspect_err(|_| nothing_audited(samples))?;
            let report = audit(&gathered.subject, &self.args.ignore);
            let now_ms = jiff::Timestamp::now().as_millisecond();
            self.report = Some((report, gathered.failed.is_none(), now_ms));
        }
        match &self.report {
            Some((report, is_whole, at_ms)) => of_audit(samples, report, *is_whole, *at_ms),
            None => nothing_audited(samples),
        }
        Ok(())
    }
}
