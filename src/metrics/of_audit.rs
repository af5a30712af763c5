//! What an audit found.

use std::collections::BTreeMap;

use super::list::{AUDIT_FINDINGS, AUDIT_SUCCESS, AUDIT_TIMESTAMP};
use super::of_set::from_ms;
use super::samples::Samples;
use crate::audit::Report;
use crate::check::Severity;

/// That nothing could be looked at.
pub fn nothing_audited(samples: &mut Samples) {
    samples.add(&AUDIT_SUCCESS, &[], false);
}

/// The findings by rule, of an audit at this time in Unix milliseconds. `is_whole`: all that was named was looked at.
pub fn of_audit(samples: &mut Samples, report: &Report, is_whole: bool, at_ms: i64) {
    let mut findings: BTreeMap<(Severity, &str), u64> = BTreeMap::new();
    for finding in &report.findings {
        *findings.entry((finding.severity, finding.rule.name)).or_default() += 1;
    }
    samples.add(&AUDIT_SUCCESS, &[], is_whole);
    for ((severity, rule), count) in findings {
        samples.add(&AUDIT_FINDINGS, &[severity.as_str(), rule], count);
    }
    samples.add(&AUDIT_TIMESTAMP, &[], from_ms(at_ms));
}
