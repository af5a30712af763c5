//! What was printed, and what was not.

use std::io;

/// What was printed and what was not.
#[derive(Debug)]
pub struct Printed {
    /// Records.
    pub records: u64,
    /// Keys and libraries of bases.
    pub keys: u64,
    /// Records left out only because no annotation stands before them and a time was asked for.
    pub undated: u64,
    /// Ranges of bytes that make no sense.
    pub damaged_ranges: u64,
    /// Their bytes.
    pub damaged_bytes: u64,
    /// RDB parts that aofkit has not learnt to read to their end.
    pub not_understood: u64,
    /// Files that end inside a transaction.
    pub open_transactions: u64,
    /// RDB parts that were printed and whose checksum does not fit.
    pub bad_checksums: u64,
    /// What was selected and could not be printed.
    pub unprinted: Unprinted,
    /// The first of the keys that the form cannot write.
    pub not_in_form: Vec<LeftOut>,
    /// Whether all of it could be written.
    pub written: io::Result<()>,
}

/// What was selected and could not be printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unprinted {
    /// Keys and libraries too long to be held, or compressed wrongly.
    pub unreadable: u64,
    /// Keys that the form cannot write.
    pub not_in_form: u64,
    /// Keys that were printed without what no command says of them: that they are kept from eviction, and what
    /// modules keep about them.
    pub beside: u64,
    /// What modules keep beside all keys, which no command says either.
    pub module_data: u64,
    /// Entries of streams that were printed without the hash by which the server knows them again (IDMPAUTO).
    pub hashes: u64,
}

impl Unprinted {
    /// All of them.
    pub fn total(self) -> u64 {
        self.unreadable + self.not_in_form + self.module_data
    }
}

/// A key that was not printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The database it is in.
    pub db: u64,
    /// The key, or as much of it as is told.
    pub key: Vec<u8>,
    /// Offset of its value's type in the file.
    pub at: u64,
    /// The number of that type.
    pub number: u8,
}

impl LeftOut {
    /// So many are told.
    pub const MOST: usize = 20;
    /// Bytes of a key that are told.
    pub(super) const KEY: usize = 64;
}
