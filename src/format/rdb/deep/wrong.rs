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
    /// No end mark at its end.
    #[error("the packed encoding does not end with its end mark")]
    EndMark,
    /// An end mark before its end.
    #[error("the packed encoding holds an end mark before its end")]
    EarlyEnd,
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
    /// A score whose text spells no number.
    #[error("the text of a score spells no number")]
    ScoreText,
    /// An expiry of a field that no server can have written.
    #[error("the expiry of a hash field is out of range")]
    FieldExpiry,
    /// An expiry of a packed field that is not a number at all.
    #[error("the expiry of a hash field is not a number")]
    FieldExpiryForm,
    /// No elements at all: loaders skip the key.
    #[error("the value has no elements: loaders skip the key")]
    Empty,
    /// A plain list node without bytes, or a stream node without entries.
    #[error("a node holds nothing")]
    EmptyNode,
    /// Entries of a stream that do not follow its own counts.
    #[error("the entries of a stream node do not follow its counts")]
    StreamNode,
    /// Two nodes of a stream with one identifier.
    #[error("two nodes of a stream have the same identifier")]
    DuplicateNode,
    /// More or fewer entries in the nodes of a stream than it announces.
    #[error("a stream announces another number of entries than its nodes hold")]
    StreamCount,
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
    /// A pending entry that two consumers of a group have.
    #[error("a pending entry belongs to two consumers of its group")]
    SharedPending,
    /// A pending entry of a group that no consumer has.
    #[error("a pending entry of a group belongs to no consumer")]
    UnownedPending,
    /// A key that was there before in the same database: loaders stop at it.
    #[error("the key stands twice in its database")]
    DuplicateKey,
}

/// How much of a value a loader looks at by itself, that is with `sanitize-dump-payload no` where it has that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Care {
    /// What it builds the value from; packed encodings by their header (Redis 6.2).
    Trusts,
    /// The same; ziplists and zipmaps entry by entry, for it makes listpacks of them (Redis from 7.0 on).
    Converts,
    /// Everything (Valkey 9.1).
    Opens,
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
    /// The value is a hash so small that loaders hold it as a listpack, and do not compare its fields.
    pub is_small_hash: bool,
}

impl Flaw {
    /// Whether it stops a loader of so much care. A key without elements is passed over.
    pub const fn stops(&self, care: Care) -> bool {
        match care {
            Care::Opens => !matches!(self.wrong, Wrong::Empty) || self.is_intset(),
            Care::Converts => self.is_met() || self.is_in_ziplist(),
            Care::Trusts => match self.wrong {
                Wrong::StreamLength => false,
                // A list of one ziplist becomes one of several: its entries are walked.
                Wrong::EntryForm | Wrong::EntryPastEnd | Wrong::BackLength => {
                    matches!(self.key.kind, 9 | 10)
                }
                _ => self.is_met() || self.key.kind == 9 && self.is_in_ziplist(),
            },
        }
    }

    /// Whether it may stop a loader of so much care, or not: of streams of version 1 entries are read to find the first,
    /// and only the newest servers compare the expiries of packed fields.
    pub const fn may_stop(&self, care: Care) -> bool {
        matches!(
            (self.wrong, care, self.key.kind),
            (Wrong::StreamNode, Care::Converts, 15) | (Wrong::FieldExpiry, Care::Converts, 25)
        )
    }

    /// Whether it stops a loader with `sanitize-dump-payload yes`.
    pub const fn stops_sanitizing(&self) -> bool {
        self.stops(Care::Opens) && !self.is_taken_by_most()
    }

    /// The same where the value is a payload of RESTORE in a log: of some of it a server only answers an error.
    pub const fn stops_in_restore(&self, care: Care) -> bool {
        let is_error_only = match self.wrong {
            Wrong::ScoreText => true,
            Wrong::EmptyNode => self.key.kind == 18,
            Wrong::FieldExpiry => self.key.kind == 22,
            _ => false,
        };
        !is_error_only && self.stops(care)
    }

    /// Whether even loaders that are told to look at everything take it: all but those of [`Care::Opens`].
    pub const fn is_taken_by_most(&self) -> bool {
        match self.wrong {
            Wrong::StreamCount | Wrong::SharedPending => true,
            Wrong::Score => self.inside.is_some(),
            _ => false,
        }
    }

    const fn is_intset(&self) -> bool {
        self.key.kind == 11
    }

    /// It lies in a ziplist or a zipmap, which become listpacks.
    const fn is_in_ziplist(&self) -> bool {
        matches!(self.key.kind, 9 | 10 | 12..=14)
            && !matches!(self.wrong, Wrong::Empty | Wrong::Score)
    }

    /// Loaders build the value from it, or look at the header of each packed encoding.
    const fn is_met(&self) -> bool {
        match self.wrong {
            Wrong::Lzf
            | Wrong::TooSmall
            | Wrong::Size
            | Wrong::EndMark
            | Wrong::Width
            | Wrong::ScoreText
            | Wrong::EmptyNode
            | Wrong::FieldExpiryForm
            | Wrong::DuplicateNode
            | Wrong::StreamLength
            | Wrong::DuplicateName
            | Wrong::DuplicatePending
            | Wrong::ForeignPending
            | Wrong::DuplicateKey => true,
            Wrong::Score | Wrong::FieldExpiry => self.inside.is_none(),
            Wrong::Empty => self.is_intset(),
            Wrong::Unpaired => self.key.kind == 25,
            // Plain members are put into a table one by one; packed ones are taken as they are.
            Wrong::DuplicateMember => self.inside.is_none() && !self.is_small_hash,
            _ => false,
        }
    }
}
