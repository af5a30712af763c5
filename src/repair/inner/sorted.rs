//! A segment, sorted into what stays and what goes. Plain values.

use std::collections::HashMap;

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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// A transaction whose EXEC has wrong bytes in its name.
    GarbledExec,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(why) | Self::Tail(why) | Self::Refused(why) | Self::Named(why) => {
                f.write_str(why)
            }
            Self::OpenTransaction => f.write_str("a transaction without EXEC"),
            Self::GarbledExec => {
                f.write_str("a transaction whose EXEC has wrong bytes in its name, as it seems")
            }
        }
    }
}

/// A place that goes for a reason of its own: there may be very many, and few reasons.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) from: u64,
    pub(super) to: u64,
    /// See [`Faults::cause`].
    cause: u32,
}

/// Reasons told apart at most; beyond that they are called other ones.
const CAUSES: u32 = 4096;

/// The faults of a segment, in the order they were seen.
#[derive(Debug, Default)]
pub(super) struct Faults {
    all: Vec<Fault>,
    causes: Vec<Cause>,
    numbers: HashMap<Cause, u32>,
}

impl Faults {
    /// Takes one more. Those that follow each other for one reason are one.
    pub(super) fn push(&mut self, from: u64, to: u64, cause: Cause) {
        let cause = self.number(cause);
        match self.all.last_mut() {
            Some(last) if last.to == from && last.cause == cause => last.to = to,
            _ => self.all.push(Fault { from, to, cause }),
        }
    }

    fn number(&mut self, cause: Cause) -> u32 {
        let last = self.all.last().map(|last| last.cause);
        if let Some(last) = last.filter(|&last| self.causes.get(last as usize) == Some(&cause)) {
            return last;
        }
        if let Some(&number) = self.numbers.get(&cause) {
            return number;
        }
        let number = self.numbers.len() as u32;
        if number >= CAUSES {
            return CAUSES;
        }
        self.causes.push(cause.clone());
        self.numbers.insert(cause, number);
        number
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.all.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Why this one goes.
    pub(super) fn cause(&self, fault: &Fault) -> String {
        let cause = self.causes.get(fault.cause as usize);
        cause.map_or_else(|| "one of many other faults".to_owned(), ToString::to_string)
    }
}

/// The segment, sorted.
#[derive(Debug)]
pub(super) struct Sorted {
    pub(super) len: u64,
    /// Its true first bytes, where those are wrong.
    pub(super) header: Option<Vec<u8>>,
    pub(super) steps: Vec<Step>,
    pub(super) faults: Faults,
    /// Keys of its RDB that go, and where each begins.
    pub(super) lost_keys: Vec<(u64, LostKey)>,
    pub(super) questions: Vec<Question>,
    /// Databases that are selected anywhere in it, in order.
    pub(super) databases: Vec<u64>,
    /// SELECTs of what was selected already: the mark of a server that was started anew.
    pub(super) redundant: u64,
    /// Where a server was started anew inside an open transaction.
    pub(super) restarts: Vec<u64>,
    /// Records that are taken for the EXEC of the transaction before them.
    pub(super) garbled_execs: Vec<u64>,
}
