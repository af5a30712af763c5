//! What is answered about keys that were written to: plain rows.

use super::written::Written;

/// A key that was written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The key, or its first bytes.
    pub key: Vec<u8>,
    /// It is longer than what is shown.
    pub is_cut: bool,
    /// The database it is in.
    pub db: u64,
    /// Records whose first key it is; as with `bytes`, those counted while it was among the heaviest.
    pub commands: u64,
    /// At most so many bytes of records.
    pub bytes: u64,
    /// By how much `bytes` may be too large; 0 when exact.
    pub error_bytes: u64,
    /// At most so many records may have come before the `commands` counted.
    pub error_commands: u64,
    /// Bytes it takes in the base, 0 when it is not there; `None` when that was not kept of so small a key
    /// among so many.
    pub base_bytes: Option<u64>,
    /// When the first and the last of these records were written.
    pub written: Written,
}

/// Keys by how often they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RewriteRow {
    /// At least so many records.
    pub times_from: u64,
    /// At most so many; `None`: no end.
    pub times_to: Option<u64>,
    /// Keys that are the first key of so many records.
    pub keys: u64,
    /// Standard error of `keys`; 0 when they were counted.
    pub error_keys: u64,
}

/// A family of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixRow {
    /// `*` stands for what differs; `*` alone is everything that is in no other row of the same depth.
    pub prefix: Vec<u8>,
    /// How many words it is made of, when that was asked for.
    pub depth: Option<usize>,
    /// Records.
    pub commands: u64,
    /// Bytes of records.
    pub bytes: u64,
    /// Different keys, within [`super::HyperLogLog::ERROR`].
    pub keys_estimate: u64,
    /// Keys in the base.
    pub base_keys: u64,
    /// Bytes they take there.
    pub base_bytes: u64,
    /// When the first and the last record were written.
    pub written: Written,
}

/// A hash slot that was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRow {
    /// Its number.
    pub slot: u16,
    /// Records.
    pub commands: u64,
    /// Bytes of records.
    pub bytes: u64,
}

/// What a [`super::KeyTraffic`] answers. Rows come heaviest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyReport {
    /// The heaviest keys.
    pub keys: Option<Vec<KeyRow>>,
    /// The keys written most often, by records.
    pub most_often: Option<Vec<KeyRow>>,
    /// Families of keys; the rows of one depth add up to all bytes of records.
    pub prefixes: Option<Vec<PrefixRow>>,
    /// Hash slots; records without a key are in none.
    pub slots: Option<Vec<SlotRow>>,
    /// Slots that were written to, those in no row included.
    pub slots_used: u64,
    /// Different keys altogether, within [`super::HyperLogLog::ERROR`].
    pub keys_estimate: u64,
    /// That is no estimate: they were few enough to be counted.
    pub is_exact: bool,
    /// Keys by how often they were written; the first row are those written once and never again.
    pub rewrites: Vec<RewriteRow>,
    /// Keys in the base, when keys or prefixes were asked for.
    pub base_keys: u64,
    /// Bytes they take there.
    pub base_bytes: u64,
    /// No key that is not in the table was written more to than this; 0 when all of them are in it.
    pub threshold_bytes: u64,
}
