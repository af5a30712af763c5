//! Observers that count. They judge nothing: damage is bytes without a meaning here.

mod base_runs;
mod deletes;
mod faults;
mod key_report;
mod keys;
mod keyspace;
mod mix;
mod pattern;
mod prefixes;
mod sketch;

pub use crate::format::slot::{SLOTS, slot};
pub use deletes::{DeleteReport, DeletedRow, Deletes, Flush, STRETCH, Storm};
pub use faults::Faults;
pub use key_report::{KeyReport, KeyRow, PrefixRow, RewriteRow, SlotRow};
pub use keys::{KeyOptions, KeyTraffic};
pub use keyspace::{
    BigKey, DatabaseKeys, Expiry, FieldTtls, Frequency, Idle, KeySpace, KeySpaceOptions,
    KeySpaceReport, ModuleRow, Streams, TypeRow,
};
pub use mix::{CommandRow, DatabaseRow, GroupRow, Mix, MixReport, Totals};
pub use pattern::Grouping;
pub use sketch::HyperLogLog;
