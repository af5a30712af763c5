//! What `aofkit snapshots` takes.

use clap::Args as ClapArgs;

use crate::cli::common::repository::Place;

#[derive(Debug, ClapArgs)]
pub struct SnapshotsArgs {
    #[command(flatten)]
    pub place: Place,
}
