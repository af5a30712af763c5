//! Nodes of lists and streams of which only sums are kept, for there are too many to keep the bytes of all.

use std::collections::VecDeque;

use super::cost::Scales;

/// Some entries in a row, whose bytes may be forgotten.
pub(super) trait Node {
    /// The packed entries; none once they are forgotten.
    fn data(&self) -> &Vec<u8>;

    /// How many entries there are.
    fn entries(&self) -> u64;

    /// Whether all of them lie in its data.
    fn is_whole(&self) -> bool {
        true
    }

    /// Keeps only the sums.
    fn forget(&mut self);

    /// Takes over the sums of the node behind it.
    fn add(&mut self, next: &Self);
}

/// What is known of nodes that were forgotten: one in eight was compressed, to know how well the others would be.
#[derive(Clone, Debug, Default)]
pub(super) struct Forgotten {
    /// Bytes that were compressed, and what they came to.
    pub(super) squeezed: (f64, f64),
    nodes: u64,
}

impl Forgotten {
    /// Forgets these; answers how many bytes of memory that frees.
    pub(super) fn forget<'n, N: Node + 'n>(
        &mut self,
        nodes: impl Iterator<Item = &'n mut N>,
        scales: &mut Scales,
    ) -> usize {
        let mut freed = 0;
        for node in nodes.filter(|node| !node.data().is_empty()) {
            if self.nodes.is_multiple_of(8) && node.is_whole() {
                let packed = scales.listpack(node.data(), node.entries() as usize);
                self.squeezed.0 += node.data().len() as f64;
                self.squeezed.1 += packed.rdb;
            }
            self.nodes += 1;
            freed += node.data().capacity();
            node.forget();
        }
        freed
    }
}

/// Puts forgotten neighbours together, two and two.
pub(super) fn join<N: Node>(nodes: &mut VecDeque<N>) {
    let old = std::mem::take(nodes);
    let mut fresh = false;
    for node in old {
        match nodes.back_mut() {
            Some(before) if fresh && before.data().is_empty() && node.data().is_empty() => {
                before.add(&node);
                fresh = false;
            }
            _ => {
                nodes.push_back(node);
                fresh = true;
            }
        }
    }
}
