//! A line about an import of slots of a cluster.

/// A line about an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Import {
    /// It begins.
    Begun {
        /// Its name.
        name: Box<[u8]>,
        /// The slots, for a reader.
        slots: String,
        /// Offset of the record.
        at: u64,
        /// Bytes of it.
        len: u64,
    },
    /// One that began in an earlier file ends, well or not.
    Ended(Box<[u8]>),
}
