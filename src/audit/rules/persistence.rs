//! How the log is written and read again.

use crate::audit::finding::{Finding, Fix};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Info};

static APPENDONLY_OFF: Rule = Rule {
    id: "AOF-001",
    name: "appendonly-off",
    group: Group::Persistence,
    severity: Error,
    title: "The server keeps no append-only file.",
    why: "After a crash, all writes since the last snapshot are lost.",
};

static APPENDFSYNC: Rule = Rule {
    id: "AOF-002",
    name: "appendfsync",
    group: Group::Persistence,
    severity: Error,
    title: "The log is not synced every second.",
    why: "With `no` the kernel decides when bytes reach the disk, often after half a minute; with `always` each write waits for the disk.",
};

pub(super) static RULES: [&Rule; 2] = [&APPENDONLY_OFF, &APPENDFSYNC];

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some(seen) = subject.setting("appendonly").filter(|seen| seen.flag() == Some(false)) {
        findings.push(
            Finding::new(&APPENDONLY_OFF, seen.place.clone(), seen.shown())
                .with(Fix::line("appendonly yes"))
                .with(Fix::command("CONFIG SET appendonly yes"))
                .with(Fix::text(
                    "On a running server, first CONFIG SET, then the line: a server that starts with the line alone \
                     reads the log, not the snapshot, and there is no log yet.",
                )),
        );
    }
    if let Some(seen) = subject.setting("appendfsync").filter(|seen| !seen.is("everysec")) {
        let finding = Finding::new(&APPENDFSYNC, seen.place.clone(), seen.shown());
        let severity = if seen.is("no") { Error } else { Info };
        findings.push(finding.as_severe_as(severity).with(Fix::line("appendfsync everysec")));
    }
}
