//! Why something in the directory of a repository is not touched: aofkit did not write it.

use std::fmt;
use std::path::Path;

use crate::disk::{Dir, Kind};
use crate::error::{Error, ErrorKind, Result};

/// Tells more of an error about something that is not what it must be.
pub(super) fn told<T>(
    dir: &Dir,
    name: impl AsRef<std::ffi::OsStr>,
    result: Result<T>,
) -> Result<T> {
    result.map_err(|e| match e.kind() {
        ErrorKind::Refused(_) => match dir.look(&name) {
            Ok(Some(look)) => foreign(&dir.at(name), look.kind),
            _ => e,
        },
        _ => e,
    })
}

#[cold]
pub(super) fn foreign(path: &Path, kind: Kind) -> Error {
    Error::refused(Refusal::Foreign(kind), path)
}

/// Why something in the directory of a repository is not touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    TooDeep,
    Foreign(Kind),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Foreign(kind) = self else {
            return f.write_str("nothing in a repository lies so deep");
        };
        let more = match kind {
            Kind::Link => {
                "it is not followed. What shall lie on another disk is mounted there, or the repository lies there as a \
                 whole"
            }
            _ => "aofkit did not write it and leaves it alone; move it away",
        };
        write!(f, "{} has no place here in a repository: {more}", kind.name())
    }
}
