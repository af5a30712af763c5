//! Observers that count. They judge nothing: damage is bytes without a meaning here.

mod base_runs;
mod deletes;
mod faults;
mod key_report;
mod keys;
mod keyspace;
pub(crate) mod memory;
mod mix;
mod pattern;
pub(crate) mod prefixes;
mod sketch;
mod words;
pub(crate) mod written;

pub use crate::format::slot::{SLOTS, slot};
pub use deletes::{DeleteReport, DeletedRow, Deletes, Flush, STRETCH, Storm};
pub use faults::Faults;
pub use key_report::{KeyReport, KeyRow, PrefixRow, RewriteRow, SlotRow};
pub use keys::{KeyOptions, KeyTraffic};
pub use keyspace::{
    BigKey, DatabaseKeys, Expiry, FieldTtls, Frequency, IDLE_STEPS, Idle, IdleRow, KeySpace,
    KeySpaceOptions, KeySpaceReport, MemorySum, ModuleRow, Streams, TypeRow,
};
pub use memory::MemoryServer;
pub use mix::{CommandRow, DatabaseRow, Framing, GroupRow, Mix, MixReport, Totals};
pub use pattern::Grouping;
pub use sketch::HyperLogLog;
pub use written::Written;
