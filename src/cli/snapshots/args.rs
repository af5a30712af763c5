//! What `aofkit snapshots` takes.

use clap::Args as ClapArgs;

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::repository::Place;

#[derive(Debug, ClapArgs)]
pub struct SnapshotsArgs {
    #[command(flatten)]
    pub place: Place,
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit snapshots --repo /backup/redis", "all snapshots"),
        ("aofkit snapshots --repo R --json | jq '.snapshots[-1].id'", "the newest, for a script"),
    ],
    remark: "",
    exits: &[
        (Outcome::Done, "listed"),
        (Outcome::CouldNot, "the repository could not be read"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "there is no repository, or no such source"),
        (Outcome::BadBackup, "a snapshot's entry is damaged"),
    ],
};
