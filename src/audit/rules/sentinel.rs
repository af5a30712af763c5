//! Sentinels, by their configurations.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::sentinel::{At, Monitor, SentinelConf};
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Info, Warning};
use crate::text;

static UNREACHABLE: Rule = Rule {
    id: "AOF-060",
    name: "sentinel-quorum-unreachable",
    group: Group::Sentinel,
    severity: Error,
    title: "The quorum is larger than the number of Sentinels.",
    why: "So many can never agree that the primary is lost: there will be no failover.",
};

static ONE: Rule = Rule {
    id: "AOF-061",
    name: "sentinel-quorum-one",
    group: Group::Sentinel,
    severity: Warning,
    title: "One Sentinel alone decides that the primary is lost.",
    why: "A fault of its own network is enough to start a failover.",
};

static NUMBER: Rule = Rule {
    id: "AOF-062",
    name: "sentinel-number",
    group: Group::Sentinel,
    severity: Warning,
    title: "The number of Sentinels is small or even.",
    why: "A failover needs most of all Sentinels: of two none may be lost, and a fourth bears no more losses than three do.",
};

static DOWN_AFTER: Rule = Rule {
    id: "AOF-063",
    name: "sentinel-down-after",
    group: Group::Sentinel,
    severity: Warning,
    title: "The time after which the primary counts as lost is unusual.",
    why: "Below 2 seconds a slow command or fork starts a failover; above a minute writes fail that long.",
};

static FAILOVER_TIMEOUT: Rule = Rule {
    id: "AOF-064",
    name: "sentinel-failover-timeout",
    group: Group::Sentinel,
    severity: Warning,
    title: "The time for a failover does not fit.",
    why: "A failover that is not done in time is given up and tried again after twice that time: too short it never ends, too long nobody else tries.",
};

static AUTH: Rule = Rule {
    id: "AOF-065",
    name: "sentinel-auth",
    group: Group::Sentinel,
    severity: Error,
    title: "The server wants a password, and the Sentinel has none for it.",
    why: "The Sentinel cannot watch what it cannot log in to, and takes it for lost.",
};

static ADDRESS: Rule = Rule {
    id: "AOF-066",
    name: "sentinel-address",
    group: Group::Sentinel,
    severity: Warning,
    title: "The address that clients and Sentinels are told is of no use to them.",
    why: "Sentinels hand on the address that they were given: a loopback address leads each host to itself, and behind NAT or in a container the own address must be announced.",
};

static DISAGREE: Rule = Rule {
    id: "AOF-067",
    name: "sentinel-disagree",
    group: Group::Sentinel,
    severity: Error,
    title: "Sentinels of one primary are configured differently, or under one name.",
    why: "With different quorums or addresses they disagree on when and what to fail over; two of one name count as one.",
};

static SAME_HOST: Rule = Rule {
    id: "AOF-068",
    name: "sentinel-same-host",
    group: Group::Sentinel,
    severity: Warning,
    title: "Most of the Sentinels are on one host.",
    why: "When that host is lost, the others are no majority, and there is no failover.",
};

static OPEN: Rule = Rule {
    id: "AOF-069",
    name: "sentinel-open",
    group: Group::Sentinel,
    severity: Warning,
    title: "Anybody who reaches the Sentinel may reconfigure it.",
    why: "SENTINEL SET and FAILOVER need no password then; with `deny-scripts-reconfig no` they even name a program to run.",
};

pub(super) static RULES: [&Rule; 10] = [
    &UNREACHABLE,
    &ONE,
    &NUMBER,
    &DOWN_AFTER,
    &FAILOVER_TIMEOUT,
    &AUTH,
    &ADDRESS,
    &DISAGREE,
    &SAME_HOST,
    &OPEN,
];

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    for conf in &subject.sentinels {
        for monitor in &conf.monitors {
            quorum(subject, conf, monitor, findings);
            times(monitor, findings);
            auth(subject, monitor, findings);
            address(conf, monitor, findings);
            same_host(monitor, findings);
        }
        names(conf, findings);
        open(conf, findings);
    }
    disagree(subject, findings);
}

fn line<T>(at: &At<T>) -> Place {
    Place::Line { file: at.file.clone(), number: at.number }
}

/// How many Sentinels watch this primary: this one, those that it has met, and those whose files were given. `None` where
/// it has not met anybody and is the only one that was looked at: nobody knows then.
fn count(subject: &Subject, own: &SentinelConf, monitor: &Monitor) -> Option<u64> {
    let mut names: BTreeSet<String> =
        monitor.sentinels.iter().map(|(_, _, id)| id.clone()).collect();
    let others = subject.sentinels.iter().filter(|conf| {
        conf.path != own.path && conf.monitors.iter().any(|other| other.name == monitor.name)
    });
    // One that has never run has no name yet: then its file stands for it.
    names.extend(
        others.map(|conf| conf.id.clone().unwrap_or_else(|| conf.path.display().to_string())),
    );
    (!names.is_empty()).then_some(names.len() as u64 + 1)
}

