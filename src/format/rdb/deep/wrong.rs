//! What can be wrong inside of a value whose outer structure is whole.
//!
//! Pure facts; a loader that does not look this deep may take any of them, and die of them later.

use thiserror::Error;

use crate::format::rdb::place::Key;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Wrong {
    /// A compressed string that does not expand to what it declares.
    #[error("a compressed string does not expand to the length it declares")]
    Lzf,
    /// A packed encoding smaller than it can be.
    #[error("the packed encoding is smaller than it can be")]
    TooSmall,
    /// The size in its header is not the size it has.
    #[error("the packed encoding's header tells another size than it has")]
    Size,
    /// No end mark at its end, or one before.
    #[error("the packed encoding does not end with its end mark")]
    EndMark,
    /// An entry of an unknown form.
    #[error("an entry of the packed encoding has an unknown form")]
    EntryForm,
    /// An entry longer than what is left.
    #[error("an entry of the packed encoding reaches beyond its end")]
    EntryPastEnd,
    /// An entry whose length backwards is not its length forwards.
    #[error("an entry of the packed encoding has another length backwards than forwards")]
    BackLength,
    /// More or fewer entries than the header tells.
    #[error("the packed encoding's header tells another number of entries than it has")]
    Count,
    /// The offset of the last entry is not where the last entry is.
    #[error("the packed encoding's header tells another place of its last entry")]
    LastEntry,
    /// A field without its value.
    #[error("the packed encoding holds a field or member without its partner")]
    Unpaired,
    /// A member or field that was there before.
    #[error("the value holds the same member or field twice")]
    DuplicateMember,
    /// Integers of a set, or expiries of fields, that are not in ascending order.
    #[error("the integers of a set, or the expiries of fields, are not in ascending order")]
    Order,
    /// A width other than 2, 4 and 8.
    #[error("the integers of a set have an impossible width")]
    Width,
    /// A score that is not a number.
    #[error("a score is not a number")]
    Score,
    /// An expiry of a field that no server can have written.
    #[error("the expiry of a hash field is out of range")]
    FieldExpiry,
    /// No elements at all: loaders skip the key.
    #[error("the value has no elements: loaders skip the key")]
    Empty,
    /// A plain list node without bytes.
    #[error("a list node has no bytes")]
    EmptyNode,
    /// Entries of a stream that do not follow its own counts.
    #[error("the entries of a stream node do not follow its counts")]
    StreamNode,
    /// Two nodes of a stream with one identifier.
    #[error("two nodes of a stream have the same identifier")]
    DuplicateNode,
    /// Entries announced, and no nodes.
    #[error("a stream announces entries and has no nodes")]
    StreamLength,
    /// Two groups or consumers with one name.
    #[error("a stream has two groups, or a group two consumers, of one name")]
    DuplicateName,
    /// An identifier twice among pending entries.
    #[error("an identifier stands twice among pending entries")]
    DuplicatePending,
    /// A consumer's pending entry that its group does not have.
    #[error("a consumer's pending entry is not among those of its group")]
    ForeignPending,
    /// A pending entry of a group that no consumer has.
    #[error("a pending entry of a group belongs to no consumer")]
    UnownedPending,
    /// A key that was there before in the same database: loaders stop at it.
    #[error("the key stands twice in its database")]
    DuplicateKey,
}

/// Something wrong, where, and in which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What.
    pub wrong: Wrong,
    /// Offset of the token, bytes: of the string that holds a packed encoding.
    pub at: u64,
    /// Offset inside of that string, once expanded.
    pub inside: Option<u64>,
    /// The key it belongs to.
    pub key: Key,
}

impl Flaw {
    /// Whether loaders meet it even with `sanitize-dump-payload no`: because they build the value from
    /// it, or look at the header of each packed encoding.
    pub const fn stops_loaders(&self) -> bool {
        match self.wrong {
            Wrong::Lzf
            | Wrong::TooSmall
            | Wrong::Size
            | Wrong::Width
            | Wrong::Score
            | Wrong::EmptyNode
            | Wrong::FieldExpiry
            | Wrong::DuplicateNode
            | Wrong::StreamLength
            | Wrong::DuplicateName
            | Wrong::DuplicatePending
            | Wrong::ForeignPending
            | Wrong::DuplicateKey => true,
            // Plain members are put into a table one by one; packed ones are taken as they are.
            Wrong::DuplicateMember => self.inside.is_none(),
            _ => false,
        }
    }
}
