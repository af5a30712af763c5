//! The open loops of a record: which item comes next, and how many rounds are left.

use super::layout::{DEPTH, Item};

/// A list of items being read, and how many rounds are left, this one included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) items: &'static [Item],
    pub(super) next: usize,
    pub(super) rounds: u64,
}

/// The open loops, the innermost last. Empty between two records.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    frames: [Frame; DEPTH],
    depth: usize,
}

impl Stack {
    pub(super) const EMPTY: Self =
        Self { frames: [Frame { items: &[], next: 0, rounds: 1 }; DEPTH], depth: 0 };

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// Begins a record.
    #[inline]
    pub(super) const fn begin(&mut self, items: &'static [Item]) {
        self.frames[0] = Frame { items, next: 0, rounds: 1 };
        self.depth = 1;
    }

    /// Ends the record, whatever is open.
    pub(super) const fn clear(&mut self) {
        self.depth = 0;
    }

    /// The innermost loop. Only called while one is open.
    #[inline]
    pub(super) const fn top(&mut self) -> &mut Frame {
        &mut self.frames[self.depth - 1]
    }

    /// The item that comes next, if a record is open.
    pub(super) fn current(&self) -> Option<&'static Item> {
        let frame = self.frames.get(self.depth.checked_sub(1)?)?;
        frame.items.get(frame.next)
    }

    /// The current item is done.
    #[inline]
    pub(super) const fn advance(&mut self) {
        self.top().next += 1;
    }

    /// Opens a loop.
    pub(super) const fn push(&mut self, items: &'static [Item], rounds: u64) {
        // In bounds: the tables are checked against `DEPTH` when they are compiled.
        self.frames[self.depth] = Frame { items, next: 0, rounds };
        self.depth += 1;
    }

    /// Closes the innermost loop.
    #[inline]
    pub(super) const fn pop(&mut self) {
        self.depth -= 1;
    }
}
