//! Streams: entries in nodes, packed as a server packs them, and what their groups remember.

use std::collections::VecDeque;

use super::cost::{Cost, Scales, bulk, header};
use super::dialect::Dialect;
use super::extent::Extent;
use super::forgotten::{self, Forgotten, join};
use super::groups::Groups;
use super::members::Piece;
use super::sizes::Limits;
use crate::format::rdb::pack;

/// Bytes of contents that one stream keeps.
const KEPT: usize = 64 << 10;

/// Nodes of one stream that are told apart.
const NODES: usize = 1 << 16;

/// Milliseconds and sequence number.
pub type Id = (u64, u64);

/// An entry's fields and values are the same names as in the node's first.
const SAME_FIELDS: i64 = 2;

#[derive(Clone, Debug, Default)]
struct Node {
    /// Nodes of the server that it stands for.
    nodes: u64,
    first: Id,
    last: Id,
    /// Entries, and those of them that were not deleted.
    total: u64,
    live: u64,
    /// Bytes of the packed entries, and of the live ones in a log but for name and key.
    bytes: u64,
    resp: u64,
    /// Names of the first entry's fields.
    fields: Vec<Box<[u8]>>,
    /// The packed entries behind the two counts; none where only the sums are kept.
    data: Vec<u8>,
}

impl Node {
    /// Bytes of its entries that were deleted, which stay until the last is.
    fn dead_bytes(&self) -> u64 {
        self.bytes * (self.total - self.live) / self.total.max(1)
    }

    fn take(&mut self, n: u64) {
        let left = self.live.saturating_sub(n);
        self.resp =
            (u128::from(self.resp) * u128::from(left) / u128::from(self.live.max(1))) as u64;
        self.live = left;
    }
}

impl forgotten::Node for Node {
    fn data(&self) -> &Vec<u8> {
        &self.data
    }

    fn entries(&self) -> u64 {
        self.total
    }

    fn forget(&mut self) {
        (self.data, self.fields) = (Vec::new(), Vec::new());
    }

    fn add(&mut self, next: &Self) {
        self.nodes += next.nodes;
        self.last = next.last;
        self.total += next.total;
        self.live += next.live;
        self.bytes += next.bytes;
        self.resp += next.resp;
    }
}

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    nodes: VecDeque<Node>,
    live: u64,
    kept: usize,
    forgotten: Forgotten,
    /// Bytes that it may have beyond what is known.
    perhaps: u64,
    /// It was written by commands of a base: where the server's nodes begin is not known.
    pub is_rough: bool,
    pub groups: Groups,
}

impl Stream {
    /// Bytes kept in memory, about.
    pub fn kept(&self) -> usize {
        size_of::<Self>() + self.kept + self.nodes.len() * size_of::<Node>() + self.groups.kept()
    }

