//! Where a record or a transaction is split over two files.

/// What stands in two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// A record.
    Record,
    /// A transaction whose records are whole: the file border lies between two of them.
    Transaction,
}

impl Crossing {
    /// In words, with its article.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Record => "the record",
            Self::Transaction => "the transaction",
        }
    }
}

/// Something in two files, by their positions in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// What it is.
    pub what: Crossing,
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
