//! `audit` for scripts.

use std::path::PathBuf;

use aofkit::audit::{Finding, Fix, Place, Report};
use aofkit::check::Severity;

use super::args::AuditArgs;
use super::gather::Gathered;
use super::wire::{AuditJson, FindingJson, FixJson, PlaceJson, SourceJson, TotalJson};
use crate::cli::common::context::Context;
use crate::cli::common::json::{VERSION, pretty};
use crate::cli::common::members::{PathText, path_text};

const AUDIT: &str = "aofkit.audit/1";

pub fn audit(args: &AuditArgs, gathered: &Gathered, report: &Report, context: &Context) -> String {
    let subject = &gathered.subject;
    let path = |path: &PathBuf| PathText::from(path_text(path));
    pretty(&AuditJson {
        schema: AUDIT,
        tool_version: VERSION,
        source: SourceJson {
            sets: subject.sets.iter().map(|set| path(&set.aof.path)).collect(),
            conf: context.open.conf.as_ref().map(path),
            more_confs: context.more_confs.iter().map(path).collect(),
            server: subject.server.as_ref().map(|server| server.address.clone()),
            settings_withheld: subject
                .server
                .as_ref()
                .and_then(|server| server.withheld.as_ref().map(ToString::to_string)),
            repository: args.repo.as_ref().map(path),
            parameter_groups: args.parameter_group.iter().map(path).collect(),
            sentinel_confs: args.sentinel_conf.iter().map(path).collect(),
        },
        target: subject.target.map(|target| target.to_string()),
        findings: report.findings.iter().map(finding).collect(),
        total: TotalJson {
            errors: report.count(Severity::Error),
            warnings: report.count(Severity::Warning),
            infos: report.count(Severity::Info),
            ignored: report.ignored,
        },
    })
}

fn finding(finding: &Finding) -> FindingJson {
    let rule = finding.rule;
    FindingJson {
        rule: rule.id,
        name: rule.name,
        group: rule.group.as_str(),
        severity: finding.severity.as_str(),
        title: rule.title,
        why: rule.why,
        seen: finding.seen.clone(),
        place: place(&finding.place),
        fix: finding.fix.iter().map(fix).collect(),
    }
}

fn place(place: &Place) -> PlaceJson {
    PlaceJson {
        kind: place.kind(),
        file: place.file().map(path_text).into(),
        line: place.line(),
        server: place.server().map(str::to_owned),
        setting: place.name().map(str::to_owned),
    }
}

fn fix(fix: &Fix) -> FixJson {
    FixJson { kind: fix.kind(), text: fix.what().to_owned() }
}