    /// Bytes of its entries, about.
    pub fn bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.bytes).sum()
    }

    /// How many entries it has, and their bytes.
    pub(super) fn extent(&self) -> Extent {
        let count = self.nodes.iter().map(|node| node.total).sum();
        Extent { count, bytes: self.bytes() }
    }

    /// The most entries and the most bytes of a node.
    pub(super) fn largest_node(&self) -> Extent {
        let most = |of: fn(&Node) -> u64| self.nodes.iter().map(of).max().unwrap_or(0);
        Extent { count: most(|node| node.total), bytes: most(|node| node.bytes) }
    }

    /// Nodes that a server has filled with as many entries or bytes as these limits say, and those that it has filled
    /// otherwise.
    pub(super) fn closed_nodes(&self, limits: &Limits) -> (u64, u64) {
        let is_alike = |node: &&Node| {
            // The next one was too large: twice as large as the others at most, as a rule.
            let next = 2 * node.bytes / node.total.max(1);
            let is_full = node.bytes + next >= limits.stream_bytes;
            node.total == limits.stream_entries || node.total < limits.stream_entries && is_full
        };
        let closed = self.nodes.len().saturating_sub(1);
        let alike = self.nodes.iter().take(closed).filter(is_alike).count();
        (alike as u64, (closed - alike) as u64)
    }

    /// By how much it may be smaller or larger where the server's nodes have other sizes, of its cost: larger nodes
    /// compress better, and say less often what they begin with; each entry in a node of its own says it again, and the
    /// names of its fields, and is hardly compressed.
    pub(super) fn otherwise(&self, cost: Cost) -> (Cost, Cost) {
        /// The largest nodes compress to no less, as a part of what they come to by default.
        const LEAST: f64 = 0.5;
        /// Identifier, length and frame of a node, and numbers at its beginning.
        const NODE: u64 = 17 + 5 + pack::FRAME as u64 + 9;
        let total: u64 = self.nodes.iter().map(|node| node.total).sum();
        // The names are in what a log says of an entry.
        let names: u64 = self.nodes.iter().map(|node| node.resp + node.dead_bytes()).sum();
        let apart = cost.raw + (total * NODE + names) as f64;
        let begun = (self.node_count() * NODE) as f64 + cost.raw * (1.0 - LEAST);
        let less = Cost { resp: 0.0, rdb: LEAST * cost.rdb, raw: begun.min(cost.raw) };
        (less, Cost { resp: 0.0, rdb: (apart - cost.rdb).max(0.0), raw: apart - cost.raw })
    }

    /// Nodes that a server has of it.
    pub fn node_count(&self) -> u64 {
        self.nodes.iter().map(|node| node.nodes).sum()
    }

    /// It remembers something more, of at most so many bytes.
    pub fn note(&mut self, bytes: u64) {
        self.perhaps += bytes;
    }

    /// What of its cost may be gone, and what may be there on top.
    pub fn perhaps(&self, key_len: u64) -> (Cost, Cost) {
        let first_ms = self.nodes.front().map_or(u64::MAX, |node| node.first.0);
        let (less, more) = self.groups.perhaps(first_ms, key_len);
        let known = Cost::of_commands(self.perhaps) + Cost::of_rdb(self.perhaps);
        // Where the server's node ends with the entries that went, it went with them.
        let (dead, half) = (self.dead_bytes(), self.half_dead_bytes());
        // Which entry is the first of a node decides how the others are written.
        let unlike = if self.is_rough { self.bytes() / 10 } else { 0 };
        (less + Cost::of_rdb(dead - half + unlike), more + known + Cost::of_rdb(half + unlike))
    }

    /// Bytes of entries that were cut off inside of the first node.
    fn dead_bytes(&self) -> u64 {
        self.nodes.front().map_or(0, Node::dead_bytes)
    }

    /// Half of them, where it is anyone's guess whether they are there.
    fn half_dead_bytes(&self) -> u64 {
        if self.is_rough { self.dead_bytes() / 2 } else { 0 }
    }

    /// XADD
    pub fn add(&mut self, id: Id, pairs: &[Piece<'_>], scales: &mut Scales) {
        let text: u64 = pairs.iter().map(|piece| piece.len).sum();
        let full = self.nodes.back().is_none_or(|node| {
            node.data.is_empty()
                || node.nodes > 1
                || node.bytes + text >= scales.limits.stream_bytes
                || node.total >= scales.limits.stream_entries
        });
        if full {
            self.open(id, pairs);
            if self.kept > KEPT {
                self.forget(scales);
            }
        }
        let Some(node) = self.nodes.back_mut() else { return };
        let before = node.data.capacity();
        let same = node.fields.len() * 2 == pairs.len()
            && node.fields.iter().zip(pairs.chunks(2)).all(|(name, pair)| **name == *pair[0].bytes);
        let (fields, data) = ((pairs.len() / 2) as i64, &mut node.data);
        let at = data.len();
        let difference = |to: u64, from: u64| to.wrapping_sub(from).cast_signed();
        pack::number_entry(if same { SAME_FIELDS } else { 0 }, data);
        pack::number_entry(difference(id.0, node.first.0), data);
        pack::number_entry(difference(id.1, node.first.1), data);
        if same {
            pairs.iter().skip(1).step_by(2).for_each(|value| pack::entry(value.bytes, data));
            pack::number_entry(fields + 3, data);
        } else {
            pack::number_entry(fields, data);
            pairs.iter().for_each(|piece| pack::entry(piece.bytes, data));
            pack::number_entry(2 * fields + 4, data);
        }
        node.bytes += (data.len() - at) as u64;
        self.kept += data.capacity() - before;
        node.last = id;
        (node.total, node.live) = (node.total + 1, node.live + 1);
        node.resp += entry_resp(id, pairs.iter().map(|piece| piece.len));
        self.live += 1;
    }

    fn open(&mut self, id: Id, pairs: &[Piece<'_>]) {
        let mut node = Node { nodes: 1, first: id, last: id, ..Node::default() };
        pack::number_entry((pairs.len() / 2) as i64, &mut node.data);
        for pair in pairs.chunks(2) {
            pack::entry(pair[0].bytes, &mut node.data);
            node.fields.push(pair[0].bytes.into());
        }
        pack::number_entry(0, &mut node.data);
        node.bytes = node.data.len() as u64 + 4;
        self.kept += node.data.capacity();
        self.nodes.push_back(node);
    }

    /// A node of a base: the identifier it counts from, and its listpack.
    pub fn load(&mut self, id: Id, listpack: &[u8], scales: &mut Scales) {
        let mut entries = pack::entries(listpack);
        let mut number = || entries.next().and_then(pack::Packed::number);
        let (Some(live), Some(deleted), Some(fields)) = (number(), number(), number()) else {
            return;
        };
        let names: Vec<_> = entries.by_ref().take(usize::try_from(fields).unwrap_or(0)).collect();
        let name_lens: Vec<u64> = names.iter().map(|name| name.text_len() as u64).collect();
        let text = |packed: &pack::Packed<'_>| match packed {
            pack::Packed::Number(number) => number.to_string().into_bytes().into(),
            pack::Packed::Text(text) => (*text).into(),
        };
        let mut node = Node {
            nodes: 1,
            first: id,
            last: id,
            fields: names.iter().map(text).collect(),
            bytes: (listpack.len() - pack::FRAME.min(listpack.len())) as u64,
            ..Node::default()
        };
        // The two counts are not kept.
        let body = listpack.get(pack::FRAME - 1..listpack.len() - 1).unwrap_or_default();
        let counts = |body: &[u8]| {
            Some(pack::first(body)?.1 + pack::first(&body[pack::first(body)?.1..])?.1)
        };
        node.data = body[counts(body).unwrap_or(0)..].to_vec();
        entries.next();
        for _ in 0..live.saturating_add(deleted) {
            let mut number = || entries.next().and_then(pack::Packed::number);
            let (Some(flags), Some(ms), Some(seq)) = (number(), number(), number()) else { break };
            let id = (id.0.wrapping_add_signed(ms), id.1.wrapping_add_signed(seq));
            let lens: Vec<u64> = if flags & SAME_FIELDS != 0 {
                let values = entries.by_ref().take(name_lens.len()).map(|v| v.text_len() as u64);
                values.chain(name_lens.iter().copied()).collect()
            } else {
                let count = number().and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
                entries.by_ref().take(2 * count).map(|piece| piece.text_len() as u64).collect()
            };
            entries.next();
            node.total += 1;
            node.last = id;
            if flags & 1 == 0 {
                node.live += 1;
                node.resp += entry_resp(id, lens.into_iter());
            }
        }
        self.live += node.live;
        self.kept += node.data.capacity();
        self.nodes.push_back(node);
        if self.kept > KEPT {
            self.forget(scales);
        }
    }

    /// Keeps only the sums of all nodes but the last.
    fn forget(&mut self, scales: &mut Scales) {
        let last = self.nodes.len().saturating_sub(1);
        let freed = self.forgotten.forget(self.nodes.iter_mut().take(last), scales);
        self.kept = self.kept.saturating_sub(freed);
        if self.nodes.len() > NODES {
            join(&mut self.nodes);
        }
    }

    /// Keeps the last `length` entries.
    pub fn trim_to_length(&mut self, length: u64) {
        while self.live > length {
            let Some(node) = self.nodes.front_mut() else { return };
            let over = self.live - length;
            if node.live <= over {
                self.drop_first();
            } else {
                node.take(over);
                self.live -= over;
            }
        }
    }

    /// Keeps the entries from `id` on.
    pub fn trim_to_id(&mut self, id: Id) {
        while let Some(node) = self.nodes.front_mut().filter(|node| node.first < id) {
            if node.last < id {
                self.drop_first();
                continue;
            }
            // Evenly spread over time between the first and the last, for all that is known.
            let part = |to: Id| (to.0 - node.first.0) as f64 * 1000.0 + to.1 as f64;
            let share = part(id) / part(node.last).max(1.0);
            let gone = ((node.total as f64 * share.clamp(0.0, 1.0)) as u64)
                .saturating_sub(node.total - node.live);
            node.take(gone);
            self.live -= gone.min(self.live);
            return;
        }
    }

    fn drop_first(&mut self) {
        if let Some(node) = self.nodes.pop_front() {
            self.live -= node.live.min(self.live);
            self.kept -= node.data.capacity().min(self.kept);
        }
    }

    /// XDEL
    pub fn delete(&mut self, id: Id) {
        let at = self.nodes.partition_point(|node| node.last < id);
        let Some(node) = self.nodes.get_mut(at).filter(|node| node.first <= id) else { return };
        node.take(1);
        self.live = self.live.saturating_sub(1);
        if node.live == 0
            && let Some(node) = self.nodes.remove(at)
        {
            self.kept -= node.data.capacity().min(self.kept);
        }
    }

    /// What it costs, with its key of that length.
    pub fn cost(&self, key_len: u64, dialect: Dialect, scales: &mut Scales) -> Cost {
        let key = bulk(key_len);
        let entries: u64 = self.nodes.iter().map(|node| node.resp).sum();
        // XSETID key id ENTRIESADDED n MAXDELETEDID id
        let set_id = match dialect.has_stream_offsets {
            true => header(7) + bulk(6) + key + bulk(15) + bulk(12) + bulk(3) + bulk(12) + bulk(3),
            false => header(3) + bulk(6) + key + bulk(15),
        };
        let resp = entries + self.live * (bulk(4) + key) + set_id;
        let nodes: u64 = self.nodes.iter().map(|node| node.nodes).sum();
        // Counts and identifiers of the stream, then those of its nodes.
        let own = if dialect.has_stream_offsets { 27 } else { 15 };
        let mut cost = Cost::of_commands(resp) + Cost::of_rdb(own + 17 * nodes);
        let (mut squeezed, mut unknown) = (self.forgotten.squeezed, 0.0);
        for node in &self.nodes {
            if node.data.is_empty() {
                unknown += node.bytes as f64;
                cost.raw += (node.bytes + node.nodes * (2 + pack::FRAME as u64)) as f64;
                continue;
            }
            let packed = scales.listpack(&node.data, node.total as usize);
            squeezed = (squeezed.0 + node.data.len() as f64, squeezed.1 + packed.rdb);
            // The two counts in front, which are not kept.
            cost += packed + Cost::of_rdb(4);
        }
        let packed = if squeezed.0 > 0.0 { squeezed.1 / squeezed.0 } else { 1.0 };
        cost.rdb += unknown * packed;
        let cut = self.half_dead_bytes() as f64;
        cost = cost.zip(Cost { resp: 0.0, rdb: cut * packed, raw: cut }, |all, cut| all - cut);
        cost + self.groups.cost(key_len, dialect)
    }
}

