//! Why nothing is done with what lies where aofkit keeps what it removed: it is not as aofkit writes it.

use std::fmt;

use crate::disk::Kind;

/// Why something is not taken for what aofkit wrote. In words by `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotOurs {
    /// It is of this kind, which no run makes there.
    Kind(Kind),
    /// It is of this kind, in a directory that a copy is written to.
    InCopy(Kind),
    /// It belongs to this user, who does not own the set.
    User(u32),
    /// Another file system is mounted there.
    Mounted,
    /// A line of a journal is not as it must be.
    Line {
        /// Its number.
        line: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A journal does not say what the old files consisted of.
    Incomplete,
    /// A journal speaks of something that the change did not make.
    NotMade,
    /// This is not the name of a file of the set.
    NoName,
    /// A journal names a hidden file that is none of the set.
    Hidden,
    /// A journal names a file that another change wrote.
    OfAnother,
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(
                f,
                "it is {}, which no run of aofkit makes here: look at it, and move it away",
                kind.name()
            ),
            Self::InCopy(kind) => write!(f, "it is {}, which we did not write", kind.name()),
            Self::User(uid) => write!(
                f,
                "it belongs to user {uid}, who does not own the set: look at it, and move it away or give it its owner"
            ),
            Self::Mounted => f.write_str("another file system is mounted here"),
            Self::Line { line, why } => {
                write!(f, "line {line}: {why}; nothing is done that this journal may speak of")
            }
            Self::Incomplete => f.write_str(
                "this journal does not say what the old files consisted of: nothing is taken back",
            ),
            Self::NotMade => f.write_str("its journal names a file that the change did not make"),
            Self::NoName => f.write_str("this is not the name of a file of the set"),
            Self::Hidden => {
                f.write_str("a journal names this hidden file, which is none of the set")
            }
            Self::OfAnother => {
                f.write_str("a journal names this file, which another change wrote beside")
            }
        }
    }
}
