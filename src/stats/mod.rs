//! Observers that count. They judge nothing: damage is bytes without a meaning here.

mod growth;
mod keyspace;
mod mix;

pub use growth::Growth;
pub use keyspace::{
    BigKey, DatabaseKeys, Expiry, FieldTtls, Frequency, Idle, KeySpace, KeySpaceOptions,
    KeySpaceReport, ModuleRow, Streams, TypeRow,
};
pub use mix::{CommandRow, DatabaseRow, Mix, MixReport, Totals};
