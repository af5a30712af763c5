//! One thing that is wrong or odd, as it was seen.

use super::payload::Payload;
use super::raw::Raw;
use crate::aof::{Damage, Excerpt};
use crate::format::rdb::{self, Header};
use crate::rules::Need;

/// One thing that is wrong or odd, seen once or many times.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Offset of the first of them.
    pub offset: u64,
    /// Bytes of the first of them.
    pub len: u64,
    /// How often it was seen.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Records up to the last place before it where a cut would be honest.
    pub commands_before: u64,
    /// That place.
    pub cut_before: u64,
    /// How many records the bytes probably held, by the lengths of those before; `None` where there are none.
    pub likely: Option<u64>,
    /// What it is.
    pub what: What,
}

/// Kinds of things that are wrong or odd.
#[derive(Clone, Debug)]
pub enum What {
    /// Bytes that belong to nothing.
    Damage(Box<Damage>),
    /// Bytes behind the end of a plain dump, and some of them.
    BehindDump(Excerpt),
    /// A header that announces no arguments.
    Hollow,
    /// The file ends, and this many whole records stand in a transaction without EXEC.
    OpenTransaction {
        /// Records from MULTI on.
        commands: u64,
    },
    /// EXEC of a transaction that contains DISCARD.
    DiscardInTransaction,
    /// Not judged yet: it depends on the target.
    Raw(Box<Raw>),
    /// A command the target does not know, or of which that is not known.
    UnknownCommand {
        /// Its name as the log has it, with the subcommand where it has one.
        name: Vec<u8>,
        /// The target is known not to have it.
        is_learnt: bool,
    },
    /// Something of a module that is not loaded.
    MissingModule {
        /// The command's name as the log has it, or the type in the RDB.
        name: Vec<u8>,
        /// What of.
        need: Need,
    },
    /// Something of a module in the RDB, and whether the target can read it is not known.
    DoubtfulModule(Box<rdb::Module>),
    /// A command that is well formed and ends the server that loads it.
    DeadlyCommand(Vec<u8>),
    /// A command with a wrong number of arguments.
    WrongArity {
        /// Its name.
        name: Vec<u8>,
        /// How many arguments it has here, the name included.
        argc: u32,
        /// The target refuses it or dies of it.
        fatal: bool,
    },
    /// A command that no server logs, and that acts when the log is loaded.
    Trap {
        /// Its name, with the subcommand where there is one.
        name: Vec<u8>,
        /// The target dies of it.
        fatal: bool,
    },
    /// Something every loader takes and redis-check-aof refuses.
    NonCanonical(NonCanonical),
    /// `#TS:` without a number.
    BadTimestamp,
    /// An annotation at the end of the file that has no line end.
    OpenAnnotation,
    /// Something wrong inside of a value of an RDB.
    RdbFlaw(Box<rdb::deep::Flaw>),
    /// What a thorough look at an RDB left out.
    RdbLeftOut(Box<rdb::deep::Report>),
    /// Something wrong with the payload of a RESTORE.
    Payload(Box<Payload>),
    /// Keys of an RDB under another slot than their own: one of them, and whether it stands twice.
    Stray {
        /// The key.
        stray: Box<rdb::Stray>,
        /// Another one stands where it should.
        is_twice: bool,
    },
    /// An RDB version the target does not read.
    RdbVersion(Header),
    /// A type or opcode of an RDB that the target does not have.
    RdbNumber(u8),
    /// A database that the target's configuration does not give it, named by a record or by an RDB.
    BeyondDatabases {
        /// Its number.
        db: u64,
        /// The RDB names it.
        is_rdb: bool,
    },
    /// Annotations, which the target does not pass over.
    RefusedAnnotation,
    /// An RDB whose checksum does not fit.
    RdbChecksum {
        /// As the trailer has it.
        stored: u64,
        /// As the bytes have it.
        computed: u64,
    },
}

impl From<Raw> for What {
    fn from(raw: Raw) -> Self {
        Self::Raw(Box::new(raw))
    }
}

/// Ways of writing that loaders take and redis-check-aof refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NonCanonical {
    /// A header line that ends with LF alone, or has bytes after its number.
    LooseLine,
    /// A header line longer than redis-check-aof's buffer.
    LongLine,
    /// An argument count beyond 32 bits.
    WrappedCount,
    /// Other bytes in the place of the CRLF after an argument.
    BadTerminator,
    /// MULTI inside MULTI.
    NestedMulti,
    /// EXEC without MULTI.
    StrayExec,
    /// An RDB in an increment.
    RdbInIncrement,
}
