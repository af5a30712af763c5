//! What node files tell of the members of a cluster.

use crate::audit::finding::Place;
use crate::audit::subject::NodesSeen;
use crate::format::nodes::Node;

/// The view that knows most: of the highest epoch.
pub(super) fn best(seen: &[NodesSeen]) -> Option<&NodesSeen> {
    seen.iter().filter(|one| !one.nodes.nodes.is_empty()).max_by_key(|one| one.nodes.current_epoch)
}

/// Members that take part: no longer joining, with an address.
pub(super) fn members(view: &NodesSeen) -> impl Iterator<Item = &Node> {
    view.nodes.nodes.iter().filter(|node| !node.is("handshake") && !node.is("noaddr"))
}

pub(super) fn with_slots(view: &NodesSeen) -> impl Iterator<Item = &Node> {
    members(view).filter(|node| node.is_primary() && node.slot_count() > 0)
}

pub(super) fn line_of(view: &NodesSeen, node: &Node) -> Place {
    Place::Line { file: view.path.clone(), number: node.line as u64 }
}

pub(super) fn called(node: &Node) -> String {
    match &node.host_name {
        Some(host) => format!("{host}:{}", node.port),
        None => format!("{}:{}", node.address, node.port),
    }
}

pub(super) fn replicas<'a>(view: &'a NodesSeen, of: &'a Node) -> impl Iterator<Item = &'a Node> {
    members(view).filter(|node| node.is_replica() && node.primary.as_deref() == Some(&of.id))
}
