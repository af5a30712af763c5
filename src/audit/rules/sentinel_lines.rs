//! Lines that a Sentinel does not start with.

use crate::audit::finding::{Finding, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Warning};

pub(super) static REFUSED: Rule = Rule::new(
    "AOF-122",
    "sentinel-line-refused",
    (Group::Sentinel, Error),
    "Sentinels do not start with this line.",
    "A Sentinel ends at once, and that shows only at its next restart; some pass over directives that they do not know.",
);

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    for at in subject.sentinels.iter().flat_map(|conf| &conf.refused) {
        let place = Place::Line { file: at.file.clone(), number: at.number };
        let severity = if at.value.by_all { Error } else { Warning };
        findings.push(Finding::new(&REFUSED, place, &at.value.why).as_severe_as(severity));
    }
}
