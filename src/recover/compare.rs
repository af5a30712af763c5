//! A plan: which of the wanted keys are new to the target, which it has already, and which it has otherwise.

use std::collections::BTreeMap;

use super::hindrance::Hindrance;
use super::listed::List;
use super::source::{Selected, Source, Wish};
use super::target::{Node, Target, judged};
use crate::error::Result;
use crate::trial::Held;

/// How the wanted keys of a moment stand to those of a target.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Keys that the target does not have.
    pub new: List,
    /// Keys that it has, of the same type, value and expiry.
    pub equal: List,
    /// Keys that it has otherwise.
    pub different: List,
    /// Memory that the new ones take, and those that are to be replaced, bytes.
    pub needed_bytes: u64,
    /// The same by node.
    pub needed_by_node: BTreeMap<usize, u64>,
    /// Why nothing is written, where something hinders that.
    pub hindrances: Vec<(String, Hindrance)>,
}

/// How a key of a moment stands to that of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    New,
    Equal,
    Different,
}

/// Compares the wanted keys. `replaces` tells whether those that differ are to be replaced, which takes memory.
///
/// # Errors
/// When a server does not answer, or the work was broken off.
pub fn compare(
    held: &Held,
    wish: &Wish<'_>,
    target: &mut Target<'_>,
    replaces: bool,
) -> Result<Comparison> {
    let mut found = Comparison::default();
    let mut hindered: BTreeMap<String, Hindrance> = BTreeMap::new();
    wish.each(held, &mut |mut selected| {
        let (db, keys) = (selected.db, selected.sources()?);
        for (node, keys) in by_node(target, keys, &mut hindered) {
            let address = target.nodes[node].address.to_string();
            if !target.nodes[node].select(db)? {
                hindered.entry(address).or_insert(Hindrance::NoDatabase(db));
                continue;
            }
            for (key, standing) in standings(&mut selected, &mut target.nodes[node], keys)? {
                let needs = match standing {
                    Standing::New => true,
                    Standing::Equal => false,
                    Standing::Different => replaces,
                };
                if needs {
                    found.needed_bytes = found.needed_bytes.saturating_add(key.bytes);
                    *found.needed_by_node.entry(node).or_insert(0) += key.bytes;
                }
                let list = match standing {
                    Standing::New => &mut found.new,
                    Standing::Equal => &mut found.equal,
                    Standing::Different => &mut found.different,
                };
                list.add(|| key.named(db));
            }
        }
        Ok(())
    })?;
    for (at, node) in target.nodes.iter().enumerate() {
        let needed = found.needed_by_node.get(&at).copied().unwrap_or(0);
        // A node of a cluster that gets nothing is nobody's business.
        if (needed > 0 || !target.is_cluster())
            && let Some(why) = judged(&node.state, needed)
        {
            hindered.insert(node.address.to_string(), why);
        }
    }
    found.hindrances = hindered.into_iter().collect();
    Ok(found)
}

/// Divides keys by the nodes that they belong to. Of those that belong to none is told.
pub(super) fn by_node(
    target: &Target<'_>,
    keys: Vec<Source>,
    hindered: &mut BTreeMap<String, Hindrance>,
) -> BTreeMap<usize, Vec<Source>> {
    let mut by_node: BTreeMap<usize, Vec<Source>> = BTreeMap::new();
    for key in keys {
        match target.node_of(&key.name) {
            Ok(node) => by_node.entry(node).or_default().push(key),
            Err(why) => {
                hindered.entry("the cluster".to_owned()).or_insert(why);
            }
        }
    }
    by_node
}

/// How keys stand to those of a node, on which their database is selected. Values are read only of keys that both have with
/// the same type.
pub(super) fn standings(
    selected: &mut Selected<'_>,
    node: &mut Node,
    keys: Vec<Source>,
) -> Result<Vec<(Source, Standing)>> {
    let names: Vec<_> = keys.iter().map(|key| key.name.clone()).collect();
    let theirs = node.server.heads(node.asking, &names)?;
    let same_type = keys.iter().zip(&theirs);
    let same_type = same_type
        .filter(|(key, theirs)| theirs.as_ref().is_some_and(|theirs| theirs.kind == key.seen.kind));
    let names: Vec<_> = same_type.map(|(key, _)| key.name.clone()).collect();
    let (ours, values) = match names.is_empty() {
        true => (Vec::new(), Vec::new()),
        false => (selected.values(&names)?, node.server.values(node.asking, &names)?),
    };
    let equal: std::collections::HashSet<_> = names
        .into_iter()
        .zip(ours.into_iter().zip(values))
        .filter(|(_, (ours, theirs))| {
            ours.as_ref().zip(theirs.as_ref()).is_some_and(|(ours, theirs)| ours.equals(theirs))
        })
        .map(|(name, _)| name)
        .collect();
    let standing = |key: Source, theirs: Option<_>| {
        let standing = match theirs {
            None => Standing::New,
            Some(_) if equal.contains(&key.name) => Standing::Equal,
            Some(_) => Standing::Different,
        };
        (key, standing)
    };
    Ok(keys.into_iter().zip(theirs).map(|(key, theirs)| standing(key, theirs)).collect())
}
