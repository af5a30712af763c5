//! Nodes of a cluster: by the configuration of one, and by the `nodes.conf` of those that were found.

use std::collections::BTreeMap;

use super::cluster_slots;
use super::cluster_view::{best, called, line_of, replicas, with_slots};
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::{NodesSeen, Subject};
use crate::check::Severity::{Error, Info, Warning};
use crate::format::nodes::Node;
use crate::text;

static PLACE: Rule = Rule {
    id: "AOF-050",
    name: "cluster-node-place",
    group: Group::Cluster,
    severity: Warning,
    title: "Where the node keeps its files depends on where it is started.",
    why: "Two nodes of a host that are started from one place share node file and log, and overwrite each other.",
};

static SHARED: Rule = Rule {
    id: "AOF-051",
    name: "cluster-nodes-mixed",
    group: Group::Cluster,
    severity: Error,
    title: "Two nodes share a directory or a name.",
    why: "Nodes of one directory write into one log; nodes of one name are taken for one node by the rest of the cluster.",
};

static TIMEOUT: Rule = Rule {
    id: "AOF-052",
    name: "cluster-node-timeout",
    group: Group::Cluster,
    severity: Warning,
    title: "The time after which a node counts as lost is unusual.",
    why: "Below 5 seconds a slow fork or disk starts a failover; above a minute writes stand still that long before one begins.",
};

static FEW: Rule = Rule {
    id: "AOF-053",
    name: "cluster-few-primaries",
    group: Group::Cluster,
    severity: Error,
    title: "The cluster has fewer than three primaries.",
    why: "A failover needs the votes of most primaries: with fewer than three, the loss of one leaves no majority.",
};

static ALONE: Rule = Rule {
    id: "AOF-054",
    name: "cluster-primary-alone",
    group: Group::Cluster,
    severity: Error,
    title: "A primary has no replica that could take over.",
    why: "When it is lost its slots are lost until it is back, and by default the whole cluster stops.",
};

static VALIDITY: Rule = Rule {
    id: "AOF-056",
    name: "cluster-failover",
    group: Group::Cluster,
    severity: Warning,
    title: "The replicas' part in a failover is unusual.",
    why: "`cluster-replica-no-failover yes` leaves a shard without a successor; validity factor 0 lets a replica with old data take over; migration barrier 0 takes a primary its last replica.",
};

static COVERAGE: Rule = Rule {
    id: "AOF-057",
    name: "cluster-full-coverage",
    group: Group::Cluster,
    severity: Info,
    title: "One shard that is lost stops the whole cluster.",
    why: "With `cluster-require-full-coverage yes` all nodes refuse commands as soon as one slot has no node.",
};

static SAME_HOST: Rule = Rule {
    id: "AOF-058",
    name: "cluster-same-host",
    group: Group::Cluster,
    severity: Warning,
    title: "A primary and all its replicas are on one host.",
    why: "When that host is lost, so is the shard.",
};

static NO_AUTH: Rule = Rule {
    id: "AOF-059",
    name: "replica-cannot-log-in",
    group: Group::Cluster,
    severity: Error,
    title: "The node wants a password and has none for other nodes.",
    why: "As a replica it cannot log in to its primary, so after a failover there is no copy.",
};

pub(super) static RULES: [&Rule; 10] = [
    &PLACE,
    &SHARED,
    &TIMEOUT,
    &FEW,
    &ALONE,
    &cluster_slots::COVERED,
    &VALIDITY,
    &COVERAGE,
    &SAME_HOST,
    &NO_AUTH,
];

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    if subject.setting("cluster-enabled").and_then(|seen| seen.flag()) == Some(true) {
        place(subject, findings);
        timeout(subject, findings);
        failover(subject, findings);
        password(subject, findings);
    }
    shared(&subject.nodes, findings);
    if let Some(view) = best(&subject.nodes) {
        primaries(view, findings);
        hosts(view, findings);
        cluster_slots::slots(subject, view, findings);
    }
}

fn place(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(conf) = &subject.conf else { return };
    let dir = subject.lines("dir");
    if dir.iter().any(|dir| dir.words().first().is_some_and(|dir| dir.starts_with(b"/"))) {
        return;
    }
    let (place, seen) = match dir.last() {
        Some(dir) => (dir.place.clone(), dir.shown()),
        None => {
            let place = Place::Unset { file: conf.path.clone(), name: "dir".to_owned() };
            (place, "no dir: the directory that the server is started in".to_owned())
        }
    };
    let fix = Fix::line("dir /var/lib/redis/7000");
    findings.push(
        Finding::new(&PLACE, place, seen)
            .with(Fix::text(
                "Give each node of a host a directory of its own, by an absolute path. Stop the node and move its node \
                 file, snapshot and log there first: with the line alone it starts as a new node, with no data.",
            ))
            .with(fix),
    );
}

