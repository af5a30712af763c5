//! Lists: elements in nodes, packed as a server packs them.
//!
//! Nodes keep their bytes, so that they can be compressed, until there are too many of them; then most keep only
//! their counts, and one in eight is compressed to know how well the others would be.

use std::collections::VecDeque;

use super::cost::{Cost, Scales, batches, bulk};
use super::extent::Extent;
use super::forgotten::{self, Forgotten, join};
use super::sizes::Nodes;
use crate::format::rdb::pack;

/// What a server reckons for the overhead of an element before it is packed.
const OVERHEAD: usize = 8;

/// Bytes of a node beside its entries when it is not compressed: its length, and the frame of its listpack.
const PLAIN_NODE: u64 = 2 + pack::FRAME as u64;

/// Bytes of contents that one list keeps.
const KEPT: usize = 64 << 10;

/// Bytes of a node beyond which it is made room for a whole one at once.
const GROWS: usize = 1024;

/// Nodes of one list that are told apart.
const NODES: usize = 1 << 16;

/// Bytes of an element that are kept.
const ELEMENT: usize = 1 << 16;

/// Some elements in a row.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Nodes of the server that it stands for.
    nodes: u64,
    count: u64,
    /// Bytes of the packed entries.
    bytes: u64,
    /// Bytes of the elements in a log.
    resp: u64,
    /// The packed entries; none where only the sums are kept.
    data: Vec<u8>,
}

impl Node {
    fn has_data(&self) -> bool {
        self.data.len() as u64 == self.bytes
    }

    fn fits(&self, more: usize, limits: Nodes) -> bool {
        let bytes = self.bytes as usize + more + OVERHEAD + pack::FRAME;
        self.nodes == 1 && bytes <= limits.bytes && self.count < limits.elements
    }

    /// Puts an entry at the left or right end of its data; by how many bytes that made it larger in memory.
    fn take(&mut self, left: bool, entry: &[u8], limits: Nodes) -> usize {
        let (old, before) = (self.data.len(), self.data.capacity());
        if before - old < entry.len() && before >= GROWS {
            // It is on its way to be full.
            self.data.reserve_exact(limits.bytes.max(old + entry.len()) - old);
        }
        self.data.extend_from_slice(entry);
        if left {
            self.data.copy_within(..old, entry.len());
            self.data[..entry.len()].copy_from_slice(entry);
        }
        self.data.capacity() - before
    }

    /// Forgets what of its elements lies at this place in its data.
    fn remove(&mut self, at: usize, len: usize, text_len: usize) {
        self.data.drain(at..at + len);
        self.bytes -= len as u64;
        self.resp -= bulk(text_len as u64).min(self.resp);
        self.count -= 1;
    }

    /// Takes `n` of its elements away, of which nothing is known.
    fn thin(&mut self, n: u64) {
        let left = self.count - n;
        let part = |sum: u64| (u128::from(sum) * u128::from(left) / u128::from(self.count)) as u64;
        (self.bytes, self.resp) = (part(self.bytes), part(self.resp));
        self.nodes = part(self.nodes).max(1);
        self.count = left;
    }
}

impl forgotten::Node for Node {
    fn data(&self) -> &Vec<u8> {
        &self.data
    }

    fn entries(&self) -> u64 {
        self.count
    }

    fn is_whole(&self) -> bool {
        self.has_data()
    }

    fn forget(&mut self) {
        self.data = Vec::new();
    }

    fn add(&mut self, next: &Self) {
        self.nodes += next.nodes;
        self.count += next.count;
        self.bytes += next.bytes;
        self.resp += next.resp;
    }
}

/// A list.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    nodes: VecDeque<Node>,
    count: u64,
    kept: usize,
    forgotten: Forgotten,
}

impl Chain {
    /// Elements.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Bytes kept in memory, about.
    pub fn kept(&self) -> usize {
        self.kept + self.nodes.len() * size_of::<Node>()
    }

