//! Why a server is not tried.

use std::fmt;

/// Why a server is not tried, or what it did not do. In words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// This build was made without the feature that runs servers.
    NoServers,
    /// The program has not called [`super::take_part`].
    TakesNoPart,
    /// The user that the server runs as may not read a file that it is given.
    NotReadable,
    /// There is no such program.
    NoProgram,
    /// It does not load the set, for this reason.
    DoesNotLoad(String),
    /// It does not say how long loading took.
    NoTime,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoServers => "this build runs no server: it was made without the feature `server`",
            Self::TakesNoPart => {
                "this program cannot keep a server apart: it has not called `trial::take_part`"
            }
            Self::NotReadable => {
                "the server on trial runs as a user who may not read and execute it (mode o+rx is needed)"
            }
            Self::NoProgram => "there is no such program in PATH",
            Self::DoesNotLoad(why) => why,
            Self::NoTime => "it does not say how long it took to load the set",
        })
    }
}
