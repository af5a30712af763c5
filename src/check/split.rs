//! Where a record is split over two files.

/// A record in two files, by their positions in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The file that ends inside of it.
    pub first: usize,
    /// The file that begins with its rest.
    pub second: usize,
    /// Offset in the first at which it begins.
    pub start: u64,
    /// Bytes of it at the start of the second.
    pub rest: u64,
    /// Bytes at the start of the second that belong into the first: the rest of the record, that of its transaction, and
    /// what went to the same database without naming it again.
    pub moves: u64,
}
