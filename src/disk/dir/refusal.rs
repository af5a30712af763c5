//! Why something is not touched that a name stands for.

use std::fmt;

use super::look::Kind;

/// Why something is not touched that a name stands for. In words by `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is something else than it has to be.
    OtherKind {
        /// This.
        is: Kind,
        /// And has to be this.
        must_be: Kind,
    },
    /// The name may lead elsewhere: it is not one plain component.
    NoPlainName,
    /// It is neither a directory nor a file with one name.
    NeitherDirectoryNorFile,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherKind { is, must_be } => {
                write!(f, "it is {}, and must be {} here", is.name(), must_be.name())
            }
            Self::NoPlainName => f.write_str("this is not a plain file name"),
            Self::NeitherDirectoryNorFile => {
                f.write_str("it is neither a directory nor a plain file")
            }
        }
    }
}