fn shared(seen: &[NodesSeen], findings: &mut Vec<Finding>) {
    let mut names: BTreeMap<&str, &NodesSeen> = BTreeMap::new();
    let mut dirs = BTreeMap::new();
    for one in seen {
        let Some(own) = one.nodes.myself() else { continue };
        if let Some(other) = names.insert(&own.id, one) {
            let seen = format!("it names itself {}, as {} does", own.id, text::path(&other.path));
            let fix = Fix::text(
                "Stop the copy, remove its node file, and let it join anew (CLUSTER MEET, CLUSTER REPLICATE).",
            );
            findings.push(Finding::new(&SHARED, Place::Path(one.path.clone()), seen).with(fix));
        } else if let Some(other) = one.path.parent().and_then(|dir| dirs.insert(dir, &one.path)) {
            let seen = format!("it lies beside {}, the file of another node", text::path(other));
            let fix = Fix::text("Give each node a directory of its own (dir).");
            findings.push(Finding::new(&SHARED, Place::Path(one.path.clone()), seen).with(fix));
        }
    }
}

fn timeout(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(seen) = subject.setting("cluster-node-timeout") else { return };
    if seen.number().is_some_and(|ms| !(5_000..=60_000).contains(&ms)) {
        let finding = Finding::new(&TIMEOUT, seen.place.clone(), seen.shown());
        findings.push(finding.with(Fix::line("cluster-node-timeout 15000")));
    }
}

fn failover(subject: &Subject, findings: &mut Vec<Finding>) {
    let odd = [
        ("cluster-replica-no-failover", "yes", "no", Warning),
        ("cluster-replica-validity-factor", "0", "10", Warning),
        ("cluster-migration-barrier", "0", "1", Warning),
    ];
    for (name, bad, good, severity) in odd {
        if let Some(seen) = subject.setting(name).filter(|seen| seen.is(bad)) {
            let finding = Finding::new(&VALIDITY, seen.place.clone(), seen.shown());
            let fix = Fix::line(format!("{name} {good}"));
            findings.push(finding.as_severe_as(severity).with(fix));
        }
    }
    let coverage = subject.setting("cluster-require-full-coverage");
    if let Some(seen) = coverage.filter(|seen| seen.flag() == Some(true)) {
        let finding = Finding::new(&COVERAGE, seen.place.clone(), seen.shown());
        findings.push(finding.with(Fix::line("cluster-require-full-coverage no")).with(Fix::text(
            "Keep it where a part of the keys is worth nothing without the rest.",
        )));
    }
}

fn password(subject: &Subject, findings: &mut Vec<Finding>) {
    let secret = |name: &str| {
        let seen = subject.setting(name)?;
        let is_empty = seen.secret()?.is_empty();
        Some((seen, is_empty))
    };
    let Some((own, false)) = secret("requirepass") else { return };
    if let Some((_, true)) = secret("masterauth") {
        let finding = Finding::new(&NO_AUTH, own.place.clone(), "requirepass, and no masterauth");
        findings.push(finding.with(Fix::line("masterauth PASSWORD")).with(Fix::text(
            "The password of requirepass, the same on all nodes; with users, masteruser as well.",
        )));
    }
}

fn primaries(view: &NodesSeen, findings: &mut Vec<Finding>) {
    let count = with_slots(view).count();
    if count < 3 {
        let seen = format!(
            "{} with slots",
            match count {
                1 => "1 primary".to_owned(),
                count => format!("{count} primaries"),
            }
        );
        let fix = Fix::text(
            "Add primaries until there are three, and move slots to them (redis-cli --cluster rebalance).",
        );
        findings.push(Finding::new(&FEW, Place::Path(view.path.clone()), seen).with(fix));
    }
    for primary in with_slots(view) {
        let can_follow =
            |node: &&Node| !node.is("fail") && !node.is("fail?") && !node.is("nofailover");
        if replicas(view, primary).filter(can_follow).count() == 0 {
            let had = replicas(view, primary).count();
            let seen = match had {
                0 => format!("{} has no replica", called(primary)),
                _ => format!("no replica of {} is up and may take over", called(primary)),
            };
            let fix = Fix::command(format!(
                "redis-cli --cluster add-node NEW:PORT {} --cluster-slave --cluster-master-id {}",
                called(primary),
                primary.id
            ));
            findings.push(Finding::new(&ALONE, line_of(view, primary), seen).with(fix));
        }
    }
}

fn hosts(view: &NodesSeen, findings: &mut Vec<Finding>) {
    for primary in with_slots(view).filter(|node| !node.address.is_empty()) {
        let mut all = replicas(view, primary).peekable();
        if all.peek().is_some() && all.all(|replica| replica.address == primary.address) {
            let seen =
                format!("{} and all its replicas are on {}", called(primary), primary.address);
            let fix = Fix::text("Move a replica to another host, better to another rack or zone.");
            findings.push(Finding::new(&SAME_HOST, line_of(view, primary), seen).with(fix));
        }
    }
}
