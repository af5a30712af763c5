//! What is wrong with the payload of a RESTORE.

use crate::format::rdb::payload::Inside;

/// What is wrong with a payload.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The start of the key.
    pub key: Vec<u8>,
    /// What is wrong.
    pub fault: PayloadFault,
    /// The target ends at it.
    pub ends: bool,
}

/// The same without the key.
#[derive(Clone, Debug)]
pub enum PayloadFault {
    /// It is shorter than any.
    Short,
    /// Its checksum does not fit.
    Checksum {
        /// As it tells.
        stored: u64,
        /// As its bytes have it.
        computed: u64,
    },
    /// A version of the format that the target does not take.
    Version(u16),
    /// Its value.
    Inside(Inside),
}
