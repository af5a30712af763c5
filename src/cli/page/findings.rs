//! Findings of an audit.

use aofkit::audit::{Finding, Report};
use aofkit::check::Severity;
use aofkit::text::{count, tame};

use super::parts::{Section, Tone, Trouble, clipped};

/// Findings that are told at most.
const TOLD: usize = 40;

pub fn findings(report: &Report) -> Section {
    let mut section = Section::new("Audit: configuration and machine by the rules of production");
    if report.findings.is_empty() {
        section.lead.push("No rule is broken.".to_owned());
        return section;
    }
    let told = |severity, noun| count(report.count(severity) as u64, noun);
    section.lead.push(format!(
        "{}, {}.",
        told(Severity::Error, "error"),
        told(Severity::Warning, "warning")
    ));
    section.troubles = report.findings.iter().take(TOLD).map(trouble).collect();
    if report.findings.len() > TOLD {
        let more = count((report.findings.len() - TOLD) as u64, "more finding");
        section.notes.push(format!("{more}: `aofkit audit` lists all."));
    }
    section
}

fn trouble(finding: &Finding) -> Trouble {
    let fix: Vec<&str> = finding.fix.iter().map(|fix| fix.what()).collect();
    Trouble {
        tone: match finding.severity {
            Severity::Error => Tone::Bad,
            Severity::Warning => Tone::Warning,
            Severity::Info => Tone::Plain,
        },
        severity: finding.severity.as_str(),
        kind: format!("{} {}", finding.rule.id, finding.rule.title),
        place: clipped(&tame(&finding.place.to_string()), 200),
        message: clipped(&tame(&finding.seen), 600),
        lost: String::new(),
        next: clipped(&tame(&fix.join("; ")), 500),
        bytes: Vec::new(),
    }
}
