//! Why nothing is written to a target.

use std::fmt;

use crate::text::size;

/// Why nothing is written to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hindrance {
    /// It follows another server.
    Replica,
    /// It is loading its data.
    Loading,
    /// It does not tell what it is.
    Untold,
    /// It is not the server that was looked at.
    OtherRun {
        /// The one that was.
        expected: String,
        /// The one that is.
        found: String,
    },
    /// Its last write to its log failed, so it takes no writes.
    LogFails,
    /// With these keys it would have no room below its limit.
    NoRoom {
        /// What the keys need.
        needed: u64,
        /// What it has in use.
        used: u64,
        /// Its limit.
        most: u64,
    },
    /// It has no such database.
    NoDatabase(u64),
    /// A node of the cluster has no primary for this slot.
    NoNode(u16),
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replica => {
                f.write_str("it is a replica, and follows its primary: name the primary")
            }
            Self::Loading => f.write_str("it is loading its data"),
            Self::Untold => {
                f.write_str("it does not tell its run id, its role or its memory (INFO)")
            }
            Self::OtherRun { expected, found } => {
                write!(
                    f,
                    "it is another server, or was started anew: its run id is {found}, not {expected}"
                )
            }
            Self::LogFails => {
                f.write_str("its last write to its log failed, so it takes no writes")
            }
            Self::NoRoom { needed, used, most } => write!(
                f,
                "{} are needed, and {} of its {} (maxmemory) are in use: it would evict keys or refuse writes",
                size(*needed),
                size(*used),
                size(*most)
            ),
            Self::NoDatabase(db) => write!(f, "it has no database {db}"),
            Self::NoNode(slot) => write!(f, "no primary of the cluster serves slot {slot}"),
        }
    }
}