fn quorum(subject: &Subject, conf: &SentinelConf, monitor: &Monitor, findings: &mut Vec<Finding>) {
    let place = || line(&monitor.quorum);
    let quorum = u64::from(monitor.quorum.value);
    if quorum == 1 {
        let seen = format!("quorum 1 for {}", monitor.name);
        let fix = set(subject, monitor);
        findings.push(Finding::new(&ONE, place(), seen).with(fix));
    }
    let Some(all) = count(subject, conf, monitor) else { return };
    if quorum > all {
        let seen = format!("quorum {quorum} for {}, and {} known", monitor.name, sentinels(all));
        let fix = set(subject, monitor);
        findings.push(Finding::new(&UNREACHABLE, place(), seen).with(fix));
    }
    if all < 3 || all % 2 == 0 {
        let severity = if all < 3 { Warning } else { Info };
        let seen = format!("{} known for {}", sentinels(all), monitor.name);
        let fix = Fix::text("Run three or five Sentinels, each on a host of its own.");
        findings.push(Finding::new(&NUMBER, place(), seen).as_severe_as(severity).with(fix));
    }
}

fn sentinels(count: u64) -> String {
    text::count(count, "Sentinel")
}

/// The quorum to set, the same wherever it is advised: most of the Sentinels that are known to any of the files.
fn set(subject: &Subject, monitor: &Monitor) -> Fix {
    let views = subject.sentinels.iter().flat_map(|conf| {
        let own = conf.monitors.iter().filter(|other| other.name == monitor.name);
        own.filter_map(|own| count(subject, conf, own))
    });
    let quorum = (views.max().unwrap_or_default() / 2 + 1).max(2);
    Fix::command(format!("SENTINEL SET {} quorum {quorum}", monitor.name))
}

fn times(monitor: &Monitor, findings: &mut Vec<Finding>) {
    let down = monitor.down_after_ms();
    if !(2_000..=60_000).contains(&down) {
        let place = monitor.down_after_ms.as_ref().map_or_else(|| line(&monitor.quorum), line);
        let seen = format!("down-after-milliseconds {} {down}", monitor.name);
        let fix = Fix::line(format!("sentinel down-after-milliseconds {} 5000", monitor.name));
        findings.push(Finding::new(&DOWN_AFTER, place, seen).with(fix));
    }
    let most = monitor.failover_timeout_ms();
    if most < 10_000 || most < down.saturating_mul(2) || most > 600_000 {
        let place =
            monitor.failover_timeout_ms.as_ref().map_or_else(|| line(&monitor.quorum), line);
        let seen =
            format!("failover-timeout {} {most}, down-after-milliseconds {down}", monitor.name);
        let fix = Fix::line(format!("sentinel failover-timeout {} 60000", monitor.name));
        findings.push(Finding::new(&FAILOVER_TIMEOUT, place, seen).with(fix));
    }
}

/// Only where it is the server whose configuration was looked at: by its port, and by its address as far as that is said.
fn auth(subject: &Subject, monitor: &Monitor, findings: &mut Vec<Finding>) {
    let wants =
        subject.setting("requirepass").filter(|seen| seen.secret().is_some_and(|s| !s.is_empty()));
    let Some(wants) = wants.filter(|_| !monitor.has_password) else { return };
    let ports =
        ["port", "tls-port"].map(|name| subject.setting(name).and_then(|seen| seen.number()));
    if !ports.contains(&Some(i64::from(monitor.port))) {
        return;
    }
    let binds = subject.setting("bind").map(|seen| seen.words().to_vec()).unwrap_or_default();
    let is_meant = |word: &[u8]| {
        let word = word.strip_prefix(b"-").unwrap_or(word);
        word == monitor.host.as_bytes() || [&b"*"[..], b"0.0.0.0", b"::*", b"::"].contains(&word)
    };
    if !binds.iter().any(|word| is_meant(word)) {
        return;
    }
    let seen = format!("no auth-pass for {}; {}", monitor.name, wants.shown());
    let fix = Fix::line(format!("sentinel auth-pass {} PASSWORD", monitor.name));
    findings.push(Finding::new(&AUTH, line(&monitor.quorum), seen).with(fix));
}

fn is_loopback(host: &str) -> bool {
    host.starts_with("127.") || host == "::1" || host.eq_ignore_ascii_case("localhost")
}

