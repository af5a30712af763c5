//! Whether each slot of a cluster is one node's, by the node files.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster_view::{called, line_of, with_slots};
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::{NodesSeen, Subject};
use crate::check::Severity::{Error, Warning};
use crate::format::nodes::Node;
use crate::format::slot::SLOTS;
use crate::text;

pub(super) static COVERED: Rule = Rule {
    id: "AOF-055",
    name: "cluster-slots",
    group: Group::Cluster,
    severity: Error,
    title: "Slots belong to nobody, or to two nodes, or are moving.",
    why: "Keys of such a slot cannot be reached, are written to two logs, or are in two places.",
};

pub(super) fn slots(subject: &Subject, view: &NodesSeen, findings: &mut Vec<Finding>) {
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
