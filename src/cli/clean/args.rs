//! What `aofkit clean` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::reading::Reading;
use crate::cli::common::times;

#[derive(Debug, ClapArgs)]
pub struct CleanArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Carry the plan out; without this it is only printed
    #[arg(long)]
    pub apply: bool,
    /// Leave files alone that were written to less than this ago: 90s, 15m, 2h, 7d
    #[arg(long, value_name = "AGE", default_value = "1h", env = "AOFKIT_MIN_AGE",
        value_parser = min_age)]
    pub min_age: Duration,
    /// Delete the files instead of moving them aside: this cannot be taken back
    #[arg(long)]
    pub delete: bool,
    /// Move the files below DIR instead of beside the set
    #[arg(long, value_name = "DIR", env = "AOFKIT_KEEP_IN", conflicts_with = "delete")]
    pub keep_in: Option<PathBuf>,
}

pub fn min_age(text: &str) -> std::result::Result<Duration, String> {
    let age = times::duration(text).and_then(|age| Duration::try_from(age).ok());
    age.ok_or_else(|| "write a duration such as 90s, 15m, 2h or 7d".to_owned())
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit clean /var/lib/redis", "print the plan"),
        ("aofkit clean --apply /var/lib/redis", "move the leftovers aside"),
        ("aofkit clean --min-age 7d --apply .", "only files a week old"),
    ],
    remark: "`clean` never touches a base or increment that the manifest names, a file that a process has open, or a\n\
        file younger than --min-age. Beside a running server it leaves what the manifest may be about to name.",
    exits: &[
        (Outcome::Done, "done, or nothing to do"),
        (Outcome::CouldNot, "failed: the manifest is missing or invalid, or the system refuses"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
        (Outcome::InUse, "another run works on the set, or a file was opened meanwhile"),
    ],
};
