//! Why an RDB file cannot be walked any further.
//!
//! Knows only numbers. Says nothing about which key was being read: that is [`super::place::Place`].

use thiserror::Error;

/// What is wrong with the bytes, or with our knowledge of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The data end inside this token, at least `missing` bytes too early.
    #[error("the data end at least {missing} bytes too early")]
    Torn {
        /// Bytes that are missing at the least.
        missing: u64,
    },
    /// A count whose elements cannot fit before the end of the data: cut short, or a wrong count.
    #[error("{count} elements need at least {least} bytes, but only {left} are left")]
    CountPastEnd {
        /// Declared number of elements.
        count: u64,
        /// Bytes they need at the least.
        least: u64,
        /// Bytes from here to the end of the data.
        left: u64,
    },
    /// The first bytes are neither `REDIS` nor `VALKEY`.
    #[error("not an RDB file: it starts with neither REDIS nor VALKEY")]
    NotRdb,
    /// An RDB packed as a whole (`VCS` or `VKCS` in front).
    #[error("the RDB is compressed as a whole, which is not supported")]
    PackedRdb,
    /// A captured replication transfer (`$EOF:` or `$<n>` in front), not a file.
    #[error("this is a replication transfer, not an RDB file")]
    ReplicationTransfer,
    /// The version after the magic is not made of digits.
    #[error("the RDB version is not a number")]
    VersionNotNumber,
    /// A version this family never writes (`REDIS` has 1 to 79, `VALKEY` 80 and more).
    #[error("version {0} does not go with this magic")]
    VersionOutOfFamily(u32),
    /// A lead byte that starts no length (`82` to `BF`).
    #[error("byte {0:#04x} starts no length")]
    LengthLead(u8),
    /// A string encoding (`C0` to `FF`) where a plain number must stand.
    #[error("byte {0:#04x} is a string encoding where a number is expected")]
    LengthIsEncoding(u8),
    /// A string encoding that does not exist (`C4` to `FF`).
    #[error("byte {0:#04x} is an unknown string encoding")]
    StringEncoding(u8),
    /// An LZF string that claims to grow more than LZF can.
    #[error("{packed} LZF bytes cannot expand to {expanded}")]
    LzfTooDense {
        /// Compressed length, bytes.
        packed: u64,
        /// Declared length after expansion, bytes.
        expanded: u64,
    },
    /// A count no file could hold.
    #[error("{0} elements are more than any file can hold")]
    CountImpossible(u64),
    /// A string no file could hold.
    #[error("a string is longer than any file can be")]
    StringImpossible,
    /// A quicklist node that is neither plain (1) nor packed (2).
    #[error("list node container {0} is neither plain (1) nor packed (2)")]
    Container(u64),
    /// A yes-or-no field with another value.
    #[error("flag {0} is neither 0 nor 1")]
    Flag(u64),
    /// A constant field with another value.
    #[error("found {found} where {wanted} must stand")]
    Constant {
        /// The number that must stand here.
        wanted: u64,
        /// The number found.
        found: u64,
    },
    /// A stream node identifier that is not 16 bytes long.
    #[error("a stream node identifier has {0} bytes instead of 16")]
    NodeId(u64),
    /// More metadata classes on a key than there can be.
    #[error("{0} metadata classes on one key, at most 7 exist")]
    MetadataClasses(u64),
    /// Key metadata that is not directly followed by a value type.
    #[error("key metadata is followed by {0}, which is not a value type")]
    MetadataWithoutKey(u8),
    /// Bytes that are not a RESP command inside an update opcode.
    #[error("byte {0:#04x} does not belong to a RESP command")]
    InlineCommand(u8),
    /// A hash template without fields.
    #[error("a hash template has no fields")]
    EmptyTemplate,
    /// A type or opcode number with no meaning in this family.
    #[error("unknown type or opcode {0}")]
    UnknownNumber(u8),
    /// A module value of the release candidates of Redis 4.0, whose size cannot be known.
    #[error("module value of a pre-release format (type 6)")]
    ModulePreRelease,
    /// A module operation with no meaning, whose size cannot be known.
    #[error("unknown module operation {0}")]
    ModuleOperation(u64),
    /// An array element with an unknown tag, whose size cannot be known.
    #[error("unknown array element tag {0}")]
    ArrayTag(u64),
    /// A hash that refers to a template nobody declared.
    #[error("unknown hash template {0}")]
    TemplateUnknown(u64),
    /// An inline hash template in an unknown form.
    #[error("unknown hash template form {0}")]
    TemplateForm(u64),
    /// An inline hash template whose number of fields cannot be told.
    #[error("the number of fields of an inline hash template cannot be told")]
    TemplateNames,
    /// More templates than are remembered.
    #[error("more than {0} hash templates")]
    TemplatesTooMany(usize),
}

/// The four kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The data end too early.
    Torn,
    /// This is no RDB file, or its first nine bytes are wrong.
    Header,
    /// The bytes break the format.
    Malformed,
    /// The bytes may be fine, but their size cannot be known here.
    Unsupported,
}

impl Reason {
    /// Which kind of reason this is. A count past the end counts as torn: a wrong count cannot be told
    /// from a file that was cut.
    pub const fn class(self) -> Class {
        match self {
            Self::Torn { .. } | Self::CountPastEnd { .. } => Class::Torn,
            Self::NotRdb | Self::VersionNotNumber | Self::VersionOutOfFamily(_) => Class::Header,
            Self::PackedRdb
            | Self::ReplicationTransfer
            | Self::UnknownNumber(_)
            | Self::ModulePreRelease
            | Self::ModuleOperation(_)
            | Self::ArrayTag(_)
            | Self::TemplateUnknown(_)
            | Self::TemplateForm(_)
            | Self::TemplateNames
            | Self::TemplatesTooMany(_) => Class::Unsupported,
            _ => Class::Malformed,
        }
    }
}

/// Why reading one token stopped: too few bytes in the window, or wrong bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// At least this many bytes, counted from the start of the token, must be in the window.
    Need(usize),
    /// The token is wrong.
    Bad(Reason),
}
