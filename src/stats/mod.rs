//! Observers that count. They judge nothing: damage is bytes without a meaning here.

mod growth;
mod mix;

pub use growth::Growth;
pub use mix::{CommandRow, DatabaseRow, Mix, MixReport, Totals};