    /// Bytes of its elements, about.
    pub fn bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.bytes).sum()
    }

    /// How many elements it has, and their bytes.
    pub(super) fn extent(&self) -> Extent {
        Extent { count: self.count, bytes: self.bytes() }
    }

    /// By how much it may be smaller or larger where the server's nodes have other sizes, of its cost: larger nodes
    /// compress better, and have fewer frames; each element in a node of its own is not compressed.
    pub(super) fn otherwise(&self, cost: Cost) -> (Cost, Cost) {
        /// The largest nodes compress to no less, as a part of what they come to by default.
        const LEAST: f64 = 0.5;
        /// Container, length and frame of a node.
        const NODE: u64 = 1 + 5 + pack::FRAME as u64;
        let apart = cost.raw + (self.count * NODE) as f64;
        let frames = (self.node_count() * NODE) as f64;
        let less = Cost { resp: 0.0, rdb: LEAST * cost.rdb, raw: frames };
        (less, Cost { resp: 0.0, rdb: (apart - cost.rdb).max(0.0), raw: apart - cost.raw })
    }

    /// Nodes that a server has of it.
    pub fn node_count(&self) -> u64 {
        self.nodes.iter().map(|node| node.nodes).sum()
    }

    /// Adds an element at the left or right end.
    pub fn push(&mut self, left: bool, bytes: &[u8], len: u64, scales: &mut Scales) {
        let limits = scales.limits.list;
        let kept = &bytes[..bytes.len().min(ELEMENT)];
        let mut entry = std::mem::take(&mut scales.scratch);
        entry.clear();
        pack::entry(kept, &mut entry);
        let size = entry.len() as u64 + len.saturating_sub(kept.len() as u64);
        let is_new = {
            let end = if left { self.nodes.front() } else { self.nodes.back() };
            !end.is_some_and(|node| node.has_data() && node.fits(size as usize, limits))
        };
        if is_new {
            let fresh = Node { nodes: 1, ..Node::default() };
            if left { self.nodes.push_front(fresh) } else { self.nodes.push_back(fresh) }
        }
        let end = if left { self.nodes.front_mut() } else { self.nodes.back_mut() };
        if let Some(node) = end {
            self.kept += node.take(left, &entry, limits);
            (node.count, node.bytes) = (node.count + 1, node.bytes + size);
            node.resp += bulk(len);
        }
        scales.scratch = entry;
        self.count += 1;
        if is_new && self.kept > KEPT {
            self.forget(scales);
        }
    }

    /// Keeps only the sums of the inner nodes.
    fn forget(&mut self, scales: &mut Scales) {
        let inner = self.nodes.len().saturating_sub(2);
        let freed = self.forgotten.forget(self.nodes.iter_mut().skip(1).take(inner), scales);
        self.kept = self.kept.saturating_sub(freed);
        if self.nodes.len() > NODES {
            join(&mut self.nodes);
        }
    }

    /// Takes `n` elements from the left or right end.
    pub fn pop(&mut self, left: bool, mut n: u64) {
        while n > 0 {
            let end = if left { self.nodes.front_mut() } else { self.nodes.back_mut() };
            let Some(node) = end else { return };
            if node.count <= n {
                n -= node.count;
                self.count -= node.count;
                self.kept -= node.data.capacity().min(self.kept);
                let _ = if left { self.nodes.pop_front() } else { self.nodes.pop_back() };
                continue;
            }
            self.count -= n;
            if !node.has_data() {
                return node.thin(n);
            }
            for _ in 0..n {
                let at = if left {
                    Some(0)
                } else {
                    pack::last(&node.data).map(|l| node.data.len() - l)
                };
                let Some((at, (value, len))) =
                    at.and_then(|at| Some((at, pack::first(&node.data[at..])?)))
                else {
                    return;
                };
                let text_len = value.text_len();
                node.remove(at, len, text_len);
            }
            return;
        }
    }

    /// LTRIM: keeps the elements from `start` to `stop`, negative ones counted from the end.
    pub fn trim(&mut self, start: i64, stop: i64) {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        let place = |at: i64| if at < 0 { at.saturating_add(count) } else { at };
        let (start, stop) = (place(start).max(0), place(stop).min(count - 1));
        if start > stop {
            return *self = Self::default();
        }
        self.pop(true, start.unsigned_abs());
        self.pop(false, (count - 1 - stop).unsigned_abs());
    }

    /// LREM: takes `count` elements like this away, from the left; from the right when negative; all when 0.
    pub fn remove(&mut self, count: i64, wanted: &[u8]) {
        let mut left = if count == 0 { u64::MAX } else { count.unsigned_abs() };
        let places: Vec<usize> = match count < 0 {
            true => (0..self.nodes.len()).rev().collect(),
            false => (0..self.nodes.len()).collect(),
        };
        let number = pack::integer(wanted);
        for place in places {
            let node = &mut self.nodes[place];
            let mut at = 0;
            while left > 0
                && let Some((value, len)) = pack::first(node.data.get(at..).unwrap_or(&[]))
            {
                let same = match value {
                    pack::Packed::Number(found) => number == Some(found),
                    pack::Packed::Text(found) => found == wanted,
                };
                if same {
                    let text_len = value.text_len();
                    node.remove(at, len, text_len);
                    (left, self.count) = (left - 1, self.count - 1);
                } else {
                    at += len;
                }
            }
        }
        self.nodes.retain(|node| node.count > 0);
    }

    /// LSET and LINSERT: an element of this size comes somewhere inside, in the place of another or not.
    pub fn put(&mut self, index: Option<i64>, bytes: &[u8], len: u64) {
        let Some(at) = index else {
            let half = self.nodes.len() / 2;
            if let Some(node) = self.nodes.get_mut(half) {
                Self::insert(node, node.data.len(), bytes, len);
                self.count += 1;
            }
            return;
        };
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        let at = if at < 0 { at.saturating_add(count) } else { at };
        let mut left = u64::try_from(at).unwrap_or(0);
        for node in &mut self.nodes {
            if left >= node.count {
                left -= node.count;
                continue;
            }
            let mut from = 0;
            for _ in 0..left {
                from += pack::first(node.data.get(from..).unwrap_or(&[])).map_or(0, |(_, len)| len);
            }
            match pack::first(node.data.get(from..).unwrap_or(&[])) {
                Some((value, old)) => {
                    let text_len = value.text_len();
                    node.remove(from, old, text_len);
                }
                None if node.count > 1 => node.thin(1),
                None => return,
            }
            return Self::insert(node, from, bytes, len);
        }
    }

    fn insert(node: &mut Node, at: usize, bytes: &[u8], len: u64) {
        let kept = &bytes[..bytes.len().min(ELEMENT)];
        let mut entry = Vec::new();
        pack::entry(kept, &mut entry);
        let size = entry.len() as u64 + len.saturating_sub(kept.len() as u64);
        if node.has_data() && at <= node.data.len() {
            node.data.splice(at..at, entry);
        }
        (node.count, node.bytes, node.resp) =
            (node.count + 1, node.bytes + size, node.resp + bulk(len));
    }

    /// The element at an end, when its bytes are kept.
    pub fn end(&self, left: bool) -> Option<Vec<u8>> {
        let node = if left { self.nodes.front() } else { self.nodes.back() }?;
        let at = if left { 0 } else { node.data.len() - pack::last(&node.data)? };
        match pack::first(node.data.get(at..)?)?.0 {
            pack::Packed::Number(number) => Some(number.to_string().into_bytes()),
            pack::Packed::Text(text) => Some(text.to_vec()),
        }
    }

    /// What it costs, with its key of that length.
    pub fn cost(&self, key_len: u64, scales: &mut Scales) -> Cost {
        let resp: u64 = self.nodes.iter().map(|node| node.resp).sum();
        let resp = resp + batches(5, key_len, self.count, 1);
        let nodes: u64 = self.nodes.iter().map(|node| node.nodes).sum();
        let mut cost = Cost::of_commands(resp) + Cost::of_rdb(pack::length_bytes(nodes) + nodes);
        let (mut squeezed, mut unknown) = (self.forgotten.squeezed, 0.0);
        for node in &self.nodes {
            if !node.has_data() {
                unknown += node.bytes as f64;
                cost.raw += (node.bytes + node.nodes * PLAIN_NODE) as f64;
                continue;
            }
            let packed = scales.listpack(&node.data, node.count as usize);
            squeezed = (squeezed.0 + node.bytes as f64, squeezed.1 + packed.rdb);
            cost += packed;
        }
        cost.rdb += unknown * if squeezed.0 > 0.0 { squeezed.1 / squeezed.0 } else { 1.0 };
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: u64) -> (Chain, Scales) {
        let (mut chain, mut scales) = (Chain::default(), Scales::default());
        for i in 0..count {
            let text = format!("element number {i} of a list");
            chain.push(false, text.as_bytes(), text.len() as u64, &mut scales);
        }
        (chain, scales)
    }

    #[test]
    fn elements_come_and_go_at_both_ends() {
        let (mut chain, mut scales) = filled(1000);
        chain.push(true, b"first", 5, &mut scales);
        assert_eq!(chain.end(true).as_deref(), Some(&b"first"[..]));
        chain.pop(true, 2);
        chain.pop(false, 1);
        assert_eq!(chain.end(true).as_deref(), Some(&b"element number 1 of a list"[..]));
        assert_eq!(chain.end(false).as_deref(), Some(&b"element number 998 of a list"[..]));
        chain.trim(100, -100);
        assert_eq!(chain.count(), 998 - 199);
        let wanted = b"element number 500 of a list";
        chain.remove(1, wanted);
        chain.remove(0, wanted);
        assert_eq!(chain.count(), 798);
        chain.put(Some(-1), b"7", 1);
        assert_eq!(chain.end(false).as_deref(), Some(&b"7"[..]));
        chain.trim(5, 4);
        assert_eq!((chain.count(), chain.kept()), (0, 0));
    }

    #[test]
    fn what_is_forgotten_is_still_counted() {
        let (mut large, mut scales) = filled(200_000);
        assert!(large.kept() < 2 * KEPT, "{}", large.kept());
        let whole = large.cost(3, &mut scales);
        large.pop(true, 100_000);
        let half = large.cost(3, &mut scales);
        assert_eq!(large.count(), 100_000);
        for (whole, half) in [(whole.resp, half.resp), (whole.rdb, half.rdb)] {
            assert!((0.49..0.52).contains(&(half / whole)), "{half} of {whole}");
        }
        join(&mut large.nodes);
        assert_eq!(large.cost(3, &mut scales).resp, half.resp);
    }
}
