//! What a base shows of the sizes up to which its server packs values, where nobody tells them.
//!
//! | in the base | shows |
//! |---|---|
//! | a packed value, a list or stream of one node | values that are no larger are packed |
//! | a table that is too large for the servers' defaults | values that are no smaller are tables |
//! | lists and streams of several nodes that are as large as by default | nodes have the size of the default |
//!
//! What it does not show may be otherwise.

use super::chain::Chain;
use super::extent::Extent;
use super::kind::Kind;
use super::members::Members;
use super::sizes::{Limits, Packing};
use super::stream::Stream;
use super::value::Value;

/// Tables of one kind that are remembered.
const TABLES: usize = 8;

/// Nodes that must be as large as by default before others are taken to be.
const NODES: u64 = 3;

/// What is shown of sets, sorted sets or hashes.
#[derive(Clone, Debug, Default)]
struct Forms {
    packed: Extent,
    tables: Vec<Extent>,
}

impl Forms {
    fn shows(&self, one: Extent) -> bool {
        one.is_within(self.packed) || self.tables.iter().any(|table| table.is_within(one))
    }

    fn table(&mut self, table: Extent) {
        if self.tables.iter().any(|known| known.is_within(table)) {
            return;
        }
        self.tables.retain(|known| !table.is_within(*known));
        if self.tables.len() < TABLES {
            self.tables.push(table);
        }
    }
}

/// What is shown of lists or streams.
#[derive(Clone, Copy, Debug, Default)]
struct Nodes {
    /// The largest single node.
    single: Extent,
    /// Nodes of values that are as by default, and values that are not.
    alike: u64,
    unlike: u64,
}

impl Nodes {
    const fn shows(self, one: Extent) -> bool {
        self.unlike == 0 && (self.alike >= NODES || one.is_within(self.single))
    }
}

/// Which of the forms it has.
const fn place(members: &Members) -> usize {
    match members.kind {
        Kind::Set if members.has_text => 0,
        Kind::Set => 1,
        Kind::Zset => 2,
        Kind::Hash => 3,
    }
}

/// All that a base shows.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Sets, sets of nothing but numbers, sorted sets, hashes.
    forms: [Forms; 4],
    lists: Nodes,
    streams: Nodes,
}

impl Shown {
    /// A value of a base: whether it is a table, and how many nodes it has.
    pub fn note(&mut self, value: &Value, is_table: bool, nodes: Option<u64>, limits: &Limits) {
        match value {
            Value::Members(members) => self.members(members, is_table, limits),
            Value::List(chain) => self.list(chain, nodes),
            Value::Stream(stream) => self.stream(stream, limits),
            _ => {}
        }
    }

    fn members(&mut self, members: &Members, is_table: bool, limits: &Limits) {
        // Which servers keep hashes with expiries as tables whatever is set is another question.
        if members.shift > 0 || members.ttls {
            return;
        }
        let Packing { most, longest, numbers } = limits.packing(members.kind);
        let extent = members.extent();
        let most = if members.kind == Kind::Set && !members.has_text { numbers } else { most };
        let forms = &mut self.forms[place(members)];
        match is_table {
            false => forms.packed.reach(extent),
            // A smaller one may have been larger.
            true if extent.count > most as u64 || extent.bytes > longest => forms.table(extent),
            true => {}
        }
    }

    fn list(&mut self, chain: &Chain, nodes: Option<u64>) {
        let (Some(nodes), lists) = (nodes, &mut self.lists) else { return };
        let by_default = chain.node_count();
        match nodes {
            1 => lists.single.reach(chain.extent()),
            // The nodes at its ends are as full as its clients have left them.
            _ if nodes.abs_diff(by_default) <= nodes / 8 => lists.alike += nodes,
            _ => lists.unlike += 1,
        }
    }

    fn stream(&mut self, stream: &Stream, limits: &Limits) {
        let (alike, unlike) = stream.closed_nodes(limits);
        let streams = &mut self.streams;
        (streams.alike, streams.unlike) = (streams.alike + alike, streams.unlike + unlike);
        streams.single.reach(stream.largest_node());
    }

    /// Whether it shows in which form the server holds this value, which commands have changed since, or not.
    pub fn shows(&self, value: &Value, is_as_in_base: bool) -> bool {
        match value {
            Value::Members(_) if is_as_in_base => true,
            Value::Members(members) if members.shift > 0 => false,
            Value::Members(members) => self.forms[place(members)].shows(members.extent()),
            Value::List(chain) => self.lists.shows(chain.extent()),
            Value::Stream(stream) => self.streams.shows(stream.extent()),
            _ => true,
        }
    }
}
