//! Configurations of several servers of one host, held against one another.

use std::path::PathBuf;

use crate::audit::compared::is_same;
use crate::audit::finding::{Finding, Fix};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::Seen;
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Warning};
use crate::text;

static SHARED: Rule = Rule::new(
    "AOF-123",
    "servers-share-a-place",
    (Group::Cluster, Error),
    "Two servers of one host have the same port, socket or files.",
    "The one that starts later cannot listen, or both write to the same log and snapshot and destroy each other's data.",
);
static UNLIKE: Rule = Rule::new(
    "AOF-124",
    "nodes-differ",
    (Group::Cluster, Warning),
    "Nodes of one cluster have different settings.",
    "After a failover the shard has another size, policy or durability, or a node cannot log in to the others.",
);

pub(super) static RULES: [&Rule; 2] = [&SHARED, &UNLIKE];

/// Settings in which the nodes of a cluster should be alike, for any of them may become a primary.
const ALIKE: [&str; 12] = [
    "maxmemory",
    "maxmemory-policy",
    "appendonly",
    "appendfsync",
    "aof-use-rdb-preamble",
    "cluster-node-timeout",
    "cluster-require-full-coverage",
    "requirepass",
    "masterauth",
    "masteruser",
    "tls-cluster",
    "tls-replication",
];

/// Files that a server keeps in `dir`, by the settings that name them.
const FILES: [&[&str]; 3] =
    [&["appenddirname", "appendfilename"], &["dbfilename"], &["cluster-config-file"]];

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    let mut earlier: Vec<Subject> = Vec::new();
    for one in std::iter::once(subject.by_file_alone()).chain(subject.each_beside()) {
        for other in &earlier {
            places(&one, other, findings);
            let both = [&one, other].map(|node| {
                node.setting("cluster-enabled").and_then(|seen| seen.flag()) == Some(true)
            });
            if both == [true, true] {
                unlike(&one, other, findings);
            }
        }
        earlier.push(one);
    }
}

/// The file of a subject that has one configuration and nothing else.
fn file(of: &Subject) -> String {
    of.conf.as_ref().map_or_else(String::new, |conf| text::path(&conf.path))
}

fn places(one: &Subject, other: &Subject, findings: &mut Vec<Finding>) {
    let both = |name: &str| Some((one.setting(name)?, other.setting(name)?));
    let mut tell = |seen: &Seen, told: String, fix: &str| {
        let finding = Finding::new(&SHARED, seen.place.clone(), told);
        findings.push(finding.with(Fix::text(fix)));
    };
    for name in ["port", "tls-port"] {
        let port = both(name).filter(|(own, its)| {
            own.number().is_some_and(|port| port > 0 && its.number() == Some(port))
        });
        if let Some((own, _)) = port.filter(|_| listen_on_one_address(one, other)) {
            let told = format!("{}, as in {}", own.shown(), file(other));
            tell(&own, told, "Give each server of a host a port of its own.");
        }
    }
    let socket = |seen: &Seen| seen.words().first().filter(|word| !word.is_empty()).cloned();
    if let Some((own, its)) = both("unixsocket")
        && socket(&own).is_some_and(|path| socket(&its) == Some(path))
    {
        let told = format!("{}, as in {}", own.shown(), file(other));
        tell(&own, told, "Give each server of a host a socket of its own.");
    }
    if let Some((own, _)) =
        both("dir").filter(|(own, its)| dir(own).is_some() && dir(own) == dir(its))
    {
        let is_shared = |names: &&&[&str]| {
            names.iter().all(|name| {
                // A server that has no such setting has no such file of its own.
                both(name).is_some_and(|(own, its)| is_same(name, &own.value, &its.value))
            })
        };
        let shared: Vec<_> =
            FILES.iter().filter(is_shared).map(|names| names.join(" and ")).collect();
        if !shared.is_empty() {
            let told = format!(
                "{}, as in {}, with the same {}",
                own.shown(),
                file(other),
                shared.join(", ")
            );
            let fix = "Give each server of a host a directory of its own (dir).";
            tell(&own, told, fix);
        }
    }
}

/// An absolute directory, without slashes at its end.
fn dir(seen: &Seen) -> Option<PathBuf> {
    let word = seen.text().filter(|word| word.starts_with('/'))?;
    Some(std::path::Path::new(word).components().collect())
}

/// Unless each names addresses, and none of them is the other's.
fn listen_on_one_address(one: &Subject, other: &Subject) -> bool {
    let addresses = |subject: &Subject| -> Option<Vec<Vec<u8>>> {
        let bind = subject.setting("bind")?;
        let word = |word: &Vec<u8>| word.strip_prefix(b"-").unwrap_or(word).to_vec();
        Some(bind.words().iter().map(word).collect())
    };
    let (Some(own), Some(its)) = (addresses(one), addresses(other)) else { return true };
    let is_wild = |word: &Vec<u8>| [&b"*"[..], b"0.0.0.0", b"::", b"::*", b""].contains(&&word[..]);
    own.iter().any(is_wild) || its.iter().any(is_wild) || own.iter().any(|word| its.contains(word))
}

fn unlike(one: &Subject, other: &Subject, findings: &mut Vec<Finding>) {
    for name in ALIKE {
        let Some((own, its)) = one.setting(name).zip(other.setting(name)) else { continue };
        if is_same(name, &own.value, &its.value) {
            continue;
        }
        let told = format!("{}; {} has {}", own.shown(), file(other), its.shown());
        findings.push(
            Finding::new(&UNLIKE, own.place.clone(), told)
                .with(Fix::text("Give all nodes of a cluster the same value.")),
        );
    }
}
