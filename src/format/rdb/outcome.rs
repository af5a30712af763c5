//! What a whole walk found.
//!
//! Pure values. Remarks are oddities that stop no walk; what they mean is judged elsewhere.

use super::fields::Fields;
use super::header::Header;
use super::met::{Met, Module};
use super::strays::Strays;

/// How often something happened, and where first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// Offset of the first, bytes.
    pub first_at: Option<u64>,
}

impl Tally {
    const NONE: Self = Self { count: 0, first_at: None };

    pub(super) fn note(&mut self, at: u64) {
        self.count = self.count.saturating_add(1);
        self.first_at.get_or_insert(at);
    }
}

/// Oddities that do not stop a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remarks {
    /// The version is newer than the tables: the walk was a best effort.
    pub is_newer_version: bool,
    /// Numbers that came into the format after the declared version.
    pub too_new_numbers: Tally,
    /// Lists, sets, sorted sets and hashes without elements: servers skip them at load.
    pub empty_values: Tally,
    /// Packed encodings smaller than they can be, or held as integers: servers refuse them.
    pub bad_blobs: Tally,
    /// Keys or fields whose LZF does not expand to what it declares: servers refuse them.
    pub bad_lzf: Tally,
    /// Expiry, idle time, frequency or metadata with no key after it: servers ignore them.
    pub loose_prefixes: Tally,
    /// Databases whose keys or expires are not as many as announced; at the two
    /// numbers. Servers never compare them.
    pub wrong_sizes: Tally,
}

impl Remarks {
    pub(super) const NONE: Self = Self {
        is_newer_version: false,
        too_new_numbers: Tally::NONE,
        empty_values: Tally::NONE,
        bad_blobs: Tally::NONE,
        bad_lzf: Tally::NONE,
        loose_prefixes: Tally::NONE,
        wrong_sizes: Tally::NONE,
    };
}

/// What a whole walk found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Family and version.
    pub header: Header,
    /// Offset of the header, bytes.
    pub start: u64,
    /// Offset just after the trailer, bytes: where RESP commands may begin.
    pub end: u64,
    /// The CRC-64 in the trailer; 0 when it was switched off, `None` when the version has none.
    pub stored_checksum: Option<u64>,
    /// Auxiliary fields, as far as they were kept.
    pub fields: Fields,
    /// Whole keys.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// Times a database was named.
    pub databases: u64,
    /// The last database named; 0 when none was.
    pub last_db: u64,
    /// The highest number of a database named; 0 when none was.
    pub highest_db: u64,
    /// Function libraries.
    pub functions: u64,
    /// Types and opcodes, in the order of their numbers.
    pub met: Vec<Met>,
    /// Modules that it has something of.
    pub modules: Vec<Module>,
    /// Keys under another slot than their own.
    pub strays: Strays,
    /// Oddities.
    pub remarks: Remarks,
}

impl Outcome {
    /// Commands that stand among its keys (Valkey's saves without fork): what they change was counted as it was
    /// before.
    pub fn inline_commands(&self) -> u64 {
        self.met.iter().find(|met| met.row.is_command()).map_or(0, |met| met.count)
    }

    /// What was met of which no server that has it was run here: its layout was read, and it fitted.
    pub fn documented_only(&self) -> impl Iterator<Item = &Met> {
        self.met.iter().filter(|met| met.row.is_documented_only(self.header.family))
    }
}