/// Bytes of an entry in a log but for the command's name and the key.
fn entry_resp(id: Id, lens: impl Iterator<Item = u64>) -> u64 {
    let (mut count, mut bytes) = (0, 0);
    for len in lens {
        count += 1;
        bytes += bulk(len);
    }
    let id_len = pack::decimal(id.0.cast_signed()) + 1 + pack::decimal(id.1.cast_signed());
    header(3 + count) + bulk(id_len as u64) + bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: u64) -> (Stream, Scales) {
        let (mut stream, mut scales) = (Stream::default(), Scales::default());
        for i in 0..count {
            let value = format!("value {i}");
            let pairs =
                ["name", &value].map(|t| Piece { bytes: t.as_bytes(), len: t.len() as u64 });
            stream.add((1_700_000_000_000 + i, 0), &pairs, &mut scales);
        }
        (stream, scales)
    }

    #[test]
    fn trimming_keeps_the_newest() {
        let (mut stream, mut scales) = filled(50_000);
        assert!(stream.kept() < 2 * KEPT, "{}", stream.kept());
        let whole = stream.cost(1, Dialect::LATEST, &mut scales);
        stream.trim_to_length(25_000);
        assert_eq!(stream.live, 25_000);
        let half = stream.cost(1, Dialect::LATEST, &mut scales);
        for (whole, half) in [(whole.resp, half.resp), (whole.rdb, half.rdb)] {
            assert!((0.49..0.52).contains(&(half / whole)), "{half} of {whole}");
        }
        stream.trim_to_id((1_700_000_000_000 + 40_000, 0));
        assert!(stream.live.abs_diff(10_000) < 60, "{}", stream.live);
        stream.delete((1_700_000_049_999, 0));
        stream.trim_to_length(0);
        assert_eq!((stream.live, stream.nodes.len()), (0, 0));
    }

    #[test]
    fn pending_entries_are_told_apart() {
        let (mut stream, mut scales) = filled(10);
        let none = stream.cost(1, Dialect::LATEST, &mut scales).resp;
        stream.groups.claim(1, 1, (7, 7), 100);
        stream.groups.claim(1, 1, (7, 7), 100);
        stream.groups.claim(2, 2, (7, 8), 100);
        // The key comes with each.
        assert_eq!(stream.cost(1, Dialect::LATEST, &mut scales).resp, none + 214.0);
        stream.groups.acknowledge(1);
        assert_eq!(stream.cost(1, Dialect::LATEST, &mut scales).resp, none + 107.0);
        stream.groups.claim(3, 3, (7, 9), 100);
        stream.groups.remove_consumer(8);
        assert_eq!(stream.cost(1, Dialect::LATEST, &mut scales).resp, none + 107.0);
        stream.groups.destroy(7);
        assert_eq!(stream.cost(1, Dialect::LATEST, &mut scales).resp, none);
    }
}
