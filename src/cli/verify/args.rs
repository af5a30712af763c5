//! What `aofkit verify` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::repository::Place;
use crate::cli::common::trial::LoadArgs;

#[derive(Debug, ClapArgs)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub place: Place,
    /// Also decompress and parse all data, or one part of it: --data=1/7 is the first seventh
    #[arg(long, value_name = "N/OF", num_args = 0..=1, require_equals = true,
        default_missing_value = "1/1", value_parser = slice, env = "AOFKIT_DATA")]
    pub data: Option<(u64, u64)>,
    /// Also load the newest snapshot of each source into this server and compare all keys.
    ///
    /// They are compared with a second server that gets the snapshot's commands one by one
    #[arg(long, value_name = "PATH-TO-SERVER", env = "AOFKIT_LOAD")]
    pub load: Option<PathBuf>,
    #[command(flatten)]
    pub given: LoadArgs,
    /// Write down in the repository when it was verified and what was found, for `aofkit status`.
    ///
    /// Without it nothing is written
    #[arg(long)]
    pub record: bool,
}

/// Reads `1/7`.
pub fn slice(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(n, of)| Some((n.parse().ok()?, of.parse().ok()?)));
    let fits = parts.filter(|(n, of)| 1 <= *n && n <= of);
    fits.ok_or_else(|| format!("'{text}' is not a part such as 1/7"))
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit verify --repo /backup/redis", "are all objects there and unchanged?"),
        ("aofkit verify --repo R --data=1/7", "also parse a seventh of the data"),
        ("aofkit verify --repo R --data=1/7 --record", "the same, and `aofkit status` tells of it"),
        ("aofkit verify --repo R --load /usr/bin/redis-server", "also load the newest snapshots"),
    ],
    remark: "",
    exits: &[
        (Outcome::Done, "every snapshot can be restored"),
        (Outcome::CouldNot, "the repository could not be read"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "there is no repository"),
        (Outcome::InUse, "another run prunes the repository"),
        (Outcome::Unsupported, "a snapshot was not loaded: the trial could not be held safely"),
        (Outcome::BadBackup, "a snapshot is damaged, or does not load"),
        (Outcome::Interrupted, "interrupted"),
    ],
};
