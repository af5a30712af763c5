//! Why a set is not converted.

use std::fmt;

/// Why a set is not converted. In words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The target does not take all of it, or whether it does is not known.
    NotTaken,
    /// It is not sound.
    NotSound,
    /// The next start of a server completes an upgrade.
    UpgradePending,
    /// A file of it is packed or a stream.
    NotPlain,
    /// It is to become an RDB, and its base is none.
    BaseIsNoRdb,
    /// It is to become an RDB, and holds commands.
    HoldsCommands,
    /// A key of the base is too long to be told.
    LongKey,
    /// Something stands between a key and its expiry.
    Between,
    /// Slots are on their way from another node.
    SlotsOnTheirWay,
    /// Commands stand among the keys of the base.
    CommandsAmongKeys,
    /// The base names too many databases and slots.
    ManyDatabases,
    /// What is taken lies in too many pieces.
    ManyPieces,
    /// An increment begins with an RDB.
    RdbInIncrement,
    /// No known server has a command.
    UnknownCommand,
    /// A SORT looks up keys by a pattern.
    SortByPattern,
    /// Of this command it cannot be told, or done, what of it is taken.
    Command(String, OfCommand),
}

/// What is wrong with a command of which a part may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfCommand {
    /// A key of it is too long to be told.
    LongKey,
    /// It names more keys than can be looked at.
    ManyKeys,
    /// It is a script that names no keys.
    NoKeys,
    /// It stands between a database that is taken and one that is not.
    TwoDatabases,
    /// It names keys that are taken and others, and cannot be split.
    Unsplittable,
    /// It is too large to be split.
    TooLarge,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTaken => {
                "the target does not take all of it, or aofkit does not know whether it does: see `aofkit check`; --target \
                 names another server"
            }
            Self::NotSound => "it is not sound: see `aofkit check`, and repair it first",
            Self::UpgradePending => "an upgrade is to be completed by a server's next start",
            Self::NotPlain => "a file of it is packed or a stream: write it out first",
            Self::BaseIsNoRdb => "its base is no RDB",
            Self::HoldsCommands => {
                "it holds commands beside its base, which an RDB cannot: let a server save it"
            }
            Self::LongKey => "a key is too long to be told",
            Self::Between => {
                "something stands between a key and its expiry, which no server writes"
            }
            Self::SlotsOnTheirWay => {
                "slots are on their way from another node: let the server finish"
            }
            Self::CommandsAmongKeys => {
                "commands stand among its keys: which keys they change is not told"
            }
            Self::ManyDatabases => "it names too many databases and slots",
            Self::ManyPieces => "what is taken lies in too many pieces",
            Self::RdbInIncrement => {
                "an increment begins with an RDB, which cannot stand behind commands"
            }
            Self::UnknownCommand => "no known server has this command: its keys are unknown",
            Self::SortByPattern => "SORT looks up keys by a pattern: which ones cannot be told",
            Self::Command(name, why) => return write!(f, "{name}{}", why.as_str()),
        })
    }
}

impl OfCommand {
    const fn as_str(self) -> &'static str {
        match self {
            Self::LongKey => ": a key is too long to be told",
            Self::ManyKeys => ": it names more keys than can be looked at",
            Self::NoKeys => " without keys: what it changes cannot be told",
            Self::TwoDatabases => " between a database that is taken and one that is not",
            Self::Unsplittable => {
                " names keys that are taken and keys that are not: it cannot be split"
            }
            Self::TooLarge => ": it is too large to be split",
        }
    }
}
