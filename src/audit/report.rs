//! All findings about a subject.

use std::cmp::Reverse;

use super::finding::Finding;
use super::rule::Rule;
use super::rules;
use super::subject::Subject;
use crate::check::Severity;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is wrong, the most severe first.
    pub findings: Vec<Finding>,
    /// How many findings were left out because nobody wants them.
    pub ignored: usize,
}

/// Judges a subject by all rules but those to be ignored.
pub fn audit(subject: &Subject, ignore: &[&'static Rule]) -> Report {
    let mut findings = rules::judge_all(subject);
    findings.extend(subject.each_beside().flat_map(|one| rules::judge_all(&one)));
    let all = findings.len();
    findings.retain(|finding| !ignore.contains(&finding.rule));
    let ignored = all - findings.len();
    findings.sort_by(|a, b| {
        let key = |one: &Finding| (Reverse(one.severity), one.rule.id);
        key(a).cmp(&key(b)).then_with(|| a.place.cmp(&b.place))
    });
    findings.dedup();
    Report { findings, ignored }
}

impl Report {
    /// How many findings are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// The most severe of all.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}
