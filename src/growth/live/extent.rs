//! How large values and their nodes are.

/// How large a value is, or a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// Members, elements or entries.
    pub(super) count: u64,
    /// Bytes: of the longest string of a value, of all in a node.
    pub(super) bytes: u64,
}

impl Extent {
    /// Whether it is no larger in any way.
    pub(super) const fn is_within(self, other: Self) -> bool {
        self.count <= other.count && self.bytes <= other.bytes
    }

    /// Grows to hold the other one.
    pub(super) fn reach(&mut self, other: Self) {
        self.count = self.count.max(other.count);
        self.bytes = self.bytes.max(other.bytes);
    }
}