fn address(conf: &SentinelConf, monitor: &Monitor, findings: &mut Vec<Finding>) {
    let known = monitor.sentinels.iter().map(|(host, ..)| host);
    let others = known.chain(monitor.replicas.iter().map(|(host, _)| host));
    let elsewhere: Vec<_> = others.filter(|host| !is_loopback(host)).collect();
    if let Some(other) = elsewhere.first().filter(|_| is_loopback(&monitor.host)) {
        let seen =
            format!("{} is watched at {}, and others are at {other}", monitor.name, monitor.host);
        let fix = Fix::line(format!(
            "sentinel monitor {} ADDRESS {} {}",
            monitor.name, monitor.port, monitor.quorum.value
        ));
        findings.push(Finding::new(&ADDRESS, line(&monitor.quorum), seen).with(fix));
    }
    let announced =
        conf.announce_ip.as_ref().filter(|at| is_loopback(&at.value) && !elsewhere.is_empty());
    if let Some(announced) = announced {
        let seen = format!("announce-ip {}", announced.value);
        let fix = Fix::line("sentinel announce-ip ADDRESS");
        findings.push(Finding::new(&ADDRESS, line(announced), seen).with(fix));
    }
    let is_name = !is_loopback(&monitor.host)
        && monitor.host.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !monitor.host.contains(':');
    if is_name && !conf.resolves_names {
        let seen = format!(
            "{} is watched by the name {}, and resolve-hostnames is no",
            monitor.name, monitor.host
        );
        let fix = Fix::line("sentinel resolve-hostnames yes");
        let finding = Finding::new(&ADDRESS, line(&monitor.quorum), seen).as_severe_as(Error);
        findings.push(finding.with(fix));
    }
}

fn names(conf: &SentinelConf, findings: &mut Vec<Finding>) {
    let announces = conf.announces_names.as_ref().filter(|at| at.value && !conf.resolves_names);
    if let Some(at) = announces {
        let seen = "announce-hostnames yes, and resolve-hostnames is no";
        let fix = Fix::line("sentinel resolve-hostnames yes");
        findings.push(Finding::new(&ADDRESS, line(at), seen).with(fix));
    }
}

fn same_host(monitor: &Monitor, findings: &mut Vec<Finding>) {
    let mut hosts = BTreeMap::<&str, u64>::new();
    monitor.sentinels.iter().for_each(|(host, ..)| *hosts.entry(host).or_default() += 1);
    let all = monitor.sentinels.len() as u64 + 1;
    let Some((host, most)) = hosts.into_iter().max_by_key(|(_, count)| *count) else { return };
    if most > 1 && most * 2 >= all {
        let seen = format!("{most} of {} for {} are on {host}", sentinels(all), monitor.name);
        let fix = Fix::text("Move Sentinels so that each host has one.");
        findings.push(Finding::new(&SAME_HOST, line(&monitor.quorum), seen).with(fix));
    }
}

fn open(conf: &SentinelConf, findings: &mut Vec<Finding>) {
    if let Some(at) = conf.denies_scripts.as_ref().filter(|at| !at.value) {
        let finding = Finding::new(&OPEN, line(at), "deny-scripts-reconfig no").as_severe_as(Error);
        findings.push(finding.with(Fix::line("sentinel deny-scripts-reconfig yes")));
    }
    let is_local = conf.bind.as_ref().is_some_and(|bind| {
        bind.value.iter().all(|word| is_loopback(word.trim_start_matches('-')))
    });
    // A Sentinel that has run writes protected-mode no: it always answers others.
    let Some(mode) = conf.protected_mode.as_ref().filter(|at| !at.value) else { return };
    if !conf.has_password && !is_local {
        let fix = Fix::line("requirepass PASSWORD");
        let finding = Finding::new(&OPEN, line(mode), "protected-mode no, and no requirepass");
        findings.push(finding.with(fix).with(Fix::text(
            "The same password on all Sentinels, and sentinel sentinel-pass; or bind it to a network of its own.",
        )));
    }
}

fn disagree(subject: &Subject, findings: &mut Vec<Finding>) {
    let mut first = BTreeMap::<&str, (&SentinelConf, &Monitor)>::new();
    let mut ids = BTreeMap::<&str, &SentinelConf>::new();
    for conf in &subject.sentinels {
        if let Some(other) = conf.id.as_deref().and_then(|id| ids.insert(id, conf)) {
            let seen = format!("myid is that of {}", text::path(&other.path));
            let fix = Fix::text("Stop one of them, remove its line `sentinel myid`, and start it.");
            findings.push(Finding::new(&DISAGREE, Place::Path(conf.path.clone()), seen).with(fix));
        }
        for monitor in &conf.monitors {
            let Some((other, known)) = first.get(monitor.name.as_str()) else {
                first.insert(&monitor.name, (conf, monitor));
                continue;
            };
            let tell =
                |one: &Monitor| format!("{}:{} quorum {}", one.host, one.port, one.quorum.value);
            if tell(monitor) != tell(known) {
                let seen = format!(
                    "{} {}, in {} {}",
                    monitor.name,
                    tell(monitor),
                    text::path(&other.path),
                    tell(known)
                );
                let mut finding = Finding::new(&DISAGREE, line(&monitor.quorum), seen);
                if (&monitor.host, monitor.port) != (&known.host, known.port) {
                    finding = finding.with(Fix::text(
                        "Find out which address is the primary's (ROLE), and let all Sentinels watch that one.",
                    ));
                }
                if monitor.quorum.value != known.quorum.value {
                    finding = finding
                        .with(set(subject, monitor))
                        .with(Fix::text("Run it on every Sentinel that watches this primary."));
                }
                findings.push(finding);
            }
        }
    }
}
