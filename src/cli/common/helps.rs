//! Options that help against what a file system refuses, named where they apply.

use std::io;

use aofkit::error::{Error, ErrorKind};

/// What a verb was about to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// The set itself.
    Set,
    /// The directory of `--output`.
    Output,
    /// It cleans up beside a set.
    Leftovers,
    /// The place that a snapshot is restored to.
    Restored,
    /// A repository.
    Repository,
}

/// The error with the options that help against it.
pub fn helped(error: Error, writes: Writes) -> Error {
    match against(&error, writes) {
        Some(hint) => error.hint(hint.to_owned()),
        None => error,
    }
}

fn against(error: &Error, writes: Writes) -> Option<&'static str> {
    let source = std::error::Error::source(error).and_then(|e| e.downcast_ref::<io::Error>());
    match source.map(io::Error::kind) {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Some(full(writes)),
        Some(io::ErrorKind::ReadOnlyFilesystem) => Some(read_only(writes)),
        Some(io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices) => Some(mounted(writes)),
        _ if matches!(error.kind(), ErrorKind::NoRoom { .. }) => Some(full(writes)),
        _ => None,
    }
}

fn full(writes: Writes) -> &'static str {
    match writes {
        Writes::Set => {
            "the set is as it was. --keep-in DIR keeps what is removed on another file system, --output DIR writes the \
             result elsewhere, --no-keep keeps nothing and is the last resort"
        }
        Writes::Output => "the set is as it was. --output DIR on another file system has room",
        Writes::Leftovers => {
            "--keep-in DIR keeps what is removed on another file system; --delete keeps nothing and gives the room back \
             at once"
        }
        Writes::Restored => {
            "name a directory on another file system; with --replace what is there and what is restored need room \
             together"
        }
        Writes::Repository => {
            "--min-free says how much of the file system stays free; `aofkit prune` frees room; \
             --repo on another file system has more"
        }
    }
}

fn read_only(writes: Writes) -> &'static str {
    match writes {
        Writes::Set => {
            "the set is as it was. --output DIR writes the result to another file system"
        }
        Writes::Output => "--output DIR on another file system can be written",
        Writes::Leftovers => "nothing can be removed there before it is mounted for writing",
        Writes::Restored => "name a directory on another file system",
        Writes::Repository => "name a repository on another file system by --repo",
    }
}

fn mounted(writes: Writes) -> &'static str {
    match writes {
        Writes::Set => {
            "something is mounted there. The set is as it was: --output DIR writes the result elsewhere, --keep-in DIR \
             keeps what is removed elsewhere"
        }
        Writes::Output => "something is mounted there: name another directory by --output",
        Writes::Leftovers => {
            "something is mounted there: --keep-in DIR keeps what is removed elsewhere"
        }
        Writes::Restored => {
            "something is mounted there: restore into a new directory in it or beside it"
        }
        Writes::Repository => "something is mounted there: name another directory by --repo",
    }
}
