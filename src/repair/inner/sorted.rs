//! A segment, sorted into what stays and what goes. Plain values.

use crate::change::LostKey;

/// A selected database: a number, or the answer to a question that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Db {
    At(u64),
    Asked(usize),
}

/// Which database is selected after a damaged range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// Offset after the range.
    pub(super) at: u64,
    /// What was selected before it.
    pub(super) before: Db,
    /// A SELECT that can still be read in it.
    pub(super) readable: Option<u64>,
    /// The database that the next SELECT names.
    pub(super) next: Option<u64>,
}

/// What the new content consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Keep {
        from: u64,
        to: u64,
    },
    /// A SELECT, unless both are the same.
    Select {
        from: Db,
        to: Db,
    },
    /// The end of an RDB, its checksum switched off.
    RdbEnd,
    /// An RDB's checksum, switched off.
    NoChecksum,
    /// An RDB's checksum, made anew.
    Checksum(u64),
}

/// Why bytes go that are not part of a transaction that lost some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Broken bytes.
    Broken(String),
    /// The file ends inside a record, or with bytes that are none.
    Tail(String),
    /// A whole record the target dies of, or what comes after a cut.
    Refused(String),
    /// A record that was named to be dropped.
    Named(String),
    /// The file ends inside a transaction.
    OpenTransaction,
}

/// A place that goes for a reason of its own.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) cause: Cause,
}

/// The segment, sorted.
#[derive(Debug)]
pub(super) struct Sorted {
    pub(super) len: u64,
    /// Its true first bytes, where those are wrong.
    pub(super) header: Option<Vec<u8>>,
    pub(super) steps: Vec<Step>,
    pub(super) faults: Vec<Fault>,
    /// A key of its RDB that goes, and where it begins.
    pub(super) lost_key: Option<(u64, LostKey)>,
    pub(super) questions: Vec<Question>,
    /// Databases that are selected anywhere in it, in order.
    pub(super) databases: Vec<u64>,
    /// SELECTs of what was selected already: the mark of a server that was started anew.
    pub(super) redundant: u64,
    /// Where a server was started anew inside an open transaction.
    pub(super) restarts: Vec<u64>,
}
