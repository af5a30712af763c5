//! The layouts of streams, which are the longest of all: nodes of entries, then consumer groups.
//!
//! | version | adds |
//! |---|---|
//! | 1 | nodes, length, last identifier, groups |
//! | 2 | first identifier, largest deleted identifier, entries added; entries read per group |
//! | 3 | when a consumer was active |
//! | 4 | producers |
//! | 5 | pending entries nobody owns |
//!
//! Pure. Source: `t_stream.c` and `rdb.c` of both servers.

use super::layout::Item::{self, Counted, Fixed, Len, Live, Loop, NodeId, Str};
use super::layout::{LISTPACK, Part, each};

/// Nodes: identifier and listpack.
const NODES: Item = Loop(each(&[NodeId, LISTPACK]));
/// Pending entries: identifier, delivery time, delivery count.
pub(super) const PENDING: Item = Counted(Part::Pending, each(&[Fixed(16), Fixed(8), Len]));
/// Identifiers of pending entries.
const PENDING_IDS: Item = Loop(each(&[Fixed(16)]));
/// Consumers up to version 2: name, time seen, pending.
pub(super) const CONSUMERS: Item = Counted(Part::Consumers, each(&[Str, Fixed(8), PENDING_IDS]));
/// Consumers from version 3: name, time seen, time active, pending.
const CONSUMERS_V3: Item = Counted(Part::Consumers, each(&[Str, Fixed(8), Fixed(8), PENDING_IDS]));
/// Producers that may send again: settings, producers with their entries, totals.
const PRODUCERS: Item = Loop(each(&[Str, Loop(each(&[Str, Len, Len]))]));

/// From version 2: nodes, length, three identifiers, entries added, groups.
const fn counted(group: &'static [Item]) -> [Item; 10] {
    [NODES, Live, Len, Len, Len, Len, Len, Len, Len, Counted(Part::Groups, each(group))]
}

/// From version 4: the same, and producers.
const fn with_producers(group: &'static [Item]) -> [Item; 15] {
    let [nodes, live, a, b, c, d, e, f, added, groups] = counted(group);
    [nodes, live, a, b, c, d, e, f, added, groups, Len, Len, PRODUCERS, Len, Len]
}

/// Nodes, length, last identifier, groups.
pub(super) static STREAM_V1: [Item; 5] =
    [NODES, Live, Len, Len, Counted(Part::Groups, each(&[Str, Len, Len, PENDING, CONSUMERS]))];
/// Adds first identifier, largest deleted identifier and entries added; entries read per group.
pub(super) static STREAM_V2: [Item; 10] = counted(&[Str, Len, Len, Len, PENDING, CONSUMERS]);
/// Adds the time a consumer was active.
pub(super) static STREAM_V3: [Item; 10] = counted(&[Str, Len, Len, Len, PENDING, CONSUMERS_V3]);
/// Adds producers.
pub(super) static STREAM_V4: [Item; 15] =
    with_producers(&[Str, Len, Len, Len, PENDING, CONSUMERS_V3]);
/// Adds pending entries nobody owns.
pub(super) static STREAM_V5: [Item; 15] =
    with_producers(&[Str, Len, Len, Len, PENDING, CONSUMERS_V3, PENDING_IDS]);
