//! Why and where a loader stops, and what damage makes it do.

use crate::aof::{Damage, LoaderMeets, Why};
use crate::format::rdb;

/// Argument lengths from here on may be more than a server's allocator gives: it depends on the allocator, the
/// kernel's settings and the memory there is.
const PERHAPS_TOO_LARGE: u64 = 1 << 36;

/// No process has so many addresses.
const TOO_LARGE: u64 = 1 << 47;

/// Why a loader stopped in a file, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Offset of what stopped it.
    pub at: u64,
    /// Why.
    pub cause: Cause,
}

/// Why a loader stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The file ends inside a record. It cuts the file; the start goes on if this is the last one.
    EndOfFile,
    /// The file ends inside a transaction. As above, from before MULTI.
    OpenTransaction,
    /// A byte that begins nothing.
    BadFormat,
    /// What it takes for an error of reading: it stops, whatever it is told about corrupt ends.
    ReadError,
    /// A command it does not know.
    Unknown,
    /// Something that it may take or not: of a module that may be loaded, or something of an RDB that aofkit has not
    /// learnt.
    Perhaps,
    /// Something of a module that is not loaded.
    MissingModule,
    /// A command with a wrong number of arguments.
    Refused,
    /// It dies.
    Crash,
    /// It takes the end of the file for the end of a record, or dies of the length that the record claims: that
    /// depends on the memory there is.
    EndOrCrash,
    /// The RDB part is broken, of a version it does not read, or of a database that its configuration does not give it.
    Rdb,
}

/// What every loader meets at a damaged place.
pub(super) fn meets(damage: &Damage) -> Cause {
    match (damage.fault.reason, damage.loader) {
        (Why::Rdb(rdb::Reason::NotRdb), _) => Cause::BadFormat,
        (Why::Rdb(_), _) => Cause::Rdb,
        (_, LoaderMeets::EndOfFile) => Cause::EndOfFile,
        (_, LoaderMeets::BadFormat | LoaderMeets::BadFormatBehind(_)) => Cause::BadFormat,
        (_, LoaderMeets::ReadError) => Cause::ReadError,
        (_, LoaderMeets::Crash) => Cause::Crash,
        (_, LoaderMeets::Allocation(n)) if n >= TOO_LARGE => Cause::Crash,
        (_, LoaderMeets::Allocation(n)) if n >= PERHAPS_TOO_LARGE => Cause::EndOrCrash,
        (_, LoaderMeets::Allocation(_)) => Cause::EndOfFile,
    }
}
