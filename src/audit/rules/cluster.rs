//! Nodes of a cluster: by the configuration of one, and by the `nodes.conf` of those that were found.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::{NodesSeen, Subject};
use crate::check::Severity::{Error, Info, Warning};
use crate::format::nodes::Node;
use crate::format::slot::SLOTS;
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

static COVERED: Rule = Rule {
    id: "AOF-055",
    name: "cluster-slots",
    group: Group::Cluster,
    severity: Error,
    title: "Slots belong to nobody, or to two nodes, or are moving.",
    why: "Keys of such a slot cannot be reached, are written to two logs, or are in two places.",
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

pub(super) static RULES: [&Rule; 10] =
    [&PLACE, &SHARED, &TIMEOUT, &FEW, &ALONE, &COVERED, &VALIDITY, &COVERAGE, &SAME_HOST, &NO_AUTH];

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
        slots(subject, view, findings);
    }
}

/// The view that knows most: of the highest epoch.
fn best(seen: &[NodesSeen]) -> Option<&NodesSeen> {
    seen.iter().filter(|one| !one.nodes.nodes.is_empty()).max_by_key(|one| one.nodes.current_epoch)
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

/// Members that take part: no longer joining, with an address.
fn members(view: &NodesSeen) -> impl Iterator<Item = &Node> {
    view.nodes.nodes.iter().filter(|node| !node.is("handshake") && !node.is("noaddr"))
}

fn with_slots(view: &NodesSeen) -> impl Iterator<Item = &Node> {
    members(view).filter(|node| node.is_primary() && node.slot_count() > 0)
}

fn line_of(view: &NodesSeen, node: &Node) -> Place {
    Place::Line { file: view.path.clone(), number: node.line as u64 }
}

fn called(node: &Node) -> String {
    match &node.host_name {
        Some(host) => format!("{host}:{}", node.port),
        None => format!("{}:{}", node.address, node.port),
    }
}

fn replicas<'a>(view: &'a NodesSeen, of: &'a Node) -> impl Iterator<Item = &'a Node> {
    members(view).filter(|node| node.is_replica() && node.primary.as_deref() == Some(&of.id))
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

fn slots(subject: &Subject, view: &NodesSeen, findings: &mut Vec<Finding>) {
    let mut owners = vec![0_u16; usize::from(SLOTS)];
    let all = with_slots(view).flat_map(|node| &node.slots);
    all.flat_map(|&(first, last)| first..=last).for_each(|slot| owners[usize::from(slot)] += 1);
    let holes = ranges(&owners, |count| count == 0);
    if !holes.is_empty() {
        let coverage = subject.setting("cluster-require-full-coverage");
        let stops = coverage.and_then(|seen| seen.flag()) != Some(false);
        let finding = Finding::new(
            &COVERED,
            Place::Path(view.path.clone()),
            format!("no node has slots {holes}"),
        );
        let finding = finding.as_severe_as(if stops { Error } else { Warning });
        findings.push(finding.with(Fix::text(
            "Find first the node, replica or backup that holds these slots, and bring it back. Only where their keys are \
             lost or never were: redis-cli --cluster fix HOST:PORT gives the slots to nodes that have no such key.",
        )));
    }
    listed_twice(view, findings);
    claimed_twice(&subject.nodes, findings);
    for seen in &subject.nodes {
        moving(seen, findings);
    }
}

/// Slots that are on their way; a node writes that into its own file alone.
fn moving(view: &NodesSeen, findings: &mut Vec<Finding>) {
    let own = view.nodes.myself();
    let Some(node) = own.filter(|node| !node.migrating.is_empty() || !node.importing.is_empty())
    else {
        return;
    };
    let slots: BTreeSet<u16> =
        node.migrating.iter().chain(&node.importing).map(|(slot, _)| *slot).collect();
    let listed: Vec<_> = slots.iter().take(5).map(ToString::to_string).collect();
    let seen = format!(
        "{} at {} marked as moving: {}",
        text::count(slots.len() as u64, "slot"),
        called(node),
        listed.join(" ")
    );
    let fix = Fix::text(
        "End the move (CLUSTER SETSLOT SLOT NODE ID on both nodes), or undo it (CLUSTER SETSLOT SLOT STABLE).",
    );
    let finding = Finding::new(&COVERED, line_of(view, node), seen).as_severe_as(Warning);
    findings.push(finding.with(fix));
}

/// Slots that two nodes take for their own, each by its own file.
fn claimed_twice(seen: &[NodesSeen], findings: &mut Vec<Finding>) {
    let mut owners: BTreeMap<u16, (&NodesSeen, &Node)> = BTreeMap::new();
    for one in seen {
        let Some(own) = one.nodes.myself().filter(|own| own.is_primary()) else { continue };
        let mut twice = vec![0_u16; usize::from(SLOTS)];
        let mut other = None;
        for slot in own.slots.iter().flat_map(|&(first, last)| first..=last) {
            match owners.get(&slot) {
                Some(known) if known.1.id != own.id => {
                    twice[usize::from(slot)] = 1;
                    other = Some(known.0);
                }
                Some(_) => {}
                None => {
                    owners.insert(slot, (one, own));
                }
            }
        }
        if let Some(other) = other {
            let slots = ranges(&twice, |count| count == 1);
            let seen = format!(
                "{} takes slots {slots} for its own, and so does the node of {}",
                called(own),
                text::path(&other.path)
            );
            findings.push(Finding::new(&COVERED, line_of(one, own), seen).with(of_two()));
        }
    }
}

/// Slots that one file lists for two nodes.
fn listed_twice(view: &NodesSeen, findings: &mut Vec<Finding>) {
    let mut owners: BTreeMap<u16, &Node> = BTreeMap::new();
    for node in with_slots(view) {
        let mut twice = vec![0_u16; usize::from(SLOTS)];
        let mut other = None;
        for slot in node.slots.iter().flat_map(|&(first, last)| first..=last) {
            let known = owners.insert(slot, node).filter(|known| known.id != node.id);
            if known.is_some() {
                (twice[usize::from(slot)], other) = (1, known);
            }
        }
        if let Some(other) = other {
            let slots = ranges(&twice, |count| count == 1);
            let seen =
                format!("slots {slots} of {} are those of {} too", called(node), called(other));
            findings.push(Finding::new(&COVERED, line_of(view, node), seen).with(of_two()));
        }
    }
}

/// What to do about slots of two nodes: the file of one may be old, or both may have taken writes.
fn of_two() -> Fix {
    Fix::text(
        "Ask the running nodes first (CLUSTER NODES): the file of a node that was stopped may be old. Where two nodes really \
         hold the slots, back up both before redis-cli --cluster fix HOST:PORT, which keeps the keys of one.",
    )
}

/// Stretches of slots, at most five of them.
fn ranges(counts: &[u16], is_meant: impl Fn(u16) -> bool) -> String {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (slot, _) in counts.iter().enumerate().filter(|(_, count)| is_meant(**count)) {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == slot => *last = slot,
            _ => found.push((slot, slot)),
        }
    }
    let shown = found.iter().take(5).map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let mut words: Vec<_> = shown.collect();
    if found.len() > 5 {
        words.push(format!("and {} more stretches", found.len() - 5));
    }
    words.join(" ")
}
