//! Where neighbours of a set lie.

/// Where neighbours lie, and what they are by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bases and increments of this set's name that no manifest line names.
    Orphans,
    /// What a server appends to from the moment it is told to keep a log until its first rewrite is done.
    TemporaryIncrement,
    /// What a rewrite or a save writes before it is done.
    TemporaryBase,
    /// A pre-7.0 file of the set's name in the server's directory.
    SingleFile,
    /// A snapshot in the server's directory.
    Dump,
    /// Another set of the same server's directory, of another name.
    OtherSet,
    /// A set inside the directory of this one.
    Inside,
    /// A sealed backup that the server made of itself.
    SealedBackup,
}

impl Place {
    /// Whether it is a set with a manifest of its own.
    pub const fn is_set(self) -> bool {
        matches!(self, Self::OtherSet | Self::Inside | Self::SealedBackup)
    }
}
