//! Versions, and what is known of them.

use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::fixes::{SecurityFix, fixes, release, shown};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Info, Warning};
use crate::format::rdb::Family;

static OLD: Rule = Rule {
    id: "AOF-130",
    name: "server-older-than-7",
    group: Group::Versions,
    severity: Warning,
    title: "The server is older than Redis 7.0.",
    why: "Its log is a single file: a rewrite keeps what is written meanwhile in memory and writes it twice, and backups have to read it whole each time.",
};

static FIXES: Rule = Rule {
    id: "AOF-131",
    name: "security-fixes-missing",
    group: Group::Versions,
    severity: Error,
    title: "Security fixes are missing.",
    why: "How these faults are used is public.",
};

static TABLE: Rule = Rule {
    id: "AOF-132",
    name: "security-table-old",
    group: Group::Versions,
    severity: Info,
    title: "The list of security fixes in aofkit is old.",
    why: "Fixes that were published since are not in it: a server that lacks them passes the rule `security-fixes-missing`.",
};

pub(super) static RULES: [&Rule; 3] = [&OLD, &FIXES, &TABLE];

/// Days after which the table is called old.
const OLD_DAYS: i64 = 90;

/// Fixes that are named one by one; the rest is counted.
const NAMED: usize = 4;

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    old(subject, findings);
    missing(subject, findings);
}

fn old(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(target) =
        subject.target.filter(|one| one.family == Family::Redis && one.version < (7, 0))
    else {
        return;
    };
    let place = place(subject).or_else(|| Some(Place::Path(subject.conf.as_ref()?.path.clone())));
    let place = place.or_else(|| Some(Place::Path(subject.sets.first()?.aof.path.clone())));
    let Some(place) = place else { return };
    let seen = format!("Redis {}.{}", target.version.0, target.version.1);
    findings.push(Finding::new(&OLD, place, seen).with(Fix::text(
        "Upgrade; the new server takes over the old file by itself, and aofkit convert makes the new form beforehand.",
    )));
}

/// Where the running server says its version.
fn place(subject: &Subject) -> Option<Place> {
    let server = subject.server.as_ref()?;
    Some(Place::Setting {
        server: server.address.clone(),
        name: format!("{}_version", server.state.family),
    })
}

fn missing(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some((place, server)) = place(subject).zip(subject.server.as_ref()) else { return };
    let state = &server.state;
    // A version that is not known in full is not judged.
    let Some(version) = state.version.as_deref().and_then(release) else { return };
    let table = fixes();
    let age = subject.now.and_then(|now| table.age_days(now));
    let told = match age {
        Some(days) => format!("list of {}, {days} days old", table.as_of),
        None => format!("list of {}", table.as_of),
    };
    let lacking: Vec<(&SecurityFix, _)> = table
        .rows
        .iter()
        .filter_map(|row| Some((row, row.lacks(state.family, version)?)))
        .collect();
    if let Some(to) = lacking.iter().map(|(_, to)| *to).max() {
        let newest = lacking.iter().rev().take(NAMED);
        let named: Vec<_> = newest.map(|(row, _)| format!("{} ({})", row.id, row.what)).collect();
        let more = match lacking.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let seen =
            format!("{} {}: {}{more}; {told}", state.family, shown(version), named.join(", "));
        let fix = Fix::text(format!("Upgrade to {} {} or later.", state.family, shown(to)));
        findings.push(Finding::new(&FIXES, place.clone(), seen).with(fix));
    }
    if age.is_some_and(|days| days > OLD_DAYS) {
        let fix = Fix::text("Install a newer aofkit, and read the server's own release notes.");
        findings.push(Finding::new(&TABLE, place, told).with(fix));
    }
}
