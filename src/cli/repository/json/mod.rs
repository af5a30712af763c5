//! JSON of the verbs that work on repositories.

mod backup;
mod head;
mod pruned;
mod restored;
mod snapshot;
mod verified;

pub use backup::{Failed, backup, backups};
pub use pruned::pruned;
pub use restored::restored;
pub use snapshot::snapshots;
pub use verified::verified;
